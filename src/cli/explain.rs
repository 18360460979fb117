//! `imgscan explain`: what a rule or a finding means, and how to look at one by hand.

use std::{fs, io, path::Path};

use anyhow::{Context, bail};
use imgscan::output::{
    json_v1::{FindingV1, Image, LocationV1, Report},
    text,
};

use crate::{args::ExplainArgs, exit::Exit, messages, rules};

/// A rule by its id, or a finding of a report by the start of its fingerprint.
pub(crate) fn run(args: &ExplainArgs) -> anyhow::Result<Exit> {
    let rules = rules::all(&args.further.rules)?;
    let hex = args.what.len() >= 8 && args.what.bytes().all(|b| b.is_ascii_hexdigit());
    let known = rules.iter().any(|rule| rule.id == args.what);
    if !hex || known {
        let rule = rules::find(&rules, &args.what)?;
        let mut page = rules::describe(rule);
        page.push_str("\nTo look at a finding of this rule by hand: imgscan explain FINGERPRINT --report report.json\n");
        messages::to_stdout(page.as_bytes())?;
        return Ok(Exit::Clean);
    }
    let Some(file) = &args.report else {
        bail!("a fingerprint says nothing by itself; add `--report FILE`, a report made by `imgscan --format json IMAGE > FILE`");
    };
    let report = read(file)?;
    let digits = args.what.to_ascii_lowercase();
    let mut page = String::new();
    for image in &report.images {
        for finding in image.findings.iter().filter(|finding| finding.fingerprint.starts_with(&digits)) {
            describe(image, finding, &mut page);
        }
    }
    if page.is_empty() {
        bail!("no finding in {} has a fingerprint that starts with {digits}", file.display());
    }
    messages::to_stdout(page.as_bytes())?;
    Ok(Exit::Clean)
}

fn read(file: &Path) -> anyhow::Result<Report> {
    let bytes = if file == Path::new("-") {
        io::read_to_string(io::stdin().lock()).context("standard input cannot be read")?
    } else {
        fs::read_to_string(file).with_context(|| format!("the report {} cannot be read", file.display()))?
    };
    // The parser's message would quote the text, so only the place is told.
    serde_json::from_str(&bytes).map_err(|error| {
        anyhow::anyhow!("{}:{}:{}: not a JSON report, version 1, of imgscan", file.display(), error.line(), error.column())
    })
}

fn describe(image: &Image, finding: &FindingV1, page: &mut String) {
    let mut row = |label: &str, value: &str| {
        for (number, line) in text::wrap(&text::plain(value), 86).iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            page.push_str(&format!("  {label:12}{line}\n"));
        }
    };
    row("finding", &finding.fingerprint);
    row("rule", &format!("{}: {}", finding.rule, finding.title));
    row("value", &finding.redacted);
    row("severity", &finding.severity);
    row("confidence", &finding.confidence);
    for fact in &finding.evidence {
        row("because", fact);
    }
    row("image", &image.reference);
    if let Some(layer) = &finding.layer {
        row("layer", &format!("{} {}", u64::from(layer.index) + 1, layer.digest.as_deref().unwrap_or_default()));
    }
    let place = &finding.location;
    if let Some(instruction) = &place.instruction {
        row("instruction", &text::instruction(instruction));
    }
    let named = [place.path.as_deref(), place.name.as_deref()].into_iter().flatten().collect::<Vec<_>>().join("  ");
    row(&place.kind, &named);
    row("state", &finding.state);
    row("unlocks", &finding.unlocks);
    for step in &finding.fix.steps {
        row("fix", step);
    }
    page.push_str("\nTo look at it by hand, on a machine whose screen and history nobody else reads:\n");
    page.push_str(&format!("  {}\n\n", by_hand(image, finding)));
}

/// A command that shows the place. Image, path and digest come from outside, so each is quoted for the shell.
fn by_hand(image: &Image, finding: &FindingV1) -> String {
    let reference = image.reference.as_str();
    let place = &finding.location;
    let path = match (place.kind.as_str(), place.path.as_deref()) {
        ("file", Some(path)) => path,
        ("manifest", Some(path)) => return format!("sed -n {}p {}", place.line.unwrap_or(1), quote(path)),
        ("annotation", _) if !is_local(reference) => {
            return format!("crane manifest {} | jq {}", quote(reference), quote(&expression(place)));
        }
        ("attestation", _) if !is_local(reference) => {
            return format!("docker buildx imagetools inspect {} --format '{{{{json .Provenance}}}}'", quote(reference));
        }
        _ if !is_local(reference) => return format!("crane config {} | jq {}", quote(reference), quote(&expression(place))),
        _ => {
            let source = match reference.split_once(':') {
                Some(("docker", rest)) => format!("docker-daemon:{rest}"),
                Some(("oci-dir", rest)) => format!("oci:{rest}"),
                Some(_) => reference.to_owned(),
                None => {
                    return format!(
                        "skopeo inspect --config docker-archive:FILE | jq {}    (or: oci-archive:FILE, oci:FOLDER)",
                        quote(&expression(place))
                    );
                }
            };
            return format!("skopeo inspect --config {} | jq {}", quote(&source), quote(&expression(place)));
        }
    };
    let line = place.line.map(|line| format!(" | sed -n {line}p")).unwrap_or_default();
    let inner = match place.inner.first() {
        Some(_) => format!("    (then inside: {})", text::plain(&place.inner.join(" > "))),
        None => String::new(),
    };
    match (&finding.layer, reference.strip_prefix("dir:")) {
        (_, Some(folder)) => format!("sed -n {}p {}{inner}", place.line.unwrap_or(1), quote(&format!("{folder}/{path}"))),
        (Some(layer), None) if layer.digest.is_some() && !is_local(reference) => {
            let repository = reference.split('@').next().unwrap_or(reference);
            let digest = layer.digest.as_deref().unwrap_or_default();
            let repository = repository.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(repository, |(head, _)| head);
            let blob = quote(&format!("{repository}@{digest}"));
            // Names in an archive may or may not start with `./`.
            format!("crane blob {blob} | tar -xzO --wildcards {}{line}{inner}", quote(&format!("*{path}")))
        }
        (Some(layer), None) => format!(
            "unpack layer {} ({}) of {} and look at {}{inner}",
            u64::from(layer.index) + 1,
            layer.digest.as_deref().or(layer.diff_id.as_deref()).map_or("no digest", text::short_digest),
            quote(reference),
            quote(path)
        ),
        (None, None) => format!("look at {}{inner}", quote(path)),
    }
}

/// The expression of jq that takes the place out of an image's config, or out of its manifest. A name is anybody's: jq reads it as a
/// JSON string.
fn expression(place: &LocationV1) -> String {
    let name = place.name.as_deref();
    let key = name.and_then(|name| serde_json::to_string(name).ok());
    let of = |map: &str| key.as_ref().map_or_else(|| map.to_owned(), |key| format!("{map}[{key}]"));
    match place.kind.as_str() {
        "env" => {
            let start = name.and_then(|name| serde_json::to_string(&format!("{name}=")).ok());
            start.map_or_else(|| ".config.Env".to_owned(), |start| format!(".config.Env[] | select(startswith({start}))"))
        }
        "label" => of(".config.Labels"),
        "annotation" => of(".annotations"),
        "cmd" => ".config.Cmd".to_owned(),
        "entrypoint" => ".config.Entrypoint".to_owned(),
        "healthcheck" => ".config.Healthcheck".to_owned(),
        "onbuild" => ".config.OnBuild".to_owned(),
        "arg" | "history" => ".history[].created_by".to_owned(),
        _ => ".".to_owned(),
    }
}

fn is_local(reference: &str) -> bool {
    ["oci:", "oci-dir:", "oci-archive:", "docker-archive:", "docker:", "docker-daemon:", "podman:"]
        .iter()
        .any(|scheme| reference.starts_with(scheme))
        || reference == "standard input"
        || [".tar", ".tar.gz", ".tgz", ".tar.zst"].iter().any(|ending| reference.ends_with(ending))
}

/// Single quotes, as POSIX shells understand them.
fn quote(text: &str) -> String {
    format!("'{}'", text::plain(text).replace('\'', r"'\''"))
}
