//! Makes `Location` work below a path prefix: a proxy may serve the API under `https://host/happening` and remove that prefix, so an
//! absolute path would lead a client outside of the API.

/// Turns a path of the API into a reference relative to the request's path (RFC 3986, 4.2), which is valid below any prefix.
pub(super) fn relative(request_path: &str, location: &str) -> String {
    let Some(target) = location.strip_prefix('/') else { return location.to_owned() };
    // how many folders the request's last segment is deep
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
