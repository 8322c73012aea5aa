//! A mail server on the loopback address. It accepts mails or refuses them temporarily, as the test wants.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use anyhow::Result;
use mailin::response::OK;
use mailin::{Action, Handler, Response, SessionBuilder};

/// The server. It runs until the process ends.
pub struct MailServer {
    pub port: u16,
    inbox: Arc<Mutex<Inbox>>,
    /// Wakes the connections whose mails are held.
    release: Arc<Condvar>,
}

/// The mails that were received, and how the server treats new ones.
#[derive(Debug, Default)]
struct Inbox {
    refuses: bool,
    refused: usize,
    /// Whether the server reads mails without answering them.
    holds: bool,
    held: usize,
    mails: Vec<Received>,
}

/// A mail as it was received.
#[derive(Clone, Debug, Default)]
pub struct Received {
    pub to: Vec<String>,
    /// The headers and the body.
    pub text: String,
}

impl MailServer {
    /// Listens on a free port.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let (inbox, release) = (Arc::default(), Arc::default());
        let server = Self { port, inbox: Arc::clone(&inbox), release: Arc::clone(&release) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (inbox, release) = (Arc::clone(&inbox), Arc::clone(&release));
                let session = Mails { inbox, release, to: Vec::new(), bytes: Vec::new() };
                std::thread::spawn(move || talk(stream, session));
            }
        });
        Ok(server)
    }

    /// Makes the server answer "try again later" to every mail, or accept mails again.
    pub fn refuse(&self, refuses: bool) {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).refuses = refuses;
    }

    /// Makes the server read mails without answering, or answer these and all later ones.
    pub fn hold(&self, holds: bool) {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).holds = holds;
        self.release.notify_all();
    }

    /// How many mails wait for the server's answer.
    pub fn held(&self) -> usize {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).held
    }

    /// How many mails the server refused.
    pub fn refused(&self) -> usize {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).refused
    }

    /// The mails that were received for an address.
    pub fn mails_to(&self, address: &str) -> Vec<Received> {
        let inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        inbox.mails.iter().filter(|mail| mail.to.iter().any(|to| to == address)).cloned().collect()
    }
}

/// Speaks SMTP with a client until the client closes the connection.
fn talk(mut stream: TcpStream, mails: Mails) -> Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut session = SessionBuilder::new("mail.test").build(stream.peer_addr()?.ip(), mails);
    session.greeting().write_to(&mut stream)?;
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        let response = session.process(&line);
        line.clear();
        match response.action {
            Action::NoReply => {}
            Action::Close => return Ok(response.write_to(&mut stream)?),
            Action::Reply | Action::UpgradeTls => response.write_to(&mut stream)?,
        }
    }
    Ok(())
}

/// Receives the mails of one connection.
struct Mails {
    inbox: Arc<Mutex<Inbox>>,
    release: Arc<Condvar>,
    to: Vec<String>,
    bytes: Vec<u8>,
}

impl Handler for Mails {
    fn rcpt(&mut self, to: &str) -> Response {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        if inbox.refuses {
            inbox.refused += 1;
            return Response::custom(451, "4.3.0 Try again later".to_owned());
        }
        self.to.push(to.to_owned());
        OK
    }

    fn data(&mut self, buf: &[u8]) -> std::io::Result<()> {
        self.bytes.extend_from_slice(buf);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let text = String::from_utf8_lossy(&std::mem::take(&mut self.bytes)).into_owned();
        let mail = Received { to: std::mem::take(&mut self.to), text };
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        inbox.held += 1;
        inbox = self.release.wait_while(inbox, |inbox| inbox.holds).unwrap_or_else(PoisonError::into_inner);
        inbox.held -= 1;
        inbox.mails.push(mail);
        OK
    }
}
