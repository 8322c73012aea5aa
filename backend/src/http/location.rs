//! `Location` under a base path: a proxy may serve the API under `https://host/happening` and take that prefix away, so an absolute
//! path would lead a client out of the API.

/// A path of the API as a reference relative to the request's own path (RFC 3986, 4.2), which every prefix leaves intact.
pub(super) fn relative(request_path: &str, location: &str) -> String {
    let Some(target) = location.strip_prefix('/') else { return location.to_owned() };
    // the folder in which the request's last segment lies
    let depth = request_path.matches('/').count().saturating_sub(1);
    format!("{}{target}", "../".repeat(depth))
}

#[cfg(test)]
mod tests {
    use super::relative;

    #[test]
    fn a_location_stays_below_the_base_path() {
        let base = url::Url::parse("https://host.example/happening/").expect("a URL");
        for (request, location) in [
            ("/events", "/events/1"),
            ("/events/1/duplicate", "/events/2"),
            ("/org-invites", "/org-invites/1"),
            ("/users", "/users/me"),
        ] {
            let asked = base.join(request.trim_start_matches('/')).expect("a URL");
            let found = asked.join(&relative(request, location)).expect("a URL");
            assert_eq!(found.path(), format!("/happening{location}"));
        }
        assert_eq!(relative("/events", "https://elsewhere.example/"), "https://elsewhere.example/");
    }
}
