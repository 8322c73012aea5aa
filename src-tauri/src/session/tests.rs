use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use happening_api::ApiFailure;
use tokio::task::JoinHandle;

use super::*;
use crate::answering;
use crate::deep_link::Code;
use crate::login::Tokens;

/// What a server and its sign-in service were asked for.
#[derive(Default)]
struct Asked {
    descriptions: AtomicUsize,
    tokens: AtomicUsize,
    logouts: AtomicUsize,
    /// Until it is set, neither description nor tokens are answered.
    may_answer: AtomicBool,
}

impl Asked {
    fn wait_until_it_may_answer(&self) {
        while !self.may_answer.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A server that is its own sign-in service.
fn server() -> anyhow::Result<(Url, Arc<Asked>)> {
    let asked = Arc::new(Asked::default());
    let counted = Arc::clone(&asked);
    let url = answering::start(move |base, path| match path {
        "/" => answering::about(base),
        "/realm/.well-known/openid-configuration" => {
            counted.descriptions.fetch_add(1, Ordering::SeqCst);
            counted.wait_until_it_may_answer();
            answering::description(base, &format!("{base}/realm/auth"))
        }
        "/realm/keys" => r#"{"keys":[]}"#.to_owned(),
        "/realm/token" => {
            let n = counted.tokens.fetch_add(1, Ordering::SeqCst) + 1;
            let refresh = format!("refresh {n}");
            serde_json::json!({ "access_token": format!("access {n}"), "token_type": "Bearer", "expires_in": 60,
                "refresh_token": refresh })
            .to_string()
        }
        "/realm/protocol/openid-connect/logout" => {
            counted.logouts.fetch_add(1, Ordering::SeqCst);
            "{}".to_owned()
        }
        _ => String::new(),
    })?;
    Ok((Url::parse(&url)?, asked))
}

fn cache_folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("happening-session-{name}-{}", std::process::id()))
}

/// A session, and with `tokens` one whose access token has come to its end.
fn session(server: Url, name: &str, tokens: bool) -> anyhow::Result<Arc<Session>> {
    let (messages, inbox) = mpsc::unbounded_channel();
    let cache_folder = cache_folder(name);
    let (mut task, seen) = Task::new(Backend::new(server)?, cache_folder.clone(), Box::new(|_| {}));
    if tokens {
        let now = Instant::now();
        let (access, refresh) = ("access 0".to_owned(), Some("refresh 0".to_owned()));
        task.go_on_with(Tokens { access, refresh, refresh_at: now, ends_at: now });
    }
    tokio::spawn(task.run(inbox));
    Ok(Arc::new(Session { messages, seen, cache_folder }))
}

async fn until(flag: impl Fn() -> bool) -> anyhow::Result<()> {
    let soon = async {
        while !flag() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    Ok(tokio::time::timeout(Duration::from_secs(20), soon).await?)
}

fn beginning(session: &Arc<Session>) -> JoinHandle<Option<Url>> {
    let session = Arc::clone(session);
    tokio::spawn(async move { session.begin_sign_in().await })
}

fn wanting_a_token(session: &Arc<Session>) -> JoinHandle<Result<String, ApiFailure>> {
    let session = Arc::clone(session);
    tokio::spawn(async move { session.token(0, None).await })
}

#[tokio::test]
async fn a_cancelled_sign_in_opens_no_browser() -> anyhow::Result<()> {
    let (server, asked) = server()?;
    let session = session(server, "cancelled", false)?;
    let begun = beginning(&session);
    until(|| asked.descriptions.load(Ordering::SeqCst) == 1).await?;
    session.cancel_sign_in();
    asked.may_answer.store(true, Ordering::SeqCst);
    assert_eq!(begun.await?, None, "a browser would be opened");
    assert_eq!(session.view(), SessionView::SignedOut { ended: false });
    assert_eq!(session.pending_url(), None, "the browser's answer would sign in");
    assert!(session.begin_sign_in().await.is_some(), "the next sign-in begins");
    Ok(())
}

#[tokio::test]
async fn two_windows_that_sign_in_at_once_open_the_same_page() -> anyhow::Result<()> {
    let (server, asked) = server()?;
    let session = session(server, "two-windows", false)?;
    let (one, other) = (beginning(&session), beginning(&session));
    until(|| asked.descriptions.load(Ordering::SeqCst) == 1).await?;
    asked.may_answer.store(true, Ordering::SeqCst);
    let page = one.await?;
    assert!(page.is_some());
    assert_eq!((other.await?, session.begin_sign_in().await), (page.clone(), page));
    assert_eq!(asked.descriptions.load(Ordering::SeqCst), 1);
    Ok(())
}

#[tokio::test]
async fn a_callback_of_another_sign_in_is_ignored() -> anyhow::Result<()> {
    let (server, asked) = server()?;
    asked.may_answer.store(true, Ordering::SeqCst);
    let session = session(server, "callback", false)?;
    let page = session.begin_sign_in().await;
    let callback = |state: &str| Callback { state: state.to_owned(), result: Ok(Code("code".to_owned())) };
    assert!(!session.finish_sign_in(callback("another")).await);
    assert_eq!(session.pending_url(), page, "the sign-in goes on waiting");
    let state = page.as_ref().and_then(|page| page.query_pairs().find(|(name, _)| name == "state"));
    let state = state.map(|(_, value)| value.into_owned()).unwrap_or_default();
    assert!(session.finish_sign_in(callback(&state)).await);
    assert!(!session.finish_sign_in(callback(&state)).await, "a callback is good for once");
    Ok(())
}

#[tokio::test]
async fn tokens_are_refreshed_once_for_all_calls() -> anyhow::Result<()> {
    let (server, asked) = server()?;
    let session = session(server, "refreshed", true)?;
    let calls: Vec<_> = (0..20).map(|_| wanting_a_token(&session)).collect();
    until(|| asked.descriptions.load(Ordering::SeqCst) == 1).await?;
    asked.may_answer.store(true, Ordering::SeqCst);
    for call in calls {
        assert_eq!(call.await?, Ok("access 1".to_owned()));
    }
    assert_eq!(session.token(0, None).await, Ok("access 1".to_owned()));
    assert_eq!(asked.tokens.load(Ordering::SeqCst), 1, "a refresh token was sent twice");
    // a token that the server refuses is replaced
    assert_eq!(session.token(0, Some("access 1".to_owned())).await, Ok("access 2".to_owned()));
    assert_eq!(session.token(0, Some("access 1".to_owned())).await, Ok("access 2".to_owned()));
    Ok(())
}

#[tokio::test]
async fn tokens_that_come_after_signing_out_are_ended() -> anyhow::Result<()> {
    let (server, asked) = server()?;
    let session = session(server, "signed-out", true)?;
    let call = wanting_a_token(&session);
    until(|| asked.descriptions.load(Ordering::SeqCst) == 1).await?;
    session.sign_out().await;
    assert_eq!(call.await?, Err(ApiFailure::SessionEnded));
    asked.may_answer.store(true, Ordering::SeqCst);
    until(|| asked.logouts.load(Ordering::SeqCst) == 1).await?;
    assert_eq!(session.token(0, None).await, Err(ApiFailure::SessionEnded), "a call of the old session");
    assert_eq!(session.token(1, None).await, Err(ApiFailure::SessionEnded), "a call of no session");
    Ok(())
}

#[tokio::test]
async fn a_sign_in_service_that_is_away_is_not_asked_by_each_call() -> anyhow::Result<()> {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let server = answering::start(move |_, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        String::new()
    })?;
    let session = session(Url::parse(&server)?, "away", true)?;
    for _ in 0..3 {
        assert_eq!(session.token(0, None).await, Err(ApiFailure::Offline));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    Ok(())
}

#[tokio::test]
async fn another_server_takes_nothing_of_the_old_session() -> anyhow::Result<()> {
    let (old, asked) = server()?;
    let (new, _) = server()?;
    let session = session(old, "changed", true)?;
    let call = wanting_a_token(&session);
    until(|| asked.descriptions.load(Ordering::SeqCst) == 1).await?;
    session.change_server(new.clone()).await?;
    assert_eq!(call.await?, Err(ApiFailure::SessionEnded));
    assert_eq!(session.server(), new);
    asked.may_answer.store(true, Ordering::SeqCst);
    until(|| asked.logouts.load(Ordering::SeqCst) == 1).await?;
    assert_eq!(session.token(1, None).await, Err(ApiFailure::SessionEnded));
    Ok(())
}
