//! The border to the shell: commands out, events in.

use happening_api::ApiFailure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["window", "__TAURI__", "core"], js_name = invoke, catch)]
    async fn tauri_invoke(command: &str, arguments: JsValue) -> Result<JsValue, JsValue>;
}

/// Calls a command of the shell.
pub(crate) async fn invoke<A: Serialize, T: DeserializeOwned>(command: &str, arguments: &A) -> Result<T, ApiFailure> {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    let arguments = arguments.serialize(&serializer).map_err(|error| unexpected(&error.to_string()))?;
    let arguments = if arguments.is_object() { arguments } else { js_sys::Object::new().into() };
    match tauri_invoke(command, arguments).await {
        Ok(value) => serde_wasm_bindgen::from_value(value).map_err(|error| unexpected(&error.to_string())),
        Err(value) => Err(serde_wasm_bindgen::from_value(value.clone())
            .unwrap_or_else(|_| unexpected(&value.as_string().unwrap_or_default()))),
    }
}

fn unexpected(message: &str) -> ApiFailure {
    ApiFailure::Unexpected { message: message.to_owned() }
}

/// Hears an event of the shell as long as it lives.
pub(crate) struct Listener {
    _handler: Closure<dyn FnMut(JsValue)>,
}

/// Hears an event of the shell. Keep the listener.
pub(crate) fn listen<T: DeserializeOwned + 'static>(event: &'static str, on_event: impl Fn(T) + 'static) -> Listener {
    let handler = Closure::<dyn FnMut(JsValue)>::new(move |value: JsValue| {
        let payload = js_sys::Reflect::get(&value, &"payload".into()).unwrap_or_default();
        if let Ok(payload) = serde_wasm_bindgen::from_value(payload) {
            on_event(payload);
        }
    });
    let registered = handler.as_ref().clone().unchecked_into::<js_sys::Function>();
    wasm_bindgen_futures::spawn_local(async move {
        // the function lives in the listener, which the root component keeps for as long as the page
        let _ = listen_by_name(event, &registered).await;
    });
    Listener { _handler: handler }
}

async fn listen_by_name(event: &str, handler: &js_sys::Function) -> Result<JsValue, JsValue> {
    let tauri = js_sys::Reflect::get(&js_sys::global(), &"__TAURI__".into())?;
    let events = js_sys::Reflect::get(&tauri, &"event".into())?;
    let listen: js_sys::Function = js_sys::Reflect::get(&events, &"listen".into())?.unchecked_into();
    let promise: js_sys::Promise = listen.call2(&events, &event.into(), handler)?.unchecked_into();
    wasm_bindgen_futures::JsFuture::from(promise).await
}
