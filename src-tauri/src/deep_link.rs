//! Links that open the app. Any other link is ignored.

use happening_api::{EventId, InviteToken};
use url::Url;

/// Longest value of a parameter, in bytes.
const VALUE_BYTES_MAX: usize = 2048;

/// A link that the app can follow.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum DeepLink {
    /// `happening://auth/callback?…`
    SignIn(Callback),
    /// `happening://event/<id>`
    Event(EventId),
    /// `happening://invite/<token>`
    Invite(InviteToken),
}

/// The sign-in service's answer to the app. The type has no `Debug`, because it holds a code.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Callback {
    pub(crate) state: String,
    pub(crate) result: Result<Code, String>,
}

/// An authorization code, which can be exchanged for tokens once.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Code(pub(crate) String);

impl DeepLink {
    /// Parses a link; `None` when the app cannot follow it.
    pub(crate) fn parse(url: &Url) -> Option<Self> {
        if url.scheme() != "happening" || !url.username().is_empty() || url.port().is_some() {
            return None;
        }
        let path: Vec<&str> = url.path().trim_matches('/').split('/').collect();
        match (url.host_str()?, path.as_slice()) {
            ("auth", ["callback"]) => callback(url).map(Self::SignIn),
            ("event", [id]) => Some(Self::Event(id.parse().ok()?)),
            ("invite", [token]) => Some(Self::Invite(token.parse().ok()?)),
            _ => None,
        }
    }
}

fn callback(url: &Url) -> Option<Callback> {
    // a repeated parameter is refused, because a program that checked the link before may have read its other value
    let only = |name: &str| {
        let mut values = url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let value = values.next().filter(|value| (1..=VALUE_BYTES_MAX).contains(&value.len()));
        if values.next().is_some() { None } else { value }
    };
    let state = only("state")?;
    let result = match (only("code"), only("error")) {
        (Some(code), None) => Ok(Code(code)),
        (None, Some(error)) => Err(error),
        _ => return None,
    };
    Some(Callback { state, result })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Option<DeepLink> {
        DeepLink::parse(&Url::parse(text).ok()?)
    }

    #[test]
    fn callbacks_with_code_or_error_are_parsed() {
        let result = |text: &str| match parse(text) {
            Some(DeepLink::SignIn(callback)) if callback.state == "s" => Some(callback.result),
            _ => None,
        };
        let code = Some(Ok(Code("c".to_owned())));
        assert!(result("happening://auth/callback?state=s&code=c&iss=x") == code);
        let refused = Some(Err("access_denied".to_owned()));
        assert!(result("happening://auth/callback?state=s&error=access_denied") == refused);
    }

    #[test]
    fn other_links_are_ignored() {
        for text in [
            "happening://auth/callback",
            "happening://auth/callback?code=c",
            "happening://auth/callback?state=s",
            "happening://auth/callback?state=s&code=c&error=e",
            "happening://auth/callback?state=s&state=t&code=c",
            "happening://auth/callback?state=&code=c",
            "happening://auth/callback/more?state=s&code=c",
            "happening://other/callback?state=s&code=c",
            "happening://me@auth/callback?state=s&code=c",
            "https://auth/callback?state=s&code=c",
            "happening://event/not-an-id",
            "happening://event/",
            "happening://invite/a b",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn links_to_events_and_invites_are_parsed() {
        let id = "0198a7a4-3c5e-7d3f-9a65-0d2b0c4f4a11";
        assert!(matches!(parse(&format!("happening://event/{id}")), Some(DeepLink::Event(_))));
        assert!(matches!(parse("happening://invite/aZ9-_"), Some(DeepLink::Invite(_))));
    }

    proptest! {
        #[test]
        fn the_parser_never_panics(text in "\\PC*") {
            let _ = parse(&format!("happening://{text}"));
            let _ = parse(&text);
        }
    }
}
