//! A scan from arguments to exit code: settings -> targets -> baseline and ignore entries -> reports.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    str::FromStr,
};

use anyhow::Context;
use imgscan::{
    image::Reference,
    output::{Document, Failed, Format, table},
    report::{ImageReport, Report, held},
    scan,
    target::Target,
};

use crate::{
    args::{OutputArgs, ProgressMode, ScanArgs, Verbosity},
    exit::Exit,
    messages, progress,
    settings::{self, Settings},
    similar,
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
    check_folders(&args.output)?;
    let settings = settings::load(&args.detection, Some(&args.source), Some(&args.gate))?;
    let scanned = scan_targets(&args.images, &settings, args.output.progress.mode, verbosity);
    report(&args.output, settings, scanned.images, scanned.failed, verbosity)
}

/// From what was found to reports and exit code.
pub(crate) fn report(
    output: &OutputArgs,
    mut settings: Settings,
    mut images: Vec<ImageReport>,
    failed: Vec<Failed>,
    verbosity: &Verbosity,
) -> anyhow::Result<Exit> {
    let held: Vec<_> =
        images.iter_mut().map(|image| held::apply(image, settings.gate.baseline.as_ref(), &mut settings.ignore, settings.today)).collect();
    let report = Report { ruleset: settings.ruleset.clone(), images };
    let exit =
        if failed.is_empty() { Exit::from(report.verdict(settings.gate.fail_on, settings.gate.allow_incomplete)) } else { Exit::Error };
    let document = Document { report: &report, held: &held, failed: &failed, judgement: settings.gate.judgement() };
    write_files(output, &document)?;
    if !document.report.images.is_empty() || output.format != Format::Table {
        match write_stdout(output.format, &document, verbosity) {
            // A reader that has seen enough (`| head`) is no error, and changes nothing about the verdict.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            written => written.context("the report cannot be written to standard output")?,
        }
    }
    remarks(&settings, failed.is_empty(), verbosity);
    Ok(exit)
}

/// Whether the files of the reports can be made, as far as one can tell.
pub(crate) fn check_folders(output: &OutputArgs) -> anyhow::Result<()> {
    output.outputs.iter().try_for_each(|(_, file)| check_folder(file))
}

/// Scans one target after the other; a target that cannot be read does not stop the others.
pub(crate) fn scan_targets(images: &[String], settings: &Settings, mode: ProgressMode, verbosity: &Verbosity) -> Scanned {
    let mut scanned = Scanned { images: Vec::new(), failed: Vec::new() };
    // All are parsed first, so that a slip of the pen shows at once.
    let mut targets = Vec::new();
    for text in images {
        match Target::from_str(text) {
            Ok(target) => targets.push((text, target)),
            // What is no target may hold a password.
            Err(error) => scanned.fail(&Reference::veiled(text), error.into()),
        }
    }
    let notes = || settings.options.cache.iter().flat_map(|cache| cache.notes()).for_each(|note| messages::note(&note));
    for (text, target) in targets {
        let progress = progress::start(mode, verbosity);
        let result = scan::scan(&target, &settings.options, &*progress);
        progress.finish();
        notes();
        match result {
            Ok(mut images) => scanned.images.append(&mut images),
            Err(error) => scanned.fail(text, error.into()),
        }
    }
    scanned
}

impl Scanned {
    fn fail(&mut self, text: &str, error: anyhow::Error) {
        self.failed.push(Failed { reference: text.to_owned(), problem: messages::with_causes(&error) });
        messages::error(&error.context(format!("`{text}` cannot be scanned")));
        if let Some(hint) = similar::hint(text) {
            messages::note(&hint);
        }
    }
}

fn check_folder(file: &Path) -> anyhow::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    anyhow::ensure!(folder.is_dir(), "the report {} cannot be written: there is no folder {}", file.display(), folder.display());
    Ok(())
}

fn write_files(output: &OutputArgs, document: &Document<'_>) -> anyhow::Result<()> {
    // A file is no terminal: no colours, and room for long lines.
    let style = table::Style { width: 120, color: false, quiet: false };
    for (format, file) in &output.outputs {
        let mut bytes = Vec::new();
        imgscan::output::write(*format, document, &style, &mut bytes)?;
        fs::write(file, bytes).with_context(|| format!("the report {} cannot be written", file.display()))?;
    }
    Ok(())
}

fn write_stdout(format: Format, document: &Document<'_>, verbosity: &Verbosity) -> io::Result<()> {
    let stdout = io::stdout();
    let color = anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
    let style = table::Style { width: width(), color, quiet: verbosity.quiet };
    let mut out = io::BufWriter::with_capacity(1 << 16, stdout.lock());
    imgscan::output::write(format, document, &style, &mut out)?;
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
