//! Arguments, one field per flag. Nothing here touches files or decides; see `settings` and `run`.

use std::{ffi::OsString, path::PathBuf};

use clap::{CommandFactory, Parser, Subcommand, ValueEnum, builder::PossibleValuesParser};
use imgscan::output::{FORMATS, Format};

const IMAGES: &str = "\
IMAGE is one of:
  repo/image:tag, host:port/repo@sha256:...  a registry; registry: or docker:// in front forces it
  oci:PATH[:TAG], oci-dir:PATH               an OCI layout directory
  oci-archive:FILE, docker-archive:FILE      an archive, also compressed; a bare path to a .tar is one
  -                                          an archive on standard input, read in one pass
  docker:REF, podman:REF                     an image of a daemon, by its API socket
  dir:PATH                                   a directory tree (a build context, an unpacked root)

Examples:
  imgscan alpine:3.20
  imgscan --format json registry.example.com/team/app:1.4 > report.json
  imgscan -o sarif=imgscan.sarif -o junit=imgscan.xml --fail-on high oci:build/image
  docker save app:dev | imgscan -
  imgscan dir:.                              before you build

Exit codes:
  0  scanned, nothing at or above --fail-on
  1  findings at or above --fail-on
  2  usage, configuration, or a target that could not be read
  3  scanned, no such finding, but something could not be covered, and --allow-incomplete was not given";

/// Finds credentials that were baked into OCI images: layer, instruction, file, line, and the fix
#[derive(Debug, Parser)]
#[command(name = "imgscan", version, after_help = IMAGES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) scan: ScanArgs,
    #[command(flatten)]
    pub(crate) verbosity: Verbosity,
}

impl Args {
    /// Parses a command line. Options may stand before a subcommand, which the parser would take for an image then.
    ///
    /// # Errors
    /// Those of the parser: usage, help and version.
    pub(crate) fn of(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        Self::try_parse_from(subcommand_first(words.into_iter().collect()))
    }
}

/// Moves the options before a subcommand behind it and those within it, where they are judged by what it knows.
fn subcommand_first(mut words: Vec<OsString>) -> Vec<OsString> {
    let command = Args::command();
    let Some(first) = first_operand(&command, &words) else { return words };
    let mut end = first;
    let mut within = &command;
    while let Some(inner) = words.get(end).and_then(|word| within.find_subcommand(word)) {
        (within, end) = (inner, end + 1);
    }
    if let Some(moved) = words.get_mut(1..end) {
        moved.rotate_left(first - 1);
    }
    words
}

/// Where the first word stands that is neither an option nor an option's value.
fn first_operand(command: &clap::Command, words: &[OsString]) -> Option<usize> {
    let takes_value = |argument: &clap::Arg| argument.get_action().takes_values();
    let long = |name: &str| command.get_arguments().any(|argument| argument.get_long() == Some(name) && takes_value(argument));
    let short = |letter: char| command.get_arguments().any(|argument| argument.get_short() == Some(letter) && takes_value(argument));
    let mut at = 1;
    loop {
        let Some(word) = words.get(at)?.to_str().filter(|word| word.len() > 1) else { return Some(at) };
        let value_follows = match (word.strip_prefix("--"), word.strip_prefix('-')) {
            // What follows are operands, whatever they look like.
            (Some(""), _) => return None,
            (Some(name), _) => long(name),
            // Of several letters, the first that takes a value takes the rest.
            (None, Some(letters)) => letters.chars().position(short).is_some_and(|at| at + 1 == letters.chars().count()),
            (None, None) => return Some(at),
        };
        at += if value_follows { 2 } else { 1 };
    }
}

#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Verbosity {
    /// Say less: no table but its last line, no notes, no progress
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more on standard error; repeat for even more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Scan images (the default)
    #[command(after_help = IMAGES)]
    Scan(ScanArgs),
    /// Judge Kubernetes manifests with the policy of the admission webhook
    K8s(K8sArgs),
    /// List, show and test rules
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Explain a rule, or a finding of a report
    Explain(ExplainArgs),
    /// Print the fingerprints of values on standard input, to look for them in reports, baselines and clusters
    Fingerprint(FingerprintArgs),
    /// Make and tend a list of findings that are already known
    #[command(subcommand)]
    Baseline(BaselineCommand),
    /// The reports that are kept of images that were scanned before
    Cache {
        #[command(subcommand)]
        command: Option<CacheCommand>,
    },
    /// Print a shell's completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct ScanArgs {
    /// What to scan
    #[arg(value_name = "IMAGE", required = true)]
    pub(crate) images: Vec<String>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) gate: GateArgs,
    #[command(flatten)]
    pub(crate) detection: DetectionArgs,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  imgscan k8s deploy/
  helm template chart/ | imgscan k8s -
  kustomize build overlays/prod | imgscan k8s --policy policy.yaml -")]
pub(crate) struct K8sArgs {
    /// Manifests: files, folders (.yaml, .yml and .json files), or - for standard input
    #[arg(value_name = "FILE|DIR|-", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// The webhook's policy: a CredentialPolicy object, or its spec [default: the webhook's defaults]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) gate: GateArgs,
    #[command(flatten)]
    pub(crate) detection: DetectionArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Reports")]
pub(crate) struct OutputArgs {
    /// Format of the report on standard output
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = format_parser())]
    pub(crate) format: Format,
    /// A further report in a file, as FORMAT=FILE; repeatable
    #[arg(short, long = "output", value_name = "FORMAT=FILE", value_parser = output_parser)]
    pub(crate) outputs: Vec<(Format, PathBuf)>,
    #[command(flatten)]
    pub(crate) progress: ProgressArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Gate")]
pub(crate) struct GateArgs {
    /// Severity from which on findings give exit code 1 [default: medium]
    #[arg(long, value_name = "SEVERITY", value_parser = PossibleValuesParser::new(["critical", "high", "medium", "low", "none"]))]
    pub(crate) fail_on: Option<String>,
    /// Findings that are known already (see `imgscan baseline create`)
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Do not exit with 3 when something could not be covered
    #[arg(long)]
    pub(crate) allow_incomplete: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Detection")]
pub(crate) struct DetectionArgs {
    /// Confidence below which findings are counted, not shown [default: medium]
    #[arg(long, value_name = "CONFIDENCE", value_parser = PossibleValuesParser::new(["high", "medium", "low"]))]
    pub(crate) min_confidence: Option<String>,
    /// Settings and ignore entries [default: imgscan.toml, here or in a folder above]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) further: RulesArgs,
    /// Also show what an offline check disproved
    #[arg(long)]
    pub(crate) show_refuted: bool,
    /// Also show what is public knowledge (unmodified files of public packages)
    #[arg(long)]
    pub(crate) show_public: bool,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RulesArgs {
    /// Further rules; repeatable
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct KeyArgs {
    /// File of 32 bytes or more: the key that makes fingerprints comparable across reports and clusters
    #[arg(long, value_name = "FILE", env = "IMGSCAN_FINGERPRINT_KEY_FILE")]
    pub(crate) fingerprint_key: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Images")]
pub(crate) struct SourceArgs {
    /// Which platform of an index [default: linux on this machine's architecture]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", conflicts_with = "all_platforms")]
    pub(crate) platform: Option<String>,
    /// Every platform of an index
    #[arg(long)]
    pub(crate) all_platforms: bool,
    /// Accept plain HTTP and unverified TLS
    #[arg(long)]
    pub(crate) insecure: bool,
    /// PEM file with further certificate authorities
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_cert: Option<PathBuf>,
    /// Worker threads [default: one per processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
    /// Neither use nor keep reports of images that were scanned before
    #[arg(long)]
    pub(crate) no_cache: bool,
}

#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct ProgressArgs {
    /// Progress on standard error
    #[arg(long = "progress", value_name = "WHEN", default_value = "auto")]
    pub(crate) mode: ProgressMode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressMode {
    /// A moving line on a terminal, nothing elsewhere
    Auto,
    /// A line every few seconds
    Plain,
    /// Nothing
    None,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// All rules, one a line
    List(RulesArgs),
    /// One rule in full
    Show {
        /// The rule's id
        id: String,
        #[command(flatten)]
        further: RulesArgs,
    },
    /// All rules as a Markdown document, a section for each provider
    Docs(RulesArgs),
    /// Check a rule file: syntax, patterns, and its samples through the engine
    Test {
        /// The rule file
        file: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  imgscan explain github-pat\n  imgscan explain 0f3a... --report report.json")]
pub(crate) struct ExplainArgs {
    /// A rule's id, or a finding's fingerprint (the first 8 digits are enough)
    #[arg(value_name = "RULE_OR_FINGERPRINT")]
    pub(crate) what: String,
    /// JSON report that holds the finding; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) further: RulesArgs,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: where else is this key?
  pass show prod/db | imgscan fingerprint --fingerprint-key team.key | grep -f - reports/*.json")]
pub(crate) struct FingerprintArgs {
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    /// Values are separated by NUL instead of line breaks (for keys of several lines)
    #[arg(short = '0', long = "null")]
    pub(crate) null: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BaselineCommand {
    /// Scan, and write what is found into a new baseline
    Create(BaselineScanArgs),
    /// Print the entries
    Show(BaselineShowArgs),
    /// Scan, and drop the entries that no longer occur
    Prune(BaselineScanArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct BaselineScanArgs {
    /// What to scan
    #[arg(value_name = "IMAGE", required = true)]
    pub(crate) images: Vec<String>,
    /// The baseline
    #[arg(short = 'o', long = "output", visible_alias = "baseline", value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) progress: ProgressArgs,
    #[command(flatten)]
    pub(crate) detection: DetectionArgs,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct BaselineShowArgs {
    /// The baseline
    pub(crate) file: PathBuf,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum CacheCommand {
    /// Print where they are, how many, and their size (the default)
    Show,
    /// Remove them
    Clear,
}

fn format_parser() -> impl clap::builder::TypedValueParser<Value = Format> {
    use clap::builder::TypedValueParser;
    PossibleValuesParser::new(FORMATS.iter().map(|(name, _)| *name)).try_map(|name| name.parse::<Format>())
}

fn output_parser(text: &str) -> Result<(Format, PathBuf), String> {
    let (format, file) = text.split_once('=').ok_or("it is FORMAT=FILE, for example sarif=imgscan.sarif")?;
    if file.is_empty() {
        return Err("the file's name is missing after `=`".to_owned());
    }
    Ok((format.parse()?, PathBuf::from(file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn options_may_stand_before_a_subcommand() {
        let of = |line: &str| Args::of(line.split(' ').map(OsString::from));
        let args = of("imgscan -qv --format json k8s --policy p.yaml m.yaml").expect("valid");
        assert!(args.verbosity.quiet && args.verbosity.verbose == 1);
        assert!(
            matches!(args.command, Some(Command::K8s(k8s)) if k8s.output.format == Format::Json && k8s.paths == [PathBuf::from("m.yaml")])
        );
        let args = of("imgscan --no-cache --jobs 2 baseline create -o f a").expect("valid");
        assert!(matches!(args.command, Some(Command::Baseline(BaselineCommand::Create(create)))
            if create.source.no_cache && create.source.jobs == Some(2) && create.images == ["a"]));
        assert!(of("imgscan --no-cache k8s m.yaml").expect_err("not for manifests").to_string().contains("imgscan k8s"));
        // Operands are images, and so are the values of options no subcommands.
        assert!(of("imgscan -o json=x alpine k8s").expect("valid").command.is_none());
        assert_eq!(of("imgscan --config k8s alpine").expect("valid").scan.images, ["alpine"]);
        assert_eq!(of("imgscan -q -- k8s").expect("valid").scan.images, ["k8s"]);
        assert_eq!(of("imgscan -q -").expect("valid").scan.images, ["-"]);
    }

    #[test]
    fn scan_is_the_default_command() {
        let args = Args::try_parse_from(["imgscan", "-q", "alpine", "--fail-on", "high"]).expect("valid");
        assert!(args.command.is_none() && args.verbosity.quiet);
        assert_eq!(args.scan.images, ["alpine"]);
        let args = Args::try_parse_from(["imgscan", "scan", "alpine", "-vv", "-o", "json=x.json"]).expect("valid");
        assert_eq!(args.verbosity.verbose, 2);
        assert!(matches!(args.command, Some(Command::Scan(scan)) if scan.output.outputs == [(Format::Json, PathBuf::from("x.json"))]));
        assert!(Args::try_parse_from(["imgscan"]).is_err());
        assert!(Args::try_parse_from(["imgscan", "alpine", "-o", "json"]).is_err());
    }
}
