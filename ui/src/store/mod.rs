//! The store of the server's answers. An answer is read once for all components that show it, is shown at once to a
//! person who comes back to a screen, and is read again when there is a reason.
//!
//! The work is done by one function for all types (`use_keys`), because a hook that is compiled for each type makes the
//! bundle larger.

mod state;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use happening_api::{ApiFailure, Endpoint};
use yew::prelude::*;

use self::state::{Came, How, Known, Life, Next, Reader, Store, Turn, Value};
use crate::{api, connection};

/// The state of a read: the last answer and the last failure.
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
    /// Whether neither an answer nor a failure has come yet.
    pub(crate) fn loading(&self) -> bool {
        self.value.is_none() && self.failure.is_none()
    }

    /// Joins two resources; the joined one has a value when both have one.
    pub(crate) fn and<U>(self, other: Resource<U>) -> Resource<(Rc<T>, Rc<U>)> {
        Resource { value: self.value.zip(other.value).map(Rc::new), failure: self.failure.or(other.failure) }
    }
}

/// How to read a key, how to compare two of its answers, and how long to keep them.
#[derive(Clone)]
struct Reading {
    read: Rc<dyn Fn() -> Pin<Box<dyn Future<Output = Came>>>>,
    same: fn(&Value, &Value) -> bool,
    life: Life,
}

impl How for Reading {
    fn same(&self, one: &Value, other: &Value) -> bool {
        (self.same)(one, other)
    }

    fn life(&self) -> Life {
        self.life
    }
}

impl Reading {
    fn of<T: PartialEq + 'static, F>(life: Life, read: impl Fn() -> F + 'static) -> Self
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
        Self { read: Rc::new(read), same: |one, other| one.downcast_ref::<T>() == other.downcast_ref::<T>(), life }
    }
}

fn wanted<E: Endpoint>(endpoint: E) -> (String, Reading) {
    let key = endpoint.clone().into().request().path;
    (key, Reading::of(Life::Kept, move || api::read(endpoint.clone())))
}

/// As [`wanted`], for one reader alone: no other reader's answer is shown to it.
fn own<E: Endpoint>(endpoint: E, life: Life, reader: Reader) -> (String, Reading) {
    let (key, reading) = wanted(endpoint);
    (format!("{key} for {reader:?}"), Reading { life, ..reading })
}

/// Reads an endpoint, and reads it again while the component is shown and there is a reason.
#[hook]
pub(crate) fn use_read<E: Endpoint>(endpoint: E) -> Resource<E::Answer> {
    Resource::of(use_keys(vec![wanted(endpoint)]).swap_remove(0))
}

/// As [`use_read`], for an endpoint that is not always needed; `None` reads nothing.
#[hook]
pub(crate) fn use_read_if<E: Endpoint>(endpoint: Option<E>) -> Resource<E::Answer> {
    let known = use_keys(endpoint.map(wanted).into_iter().collect());
    Resource::of(known.into_iter().next().unwrap_or_default())
}

/// As [`use_read`], for several endpoints: the answers are in the same order, and there is a value once all have
/// answered.
#[hook]
pub(crate) fn use_reads<E: Endpoint>(endpoints: Vec<E>) -> Resource<Vec<Rc<E::Answer>>> {
    let known = use_keys(endpoints.into_iter().map(wanted).collect());
    let all: Vec<Resource<E::Answer>> = known.into_iter().map(Resource::of).collect();
    Resource {
        value: all.iter().map(|one| one.value.clone()).collect::<Option<Vec<_>>>().map(Rc::new),
        failure: all.into_iter().find_map(|one| one.failure),
    }
}

/// As [`use_read`], but never starts with an earlier answer: there is no value until the server has answered this read.
#[hook]
pub(crate) fn use_fresh_read<E: Endpoint>(endpoint: E) -> Resource<E::Answer> {
    let reader = *use_memo((), |()| next_reader());
    Resource::of(use_keys(vec![own(endpoint, Life::Shown, reader)]).swap_remove(0))
}

/// As [`use_fresh_read`], but stops reading after the first good answer.
#[hook]
pub(crate) fn use_read_once<E: Endpoint>(endpoint: Option<E>) -> Resource<E::Answer> {
    let reader = *use_memo((), |()| next_reader());
    let known = use_keys(endpoint.map(|endpoint| own(endpoint, Life::Once, reader)).into_iter().collect());
    Resource::of(known.into_iter().next().unwrap_or_default())
}

/// The answer of a command of the shell, which is called once; another `name` calls it again.
#[hook]
pub(crate) fn use_command<T: PartialEq + 'static, F>(name: String, command: fn() -> F) -> Resource<T>
where
    F: Future<Output = Result<T, ApiFailure>> + 'static,
{
    let reader = *use_memo((), |()| next_reader());
    let reading = Reading::of(Life::Once, move || {
        let answer = command();
        async { (answer.await, None) }
    });
    Resource::of(use_keys(vec![(format!("{name} for {reader:?}"), reading)]).swap_remove(0))
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
    let shown = use_mut_ref(Vec::<String>::new);
    let keys: Vec<String> = wanted.iter().map(|(key, _)| key.clone()).collect();
    let known: Vec<Known> = STORE.with_borrow(|store| keys.iter().map(|key| store.known(key)).collect());
    {
        let (shown, drawn) = (Rc::clone(&shown), known.clone());
        use_effect_with(keys, move |keys| {
            REDRAW.with_borrow_mut(|all| all.insert(reader, redraw.clone()));
            let before = shown.replace(keys.clone());
            for (key, reading) in wanted.into_iter().filter(|(key, _)| !before.contains(key)) {
                if let Some(turn) = STORE.with_borrow_mut(|store| store.show(&key, reader, reading)) {
                    wasm_bindgen_futures::spawn_local(read(key, turn));
                }
            }
            for key in before.iter().filter(|key| !keys.contains(key)) {
                STORE.with_borrow_mut(|store| store.leave(key, reader));
            }
            // an answer that came after the rendering and before this effect did not redraw this component, which was
            // not registered yet
            let now_known = STORE.with_borrow(|store| keys.iter().map(|key| store.known(key)).collect::<Vec<_>>());
            if !drawn.iter().zip(&now_known).all(|(drawn, now)| drawn.is(now)) {
                redraw.force_update();
            }
            tell_age();
        });
    }
    use_effect_with((), move |()| {
        move || {
            let keys = shown.take();
            STORE.with_borrow_mut(|store| keys.iter().for_each(|key| store.leave(key, reader)));
            REDRAW.with_borrow_mut(|all| all.remove(&reader));
            tell_age();
        }
    });
    known
}

/// Reads a key, and repeats the read when the server asks to wait.
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

/// Reads all shown keys again, unless the window is hidden.
pub(crate) fn read_again() {
    if gloo::utils::document().hidden() {
        return;
    }
    for (key, turn) in STORE.with_borrow_mut(Store::again) {
        wasm_bindgen_futures::spawn_local(read(key, turn));
    }
}

/// Called after a change: reads all shown keys again, and forgets those that are not shown.
pub(crate) fn changed() {
    STORE.with_borrow_mut(Store::forget_unshown);
    read_again();
}

/// Forgets all answers, since another person is signed in, or none.
pub(crate) fn clear() {
    STORE.with_borrow_mut(Store::clear);
}
