//! When a request is sent again, and after how long.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::{Duration, SystemTime},
};

use reqwest::{StatusCode, header::HeaderMap};

/// Further attempts after the first.
const RETRIES: u32 = 5;
/// The first pause; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(250);
/// The longest pause of our own.
const LONGEST: Duration = Duration::from_secs(10);
/// The longest pause that a registry may ask for. One that wants more is not waited for: a scan in CI should fail and say so.
const ASKED: Duration = Duration::from_secs(90);

/// Counts attempts that failed one after the other.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failed: u32,
}

impl Backoff {
    /// How long to wait before the next attempt; `None` when it was the last one.
    pub(crate) fn next(&mut self, asked: Option<Duration>) -> Option<Duration> {
        self.failed += 1;
        if self.failed > RETRIES || asked.is_some_and(|asked| asked > ASKED) {
            return None;
        }
        let pause = FIRST.saturating_mul(1 << (self.failed - 1).min(10)).min(LONGEST);
        // Up to a half more, so that many clients do not come back at the same time.
        let random = RandomState::new().build_hasher().finish() % 512;
        let pause = pause + pause.mul_f64(random as f64 / 1024.0);
        Some(asked.map_or(pause, |asked| asked.max(FIRST)))
    }

    /// After progress the count starts again.
    pub(crate) fn reset(&mut self) {
        self.failed = 0;
    }
}

/// Whether the same request may succeed later.
pub(crate) fn is_temporary(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// What the registry asks for: seconds, or a date ([RFC 9110, 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)).
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let when = jiff::fmt::rfc2822::parse(value).ok()?.timestamp().as_second();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    Some(Duration::from_secs(u64::try_from(when).ok()?.saturating_sub(now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let mut backoff = Backoff::default();
        let pauses: Vec<Duration> = std::iter::from_fn(|| backoff.next(None)).collect();
        assert_eq!(pauses.len(), RETRIES as usize);
        for (at, pause) in pauses.iter().enumerate() {
            let base = FIRST * (1 << at);
            assert!(*pause >= base && *pause <= base + base / 2, "{pause:?}");
        }
        assert_eq!(Backoff::default().next(Some(Duration::from_secs(3))), Some(Duration::from_secs(3)));
        assert_eq!(Backoff::default().next(Some(Duration::from_secs(3600))), None);
    }

    #[test]
    fn both_forms_of_retry_after() {
        let header =
            |value: &'static str| HeaderMap::from_iter([("retry-after".parse().expect("a name"), value.parse().expect("a value"))]);
        assert_eq!(retry_after(&header("7")), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(&header("Fri, 31 Dec 1999 23:59:59 GMT")), Some(Duration::ZERO));
        assert!(retry_after(&header("Fri, 31 Dec 2100 23:59:59 GMT")).is_some_and(|pause| pause > ASKED));
        assert_eq!(retry_after(&header("soon")), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
