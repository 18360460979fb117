//! Layers in parallel: the largest first, one content scanner per thread.

use std::{
    io::{self, Read},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{
    Progress, ScanOptions,
    loose::Objects,
    names::Names,
    outcome::{self, ALL_MATCHES, EntrySink, Outcome},
};
use crate::{
    content::{self, Scanner},
    image::{BlobReader, compression},
    layer::{
        self, Entry, EntryKind, Gap,
        stack::{PathHasher, PathsBuilder},
    },
    provenance::{Capture, Facts},
};

/// Bytes of one layer's package databases that are learnt from: what they say stays in memory. A finding in a file whose
/// package is not known is reported.
pub(super) const DATABASES: u64 = 128 << 20;

/// One layer to scan.
pub(super) struct Job<'a> {
    /// Bytes of the blob, to start with the largest.
    pub(super) size: u64,
    /// Opens the blob; the error is a reason for people.
    pub(super) open: Box<dyn Fn() -> Result<BlobReader, String> + Send + Sync + 'a>,
}

/// Scans all jobs; the outcomes are in the jobs' order.
pub(super) fn scan_all(jobs: &[Job<'_>], options: &ScanOptions, hasher: &PathHasher, progress: &dyn Progress) -> Vec<Outcome> {
    let mut order: Vec<usize> = (0..jobs.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(jobs.get(*index).map_or(0, |job| job.size)));
    let next = AtomicUsize::new(0);
    let outcomes: Mutex<Vec<Option<Outcome>>> = Mutex::new(jobs.iter().map(|_| None).collect());
    let seen = AtomicUsize::new(0);
    let work = || {
        let mut scanner = Scanner::new(options.engine.clone(), content::Limits::default());
        while let Some(index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Some(job) = jobs.get(*index) else { continue };
            let outcome = match (job.open)() {
                Ok(blob) => guarded(&mut scanner, options, |scanner| scan_blob(&mut Counted { inner: blob, progress }, scanner, hasher))
                    .unwrap_or_else(|| Outcome::unreadable(failed("layer"))),
                Err(reason) => Outcome::unreadable(reason),
            };
            progress.layer();
            let count = seen.fetch_add(outcome.seen.len(), Ordering::Relaxed) + outcome.seen.len();
            if let Ok(mut outcomes) = outcomes.lock() {
                if let Some(slot) = outcomes.get_mut(*index) {
                    *slot = Some(outcome);
                }
                if count > ALL_MATCHES {
                    outcome::forget_surplus(outcomes.iter_mut().flatten());
                }
            }
        }
    };
    let threads = options.jobs.clamp(1, jobs.len().max(1));
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let outcomes = outcomes.into_inner().unwrap_or_default();
    outcomes.into_iter().map(|slot| slot.unwrap_or_else(|| Outcome::unreadable("the layer was not scanned".to_owned()))).collect()
}

/// Runs `work`; `None` where it panics. A bug in a parser must cost the completeness of what was read, not the run.
pub(super) fn guarded<T>(scanner: &mut Scanner, options: &ScanOptions, work: impl FnOnce(&mut Scanner) -> T) -> Option<T> {
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(scanner)));
    if done.is_err() {
        // Its buffers may be half written.
        *scanner = Scanner::new(options.engine.clone(), content::Limits::default());
    }
    done.ok()
}

/// The reason of the gap that a panic leaves.
pub(super) fn failed(what: &str) -> String {
    format!("imgscan failed while it read this {what}; please report it as a bug")
}

/// Scans one layer from its stored bytes: decompresses, walks, scans, and reads to the end so that the digest is verified.
pub(super) fn scan_blob(blob: &mut (dyn Read + Send), scanner: &mut Scanner, hasher: &PathHasher) -> Outcome {
    scanner.begin();
    let mut outcome = Outcome::default();
    let mut paths = PathsBuilder::new(hasher.clone());
    // Decompression runs ahead on a thread of its own, so that an image of one large layer uses two cores.
    let walked = compression::decompress(blob)
        .and_then(|changeset| layer::read_ahead(changeset, |changeset| walk(changeset, scanner, hasher, &mut outcome, &mut paths)));
    outcome.paths = paths.finish();
    match walked {
        Ok(()) => outcome.complete = true,
        Err(error) => outcome.gap(Gap { path: None, reason: format!("the layer could not be read to its end: {error}"), bytes: None }),
    }
    outcome.close();
    outcome
}

fn walk(
    changeset: &mut dyn Read,
    scanner: &mut Scanner,
    hasher: &PathHasher,
    outcome: &mut Outcome,
    paths: &mut PathsBuilder,
) -> io::Result<()> {
    let mut names = Names::default();
    // The walk's own gaps are collected apart, with the same bound: `visit` holds the outcome.
    let mut gaps = Outcome::default();
    let mut facts = Facts::default();
    let mut databases = 0u64;
    let mut objects = Objects::default();
    let walked = layer::walk(
        changeset,
        &layer::Limits::default(),
        &mut |entry, content| {
            let position = paths.add(entry);
            names.add(entry, position, scanner, outcome);
            if entry.kind == EntryKind::HardLink {
                add_hard_link(entry, position, hasher, outcome);
            }
            if entry.size == 0 {
                return Ok(());
            }
            let path: Arc<str> = String::from_utf8_lossy(entry.path).into();
            let mut sink = EntrySink { outcome, path: path.clone(), raw_path: entry.path, position };
            if content::may_be_loose(&path, entry.size) {
                let mut bytes = Vec::new();
                content.read_to_end(&mut bytes)?;
                let Some(bytes) = objects.add(entry.path, position, bytes) else { return Ok(()) };
                return scanner.scan(&path, Some(entry.size), &mut bytes.as_slice(), &mut sink);
            }
            let room = databases.saturating_add(entry.size) <= DATABASES;
            if let Some(capture) = scan_content(scanner, entry.size, content, &mut sink, room)? {
                databases += entry.size;
                facts.add(&capture);
            }
            Ok(())
        },
        &mut |gap| gaps.gap(gap),
    );
    names.finish(scanner, outcome);
    objects.finish(scanner, outcome);
    outcome.merge(gaps);
    outcome.facts = facts;
    outcome.walked = walked?;
    Ok(())
}

/// Scans a file, and reads it to its end where it is a package database and there is `room` for what it says.
pub(super) fn scan_content(
    scanner: &mut Scanner,
    size: u64,
    content: &mut dyn Read,
    sink: &mut EntrySink<'_>,
    room: bool,
) -> io::Result<Option<Capture>> {
    let path = sink.path.clone();
    let Some(mut capture) = Facts::capture(&path).filter(|_| room) else {
        return scanner.scan(&path, Some(size), content, sink).map(|()| None);
    };
    let mut reader = capture.reading(content);
    scanner.scan(&path, Some(size), &mut reader, sink)?;
    io::copy(&mut reader, &mut io::sink())?;
    drop(reader);
    Ok(Some(capture))
}

fn add_hard_link(entry: &Entry<'_>, position: u32, hasher: &PathHasher, outcome: &mut Outcome) {
    let mut target = Vec::new();
    layer::clean(entry.link.unwrap_or_default(), &mut target);
    outcome.hard_link(hasher.hash(&target), entry.path, position);
}

/// Counts the bytes of a blob for the progress display.
pub(super) struct Counted<'p, R> {
    pub(super) inner: R,
    pub(super) progress: &'p dyn Progress,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.progress.bytes(count as u64);
        Ok(count)
    }
}
