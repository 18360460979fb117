//! `imgscan baseline`: what is known already, so that a gate can start today and old findings be worked off.

use std::{fs, path::Path};

use anyhow::Context;
use imgscan::{
    output::text,
    report::{baseline::Baseline, held},
};

use crate::{
    args::{BaselineScanArgs, BaselineShowArgs, Verbosity},
    exit::Exit,
    messages, run, settings,
};

/// `imgscan baseline create -o FILE IMAGE...`
pub(crate) fn create(args: &BaselineScanArgs, verbosity: &Verbosity) -> anyhow::Result<Exit> {
    let Some(scanned) = scan(args, verbosity)? else { return Ok(Exit::Error) };
    let baseline = Baseline::of(&scanned);
    write(&args.file, &baseline)?;
    if !verbosity.quiet {
        let entries = text::count(baseline.entries().len() as u64, "credential", "credentials");
        messages::note(&format!("{entries} in {}; use it by --baseline, and rotate them one by one", args.file.display()));
    }
    Ok(Exit::Clean)
}

/// `imgscan baseline show FILE`
pub(crate) fn show(args: &BaselineShowArgs) -> anyhow::Result<Exit> {
    let baseline = settings::baseline(&args.file)?;
    let mut lines = String::new();
    for entry in baseline.entries() {
        let [rule, kind, place] = [&entry.rule, &entry.kind, &entry.place].map(|part| text::plain(part));
        lines.push_str(&format!("{}  {rule}  {kind}  {place}\n", entry.fingerprint));
    }
    messages::to_stdout(lines.as_bytes())?;
    Ok(Exit::Clean)
}

/// `imgscan baseline prune -o FILE IMAGE...`
pub(crate) fn prune(args: &BaselineScanArgs, verbosity: &Verbosity) -> anyhow::Result<Exit> {
    let mut baseline = settings::baseline(&args.file)?;
    // Entries are dropped only when everything was read: a registry that is down must not forget them.
    let Some(scanned) = scan(args, verbosity)? else { return Ok(Exit::Error) };
    let dropped = baseline.prune(&scanned);
    write(&args.file, &baseline)?;
    if !verbosity.quiet {
        let left = text::count(baseline.entries().len() as u64, "credential is left", "credentials are left");
        messages::note(&format!("{} dropped from {}; {left}", text::thousands(dropped as u64), args.file.display()));
    }
    Ok(Exit::Clean)
}

/// The images' reports without what `imgscan.toml` ignores; `None` where a target could not be read.
fn scan(args: &BaselineScanArgs, verbosity: &Verbosity) -> anyhow::Result<Option<Vec<imgscan::report::ImageReport>>> {
    let mut settings = settings::load(&args.detection, Some(&args.source), None)?;
    let mut scanned = run::scan_targets(&args.images, &settings, args.progress.mode, verbosity);
    for image in &mut scanned.images {
        held::apply(image, None, &mut settings.ignore, settings.today);
    }
    Ok(scanned.failed.is_empty().then_some(scanned.images))
}

fn write(file: &Path, baseline: &Baseline) -> anyhow::Result<()> {
    fs::write(file, baseline.to_json()).with_context(|| format!("the baseline {} cannot be written", file.display()))
}
