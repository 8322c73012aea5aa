//! Something that is read from the server and read again: what is known stays on the screen meanwhile.

use std::future::Future;

use happening_api::ApiFailure;
use yew::prelude::*;

/// What is known.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resource<T> {
    /// The last good answer.
    pub(crate) value: Option<T>,
    /// Why the last try failed.
    pub(crate) failure: Option<ApiFailure>,
}

impl<T> Resource<T> {
    /// Nothing has been answered yet.
    pub(crate) fn loading(&self) -> bool {
        self.value.is_none() && self.failure.is_none()
    }
}

/// Reads when the screen appears and whenever `dependency` changes.
#[hook]
pub(crate) fn use_resource<T, D, F>(dependency: D, read: impl FnOnce(D) -> F + 'static) -> Resource<T>
where
    T: Clone + PartialEq + 'static,
    D: Clone + PartialEq + 'static,
    F: Future<Output = Result<T, ApiFailure>> + 'static,
{
    let resource = use_state(|| Resource { value: None, failure: None });
    let latest = use_mut_ref(|| 0u32);
    {
        let resource = resource.clone();
        use_effect_with(dependency, move |dependency| {
            let turn = {
                let mut latest = latest.borrow_mut();
                *latest += 1;
                *latest
            };
            let future = read(dependency.clone());
            wasm_bindgen_futures::spawn_local(async move {
                let result = future.await;
                if *latest.borrow() != turn {
                    return; // a later read is on its way
                }
                match result {
                    Ok(value) => resource.set(Resource { value: Some(value), failure: None }),
                    Err(failure) => resource.set(Resource { value: resource.value.clone(), failure: Some(failure) }),
                }
            });
        });
    }
    (*resource).clone()
}

/// Counts reasons to read again: own actions, the window's focus, time.
#[derive(Clone, PartialEq)]
pub(crate) struct Refresh {
    pub(crate) count: u32,
    pub(crate) again: Callback<()>,
}
