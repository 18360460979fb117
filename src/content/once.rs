//! The same bytes seen twice, once understood and once as they are: the second view tells only what the first did not see.

use std::{collections::HashSet, io};

use sha2::{Digest, Sha256};

use super::{ContentHashes, Found, Sink, Uncovered, walk::Walk};
use crate::detect::public::Certificate;

/// Remembers by hash: nothing else holds a secret's bytes.
struct Once<'s> {
    sink: &'s mut dyn Sink,
    seen: HashSet<[u8; 32]>,
    learning: bool,
}

impl Sink for Once<'_> {
    fn found(&mut self, found: Found) {
        let hash = Sha256::digest(found.matched.secret.expose()).into();
        if self.learning {
            self.seen.insert(hash);
        } else if self.seen.contains(&hash) {
            return;
        }
        self.sink.found(found);
    }

    fn uncovered(&mut self, gap: Uncovered) {
        self.sink.uncovered(gap);
    }

    fn hashes(&mut self, hashes: ContentHashes) {
        self.sink.hashes(hashes);
    }

    fn certificate(&mut self, certificate: Certificate) {
        self.sink.certificate(certificate);
    }
}

impl Walk<'_> {
    /// Runs both scans; secrets that the first one found are left out of the second.
    pub(super) fn once(
        &mut self,
        understood: impl FnOnce(&mut Walk<'_>) -> io::Result<()>,
        as_it_is: impl FnOnce(&mut Walk<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut once = Once { sink: &mut *self.sink, seen: HashSet::new(), learning: true };
        let mut state = (std::mem::take(&mut self.inner), self.found, self.budget_reported);
        let mut run = |once: &mut Once<'_>, scan: &mut dyn FnMut(&mut Walk<'_>) -> io::Result<()>| {
            let mut walk = Walk {
                engine: self.engine,
                scratch: &mut *self.scratch,
                pool: &mut *self.pool,
                limits: self.limits,
                sink: once,
                meter: self.meter.clone(),
                inner: std::mem::take(&mut state.0),
                depth: self.depth,
                origin: self.origin,
                path: self.path,
                size: self.size,
                large: self.large.clone(),
                found: state.1,
                budget_reported: state.2,
            };
            let result = scan(&mut walk);
            state = (walk.inner, walk.found, walk.budget_reported);
            result
        };
        let (mut understood, mut as_it_is) = (Some(understood), Some(as_it_is));
        let first = run(&mut once, &mut |walk| understood.take().map_or(Ok(()), |scan| scan(walk)));
        once.learning = false;
        let second = run(&mut once, &mut |walk| as_it_is.take().map_or(Ok(()), |scan| scan(walk)));
        (self.inner, self.found, self.budget_reported) = state;
        first.and(second)
    }
}
