//! A scan from arguments to exit code: settings -> targets -> baseline and ignore entries -> reports.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    str::FromStr,
};

use anyhow::Context;
use imgscan::{
    output::{self, Document, Failed, Format, table},
    report::{ImageReport, Report, held},
    scan,
    target::Target,
};

use crate::{
    args::{ProgressMode, ScanArgs, Verbosity},
    exit::Exit,
    messages, progress,
    settings::{self, Settings},
};

/// What scanning the targets gave.
pub(crate) struct Scanned {
    pub(crate) images: Vec<ImageReport>,
    /// Targets that could not be read. They have been reported on standard error.
    pub(crate) failed: Vec<Failed>,
}

/// `imgscan IMAGE...`
pub(crate) fn scan(args: &ScanArgs, verbosity: &Verbosity) -> anyhow::Result<Exit> {
    // Whatever can fail before the first byte is pulled fails now.
    let targets = parse_targets(&args.images)?;
    for (_, file) in &args.output.outputs {
        check_folder(file)?;
    }
    let mut settings = settings::load(&args.detection, &args.source, Some(&args.gate))?;
    let scanned = scan_targets(&targets, &settings, args.output.progress, verbosity);
    let (mut images, failed) = (scanned.images, scanned.failed);
    let held: Vec<_> =
        images.iter_mut().map(|image| held::apply(image, settings.gate.baseline.as_ref(), &mut settings.ignore, settings.today)).collect();
    let report = Report { ruleset: settings.ruleset.clone(), images };
    let exit =
        if failed.is_empty() { Exit::from(report.verdict(settings.gate.fail_on, settings.gate.allow_incomplete)) } else { Exit::Error };
    let document = Document { report: &report, held: &held, failed: &failed, judgement: settings.gate.judgement() };
    write_files(args, &document)?;
    if !document.report.images.is_empty() || args.output.format != Format::Table {
        write_stdout(args.output.format, &document, verbosity)?;
    }
    remarks(&settings, failed.is_empty(), verbosity);
    Ok(exit)
}

/// Parses every target before the first is opened.
pub(crate) fn parse_targets(images: &[String]) -> anyhow::Result<Vec<(String, Target)>> {
    let parse = |text: &String| {
        let target = Target::from_str(text).with_context(|| format!("`{text}` is no image"))?;
        Ok((text.clone(), target))
    };
    images.iter().map(parse).collect()
}

/// Scans one target after the other; a target that cannot be read does not stop the others.
pub(crate) fn scan_targets(targets: &[(String, Target)], settings: &Settings, mode: ProgressMode, verbosity: &Verbosity) -> Scanned {
    let mut scanned = Scanned { images: Vec::new(), failed: Vec::new() };
    for (text, target) in targets {
        let progress = progress::start(mode, verbosity);
        let result = scan::scan(target, &settings.options, &*progress);
        progress.finish();
        match result {
            Ok(mut images) => scanned.images.append(&mut images),
            Err(error) => {
                let error = anyhow::Error::from(error);
                scanned.failed.push(Failed { reference: text.clone(), problem: messages::with_causes(&error) });
                messages::error(&error.context(format!("`{text}` cannot be scanned")));
            }
        }
    }
    scanned
}

fn check_folder(file: &Path) -> anyhow::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    anyhow::ensure!(folder.is_dir(), "the report {} cannot be written: there is no folder {}", file.display(), folder.display());
    Ok(())
}

fn write_files(args: &ScanArgs, document: &Document<'_>) -> anyhow::Result<()> {
    // A file is no terminal: no colours, and room for long lines.
    let style = table::Style { width: 120, color: false, quiet: false };
    for (format, file) in &args.output.outputs {
        let mut bytes = Vec::new();
        output::write(*format, document, &style, &mut bytes)?;
        fs::write(file, bytes).with_context(|| format!("the report {} cannot be written", file.display()))?;
    }
    Ok(())
}

fn write_stdout(format: Format, document: &Document<'_>, verbosity: &Verbosity) -> anyhow::Result<()> {
    let stdout = io::stdout();
    let color = anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
    let style = table::Style { width: width(), color, quiet: verbosity.quiet };
    let mut out = io::BufWriter::with_capacity(1 << 16, stdout.lock());
    output::write(format, document, &style, &mut out)?;
    out.flush()?;
    if format != Format::Table && !verbosity.quiet {
        messages::note(&document.verdict());
    }
    Ok(())
}

/// Columns of the terminal, `COLUMNS`, or 100 where nobody looks.
fn width() -> usize {
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
    terminal.or(asked).unwrap_or(100)
}

/// What should be changed in `imgscan.toml`.
fn remarks(settings: &Settings, complete: bool, verbosity: &Verbosity) {
    let file = settings.config_file.display();
    for entry in settings.ignore.expired(settings.today) {
        let last = entry.expires.map(|date| date.to_string()).unwrap_or_default();
        messages::warning(&format!(
            "{file}:{}: the ignore entry ended on {last} and ignores nothing any more ({})",
            entry.line, entry.reason
        ));
    }
    if complete && !verbosity.quiet {
        for entry in settings.ignore.unused(settings.today) {
            messages::warning(&format!(
                "{file}:{}: the ignore entry fits no finding of this scan; remove it if it is of no use",
                entry.line
            ));
        }
    }
}
