//! Reports of images that were scanned before, in a folder of the user's own: an image that is known is not read again.
//!
//! An entry is the report of one image of one platform, and holds no more than the JSON report does: redacted values, and
//! fingerprints. Its name is a MAC over everything that decides the report (the file `identity.rs`), so that other rules, options, keys,
//! or another build of the program find nothing. Its content is under a MAC, too: whoever cannot read the folder's key cannot
//! make the program believe that an image is clean. Images are known by the digests of their blobs, so what has none (a
//! directory, a stream, the older `docker save`) is always read.

mod entry;
mod folder;
mod identity;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Mutex,
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub use self::folder::{Contents, clear, contents};
use self::{entry::Entry, folder::Folder};
use super::ScanOptions;
use crate::{image::Image, report::ImageReport};

/// Bytes of one entry; a longer report is made anew each time.
const ENTRY: u64 = 16 << 20;

/// The cache of one user.
pub struct Cache {
    folder: Folder,
    mac: Hmac<Sha256>,
    tool: String,
    notes: Mutex<Vec<String>>,
}

impl Cache {
    /// Opens the cache at `folder`, and makes it where there is none. `tool` names everything that decides reports and is not in
    /// [`ScanOptions`] or the image: the program's build.
    ///
    /// # Errors
    /// When the folder cannot be made or written, or is not private to the user.
    pub fn open(folder: &Path, tool: String) -> io::Result<Self> {
        let folder = Folder::open(folder)?;
        let key = folder.key()?;
        let mac = Hmac::<Sha256>::new_from_slice(&*key).map_err(io::Error::other)?;
        Ok(Self { folder, mac, tool, notes: Mutex::default() })
    }

    /// What went wrong since the last call, for people. A scan never fails for its cache.
    pub fn notes(&self) -> Vec<String> {
        self.notes.lock().map(|mut notes| std::mem::take(&mut *notes)).unwrap_or_default()
    }

    fn note(&self, note: String) {
        if let Ok(mut notes) = self.notes.lock()
            && !notes.contains(&note)
        {
            notes.push(note);
        }
    }

    /// The name of an image's entry; `None` where the image is always read.
    pub(super) fn name(&self, image: &Image, options: &ScanOptions) -> Option<String> {
        identity::name(&self.mac, &self.tool, image, options)
    }

    /// The report of an image that was scanned before with the same rules and options, under the reference that it has now.
    pub(super) fn get(&self, name: &str, reference: &str, options: &ScanOptions) -> Option<ImageReport> {
        let file = self.folder.read(name, ENTRY);
        let content = match file {
            Ok(content) => content?,
            Err(error) => {
                self.note(format!("an entry of the cache cannot be read, so the image is: {error}"));
                return None;
            }
        };
        let report = self.authentic(name, &content).and_then(Entry::parse).and_then(|entry| {
            // An expiry has passed since, which may change what is said of it.
            let holds = options.engine.clock().now().is_none_or(|now| now <= entry.holds_until);
            Some(if holds { Some(entry.report(reference, options.engine.rules())?) } else { None })
        });
        match report {
            Some(Some(report)) => {
                self.folder.used(name);
                tracing::info!(%reference, "known: the report is in the cache");
                return Some(report);
            }
            Some(None) => {}
            None => self.note(format!("an entry of the cache in {} is damaged and was removed", self.folder.path().display())),
        }
        self.folder.remove(name);
        None
    }

    /// Keeps a report. Only for images that were read to their end.
    pub(super) fn put(&self, name: &str, options: &ScanOptions, report: &ImageReport) {
        let body = Entry::of(report, options.engine.clock().holds_until()).to_bytes();
        let content = [data_encoding::HEXLOWER.encode(&self.tag(name, &body).finalize().into_bytes()).as_bytes(), b"\n", &body].concat();
        if content.len() as u64 > ENTRY {
            return;
        }
        if let Err(error) = self.folder.write(name, &content) {
            self.note(format!("the cache in {} cannot be written: {error}", self.folder.path().display()));
        }
    }

    /// The body of a file whose MAC is right for it and for its name.
    fn authentic<'c>(&self, name: &str, content: &'c [u8]) -> Option<&'c [u8]> {
        let (tag, rest) = content.split_at_checked(64)?;
        let body = rest.strip_prefix(b"\n")?;
        let tag = data_encoding::HEXLOWER.decode(tag).ok()?;
        self.tag(name, body).verify_slice(&tag).ok().map(|()| body)
    }

    fn tag(&self, name: &str, body: &[u8]) -> Hmac<Sha256> {
        self.mac.clone().chain_update(b"entry").chain_update(name).chain_update(body)
    }
}

/// Where the cache is for a user with these variables (XDG Base Directory Specification: `XDG_CACHE_HOME`, which must be
/// absolute, or else `HOME/.cache`); `None` for a user without a home.
pub fn folder(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Option<PathBuf> {
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache"))).map(|caches| caches.join("imgscan"))
}

#[cfg(all(test, unix))]
mod tests {
    use std::sync::Arc;

    use sha2::Digest;

    use super::*;
    use crate::{
        detect::{Engine, Hint, Scratch},
        finding::LocationKind,
        report::{Coverage, Suppressed},
    };

    fn options(clock: i64) -> ScanOptions {
        ScanOptions::of(Arc::new(Engine::new(Vec::new()).with_clock(Some(clock))))
    }

    fn image(digest: &str) -> Image {
        Image { digest: Some(digest.to_owned()), ..Image::new("a".to_owned()) }
    }

    #[test]
    fn a_report_that_says_when_something_expires_is_kept_until_then() {
        let coded = |bytes: &[u8]| data_encoding::BASE64URL_NOPAD.encode(bytes);
        let signature = coded(&sha2::Sha256::digest("a"));
        let token = |expiry: u32| {
            let claims = format!(r#"{{"sub":"deployment","exp":{expiry}}}"#);
            format!("{}.{}.{signature}", coded(br#"{"alg":"HS256","typ":"JWT"}"#), coded(claims.as_bytes()))
        };
        let find = |options: &ScanOptions, text: &str| {
            let hint = Hint { kind: LocationKind::File, path: "a.txt", name: None, binary: false };
            options.engine.find(text.as_bytes(), &hint, &mut Scratch::default(), &mut drop);
        };
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::open(&folder.path().join("imgscan"), "1".to_owned()).expect("made");
        let report = ImageReport {
            reference: "a".to_owned(),
            digest: None,
            platform: None,
            findings: Vec::new(),
            suppressed: Suppressed::default(),
            coverage: Coverage { files: 7, ..Coverage::default() },
        };
        let early = options(1000);
        let name = |cache: &Cache, digest: &str, options: &ScanOptions| cache.name(&image(digest), options).expect("known by digests");
        cache.put(&name(&cache, "never", &early), &early, &report);
        find(&early, &format!("TOKEN={}\nOLD_TOKEN={}\n", token(2000), token(900)));
        assert_eq!(early.engine.clock().holds_until(), 2000);
        cache.put(&name(&cache, "expires", &early), &early, &report);
        let known = |digest: &str, clock: i64| {
            let options = options(clock);
            cache.get(&name(&cache, digest, &options), "a", &options).map(|report| report.coverage.files)
        };
        assert_eq!(known("expires", 2000), Some(7));
        assert_eq!(known("expires", 2001), None);
        assert_eq!(known("expires", 1500), None, "it is gone");
        assert_eq!(known("never", 1 << 40), Some(7));
        assert_eq!(known("another", 1000), None);
        assert_eq!(cache.notes(), Vec::<String>::new());
        let other = Cache::open(&folder.path().join("imgscan"), "2".to_owned()).expect("made");
        assert!(other.get(&name(&other, "never", &early), "a", &early).is_none(), "another build of the program");
    }
}
