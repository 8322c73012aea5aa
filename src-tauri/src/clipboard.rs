//! The system's clipboard.

use std::sync::{Mutex, PoisonError};

/// Holds on to the clipboard: under X11 and Wayland a text is asked of the program that has copied it.
#[derive(Default)]
pub(crate) struct Clipboard(Mutex<Option<arboard::Clipboard>>);

impl Clipboard {
    /// Puts a text into it.
    ///
    /// # Errors
    /// When there is none, or the system refuses.
    pub(crate) fn put(&self, text: &str) -> Result<(), arboard::Error> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let clipboard = match &mut *open {
            Some(clipboard) => clipboard,
            none => none.insert(arboard::Clipboard::new()?),
        };
        clipboard.set_text(text)
    }

    /// The app ends: a clipboard manager, where there is one, takes the text over.
    pub(crate) fn leave(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
