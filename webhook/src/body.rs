//! Reading bodies: bounded each, and bounded in sum.

use std::{sync::Arc, time::Duration};

use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

/// Bodies up to here do not count against the sum; the number of requests in flight bounds them.
pub const SMALL: usize = 64 << 10;
/// What one permit stands for.
const UNIT: usize = 64 << 10;

/// How much may be held.
pub struct Bounds {
    /// Bytes of one body.
    pub one: usize,
    all: Room,
}

impl Bounds {
    /// `one` bytes for a body, `all` bytes for those in flight together.
    pub fn new(one: usize, all: usize) -> Self {
        Self { one, all: Room::new(all.max(one)) }
    }
}

/// Bytes that several may hold together.
pub struct Room {
    units: u32,
    free: Arc<Semaphore>,
}

impl Room {
    /// Room for so many bytes.
    pub fn new(bytes: usize) -> Self {
        let units = u32::try_from(bytes / UNIT).unwrap_or(u32::MAX).max(1);
        Self { units, free: Arc::new(Semaphore::new(units as usize)) }
    }

    /// Waits for so many bytes. Who wants more than there is waits for all.
    pub async fn acquire(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.units);
        Arc::clone(&self.free).acquire_many_owned(units).await.ok()
    }
}

/// A body, or as much of it as was read.
pub struct Body {
    /// The bytes.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Why it is not whole: a sentence for people.
    pub problem: Option<&'static str>,
    /// Held until the body is dropped.
    _permit: Option<OwnedSemaphorePermit>,
}

/// Reads a body. `length` is what the client says, and decides only how long to wait for room.
pub async fn read(mut body: axum::body::Body, length: Option<usize>, bounds: &Bounds, patience: Duration) -> Body {
    let expected = length.unwrap_or(bounds.one);
    let mut permit = None;
    // Room for small ones at once: what growing leaves behind is not wiped, and costs time.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.unwrap_or(0).min(SMALL)));
    let mut problem = None;
    let reading = async {
        if expected > SMALL {
            permit = bounds.all.acquire(expected.min(bounds.one)).await;
        }
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                problem = Some("the connection broke off");
                return;
            };
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > bounds.one.min(expected.max(SMALL)) {
                problem = Some("it is larger than this webhook reads");
                // Enough for the uid, which is all that is needed now.
                bytes.extend_from_slice(data.get(..data.len().min(SMALL)).unwrap_or_default());
                bytes.truncate(SMALL);
                return;
            }
            bytes.extend_from_slice(&data);
        }
    };
    if tokio::time::timeout(patience, reading).await.is_err() {
        problem = Some("it did not arrive in time");
    }
    Body { bytes, problem, _permit: permit }
}
