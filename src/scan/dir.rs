//! A directory tree as one layer without a config: a build context, an unpacked root.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{
    Progress, ScanOptions,
    assemble::{self, Parts},
    layers::{DATABASES, failed, guarded, scan_content},
    loose,
    names::Names,
    outcome::{EntrySink, InOrder, Outcome},
};
use crate::{
    content::{self, Loose, Origins, Scanner},
    image::{Image, ImageError},
    layer::{Gap, stack::PathHasher},
    provenance::Facts,
    report::ImageReport,
};

/// Directories within directories. The file system bounds it too, but not for mounts within mounts.
const DEPTH: usize = 256;

/// Scans a tree. Links are not followed, so nothing outside is read.
pub(super) fn scan(
    root: &Path,
    options: &ScanOptions,
    hasher: &PathHasher,
    progress: &dyn Progress,
) -> Result<Vec<ImageReport>, ImageError> {
    let list = |source| ImageError::Io { what: format!("cannot list {}", root.display()), source };
    fs::read_dir(root).map_err(list)?;
    let mut outcome = Outcome::default();
    let mut listed = Listing::default();
    collect(root, &mut listed, &mut outcome, 0);
    let Listing { mut files, mut others } = listed;
    files.sort_unstable();
    others.sort_unstable();
    let bytes = files.iter().map(|file| file.size).sum();
    progress.image(&root.display().to_string(), 1, Some(bytes));

    let named = scan_names(root, &files, &others, options);
    let origins =
        guarded(&mut Scanner::new(options.engine.clone(), content::Limits::default()), options, |_| origins(root, &files, &mut outcome))
            .unwrap_or_default();
    let next = AtomicUsize::new(0);
    let results = Mutex::new(InOrder::default());
    let facts = Mutex::new((Facts::default(), 0));
    let work = || {
        let mut scanner = Scanner::new(options.engine.clone(), content::Limits::default());
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(number) else { break };
            let path: Arc<str> = within(root, &file.path).to_string_lossy().into();
            let mut own = Outcome::default();
            let done = guarded(&mut scanner, options, |scanner| {
                scan_file(file, &path, &origins, scanner, &mut own, &facts);
                progress.bytes(file.size);
            });
            if done.is_none() {
                own.gap(Gap { path: Some(path.to_string()), reason: failed("file"), bytes: Some(file.size) });
            }
            if let Ok(mut results) = results.lock() {
                results.add(number, own);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..options.jobs.max(1) {
            scope.spawn(work);
        }
        work();
    });
    results.into_inner().unwrap_or_default().finish(&mut outcome);
    outcome.merge(named);
    outcome.facts = facts.into_inner().map(|(facts, _)| facts).unwrap_or_default();
    outcome.complete = true;
    outcome.close();
    progress.layer();
    let image = Image::new(format!("dir:{}", root.display()));
    let parts = Parts { image: &image, layers: vec![Arc::new(outcome)], config: Outcome::default(), is_dir: true };
    Ok(vec![assemble::report(&parts, options, hasher)])
}

/// The path from the root.
fn within<'p>(root: &Path, path: &'p Path) -> &'p Path {
    path.strip_prefix(root).unwrap_or(path)
}

/// Where the blobs among the loose objects of git come from: their commits and trees are read first, so that any thread may scan any blob.
fn origins(root: &Path, files: &[Listed], outcome: &mut Outcome) -> Origins {
    let mut known = Loose::default();
    for file in files {
        let path = within(root, &file.path).to_string_lossy();
        // What cannot be read is said when it is scanned.
        if content::may_be_loose(&path, file.size)
            && let Ok(opened) = fs::File::open(&file.path)
        {
            let mut bytes = Vec::new();
            // No more than was listed: the file may have grown.
            let _ = opened.take(file.size).read_to_end(&mut bytes);
            known.learn(&path, &bytes);
        }
    }
    if known.left_out > 0 {
        outcome.gap(Gap { path: Some("git objects".to_owned()), reason: loose::reason(known.left_out), bytes: None });
    }
    known.origins()
}

/// Scans what the tree's entries are called, and where its links lead.
fn scan_names(root: &Path, files: &[Listed], others: &[PathBuf], options: &ScanOptions) -> Outcome {
    let mut outcome = Outcome::default();
    let done = guarded(&mut Scanner::new(options.engine.clone(), content::Limits::default()), options, |scanner| {
        let mut names = Names::default();
        let mut add = |path: &Path, link: Option<&[u8]>| {
            names.add_path(within(root, path).as_os_str().as_encoded_bytes(), link, 0, scanner, &mut outcome);
        };
        files.iter().for_each(|file| add(&file.path, None));
        for path in others {
            let link = fs::read_link(path).ok();
            add(path, link.as_deref().map(|link| link.as_os_str().as_encoded_bytes()));
        }
        names.finish(scanner, &mut outcome);
    });
    if done.is_none() {
        outcome.gap(Gap { path: Some("file names".to_owned()), reason: failed("tree"), bytes: None });
    }
    outcome
}

/// What a tree holds.
#[derive(Default)]
struct Listing {
    files: Vec<Listed>,
    /// Empty directories, links, sockets, pipes and devices: they have a name and no content of their own.
    others: Vec<PathBuf>,
}

/// A regular file of the tree.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    path: PathBuf,
    size: u64,
}

fn collect(folder: &Path, listing: &mut Listing, outcome: &mut Outcome, depth: usize) {
    let mut gap = |path: &Path, reason: String| {
        outcome.gap(Gap { path: Some(path.to_string_lossy().into_owned()), reason, bytes: None });
    };
    if depth > DEPTH {
        gap(folder, format!("more than {DEPTH} directories deep; not read"));
        return;
    }
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            gap(folder, format!("cannot be listed: {error}"));
            return;
        }
    };
    let mut folders = Vec::new();
    // A directory's name is a part of its entries' names.
    let mut empty = true;
    for entry in entries {
        empty = false;
        let listed = entry.and_then(|entry| entry.metadata().map(|metadata| (entry.path(), metadata)));
        match listed {
            Ok((path, metadata)) if metadata.is_dir() => folders.push(path),
            Ok((path, metadata)) if metadata.is_file() => listing.files.push(Listed { path, size: metadata.len() }),
            Ok((path, _)) => listing.others.push(path),
            Err(error) => gap(folder, format!("an entry cannot be read: {error}")),
        }
    }
    if empty && depth > 0 {
        listing.others.push(folder.to_owned());
    }
    folders.sort_unstable();
    for path in folders {
        collect(&path, listing, outcome, depth + 1);
    }
}

/// `path` is the file's from the root; `facts` holds what package databases say, and the bytes of those that were read.
fn scan_file(file: &Listed, path: &Arc<str>, origins: &Origins, scanner: &mut Scanner, outcome: &mut Outcome, facts: &Mutex<(Facts, u64)>) {
    scanner.begin();
    outcome.walked.files += 1;
    outcome.walked.bytes += file.size;
    let scanned = fs::File::open(&file.path).and_then(|mut reader| {
        let mut sink = EntrySink { outcome, path: path.clone(), raw_path: path.as_bytes(), position: 0 };
        if let Some(origin) = origins.of(path) {
            return scanner.scan_from(Some(origin), path, Some(file.size), &mut reader, &mut sink);
        }
        let capture = scan_content(scanner, file.size, &mut reader, &mut sink, file.size <= DATABASES)?;
        if let Some(capture) = capture
            && let Ok(mut facts) = facts.lock()
            && facts.1 + file.size <= DATABASES
        {
            facts.1 += file.size;
            facts.0.add(&capture);
        }
        Ok(())
    });
    if let Err(error) = scanned {
        outcome.gap(Gap { path: Some(path.to_string()), reason: format!("cannot be read: {error}"), bytes: None });
    }
}
