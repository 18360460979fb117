//! `imgscan fingerprint`: values in, fingerprints out, so that one can ask 'where is this one?' without writing it anywhere.

use std::io::{self, BufRead, Read, Write};

use anyhow::{Context, bail};
use imgscan::{Secret, fingerprint::Fingerprinter};
use zeroize::Zeroizing;

use crate::{args::FingerprintArgs, exit::Exit, messages, settings};

/// Longer values are no credentials.
const MAX_VALUE: u64 = 1 << 20;

/// Reads standard input to its end, one value at a time.
pub(crate) fn run(args: &FingerprintArgs) -> anyhow::Result<Exit> {
    let fingerprints = settings::fingerprinter(&args.key, None)?;
    let separator = if args.null { 0 } else { b'\n' };
    let mut input = io::stdin().lock();
    let mut out = io::stdout().lock();
    let mut number = 0_u64;
    let mut refused = false;
    loop {
        let mut value = Zeroizing::new(Vec::with_capacity(4096));
        let read = (&mut input).take(MAX_VALUE + 1).read_until(separator, &mut value).context("standard input cannot be read")?;
        if read == 0 {
            break;
        }
        number += 1;
        if read as u64 > MAX_VALUE {
            bail!("value {number} is longer than 1 MiB; give one value a line, or NUL-separated values with -0");
        }
        if value.last() == Some(&separator) {
            value.pop();
        }
        // An empty line keeps its place, so that output and input can be pasted side by side.
        if value.trim_ascii().is_empty() {
            writeln!(out)?;
            continue;
        }
        match of(&fingerprints, &value) {
            Some(id) => writeln!(out, "{id}")?,
            None => {
                refused = true;
                writeln!(out)?;
                messages::warning(&format!("value {number} could be guessed, so it has a fingerprint only with --fingerprint-key"));
            }
        }
    }
    out.flush()?;
    Ok(if refused { Exit::Error } else { Exit::Clean })
}

fn of(fingerprints: &Fingerprinter, value: &[u8]) -> Option<String> {
    let secret = Secret::new(value);
    let guessable = guessable(value);
    fingerprints.of_value(&secret, guessable).map(|id| id.to_string())
}

/// As the engine judges a value in a report: a provider's format is never guessable; otherwise about 64 bits are asked.
fn guessable(value: &[u8]) -> bool {
    let mut counts = [0_u32; 256];
    for byte in value {
        counts[usize::from(*byte)] += 1;
    }
    let length = value.len() as f64;
    let bits: f64 = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count)).map(|n| n * (length / n).log2()).sum();
    bits < 64.0
}
