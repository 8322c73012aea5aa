//! The system's clipboard.

use std::sync::{Mutex, PoisonError};

/// Keeps the clipboard open: under X11 and Wayland, a program that pastes gets the text from the program that copied
/// it.
#[derive(Default)]
pub(crate) struct Clipboard(Mutex<Option<arboard::Clipboard>>);

impl Clipboard {
    /// Copies a text to the clipboard.
    ///
    /// # Errors
    /// When there is no clipboard, or the system refuses.
    pub(crate) fn put(&self, text: &str) -> Result<(), arboard::Error> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let clipboard = match &mut *open {
            Some(clipboard) => clipboard,
            none => none.insert(arboard::Clipboard::new()?),
        };
        clipboard.set_text(text)
    }

    /// Closes the clipboard when the app ends; a clipboard manager, if there is one, takes the text over.
    pub(crate) fn leave(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
