//! Free ports of the loopback address.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Result, bail};

/// Below the range from which systems take the ports of outgoing connections: one of those could have a port again between
/// the look and the use.
const FIRST: u16 = 12_000;
const COUNT: u16 = 18_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port that no program listens on, and that this process has not given out for a long while.
///
/// # Errors
/// When all are taken.
pub fn free_port() -> Result<u16> {
    // processes that run side by side begin at different places
    let start = (std::process::id().wrapping_mul(101) % u32::from(COUNT)) as u16;
    for _ in 0..COUNT {
        let at = (u32::from(start) + u32::from(NEXT.fetch_add(1, Ordering::Relaxed))) % u32::from(COUNT);
        let port = FIRST + at as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port is free between {FIRST} and {}", FIRST + COUNT)
}
