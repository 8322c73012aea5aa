//! The token of an invite consists of its id and an HMAC-SHA256 over id and nonce with the server's key, cut to 128 bits (RFC 2104
//! allows half). The worker computes it again for the mail, so no row stores a secret. A new nonce gives a new token.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use happening_api::{EventId, InviteId};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use url::Url;
use uuid::Uuid;

const MAC_BYTES: usize = 16;
const KEY_CHARS_MIN: usize = 32;

/// The key that tokens are made with. Its `Debug` does not show the key.
#[derive(Clone)]
pub(crate) struct ServerKey(String);

impl std::fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerKey(..)")
    }
}

impl FromStr for ServerKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.chars().count() < KEY_CHARS_MIN {
            return Err(format!("must have at least {KEY_CHARS_MIN} characters, chosen at random"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Makes the tokens of invites, and the links in mails.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    pub(crate) key: ServerKey,
    /// The address at which people reach the server.
    pub(crate) public_url: Url,
}

/// A token that was parsed but not verified yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) id: InviteId,
    mac: [u8; MAC_BYTES],
}

impl Token {
    /// Parses a token; `None` when the text does not have a token's format.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (id, mac) = bytes.split_at_checked(16)?;
        Some(Self { id: Uuid::from_slice(id).ok()?.into(), mac: mac.try_into().ok()? })
    }

    /// Whether the token was made with this key and nonce. Compares in constant time.
    pub(crate) fn is_of(&self, key: &ServerKey, nonce: &[u8]) -> bool {
        mac(key, self.id, nonce).verify_truncated_left(&self.mac).is_ok()
    }
}

impl Links {
    /// The token of an invite.
    pub(crate) fn token(&self, id: InviteId, nonce: &[u8]) -> String {
        let mac = mac(&self.key, id, nonce).finalize().into_bytes();
        URL_SAFE_NO_PAD.encode([id.0.as_bytes().as_slice(), &mac[..MAC_BYTES]].concat())
    }

    /// The page that opens an invite in the app.
    pub(crate) fn invite(&self, token: &str) -> String {
        self.page(&format!("open/invite/{token}"))
    }

    /// The page that opens an event in the app.
    pub(crate) fn event(&self, event: EventId) -> String {
        self.page(&format!("open/event/{event}"))
    }

    fn page(&self, path: &str) -> String {
        format!("{}/{path}", self.public_url.as_str().trim_end_matches('/'))
    }
}

fn mac(key: &ServerKey, id: InviteId, nonce: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::new_from_slice(key.0.as_bytes()).expect("a key of any length is taken");
    mac.update(b"invite");
    mac.update(id.0.as_bytes());
    mac.update(nonce);
    mac
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn links(key: &str) -> Links {
        let public_url = Url::parse("https://happening.invalid/base/").expect("a URL");
        Links { key: key.parse().expect("long enough"), public_url }
    }

    proptest! {
        #[test]
        fn token_is_valid_only_for_its_id_nonce_and_key(id: u128, nonce: [u8; 16], other: [u8; 16]) {
            prop_assume!(nonce != other);
            let key = links("0123456789abcdef0123456789abcdef");
            let token = Token::parse(&key.token(Uuid::from_u128(id).into(), &nonce)).expect("a token that was just made");
            prop_assert_eq!(token.id.0.as_u128(), id);
            prop_assert!(token.is_of(&key.key, &nonce));
            prop_assert!(!token.is_of(&key.key, &other));
            prop_assert!(!token.is_of(&links("another key of thirty-two letters").key, &nonce));
            let moved = Token { id: Uuid::from_u128(id ^ 1).into(), ..token };
            prop_assert!(!moved.is_of(&key.key, &nonce));
        }

        #[test]
        fn parser_never_panics(text in "\\PC*") {
            let _ = Token::parse(&text);
        }
    }

    #[test]
    fn links_lead_to_the_open_pages() {
        assert_eq!(
            links("0123456789abcdef0123456789abcdef").invite("t"),
            "https://happening.invalid/base/open/invite/t"
        );
    }
}
