//! How a scan gets on, on standard error.

use std::{
    io::{IsTerminal, Write},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use imgscan::{output::text, scan};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::{ProgressMode, Verbosity};

/// Time between two lines of plain progress.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// What the workers tell.
pub(crate) trait Progress: scan::Progress {
    /// The scan is over: clears what was drawn.
    fn finish(&self);
}

/// The right kind for the mode and the terminal.
pub(crate) fn start(mode: ProgressMode, verbosity: &Verbosity) -> Box<dyn Progress> {
    let terminal = std::io::stderr().is_terminal();
    match mode {
        ProgressMode::Plain => Box::new(Plain::start()),
        // Log lines and a moving line would tear each other up.
        ProgressMode::Auto if terminal && !verbosity.quiet && verbosity.verbose == 0 => Box::new(Bar::start()),
        ProgressMode::Auto if terminal && !verbosity.quiet => Box::new(Plain::start()),
        ProgressMode::Auto | ProgressMode::None => Box::new(Silent),
    }
}

#[derive(Default)]
struct Counts {
    read: AtomicU64,
    total: AtomicU64,
    layers_done: AtomicU64,
    layers: AtomicU64,
    reference: Mutex<String>,
}

impl Counts {
    fn image(&self, reference: &str, layers: usize, bytes: Option<u64>) {
        self.layers.fetch_add(layers as u64, Ordering::Relaxed);
        self.total.fetch_add(bytes.unwrap_or(0), Ordering::Relaxed);
        if let Ok(mut held) = self.reference.lock() {
            *held = text::plain(reference).into_owned();
        }
    }

    /// `alpine:3.20: 12.3 MB of 45.6 MB, layer 2 of 5`.
    fn words(&self) -> String {
        let read = self.read.load(Ordering::Relaxed);
        let total = self.total.load(Ordering::Relaxed);
        let of = if total >= read && total > 0 { format!(" of {}", text::bytes(total)) } else { String::new() };
        let (done, layers) = (self.layers_done.load(Ordering::Relaxed), self.layers.load(Ordering::Relaxed));
        let reference = self.reference.lock().map(|held| held.clone()).unwrap_or_default();
        format!("{reference}: {}{of}, {done} of {}", text::bytes(read), text::count(layers, "layer", "layers"))
    }
}

struct Silent;

impl scan::Progress for Silent {
    fn image(&self, _: &str, _: usize, _: Option<u64>) {}
    fn bytes(&self, _: u64) {}
    fn layer(&self) {}
}

impl Progress for Silent {
    fn finish(&self) {}
}

/// One moving line.
struct Bar {
    bar: ProgressBar,
    counts: Counts,
}

impl Bar {
    fn start() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
        let style = ProgressStyle::with_template("{spinner} {wide_msg} {bytes_per_sec} {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_message("opening");
        bar.enable_steady_tick(Duration::from_millis(125));
        Self { bar, counts: Counts::default() }
    }
}

impl scan::Progress for Bar {
    fn image(&self, reference: &str, layers: usize, bytes: Option<u64>) {
        self.counts.image(reference, layers, bytes);
        self.bar.set_message(self.counts.words());
    }

    fn bytes(&self, count: u64) {
        let before = self.counts.read.fetch_add(count, Ordering::Relaxed);
        self.bar.inc(count);
        // The text is made anew for every megabyte, not for every read.
        if before >> 20 != (before + count) >> 20 {
            self.bar.set_message(self.counts.words());
        }
    }

    fn layer(&self) {
        self.counts.layers_done.fetch_add(1, Ordering::Relaxed);
        self.bar.set_message(self.counts.words());
    }
}

impl Progress for Bar {
    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// A line every few seconds, for logs.
struct Plain {
    counts: Arc<Counts>,
    stop: Arc<(Mutex<bool>, Condvar)>,
    /// Short scans say nothing.
    spoken: Arc<AtomicBool>,
}

impl Plain {
    fn start() -> Self {
        let plain = Self { counts: Arc::default(), stop: Arc::default(), spoken: Arc::default() };
        let (counts, stop, spoken) = (Arc::clone(&plain.counts), Arc::clone(&plain.stop), Arc::clone(&plain.spoken));
        thread::spawn(move || {
            let began = Instant::now();
            let Ok(mut stopped) = stop.0.lock() else { return };
            while !*stopped {
                let Ok((held, waited)) = stop.1.wait_timeout(stopped, PLAIN_EVERY) else { return };
                stopped = held;
                if waited.timed_out() {
                    line(&counts, began);
                    spoken.store(true, Ordering::Relaxed);
                }
            }
            if spoken.load(Ordering::Relaxed) {
                line(&counts, began);
            }
        });
        plain
    }
}

fn line(counts: &Counts, began: Instant) {
    let seconds = began.elapsed().as_secs_f64().max(0.001);
    let rate = (counts.read.load(Ordering::Relaxed) as f64 / seconds) as u64;
    let _ = writeln!(std::io::stderr().lock(), "{}, {}/s, {seconds:.0} s", counts.words(), text::bytes(rate));
}

impl scan::Progress for Plain {
    fn image(&self, reference: &str, layers: usize, bytes: Option<u64>) {
        self.counts.image(reference, layers, bytes);
    }

    fn bytes(&self, count: u64) {
        self.counts.read.fetch_add(count, Ordering::Relaxed);
    }

    fn layer(&self) {
        self.counts.layers_done.fetch_add(1, Ordering::Relaxed);
    }
}

impl Progress for Plain {
    fn finish(&self) {
        if let Ok(mut stopped) = self.stop.0.lock() {
            *stopped = true;
        }
        self.stop.1.notify_all();
    }
}
