//! `imgscan k8s`: Kubernetes manifests, judged as the webhook would judge them.

use std::{
    borrow::Cow,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::Context;
use imgscan::{
    finding::Confidence,
    kubernetes::{Policy, judge},
    output::Failed,
    report::ImageReport,
};

use crate::{
    args::{K8sArgs, Verbosity},
    exit::Exit,
    messages, run,
    settings::{self, Settings},
};

/// The API server takes no object over 1.5 MiB; a file of many may be longer.
const MAX_FILE: u64 = 64 << 20;
/// Directories within directories.
const MAX_DEPTH: usize = 64;

/// `imgscan k8s FILE|DIR|-...`
pub(crate) fn run(args: &K8sArgs, verbosity: &Verbosity) -> anyhow::Result<Exit> {
    run::check_folders(&args.output)?;
    let settings = settings::load(&args.detection, None, Some(&args.gate))?;
    let policy = match &args.policy {
        Some(file) => {
            let text = fs::read_to_string(file).with_context(|| format!("the policy {} cannot be read", file.display()))?;
            let policy = Policy::parse(&text).with_context(|| format!("the policy {} cannot be used", file.display()))?;
            policy.check().with_context(|| format!("the policy {} cannot be used", file.display()))?;
            policy
        }
        None => Policy::default(),
    };
    let mut files = Files::default();
    for path in &args.paths {
        files.add(path);
    }
    let Files { texts, failed } = files;
    let texts = texts.into_iter().map(|(path, text)| (path, Cow::Owned(text)));
    let options = &settings.options;
    let mut reports = judge(texts, &policy, &[], &options.engine, &options.fingerprints, jiff::Timestamp::now());
    for report in &mut reports {
        hold_back(report, options.min_confidence);
    }
    finish(args, settings, reports, failed, verbosity)
}

fn finish(
    args: &K8sArgs,
    settings: Settings,
    reports: Vec<ImageReport>,
    failed: Vec<Failed>,
    verbosity: &Verbosity,
) -> anyhow::Result<Exit> {
    run::report(&args.output, settings, reports, failed, verbosity)
}

fn hold_back(report: &mut ImageReport, min_confidence: Confidence) {
    let before = report.findings.len();
    report.findings.retain(|finding| finding.confidence >= min_confidence);
    report.suppressed.low_confidence += (before - report.findings.len()) as u64;
}

#[derive(Default)]
struct Files {
    texts: Vec<(String, String)>,
    failed: Vec<Failed>,
}

impl Files {
    fn add(&mut self, path: &Path) {
        if path == Path::new("-") {
            let read = read(&mut io::stdin().lock());
            self.keep("-", read);
        } else if path.is_dir() {
            let mut files = Vec::new();
            self.list(path, &mut files, 0);
            files.sort();
            for file in files {
                self.open(&file);
            }
        } else {
            self.open(path);
        }
    }

    fn open(&mut self, path: &Path) {
        let text = fs::File::open(path).and_then(|mut file| read(&mut file));
        self.keep(&path.to_string_lossy(), text);
    }

    fn keep(&mut self, name: &str, text: io::Result<String>) {
        match text {
            Ok(text) => self.texts.push((name.to_owned(), text)),
            Err(error) => self.fail(name, &error),
        }
    }

    fn fail(&mut self, name: &str, error: &io::Error) {
        messages::error(&anyhow::anyhow!("`{name}` cannot be judged: {error}"));
        self.failed.push(Failed { reference: name.to_owned(), problem: error.to_string() });
    }

    /// The manifests of a tree. Links are not followed, so nothing outside is read.
    fn list(&mut self, folder: &Path, files: &mut Vec<PathBuf>, depth: usize) {
        if depth > MAX_DEPTH {
            return self.fail(&folder.to_string_lossy(), &io::Error::other(format!("more than {MAX_DEPTH} folders deep")));
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.fail(&folder.to_string_lossy(), &error),
        };
        for entry in entries {
            match entry.and_then(|entry| Ok((entry.file_type()?, entry.path()))) {
                Ok((kind, path)) if kind.is_dir() => self.list(&path, files, depth + 1),
                Ok((kind, path)) if kind.is_file() && is_manifest(&path) => files.push(path),
                Ok(_) => {}
                Err(error) => self.fail(&folder.to_string_lossy(), &error),
            }
        }
    }
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    extension.is_some_and(|extension| extension == "yaml" || extension == "yml" || extension == "json")
}

fn read(from: &mut impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    from.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(io::Error::other("it is longer than 64 MiB; split it"));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is no UTF-8 text"))
}
