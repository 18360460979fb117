//! Limits how often one user can learn from an answer that a credential is held elsewhere.
//!
//! Comparable values cannot be guessed in the first place; this catches someone who tries a list of leaked ones. Counted
//! are *different* credentials, so that a controller that retries one denied pod is never limited.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const WINDOW: Duration = Duration::from_secs(3600);
/// Users that are remembered; beyond, the oldest window is forgotten.
const MAX_USERS: usize = 10_000;

/// The start of a window, and the different hits in it.
type Window = (Instant, HashSet<String>);

/// Hits by user and namespace.
#[derive(Default)]
pub struct Probes {
    seen: Mutex<HashMap<(String, String), Window>>,
}

impl Probes {
    /// Notes hits, and says whether the user is over the limit. 0 is no limit.
    pub fn over_limit<'a>(&self, user: &str, namespace: &str, hits: impl Iterator<Item = &'a str>, limit: u32, now: Instant) -> bool {
        if limit == 0 {
            return false;
        }
        let limit = limit as usize;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (user.to_owned(), namespace.to_owned());
        let fresh = |since: Instant| now.duration_since(since) < WINDOW;
        let mut hits = hits.peekable();
        if hits.peek().is_none() {
            // Nearly every request.
            return seen.get(&key).is_some_and(|(since, known)| fresh(*since) && known.len() > limit);
        }
        seen.retain(|_, (since, _)| fresh(*since));
        if !seen.contains_key(&key) && seen.len() >= MAX_USERS {
            let oldest = seen.iter().min_by_key(|(_, (since, _))| *since).map(|(key, _)| key.clone());
            oldest.and_then(|key| seen.remove(&key));
        }
        let (_, known) = seen.entry(key).or_insert_with(|| (now, HashSet::new()));
        for hit in hits {
            if known.len() > limit {
                break;
            }
            known.insert(hit.to_owned());
        }
        known.len() > limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_credentials_count_and_retries_do_not() {
        let probes = Probes::default();
        let now = Instant::now();
        for _ in 0..100 {
            assert!(!probes.over_limit("u", "n", ["a"].into_iter(), 2, now));
        }
        assert!(!probes.over_limit("u", "n", ["b"].into_iter(), 2, now));
        assert!(probes.over_limit("u", "n", ["c"].into_iter(), 2, now));
        assert!(probes.over_limit("u", "n", std::iter::empty(), 2, now), "whatever comes next, too");
        assert!(!probes.over_limit("u", "m", ["c"].into_iter(), 2, now), "another namespace");
        assert!(!probes.over_limit("u", "n", ["c"].into_iter(), 2, now + WINDOW), "an hour later");
    }
}
