//! `imgscan fingerprint`: values in, fingerprints out, so that one can ask 'where is this one?' without writing it anywhere.

use std::io::{self, BufRead, Read, Write};

use anyhow::{Context, bail};
use imgscan::{
    Secret,
    detect::{Engine, Hint, Scratch, guessable},
    finding::LocationKind,
    fingerprint::{Fingerprint, Fingerprinter, canonical},
};
use zeroize::Zeroizing;

use crate::{args::FingerprintArgs, exit::Exit, messages, settings};

/// Longer values are no credentials.
const MAX_VALUE: u64 = 1 << 20;

/// Reads standard input to its end, one value at a time.
pub(crate) fn run(args: &FingerprintArgs) -> anyhow::Result<Exit> {
    let fingerprints = settings::fingerprinter(&args.key, None)?;
    let engine = Engine::new(Vec::new());
    let mut scratch = Scratch::default();
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
        match of(&fingerprints, &engine, &mut scratch, &value) {
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

/// The fingerprint that a report would have for the value; `None` where it could be guessed and there is no key.
fn of(fingerprints: &Fingerprinter, engine: &Engine, scratch: &mut Scratch, value: &[u8]) -> Option<Fingerprint> {
    let guessable = guessable(&canonical(value)) && !has_format(engine, scratch, value.trim_ascii());
    fingerprints.of_value(&Secret::new(value), guessable)
}

/// Whether the whole value has a provider's format.
fn has_format(engine: &Engine, scratch: &mut Scratch, value: &[u8]) -> bool {
    let hint = Hint { kind: LocationKind::Env, path: "", name: None, binary: false };
    let mut found = false;
    engine.find(value, &hint, scratch, &mut |matched| {
        found |= !matched.guessable && matched.refuted.is_none() && matched.span == (0..value.len());
    });
    found
}
