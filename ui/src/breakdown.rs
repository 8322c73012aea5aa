//! A panic of the screens. It ends in a trap of WebAssembly, which `start.js` shows to the person; here its message is logged.

use std::pin::pin;
use std::task::{Context, Waker};

use crate::api;

/// From now on the message of a panic is written into the app's log.
pub(crate) fn log_panics() {
    yew::set_custom_panic_hook(Box::new(|panic| {
        // the call leaves with the first poll; there is no second one, because the executor may be what panicked
        let told = pin!(api::broke_down(panic.to_string()));
        let _ = told.poll(&mut Context::from_waker(Waker::noop()));
    }));
}
