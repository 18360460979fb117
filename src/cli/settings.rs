//! Flags over `imgscan.toml` over defaults, once; from here on there are only plain values.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use anyhow::{Context, bail};
use imgscan::{
    config::{self, Config, FailOn},
    detect::{Engine, Rule, rule},
    finding::{Confidence, Severity},
    fingerprint::Fingerprinter,
    image::OpenOptions,
    output::verdict::Judgement,
    report::{
        baseline::Baseline,
        ignore::{IgnoreList, Today},
        ruleset,
    },
    scan::ScanOptions,
};
use zeroize::Zeroizing;

use crate::{
    args::{DetectionArgs, GateArgs, KeyArgs, SourceArgs},
    cache, messages,
};

/// A key longer than this is surely the wrong file.
const MAX_KEY: u64 = 1 << 20;

/// What a scan needs.
pub(crate) struct Settings {
    pub(crate) options: ScanOptions,
    pub(crate) ruleset: String,
    pub(crate) ignore: IgnoreList,
    /// Where the ignore entries stand, for messages.
    pub(crate) config_file: PathBuf,
    pub(crate) gate: Gate,
    pub(crate) today: Today,
}

/// What decides the exit code.
pub(crate) struct Gate {
    pub(crate) fail_on: Option<Severity>,
    pub(crate) allow_incomplete: bool,
    pub(crate) baseline: Option<Baseline>,
}

impl Gate {
    /// For the last line of a report.
    pub(crate) fn judgement(&self) -> Judgement {
        Judgement { fail_on: self.fail_on, allow_incomplete: self.allow_incomplete }
    }
}

/// Reads everything that the flags and the configuration name.
pub(crate) fn load(detection: &DetectionArgs, source: Option<&SourceArgs>, gate: Option<&GateArgs>) -> anyhow::Result<Settings> {
    let (config_file, config) = configuration(detection.config.as_deref())?;
    let rules = rules(config.rules.iter().chain(&detection.further.rules))?;
    let engine = Arc::new(Engine::new(rules));
    warn_of_unknown_rules(&config_file, &config, &engine);
    let gate = match gate {
        Some(gate) => gate_of(gate, &config)?,
        None => Gate { fail_on: None, allow_incomplete: true, baseline: None },
    };
    let min_confidence = detection.min_confidence.as_deref().and_then(Confidence::parse).or(config.min_confidence);
    Ok(Settings {
        ruleset: ruleset::version(engine.rules()),
        options: ScanOptions {
            engine,
            open: source.map(|source| open_options(source, &config)).unwrap_or_default(),
            jobs: source
                .and_then(|source| source.jobs)
                .map(usize::from)
                .or(config.jobs)
                .unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from)),
            min_confidence: min_confidence.unwrap_or(Confidence::Medium),
            show_refuted: detection.show_refuted,
            show_public: detection.show_public,
            cache: source.filter(|source| !source.no_cache).and_then(|_| cache::open()),
            fingerprints: fingerprinter(&detection.key, config.fingerprint_key.as_deref())?,
        },
        ignore: IgnoreList::new(config.ignore),
        config_file,
        gate,
        today: jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date(),
    })
}

fn open_options(source: &SourceArgs, config: &Config) -> OpenOptions {
    OpenOptions {
        platform: source.platform.clone().or_else(|| config.platform.clone().filter(|_| !source.all_platforms)),
        all_platforms: source.all_platforms || (config.all_platforms.unwrap_or(false) && source.platform.is_none()),
        insecure: source.insecure,
        ca_cert: source.ca_cert.clone().or_else(|| config.ca_cert.clone()),
    }
}

fn configuration(named: Option<&Path>) -> anyhow::Result<(PathBuf, Config)> {
    let file = match named {
        Some(file) => Some(file.to_owned()),
        None => std::env::current_dir().ok().as_deref().and_then(config::find),
    };
    let Some(file) = file else {
        return Ok((PathBuf::from(config::FILE_NAME), Config::default()));
    };
    let config = config::load(&file).context("the configuration cannot be used")?;
    tracing::info!(file = %file.display(), "configuration");
    Ok((file, config))
}

/// Reads rule files in order.
pub(crate) fn rules<'a>(files: impl IntoIterator<Item = &'a PathBuf>) -> anyhow::Result<Vec<Arc<Rule>>> {
    let mut rules: Vec<Arc<Rule>> = Vec::new();
    let mut known: std::collections::HashSet<String> = rule::built_in().iter().map(|rule| rule.id.to_string()).collect();
    for file in files {
        let text = fs::read_to_string(file).with_context(|| format!("the rule file {} cannot be read", file.display()))?;
        for rule in rule::parse(&file.display().to_string(), &text).context("the rule file cannot be used")? {
            if !known.insert(rule.id.to_string()) {
                bail!("{}: rule `{}`: there is a rule of this id already; choose another id", file.display(), rule.id);
            }
            rules.push(rule);
        }
    }
    Ok(rules)
}

/// The user's key, or else the built-in one.
pub(crate) fn fingerprinter(flag: &KeyArgs, configured: Option<&Path>) -> anyhow::Result<Fingerprinter> {
    let Some(file) = flag.fingerprint_key.as_deref().or(configured) else {
        return Ok(Fingerprinter::built_in());
    };
    let what = || format!("the fingerprint key {} cannot be used", file.display());
    let opened = fs::File::open(file).with_context(what)?;
    let mut key = Zeroizing::new(Vec::new());
    std::io::Read::read_to_end(&mut std::io::Read::take(opened, MAX_KEY + 1), &mut key).with_context(what)?;
    if key.len() as u64 > MAX_KEY {
        return Err(anyhow::anyhow!("it has more than {MAX_KEY} bytes and is hardly a key")).with_context(what);
    }
    Fingerprinter::with_key(&key).with_context(what)
}

fn gate_of(gate: &GateArgs, config: &Config) -> anyhow::Result<Gate> {
    let fail_on = match gate.fail_on.as_deref() {
        Some(word) => Some(word.parse::<FailOn>().map_err(anyhow::Error::msg)?),
        None => config.fail_on,
    };
    let baseline = match gate.baseline.as_deref().or(config.baseline.as_deref()) {
        Some(file) => Some(baseline(file)?),
        None => None,
    };
    Ok(Gate {
        fail_on: fail_on.unwrap_or(FailOn(Some(Severity::Medium))).0,
        allow_incomplete: gate.allow_incomplete || config.allow_incomplete.unwrap_or(false),
        baseline,
    })
}

/// Reads a baseline.
pub(crate) fn baseline(file: &Path) -> anyhow::Result<Baseline> {
    let what = || format!("the baseline {} cannot be used", file.display());
    let text = fs::read_to_string(file).with_context(what)?;
    Baseline::parse(&text).with_context(what)
}

fn warn_of_unknown_rules(file: &Path, config: &Config, engine: &Engine) {
    for entry in &config.ignore {
        if let Some(id) = entry.rule.as_deref()
            && !engine.rules().iter().any(|rule| rule.id == id)
        {
            messages::warning(&format!("{}:{}: there is no rule `{id}`; see `imgscan rules list`", file.display(), entry.line));
        }
    }
}
