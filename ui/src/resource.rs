//! Something that is read from the server and read again: what is known stays on the screen meanwhile.
//!
//! The work is done once for all types (`use_answer`), since every type that a hook is made for makes the bundle larger.

use std::any::Any;
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};

use gloo_timers::future::TimeoutFuture;
use happening_api::ApiFailure;
use yew::prelude::*;

use crate::connection::{Shown, with_age};

/// What is known.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resource<T> {
    /// The last good answer.
    pub(crate) value: Option<Rc<T>>,
    /// Why the last try failed.
    pub(crate) failure: Option<ApiFailure>,
}

impl<T> Resource<T> {
    /// Nothing has been answered yet.
    pub(crate) fn loading(&self) -> bool {
        self.value.is_none() && self.failure.is_none()
    }
}

type Read = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Rc<dyn Any>, ApiFailure>>>>>;

#[derive(Clone)]
struct Answer {
    value: Option<Rc<dyn Any>>,
    failure: Option<ApiFailure>,
    /// What the value answers; one of another key is not shown for it.
    of: String,
}

/// Reads when the screen appears, whenever `key` changes, and at every refresh.
#[hook]
pub(crate) fn use_resource<T: 'static, F>(key: String, refresh: u32, read: impl Fn() -> F + 'static) -> Resource<T>
where
    F: Future<Output = Result<T, ApiFailure>> + 'static,
{
    let read: Read = Box::new(move || {
        let future = read();
        Box::pin(async move { future.await.map(|value| Rc::new(value) as Rc<dyn Any>) })
    });
    let answer = use_answer(key, refresh, read);
    Resource { value: answer.value.and_then(|value| value.downcast().ok()), failure: answer.failure }
}

#[hook]
fn use_answer(key: String, refresh: u32, read: Read) -> Answer {
    let answer = use_state(|| Answer { value: None, failure: None, of: String::new() });
    let latest = use_mut_ref(|| 0u32);
    let answers = use_mut_ref(Answers::default);
    let asked_to_wait = use_mut_ref(|| None::<Wait>);
    let shown = use_memo((), |()| Shown::new());
    {
        let answers = answers.clone();
        use_effect_with(key.clone(), move |_| move || answers.borrow_mut().begin_anew());
    }
    {
        let answer = answer.clone();
        use_effect_with((key.clone(), refresh), move |(key, _)| {
            let turn = {
                let mut latest = latest.borrow_mut();
                *latest += 1;
                *latest
            };
            let left = Rc::clone(&latest);
            let asked = answers.borrow().asked;
            let shown = Rc::downgrade(&shown);
            let reading = Reading { key: key.clone(), turn, latest, asked, answers, asked_to_wait, shown };
            wasm_bindgen_futures::spawn_local(read_again(read, reading, answer));
            // a screen that is left is not read for any more
            move || {
                let mut left = left.borrow_mut();
                *left = left.wrapping_add(1);
            }
        });
    }
    if answer.of == key { (*answer).clone() } else { Answer { value: None, failure: None, of: key } }
}

/// Until when the server asked to wait, and with what.
struct Wait {
    of: String,
    until_ms: f64,
}

impl Wait {
    fn milliseconds(&self, key: &str) -> u32 {
        if self.of == key { (self.until_ms - js_sys::Date::now()).clamp(0.0, 60_000.0) as u32 } else { 0 }
    }
}

/// Whether something is known of what a screen asks for.
#[derive(Default)]
struct Answers {
    /// Counts the keys that were asked for.
    asked: u32,
    /// The one that is asked for has an answer.
    some: bool,
}

impl Answers {
    fn begin_anew(&mut self) {
        self.asked = self.asked.wrapping_add(1);
        self.some = false;
    }
}

/// One read among those that a screen starts one after another.
struct Reading {
    key: String,
    turn: u32,
    latest: Rc<RefCell<u32>>,
    asked: u32,
    answers: Rc<RefCell<Answers>>,
    asked_to_wait: Rc<RefCell<Option<Wait>>>,
    /// Gone with the screen.
    shown: Weak<Shown>,
}

async fn read_again(read: Read, reading: Reading, answer: UseStateHandle<Answer>) {
    let Reading { key, turn, latest, asked, answers, asked_to_wait, shown } = reading;
    let known = (answer.of == key).then(|| answer.value.clone()).flatten();
    // for as long as the server asks to wait and the screen is there; a reason to read again does not shorten it
    loop {
        let wait_ms = asked_to_wait.borrow().as_ref().map_or(0, |wait| wait.milliseconds(&key));
        if wait_ms > 0 {
            TimeoutFuture::new(wait_ms).await;
            if *latest.borrow() != turn {
                return;
            }
        }
        let (result, as_of) = with_age(read()).await;
        {
            let mut answers = answers.borrow_mut();
            // of a later read that is on its way nobody knows when it comes: until something is known, this one serves
            let late = *latest.borrow() != turn && answers.some;
            if answers.asked != asked || late {
                return;
            }
            answers.some |= result.is_ok();
        }
        let (value, failure) = match result {
            Ok(value) => {
                if let Some(shown) = shown.upgrade() {
                    shown.set(as_of);
                }
                (Some(value), None)
            }
            Err(failure) => {
                if let (None, Some(shown)) = (&known, shown.upgrade()) {
                    shown.set(None); // nothing of it is on the screen
                }
                (known.clone(), Some(failure))
            }
        };
        let wait_s = match &failure {
            Some(ApiFailure::Busy { retry_after_s, .. }) => Some(*retry_after_s),
            _ => None,
        };
        answer.set(Answer { value, failure, of: key.clone() });
        let Some(wait_s) = wait_s else { return };
        let until_ms = js_sys::Date::now() + 1000.0 * wait_s.clamp(1, 60) as f64;
        *asked_to_wait.borrow_mut() = Some(Wait { of: key.clone(), until_ms });
    }
}

/// Counts reasons to read again: own actions, the window's focus, time.
#[derive(Clone, PartialEq)]
pub(crate) struct Refresh {
    pub(crate) count: u32,
    pub(crate) again: Callback<()>,
}
