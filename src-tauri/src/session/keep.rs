//! What of a session outlives the app: the token in the keyring, and who it is of.

use std::sync::Arc;
use std::time::{Duration, Instant};

use happening_api::{ApiFailure, SessionView};

use super::Session;
use crate::login::Tokens;
use crate::vault::{self, Answer, Unreadable};

/// A keyring that asks for its password answers when it was typed. The person is told meanwhile that it is not used.
pub(super) const STORE_PATIENCE: Duration = Duration::from_secs(10);
/// The app may start before the keyring does.
const START_PATIENCE: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// What the app's end waits for.
const LEAVE_PATIENCE: Duration = Duration::from_secs(2);

impl Session {
    /// The token of the last start. When there was one, and there is no keyring yet, it is looked for again.
    pub(super) async fn load(&self, turn: u64) -> Result<Option<String>, Unreadable> {
        let until = Instant::now() + START_PATIENCE;
        loop {
            let loaded = vault::load(&self.server()).await;
            // who did not unlock one is not asked again
            let absent = matches!(loaded, Err(Unreadable { absent: true }));
            let may_come = absent && self.cache().person().is_some() && self.lock().nobody_came(turn);
            if !may_come || Instant::now() > until {
                return loaded;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Goes on with these tokens, also at the next start if the keyring takes them. `None`: the session that they were got for
    /// has ended meanwhile.
    pub(super) fn keep(&self, tokens: &Tokens, turn: u64) -> Option<Answer<()>> {
        let mut state = self.lock();
        if state.turn != turn {
            return None;
        }
        state.tokens = Some(tokens.clone());
        // asked while the turn is held, so that the end of the session forgets this one, too
        let server = state.backend.url();
        Some(match &tokens.refresh {
            Some(refresh) => vault::store(server, refresh),
            None => vault::forget(server),
        })
    }

    /// Tells the person whether they have to sign in again after closing the app.
    pub(super) async fn follow_keyring(self: Arc<Self>, turn: u64, mut stored: Answer<()>) {
        let kept = match tokio::time::timeout(STORE_PATIENCE, &mut stored).await {
            Ok(kept) => kept,
            Err(_) => {
                self.say_remembered(turn, false);
                stored.await
            }
        };
        self.say_remembered(turn, matches!(kept, Ok(Some(()))));
        self.note_person(turn).ok(); // it has ended
    }

    fn say_remembered(&self, turn: u64, now: bool) {
        self.change(Some(turn), |state| match &mut state.view {
            SessionView::SignedIn { remembered, .. } if *remembered != now => {
                *remembered = now;
                true
            }
            _ => false,
        });
    }

    /// Notes whose session outlives the app, so that its next start may show what was kept.
    ///
    /// # Errors
    /// When the session of that turn has ended.
    pub(super) fn note_person(&self, turn: u64) -> Result<(), ApiFailure> {
        self.while_it_lasts(turn, |cache| {
            if let SessionView::SignedIn { user, remembered } = self.view() {
                cache.remember(remembered.then_some(&user));
            }
        })
    }

    /// The app ends: what a session without a keyring has read goes with it.
    pub(crate) fn leave(&self) {
        vault::finish(LEAVE_PATIENCE);
        // one with a keyring has noted who it is of
        if self.cache().person().is_none() {
            self.cache().clear();
        }
    }
}
