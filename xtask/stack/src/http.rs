//! Checks whether a service on the loopback address answers.

use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether a GET of the address succeeds.
pub fn answers(url: &str) -> bool {
    get(url, None)
}

/// Whether a GET of the address succeeds with this value of `Authorization`.
pub fn answers_to(url: &str, authorization: &str) -> bool {
    get(url, Some(authorization))
}

/// Whether a process accepts connections on a port.
pub fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn get(url: &str, authorization: Option<&str>) -> bool {
    let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(ANSWER_TIMEOUT)).build().into();
    let mut request = agent.get(url);
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    request.call().is_ok()
}
