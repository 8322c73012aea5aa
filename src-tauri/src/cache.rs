//! The last good answers of lists and maps, for reading while the network is away. They contain what the screens show,
//! and no token. Each person has their own answers for each server, and signing out removes all of them.

use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use happening_api::{Answered, Call, User};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

/// Most answers that are kept for one person.
const ANSWERS_MAX: usize = 200;
/// Largest answer that is kept.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The file that names the person whose session is kept when the app quits.
const PERSON: &str = "person";

/// The answers of one server.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    as_of: DateTime<Utc>,
    value: Value,
    /// The answer's `ETag`, if the server can tell by it that the answer is unchanged.
    #[serde(default)]
    etag: Option<String>,
}

impl Cache {
    /// The answers of a server, kept in the app's cache folder.
    pub(crate) fn of(folder: &Path, server: &Url) -> Self {
        Self { folder: folder.join("answers").join(name(server.as_str())) }
    }

    /// Keeps an answer. A failure is only logged, since the answer is needed only while the network is away.
    pub(crate) fn put(&self, user: &User, call: &Call, value: &Value, etag: Option<String>, now: DateTime<Utc>) {
        let request = call.request();
        if !request.is_kept {
            return;
        }
        let folder = self.folder.join(user.id.to_string());
        let kept = Kept { as_of: now, value: value.clone(), etag };
        if let Err(error) = write(&folder.join(name(&request.path)), &kept).and_then(|()| tidy(&folder)) {
            tracing::debug!(%error, "an answer was not kept");
        }
    }

    /// The last good answer to a call.
    pub(crate) fn get(&self, user: &User, call: &Call) -> Option<Answered> {
        let kept = self.kept(user, call)?;
        Some(Answered { value: kept.value, as_of: Some(kept.as_of) })
    }

    /// The last good answer to a call, with its `ETag`.
    pub(crate) fn named(&self, user: &User, call: &Call) -> Option<(Value, String)> {
        if !call.request().is_named {
            return None;
        }
        let kept = self.kept(user, call)?;
        Some((kept.value, kept.etag?))
    }

    fn kept(&self, user: &User, call: &Call) -> Option<Kept> {
        let request = call.request();
        request.is_kept.then(|| read(&self.folder.join(user.id.to_string()).join(name(&request.path))))?
    }

    /// Remembers the person whose session is kept when the app quits, so that a start without network can show their
    /// answers.
    pub(crate) fn remember(&self, user: Option<&User>) {
        let file = self.folder.join(PERSON);
        let done = match user {
            Some(user) => write(&file, user),
            None => std::fs::remove_file(&file),
        };
        if let Err(error) = done
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, known = user.is_some(), "whose session outlives the app could not be noted");
        }
    }

    /// The person whose session is kept when the app quits.
    pub(crate) fn person(&self) -> Option<User> {
        read(&self.folder.join(PERSON))
    }

    /// Removes everything of this server.
    pub(crate) fn clear(&self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the kept answers could not be removed");
        }
    }
}

/// A file name that does not reveal the text: the beginning of its hash.
fn name(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn read<T: for<'de> Deserialize<'de>>(file: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

/// Writes a file completely or not at all, readable by its owner only. A value that is too large is left out.
fn write<T: Serialize>(file: &Path, value: &T) -> std::io::Result<()> {
    let bytes = serde_json::to_vec(value)?;
    if bytes.len() > ANSWER_BYTES_MAX {
        return Ok(());
    }
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let part = file.with_extension("part");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&part)?.write_all(&bytes)?;
    std::fs::rename(&part, file)
}

/// Removes the oldest answers when there are too many.
fn tidy(folder: &Path) -> std::io::Result<()> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        files.push((entry.metadata()?.modified()?, entry.path()));
    }
    if files.len() > ANSWERS_MAX {
        files.sort();
        for (_, file) in &files[..files.len() - ANSWERS_MAX] {
            std::fs::remove_file(file)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use happening_api::EventFilter;
    use happening_api::endpoint::{Events, Me, Seats};
    use serde_json::json;

    use super::*;

    fn person(name: &str) -> User {
        serde_json::from_value(
            json!({ "id": uuid(name), "keycloak_id": name, "name": name, "email": "", "email_verified": true,
            "locale": null, "time_zone": null, "channels": {}, "created_at": "2027-01-01T00:00:00Z" }),
        )
        .expect("a person")
    }

    fn uuid(name: &str) -> String {
        format!("0198a7a4-3c5e-7d3f-9a65-0000000000{:02x}", name.len())
    }

    #[test]
    fn answers_are_kept_by_person_and_server() {
        let folder = std::env::temp_dir().join(format!("happening-cache-{}", std::process::id()));
        let at = |url: &str| Cache::of(&folder, &Url::parse(url).expect("a URL"));
        let (here, there) = (at("http://127.0.0.1:1"), at("http://127.0.0.1:2"));
        let (ada, grace) = (person("ada"), person("grace"));
        let call = Call::from(Events { filter: EventFilter::default() });
        let me = Call::from(Me {});
        let now = DateTime::UNIX_EPOCH;
        here.remember(Some(&ada));
        here.put(&ada, &call, &json!([1]), None, now);
        here.put(&ada, &me, &json!({}), None, now);
        assert_eq!(here.get(&ada, &call), Some(Answered { value: json!([1]), as_of: Some(now) }));
        let map = Call::from(Seats { event_id: happening_api::EventId(ada.id.0) });
        here.put(&ada, &map, &json!({ "total": 1 }), Some("v1".to_owned()), now);
        assert_eq!(here.named(&ada, &map), Some((json!({ "total": 1 }), "v1".to_owned())));
        assert_eq!((here.named(&grace, &map), there.named(&ada, &map), here.named(&ada, &call)), (None, None, None));
        assert_eq!((here.get(&grace, &call), there.get(&ada, &call), here.get(&ada, &me)), (None, None, None));
        for n in 0..ANSWERS_MAX + 5 {
            let call = Call::from(Events { filter: EventFilter { q: n.to_string(), ..EventFilter::default() } });
            here.put(&ada, &call, &json!([n]), None, now);
        }
        let files = std::fs::read_dir(here.folder.join(ada.id.to_string())).expect("a folder").count();
        assert_eq!(files, ANSWERS_MAX);
        here.remember(None);
        assert_eq!(here.person(), None);
        here.clear();
        assert_eq!((here.person(), here.get(&ada, &call)), (None, None));
        drop(std::fs::remove_dir_all(&folder));
    }
}
