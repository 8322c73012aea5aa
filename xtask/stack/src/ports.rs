//! Finds free ports of the loopback address.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Result, bail};

/// The range lies below the ports that systems use for outgoing connections. One of those could take a port between
/// this check and its use.
const FIRST: u16 = 12_000;
const COUNT: u16 = 18_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port that no program listens on. This process gives it out again only after all others of the range.
///
/// # Errors
/// When all ports are taken.
pub fn free_port() -> Result<u16> {
    // processes that run at the same time start at different ports
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
