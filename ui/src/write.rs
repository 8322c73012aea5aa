//! Changes at the server: their progress, their failures, and retries with the same key.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use happening_api::{ApiFailure, Outcome};
use yew::prelude::*;

use crate::components::{Banner, Countdown, Tone, icon};
use crate::features::failure;
use crate::presence::{Presence, use_presence};
use crate::said::{self, Hearer};

/// How often the app itself sends a change, when the server asks to wait.
const TRIES_MAX: u32 = 5;

type Job = Rc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), ApiFailure>>>>>;

/// The state of a change, for the screen that makes it.
#[derive(Clone)]
pub(crate) struct Write {
    busy: UseStateHandle<bool>,
    failure: UseStateHandle<Option<ApiFailure>>,
    job: Rc<std::cell::RefCell<Option<Job>>>,
    presence: Presence,
    /// An earlier try of the same job may have succeeded.
    unsure: Rc<std::cell::RefCell<bool>>,
    kind: Rc<std::cell::Cell<Kind>>,
}

/// What a failed job may have done at the server, which decides what the person is told.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// The job changes nothing at the server.
    Read,
    Change,
    /// A change whose tries all have the same idempotency key.
    Keyed,
}

impl Write {
    pub(crate) fn busy(&self) -> bool {
        *self.busy
    }

    pub(crate) fn failure(&self) -> Option<&ApiFailure> {
        self.failure.as_ref()
    }

    /// Forgets the failure.
    pub(crate) fn clear(&self) {
        self.failure.set(None);
    }

    /// Starts a job. The job itself reports its success. It is run again when the server says that nothing happened and
    /// asks to wait, and when the person clicks "Try again".
    pub(crate) fn start<F>(&self, job: impl Fn() -> F + 'static)
    where
        F: Future<Output = Result<(), ApiFailure>> + 'static,
    {
        self.start_as(Kind::Change, job);
    }

    /// As [`Write::start`], for a job that changes nothing at the server, such as saving a file or checking an address.
    pub(crate) fn start_read<F>(&self, job: impl Fn() -> F + 'static)
    where
        F: Future<Output = Result<(), ApiFailure>> + 'static,
    {
        self.start_as(Kind::Read, job);
    }

    /// As [`Write::start`], for a job with an idempotency key, which the server carries out once however often it is
    /// sent.
    pub(crate) fn start_keyed<F>(&self, job: impl Fn() -> F + 'static)
    where
        F: Future<Output = Result<(), ApiFailure>> + 'static,
    {
        self.start_as(Kind::Keyed, job);
    }

    fn start_as<F>(&self, kind: Kind, job: impl Fn() -> F + 'static)
    where
        F: Future<Output = Result<(), ApiFailure>> + 'static,
    {
        self.kind.set(kind);
        *self.unsure.borrow_mut() = false;
        self.run(Rc::new(move || Box::pin(job())));
    }

    /// Whether the result of the change is unknown; only repeating the same change tells it.
    pub(crate) fn unsure(&self) -> bool {
        *self.unsure.borrow() && self.failure().is_some()
    }

    fn run(&self, job: Job) {
        *self.job.borrow_mut() = Some(job.clone());
        self.busy.set(true);
        let (this, hearer) = (self.clone(), said::hearer());
        wasm_bindgen_futures::spawn_local(async move {
            for _ in 0..TRIES_MAX {
                let result = job().await;
                if !this.presence.lasts() {
                    this.warn_of(hearer, result.err());
                    return;
                }
                let wait_s = match &result {
                    Err(ApiFailure::Busy { retry_after_s, outcome: Some(Outcome::Nothing) }) => Some(*retry_after_s),
                    _ => None,
                };
                match &result {
                    Err(failure) if this.kind.get() != Kind::Read && failure::is_unsure(failure) => {
                        *this.unsure.borrow_mut() = true;
                    }
                    // after a refusal it is certain whether the change was made
                    Err(ApiFailure::Refused { .. }) => *this.unsure.borrow_mut() = false,
                    _ => {}
                }
                let failed = result.err();
                this.failure.set(failed.clone());
                let Some(wait_s) = wait_s else { break };
                TimeoutFuture::new(u32::try_from(wait_s.clamp(1, 60)).unwrap_or(60) * 1000).await;
                if !this.presence.lasts() {
                    this.warn_of(hearer, failed);
                    return;
                }
            }
            this.busy.set(false);
        });
    }

    /// Tells later whether the screen that makes the change is still open.
    pub(crate) fn presence(&self) -> Presence {
        self.presence.clone()
    }

    fn warn_of(&self, hearer: Hearer, failed: Option<ApiFailure>) {
        if let Some(failed) = failed {
            let words = match self.kind.get() {
                Kind::Read => failure::of_read(&failed).title,
                _ => failure::of_left(&failed, *self.unsure.borrow()),
            };
            said::warn_only(hearer, words);
        }
    }

    /// The failure in words, with a button to try again; nothing if there is no failure.
    pub(crate) fn notice(&self) -> Html {
        let Some(failure) = self.failure() else { return Html::default() };
        let mut words = match self.kind.get() {
            Kind::Read => failure::of_read(failure),
            kind => failure::of_write(failure, *self.unsure.borrow(), kind == Kind::Keyed),
        };
        if words.wait_s.is_some() && !self.busy() && !*self.unsure.borrow() {
            "Nothing was changed. Please try again a little later.".clone_into(&mut words.text);
        }
        let again = {
            let this = self.clone();
            Callback::from(move |_: MouseEvent| {
                let job = this.job.borrow().clone();
                if let Some(job) = job {
                    this.run(job);
                }
            })
        };
        html! {
            <Banner tone={Tone::Bad} title={words.title}>
                <p>{ words.text }</p>
                if let (true, Some(seconds)) = (self.busy(), words.wait_s) { <Countdown key={seconds} {seconds} /> }
                if words.again && !self.busy() { <button class="button small" onclick={again}>{ icon("retry") }{ "Try again" }</button> }
            </Banner>
        }
    }
}

/// The state of a change; a screen has one for each change that it can make at the same time.
#[hook]
pub(crate) fn use_write() -> Write {
    let busy = use_state(|| false);
    let failure = use_state(|| None);
    let job = use_mut_ref(|| None);
    let unsure = use_mut_ref(|| false);
    let presence = use_presence();
    let kind = use_memo((), |()| std::cell::Cell::new(Kind::Change));
    Write { busy, failure, job, presence, unsure, kind }
}
