//! The folder of the cache: private to its user, bounded, written atomically.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use zeroize::Zeroizing;

/// Bytes of all entries.
const BYTES: u64 = 256 << 20;
/// Entries.
const ENTRIES: usize = 4_096;
/// What an interrupted run left is removed after this time.
const STALE: Duration = Duration::from_secs(3600);
const KEY: &str = "key";
const UNFINISHED: &str = "unfinished-";

/// What a cache holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contents {
    /// Reports.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A folder that nobody else can read or write.
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let folder = Self { path: path.to_owned() };
        access::make_private(path)?;
        // A file of ours tells who we are, without asking the system by unsafe code.
        let probe = folder.unfinished();
        let made = access::create(&probe, b"");
        let checked = made.and_then(|()| access::check(path, &probe));
        let _ = fs::remove_file(&probe);
        checked.map(|()| folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The key of this folder's MACs; made when it is first needed.
    pub(super) fn key(&self) -> io::Result<Zeroizing<[u8; 32]>> {
        let whole = |key: Option<Vec<u8>>| match key.map(TryInto::try_into) {
            Some(Ok(key)) => Ok(Zeroizing::new(key)),
            _ => Err(io::Error::other("its key is damaged; `imgscan cache clear` removes it")),
        };
        let known = self.read(KEY, 32)?;
        if known.is_some() {
            return whole(known);
        }
        let mut key = Zeroizing::new([0; 32]);
        access::random(&mut *key)?;
        let unfinished = self.unfinished();
        access::create(&unfinished, &*key)?;
        // Unlike a rename, a link leaves the key of another run in its place.
        let linked = fs::hard_link(&unfinished, self.path.join(KEY));
        let _ = fs::remove_file(&unfinished);
        match linked {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => whole(self.read(KEY, 32)?),
            linked => linked.map(|()| key),
        }
    }

    /// A file's content; `None` where there is none, or where it is longer than `limit`.
    pub(super) fn read(&self, name: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let path = self.path.join(name);
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
            Ok(metadata) if !metadata.is_file() || metadata.len() > limit => return Ok(None),
            Ok(_) => {}
        }
        let mut content = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(fs::File::open(path)?, limit), &mut content)?;
        Ok(Some(content))
    }

    /// Writes a file so that nobody ever sees a part of it, and drops what was not used for longest.
    pub(super) fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let unfinished = self.unfinished();
        let written = access::create(&unfinished, content).and_then(|()| fs::rename(&unfinished, self.path.join(name)));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written.and_then(|()| self.shrink(BYTES, ENTRIES))
    }

    /// Notes that an entry was of use.
    pub(super) fn used(&self, name: &str) {
        let file = fs::File::options().write(true).open(self.path.join(name));
        let _ = file.and_then(|file| file.set_modified(SystemTime::now()));
    }

    pub(super) fn remove(&self, name: &str) {
        let _ = fs::remove_file(self.path.join(name));
    }

    fn shrink(&self, most_bytes: u64, most_entries: usize) -> io::Result<()> {
        let mut entries = Vec::new();
        for file in fs::read_dir(&self.path)? {
            let file = file?;
            let (Some(kind), Ok(metadata)) = (kind(&file), file.metadata()) else { continue };
            let used = metadata.modified()?;
            match kind {
                Kind::Entry => entries.push((used, metadata.len(), file.path())),
                Kind::Unfinished if used.elapsed().is_ok_and(|age| age > STALE) => drop(fs::remove_file(file.path())),
                Kind::Unfinished | Kind::Key => {}
            }
        }
        entries.sort_unstable();
        let (mut bytes, mut count) = (entries.iter().map(|(_, bytes, _)| bytes).sum::<u64>(), entries.len());
        for (_, length, path) in &entries {
            if bytes <= most_bytes && count <= most_entries {
                break;
            }
            let _ = fs::remove_file(path);
            bytes -= length;
            count -= 1;
        }
        Ok(())
    }

    fn unfinished(&self) -> PathBuf {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        self.path.join(format!("{UNFINISHED}{}-{since}-{number}", std::process::id()))
    }
}

enum Kind {
    Entry,
    Unfinished,
    Key,
}

/// What a file of the folder is; `None` for what is none of ours.
fn kind(file: &fs::DirEntry) -> Option<Kind> {
    let name = file.file_name();
    let name = name.to_str()?;
    match name {
        KEY => Some(Kind::Key),
        _ if name.starts_with(UNFINISHED) => Some(Kind::Unfinished),
        _ if name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit()) => Some(Kind::Entry),
        _ => None,
    }
}

/// What the cache at `folder` holds; nothing where there is none.
///
/// # Errors
/// When it cannot be listed.
pub fn contents(folder: &Path) -> io::Result<Contents> {
    each(folder, |_| Ok(()))
}

/// Removes everything that a cache wrote to `folder`, and nothing else. Returns what that was.
///
/// # Errors
/// When something cannot be removed.
pub fn clear(folder: &Path) -> io::Result<Contents> {
    each(folder, |path| fs::remove_file(path))
}

fn each(folder: &Path, act: impl Fn(&Path) -> io::Result<()>) -> io::Result<Contents> {
    let mut contents = Contents::default();
    let files = match fs::symlink_metadata(folder) {
        Ok(metadata) if metadata.is_dir() => fs::read_dir(folder)?,
        Ok(_) => return Err(io::Error::other("it is no folder")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(contents),
        Err(error) => return Err(error),
    };
    for file in files {
        let file = file?;
        let Some(kind) = kind(&file) else { continue };
        if matches!(kind, Kind::Entry) {
            contents.entries += 1;
            contents.bytes += file.metadata()?.len();
        }
        act(&file.path())?;
    }
    Ok(contents)
}

#[cfg(unix)]
mod access {
    use std::{
        fs::{self, DirBuilder, OpenOptions},
        io::{self, Read, Write},
        os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
        path::Path,
    };

    pub(super) fn make_private(folder: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)
    }

    /// Fails unless the folder is the user's own and closed to everybody else. `probe` is a file that the user has just made.
    pub(super) fn check(folder: &Path, probe: &Path) -> io::Result<()> {
        let (folder, probe) = (fs::symlink_metadata(folder)?, fs::symlink_metadata(probe)?);
        if !folder.is_dir() {
            return Err(io::Error::other("it is a link, not a folder"));
        }
        if folder.uid() != probe.uid() {
            return Err(io::Error::other("it belongs to another user"));
        }
        if folder.mode() & 0o077 != 0 {
            return Err(io::Error::other("others may use it; close it with chmod 700"));
        }
        Ok(())
    }

    /// Makes a new file that only the user can read.
    pub(super) fn create(path: &Path, content: &[u8]) -> io::Result<()> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(content)
    }

    pub(super) fn random(key: &mut [u8]) -> io::Result<()> {
        fs::File::open("/dev/urandom")?.read_exact(key)
    }
}

#[cfg(not(unix))]
mod access {
    use std::{io, path::Path};

    fn unsupported() -> io::Error {
        io::Error::other("no cache is kept on this system, since no folder can be closed to others")
    }

    pub(super) fn make_private(_: &Path) -> io::Result<()> {
        Err(unsupported())
    }

    pub(super) fn check(_: &Path, _: &Path) -> io::Result<()> {
        Err(unsupported())
    }

    pub(super) fn create(_: &Path, _: &[u8]) -> io::Result<()> {
        Err(unsupported())
    }

    pub(super) fn random(_: &mut [u8]) -> io::Result<()> {
        Err(unsupported())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn name(number: u8) -> String {
        format!("{number:064x}")
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let scratch = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(&scratch.path().join("a/imgscan")).expect("made");
        let at = |number: u8, seconds: u64| {
            let file = fs::File::options().write(true).open(folder.path().join(name(number))).expect("an entry");
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).expect("ours");
        };
        for number in 0..4 {
            folder.write(&name(number), &[number; 10]).expect("room");
            at(number, u64::from(number) + 1);
        }
        folder.used(&name(0));
        fs::write(folder.path().join("notes.txt"), "not ours").expect("writable");
        folder.shrink(30, 100).expect("listed");
        let left = |folder: &Folder| (0..4).filter(|n| matches!(folder.read(&name(*n), 100), Ok(Some(_)))).collect::<Vec<_>>();
        assert_eq!(left(&folder), [0, 2, 3], "by bytes");
        folder.shrink(100, 1).expect("listed");
        assert_eq!(left(&folder), [0], "by number");
        assert_eq!(contents(folder.path()).expect("listed"), Contents { entries: 1, bytes: 10 });
        clear(folder.path()).expect("cleared");
        let rest: Vec<_> = fs::read_dir(folder.path()).expect("listed").filter_map(|file| Some(file.ok()?.file_name())).collect();
        assert_eq!(rest, ["notes.txt"], "what is not ours stays");
    }

    #[test]
    fn a_folder_that_others_may_use_is_refused() {
        let scratch = tempfile::tempdir().expect("a folder");
        let path = scratch.path().join("imgscan");
        let folder = Folder::open(&path).expect("made");
        let key = folder.key().expect("made");
        assert_eq!(*folder.key().expect("the same"), *key);
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&path.join(KEY))), (0o700, 0o600));

        fs::set_permissions(&path, fs::Permissions::from_mode(0o770)).expect("ours");
        assert!(Folder::open(&path).is_err_and(|error| error.to_string().contains("chmod 700")));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("ours");
        fs::write(path.join(KEY), "short").expect("ours");
        assert!(folder.key().is_err_and(|error| error.to_string().contains("damaged")));
        let link = scratch.path().join("link");
        symlink(&path, &link).expect("a link");
        assert!(Folder::open(&link).is_err_and(|error| error.to_string().contains("a link")));
        fs::write(scratch.path().join("file"), "").expect("writable");
        assert!(Folder::open(&scratch.path().join("file")).is_err() && contents(&scratch.path().join("file")).is_err());
    }
}
