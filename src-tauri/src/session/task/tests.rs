use std::sync::{Arc, Mutex, PoisonError};

use happening_api::endpoint::{Events, UpdateMe};
use happening_api::{EventFilter, UpdateUser};
use serde_json::json;
use tokio::sync::oneshot;

use super::*;
use crate::answering;
use crate::deep_link::Code;

/// A task that the test moves by hand, with the views that its listener heard.
struct Moved {
    task: Task,
    seen: watch::Receiver<Seen>,
    heard: Arc<Mutex<Vec<SessionView>>>,
    issuer: Issuer,
}

impl Moved {
    async fn new(name: &str) -> anyhow::Result<Self> {
        let url = answering::start(|base, path| match path {
            "/realm/.well-known/openid-configuration" => answering::description(base, &format!("{base}/realm/auth")),
            "/realm/keys" => r#"{"keys":[]}"#.to_owned(),
            _ => String::new(),
        })?;
        let issuer = Issuer::discover(reqwest::Client::new(), &format!("{url}/realm"), "app").await;
        let issuer = issuer.map_err(|error| anyhow::anyhow!("{error}"))?;
        let folder = std::env::temp_dir().join(format!("happening-task-{name}-{}", std::process::id()));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&heard);
        let tell = move |view: &SessionView| hears.lock().unwrap_or_else(PoisonError::into_inner).push(view.clone());
        let (task, seen) = Task::new(Backend::new(Url::parse(&url)?)?, folder, Box::new(tell));
        Ok(Self { task, seen, heard, issuer })
    }

    fn heard(&self) -> Vec<SessionView> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The result of a step that was begun in this turn.
    fn take_up(&mut self, step: Step) {
        self.task.take_up(self.task.turn, step);
    }

    /// A person signs in; `name` names tokens and person.
    fn sign_in(&mut self, name: &str) -> anyhow::Result<()> {
        self.begin()?;
        self.finish(name);
        self.take_up(Step::Identified(false, Ok((person(name), Stored::Yes))));
        Ok(())
    }

    fn begin(&mut self) -> anyhow::Result<()> {
        self.task.handle(Message::BeginSignIn(oneshot::channel().0));
        let pending = self.issuer.begin().map_err(|error| anyhow::anyhow!("{error}"))?;
        self.take_up(Step::Begun(Ok((self.issuer.clone(), pending))));
        Ok(())
    }

    fn finish(&mut self, name: &str) {
        let state = match &self.task.sign_in {
            SignIn::Waits(pending) => pending.state.clone(),
            _ => "none".to_owned(),
        };
        let callback = Callback { state, result: Ok(Code("code".to_owned())) };
        self.task.handle(Message::FinishSignIn(callback, oneshot::channel().0));
        self.take_up(Step::GotTokens(Purpose::SignIn, Ok((self.issuer.clone(), tokens(name)))));
    }

    /// Asks for a token. `None` while the task keeps the caller waiting.
    fn token(&mut self, turn: u64) -> Option<Result<String, ApiFailure>> {
        let (reply, mut answer) = oneshot::channel();
        self.task.handle(Message::Token { turn, refused: None, reply });
        answer.try_recv().ok()
    }
}

fn tokens(name: &str) -> Tokens {
    let (access, refresh) = (name.to_owned(), Some(format!("refresh {name}")));
    let now = Instant::now();
    Tokens { access, refresh, refresh_at: now + REFRESH_AGAIN * 10, ends_at: now + REFRESH_AGAIN * 20 }
}

fn person(name: &str) -> User {
    let id = format!("0198a7a4-3c5e-7d3f-9a65-0000000000{:02x}", name.len());
    serde_json::from_value(json!({ "id": id, "keycloak_id": name, "name": name, "email": "", "email_verified": true,
        "locale": null, "time_zone": null, "channels": {}, "created_at": "2027-01-01T00:00:00Z" }))
    .expect("a person")
}

fn signed_in(name: &str) -> SessionView {
    SessionView::SignedIn { user: Box::new(person(name)), remembered: true }
}

#[tokio::test]
async fn the_listener_hears_each_step_of_a_sign_in() -> anyhow::Result<()> {
    let mut moved = Moved::new("steps").await?;
    moved.sign_in("ada")?;
    let waiting = SessionView::Waiting { expires_in_s: TIME_MAX.as_secs() };
    assert_eq!(moved.heard(), [waiting, signed_in("ada")]);
    assert_eq!(moved.seen.borrow().user(), Some(&person("ada")));
    assert_eq!(moved.token(0), Some(Ok("ada".to_owned())));
    Ok(())
}

#[tokio::test]
async fn a_restored_session_gives_way_to_a_sign_in() -> anyhow::Result<()> {
    let mut moved = Moved::new("restored").await?;
    moved.begin()?;
    // the keyring answers late, and so does the refresh of what it had
    moved.take_up(Step::Loaded(Ok(Some("old".to_owned()))));
    let restore = Purpose::Restore { refresh: "old".to_owned() };
    moved.take_up(Step::GotTokens(restore, Ok((moved.issuer.clone(), tokens("old")))));
    assert!(moved.task.tokens.is_none(), "the sign-in would go on with the older session");
    moved.finish("ada");
    moved.take_up(Step::Loaded(Ok(None)));
    moved.take_up(Step::Identified(false, Ok((person("ada"), Stored::Yes))));
    assert_eq!(moved.heard().last(), Some(&signed_in("ada")));
    Ok(())
}

#[tokio::test]
async fn a_sign_in_replaces_one_whose_person_could_not_be_looked_up() -> anyhow::Result<()> {
    let mut moved = Moved::new("replaced").await?;
    moved.begin()?;
    moved.finish("ada");
    moved.take_up(Step::Identified(false, Err(SignInFailure::ServerBusy)));
    assert_eq!(moved.heard().last(), Some(&SessionView::Failed { reason: SignInFailure::ServerBusy }));
    moved.sign_in("barbara")?;
    assert_eq!(moved.seen.borrow().turn, 1, "calls of the first person would count as the second's");
    assert_eq!((moved.token(0), moved.token(1)), (Some(Err(ApiFailure::SessionEnded)), Some(Ok("barbara".to_owned()))));
    Ok(())
}

#[tokio::test]
async fn a_refused_refresh_ends_the_session() -> anyhow::Result<()> {
    let mut moved = Moved::new("refused").await?;
    moved.sign_in("ada")?;
    moved.task.go_on_with(Tokens { ends_at: Instant::now(), ..tokens("ada") });
    let (reply, mut answer) = oneshot::channel();
    moved.task.handle(Message::Token { turn: 0, refused: None, reply });
    assert!(answer.try_recv().is_err(), "the call does not wait for new tokens");
    let refused = LoginFailure::Asked(LoginError::Refused("invalid_grant".to_owned()));
    moved.take_up(Step::GotTokens(Purpose::Refresh, Err(refused)));
    assert_eq!(answer.try_recv(), Ok(Err(ApiFailure::SessionEnded)));
    assert_eq!(moved.heard().last(), Some(&SessionView::SignedOut { ended: true }));
    // the next sign-in is shown over the screen that is still open, and giving it up does not change that
    moved.begin()?;
    moved.task.handle(Message::CancelSignIn);
    assert_eq!(moved.heard().last(), Some(&SessionView::SignedOut { ended: true }));
    Ok(())
}

#[tokio::test]
async fn an_access_token_without_refresh_token_lasts_to_its_end() -> anyhow::Result<()> {
    let mut moved = Moved::new("without-refresh").await?;
    moved.sign_in("ada")?;
    moved.task.go_on_with(Tokens { refresh: None, refresh_at: Instant::now(), ..tokens("ada") });
    assert_eq!(moved.token(0), Some(Ok("ada".to_owned())));
    assert_eq!(moved.heard().last(), Some(&signed_in("ada")));
    moved.task.go_on_with(Tokens { refresh: None, ends_at: Instant::now(), ..tokens("ada") });
    assert_eq!(moved.token(0), Some(Err(ApiFailure::SessionEnded)));
    assert_eq!(moved.heard().last(), Some(&SessionView::SignedOut { ended: true }));
    Ok(())
}

#[tokio::test]
async fn answers_are_kept_for_the_session_that_asked() -> anyhow::Result<()> {
    let mut moved = Moved::new("answers").await?;
    let call = Call::from(Events { filter: EventFilter::default() });
    let answered = |moved: &mut Moved, turn: u64, call: &Call, value: Value| {
        let (reply, mut answer) = oneshot::channel();
        moved.task.handle(Message::Answered { turn, call: call.clone(), value, etag: None, reply });
        answer.try_recv().ok().flatten()
    };
    moved.sign_in("ada")?;
    assert_eq!(answered(&mut moved, 0, &call, json!([1])), Some(Answered { value: json!([1]), as_of: None }));
    assert!(moved.task.cache().get(&person("ada"), &call).is_some());
    let changed = Call::from(UpdateMe { body: UpdateUser::default() });
    let renamed = User { name: "Ada Lovelace".to_owned(), ..person("ada") };
    answered(&mut moved, 0, &changed, serde_json::to_value(&renamed)?);
    assert_eq!(moved.seen.borrow().user(), Some(&renamed));
    moved.task.handle(Message::SignOut(oneshot::channel().0));
    assert_eq!(answered(&mut moved, 0, &call, json!([2])), None);
    assert!(moved.task.cache().get(&person("ada"), &call).is_none(), "an answer was kept after signing out");
    Ok(())
}

#[tokio::test]
async fn a_lost_step_leaves_no_caller_waiting() -> anyhow::Result<()> {
    let mut moved = Moved::new("lost").await?;
    let (reply, mut page) = oneshot::channel();
    moved.task.handle(Message::BeginSignIn(reply));
    let lost = tokio::spawn(async { panic!("as a step would") }).await;
    let Err(error): Result<(), _> = lost else { anyhow::bail!("it did not panic") };
    moved.task.lost(0, &error);
    assert_eq!(page.try_recv(), Ok(None));
    assert_eq!(moved.heard(), [SessionView::Failed { reason: SignInFailure::ServiceAway }]);
    moved.sign_in("ada")?;
    assert_eq!(moved.heard().last(), Some(&signed_in("ada")));
    Ok(())
}
