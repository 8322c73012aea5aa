//! The connection to the shell: calls its commands and receives its events.

use std::cell::RefCell;
use std::rc::Rc;

use happening_api::ApiFailure;
use js_sys::{Function, Promise};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["window", "__TAURI__", "core"], js_name = invoke, catch)]
    fn tauri_invoke(command: &str, arguments: JsValue) -> Result<Promise, JsValue>;
}

/// Calls a command of the shell.
pub(crate) async fn invoke<A: Serialize, T: DeserializeOwned>(command: &str, arguments: &A) -> Result<T, ApiFailure> {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    let arguments = arguments.serialize(&serializer).map_err(|error| unexpected(&error.to_string()))?;
    let arguments = if arguments.is_object() { arguments } else { js_sys::Object::new().into() };
    let answer = match tauri_invoke(command, arguments) {
        Ok(promise) => JsFuture::from(promise).await,
        Err(missing) => Err(missing), // the page runs outside of the shell
    };
    match answer {
        Ok(value) => read(value),
        Err(value) => Err(serde_wasm_bindgen::from_value(value.clone())
            .unwrap_or_else(|_| unexpected(&value.as_string().unwrap_or_default()))),
    }
}

/// Converts the shell's answer to the type that the caller expects.
pub(crate) fn read<T: DeserializeOwned>(value: JsValue) -> Result<T, ApiFailure> {
    serde_wasm_bindgen::from_value(value).map_err(|error| unexpected(&error.to_string()))
}

fn unexpected(message: &str) -> ApiFailure {
    ApiFailure::Unexpected { message: message.to_owned() }
}

type Handler = Closure<dyn FnMut(JsValue)>;

/// Receives an event of the shell until it is dropped.
pub(crate) struct Listener(Rc<RefCell<Registered>>);

struct Registered {
    handler: Option<Handler>,
    /// Ends the registration; set once the shell has answered it.
    unlisten: Option<Function>,
    dropped: bool,
}

impl Registered {
    /// Ends the registration, then drops the handler. Dropped earlier, the handler could still be called by the shell.
    fn take_back(&mut self) {
        if let Some(unlisten) = self.unlisten.take() {
            drop(unlisten.call0(&JsValue::UNDEFINED)); // fails when the shell has gone; then it calls no handler
            self.handler = None;
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut registered = self.0.borrow_mut();
        registered.dropped = true;
        registered.take_back();
    }
}

/// Calls `on_event` for each event of the shell that is meant for this window or for all windows, until the returned
/// listener is dropped.
pub(crate) fn listen<T: DeserializeOwned + 'static>(event: &'static str, on_event: impl Fn(T) + 'static) -> Listener {
    let handler = Handler::new(move |value: JsValue| {
        let payload = js_sys::Reflect::get(&value, &"payload".into()).unwrap_or_default();
        if let Ok(payload) = serde_wasm_bindgen::from_value(payload) {
            on_event(payload);
        }
    });
    let function = handler.as_ref().clone().unchecked_into::<Function>();
    let shared = Rc::new(RefCell::new(Registered { handler: Some(handler), unlisten: None, dropped: false }));
    let kept = Rc::clone(&shared);
    wasm_bindgen_futures::spawn_local(async move {
        let unlisten = listen_by_name(event, &function).await.ok().and_then(|value| value.dyn_into().ok());
        let mut registered = kept.borrow_mut();
        registered.unlisten = unlisten;
        if registered.dropped {
            registered.take_back();
        }
    });
    Listener(shared)
}

async fn listen_by_name(event: &str, handler: &Function) -> Result<JsValue, JsValue> {
    let get = |object: &JsValue, name: &str| js_sys::Reflect::get(object, &name.into());
    let events = get(&get(&js_sys::global(), "__TAURI__")?, "event")?;
    let listen: Function = get(&events, "listen")?.unchecked_into();
    let own = get(&get(&get(&js_sys::global(), "__TAURI_INTERNALS__")?, "metadata")?, "currentWindow")?;
    let (target, options) = (js_sys::Object::new(), js_sys::Object::new());
    js_sys::Reflect::set(&target, &"kind".into(), &"WebviewWindow".into())?;
    js_sys::Reflect::set(&target, &"label".into(), &get(&own, "label")?)?;
    js_sys::Reflect::set(&options, &"target".into(), &target)?;
    let promise: Promise = listen.call3(&events, &event.into(), handler, &options)?.unchecked_into();
    JsFuture::from(promise).await
}
