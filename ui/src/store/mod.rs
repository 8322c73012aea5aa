//! What the screens have read from the server. An answer is read once for all that show it, is there at once for who comes back,
//! and is read again when there is a reason.
//!
//! The work is done once for all types (`use_keys`), since every type that a hook is made for makes the bundle larger.

mod state;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use happening_api::{ApiFailure, Endpoint};
use yew::prelude::*;

use self::state::{Came, How, Known, Next, Reader, Store, Turn, Value};
use crate::{api, connection};

/// What is known of something that was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resource<T> {
    /// The last good answer.
    pub(crate) value: Option<Rc<T>>,
    /// Why the last read failed.
    pub(crate) failure: Option<ApiFailure>,
}

impl<T: 'static> Resource<T> {
    fn of(known: Known) -> Self {
        Self { value: known.value.and_then(|value| value.downcast().ok()), failure: known.failure }
    }
}

impl<T> Resource<T> {
    /// Nothing has been answered yet.
    pub(crate) fn loading(&self) -> bool {
        self.value.is_none() && self.failure.is_none()
    }

    /// Both; known when both are.
    pub(crate) fn and<U>(self, other: Resource<U>) -> Resource<(Rc<T>, Rc<U>)> {
        Resource { value: self.value.zip(other.value).map(Rc::new), failure: self.failure.or(other.failure) }
    }
}

/// How a key is read, and whether two of its answers are the same.
#[derive(Clone)]
struct Reading {
    read: Rc<dyn Fn() -> Pin<Box<dyn Future<Output = Came>>>>,
    same: fn(&Value, &Value) -> bool,
}

impl How for Reading {
    fn same(&self, one: &Value, other: &Value) -> bool {
        (self.same)(one, other)
    }
}

impl Reading {
    fn of<T: PartialEq + 'static, F>(read: impl Fn() -> F + 'static) -> Self
    where
        F: Future<Output = (Result<T, ApiFailure>, connection::AsOf)> + 'static,
    {
        let read = move || {
            let came = read();
            Box::pin(async move {
                let (result, as_of) = came.await;
                (result.map(|value| Rc::new(value) as Value), as_of)
            }) as Pin<Box<dyn Future<Output = Came>>>
        };
        Self { read: Rc::new(read), same: |one, other| one.downcast_ref::<T>() == other.downcast_ref::<T>() }
    }
}

fn wanted<E: Endpoint>(endpoint: E) -> (String, Reading) {
    let key = endpoint.clone().into().request().path;
    (key, Reading::of(move || api::read(endpoint.clone())))
}

/// What an endpoint answers.
#[hook]
pub(crate) fn use_read<E: Endpoint>(endpoint: E) -> Resource<E::Answer> {
    Resource::of(use_keys(vec![wanted(endpoint)]).swap_remove(0))
}

/// As [`use_read`], while there is something to ask; until then nothing is known.
#[hook]
pub(crate) fn use_read_if<E: Endpoint>(endpoint: Option<E>) -> Resource<E::Answer> {
    let known = use_keys(endpoint.map(wanted).into_iter().collect());
    Resource::of(known.into_iter().next().unwrap_or_default())
}

/// What several endpoints answer, in that order; known when all are.
#[hook]
pub(crate) fn use_reads<E: Endpoint>(endpoints: Vec<E>) -> Resource<Vec<Rc<E::Answer>>> {
    let known = use_keys(endpoints.into_iter().map(wanted).collect());
    let all: Vec<Resource<E::Answer>> = known.into_iter().map(Resource::of).collect();
    Resource {
        value: all.iter().map(|one| one.value.clone()).collect::<Option<Vec<_>>>().map(Rc::new),
        failure: all.into_iter().find_map(|one| one.failure),
    }
}

/// As [`use_read`], for what must not begin with an answer from before: nothing is known until the server has answered this.
#[hook]
pub(crate) fn use_fresh_read<E: Endpoint>(endpoint: Option<E>) -> Resource<E::Answer> {
    let reader = *use_memo((), |()| next_reader());
    let own = endpoint.map(wanted).map(|(key, reading)| (format!("{key} for {reader:?}"), reading));
    let known = use_keys(own.into_iter().collect());
    Resource::of(known.into_iter().next().unwrap_or_default())
}

/// What a command of the shell answers.
#[hook]
pub(crate) fn use_command<T: PartialEq + 'static, F>(name: &'static str, command: fn() -> F) -> Resource<T>
where
    F: Future<Output = Result<T, ApiFailure>> + 'static,
{
    let reading = Reading::of(move || {
        let answer = command();
        async { (answer.await, None) }
    });
    Resource::of(use_keys(vec![(name.to_owned(), reading)]).swap_remove(0))
}

thread_local! {
    static STORE: RefCell<Store<Reading>> = const { RefCell::new(Store::new()) };
    static REDRAW: RefCell<BTreeMap<Reader, UseForceUpdateHandle>> = const { RefCell::new(BTreeMap::new()) };
    static READERS: Cell<u32> = const { Cell::new(0) };
}

fn next_reader() -> Reader {
    Reader(READERS.replace(READERS.get() + 1))
}

#[hook]
fn use_keys(wanted: Vec<(String, Reading)>) -> Vec<Known> {
    let reader = *use_memo((), |()| next_reader());
    let redraw = use_force_update();
    let keys: Vec<String> = wanted.iter().map(|(key, _)| key.clone()).collect();
    use_effect_with(keys.clone(), move |keys| {
        REDRAW.with_borrow_mut(|all| all.insert(reader, redraw));
        for (key, reading) in wanted {
            if let Some(turn) = STORE.with_borrow_mut(|store| store.show(&key, reader, reading)) {
                wasm_bindgen_futures::spawn_local(read(key, turn));
            }
        }
        tell_age();
        let keys = keys.clone();
        move || {
            STORE.with_borrow_mut(|store| keys.iter().for_each(|key| store.leave(key, reader)));
            REDRAW.with_borrow_mut(|all| all.remove(&reader));
            tell_age();
        }
    });
    STORE.with_borrow(|store| keys.iter().map(|key| store.known(key)).collect())
}

/// Reads a key, again when the server asks to wait.
async fn read(key: String, turn: Turn) {
    loop {
        let next = STORE.with_borrow(|store| store.next(&key, turn, js_sys::Date::now()));
        let reading = match next {
            Next::Nothing => return,
            Next::Wait { ms } => {
                TimeoutFuture::new(ms).await;
                continue;
            }
            Next::Read(reading) => reading,
        };
        let came = (reading.read)().await;
        let waits = matches!(came.0, Err(ApiFailure::Busy { .. }));
        let redraw = STORE.with_borrow_mut(|store| store.answered(&key, turn, came, js_sys::Date::now()));
        tell_age();
        let handles =
            REDRAW.with_borrow(|all| redraw.iter().filter_map(|reader| all.get(reader).cloned()).collect::<Vec<_>>());
        handles.iter().for_each(UseForceUpdateHandle::force_update);
        if !waits {
            return;
        }
    }
}

fn tell_age() {
    connection::shown(STORE.with_borrow(Store::oldest));
}

/// Reads again all that is shown; nothing while the window is hidden.
pub(crate) fn read_again() {
    if gloo::utils::document().hidden() {
        return;
    }
    for (key, turn) in STORE.with_borrow_mut(Store::again) {
        wasm_bindgen_futures::spawn_local(read(key, turn));
    }
}

/// Something has changed: reads again all that is shown, and forgets what is not.
pub(crate) fn changed() {
    STORE.with_borrow_mut(Store::forget_what_is_left);
    read_again();
}

/// Forgets everything: somebody else is here.
pub(crate) fn clear() {
    STORE.with_borrow_mut(Store::clear);
}
