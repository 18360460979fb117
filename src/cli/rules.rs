//! `imgscan rules`: what is looked for.

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf, sync::Arc};

use anyhow::Context;
use imgscan::{
    detect::{Engine, Hint, Rule, Scratch, Shape, rule, samples},
    finding::LocationKind,
    output::text,
};
use unicode_width::UnicodeWidthStr;

use crate::{args::RulesCommand, exit::Exit, messages, settings, similar};

/// Fillings of each template.
const SEEDS: u64 = 3;

/// Runs one of the subcommands.
pub(crate) fn run(command: &RulesCommand) -> anyhow::Result<Exit> {
    match command {
        RulesCommand::List(further) => list(&further.rules),
        RulesCommand::Show { id, further } => {
            let all = all(&further.rules)?;
            let rule = find(&all, id)?;
            messages::to_stdout(describe(rule).as_bytes())?;
            Ok(Exit::Clean)
        }
        RulesCommand::Docs(further) => {
            messages::to_stdout(document(&all(&further.rules)?).as_bytes())?;
            Ok(Exit::Clean)
        }
        RulesCommand::Test { file } => test(file),
    }
}

/// The built-in rules and those of the files, by id.
pub(crate) fn all(files: &[PathBuf]) -> anyhow::Result<Vec<Arc<Rule>>> {
    let mut rules = rule::built_in();
    rules.extend(settings::rules(files)?);
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(rules)
}

/// The rule of that id, or an error that names the nearest ones.
pub(crate) fn find<'a>(rules: &'a [Arc<Rule>], id: &str) -> anyhow::Result<&'a Arc<Rule>> {
    rules.iter().find(|rule| rule.id == id).with_context(|| {
        let ids = || rules.iter().map(|rule| rule.id.as_ref());
        let mut near = similar::nearest(id, ids(), 5);
        near.extend(ids().filter(|known| known.contains(id)).take(5_usize.saturating_sub(near.len())));
        if near.is_empty() {
            format!("there is no rule `{id}`; see `imgscan rules list`")
        } else {
            format!("there is no rule `{id}`; there is {}", near.join(", "))
        }
    })
}

fn list(files: &[PathBuf]) -> anyhow::Result<Exit> {
    let rules = all(files)?;
    let wide = |of: fn(&Rule) -> &str| rules.iter().map(|rule| of(rule).width()).max().unwrap_or(0);
    let (ids, providers) = (wide(|rule| &rule.id), wide(|rule| &rule.provider));
    let mut lines = String::new();
    for rule in &rules {
        writeln!(lines, "{:ids$}  {:8}  {:providers$}  {}", rule.id, rule.severity, rule.provider, text::plain(&rule.title))?;
    }
    messages::to_stdout(lines.as_bytes())?;
    Ok(Exit::Clean)
}

/// A Markdown document: a section for each provider.
fn document(rules: &[Arc<Rule>]) -> String {
    let mut providers: BTreeMap<&str, Vec<&Rule>> = BTreeMap::new();
    for rule in rules {
        providers.entry(&rule.provider).or_default().push(rule);
    }
    let mut page = String::from(
        "# Rules\n\n\
         Made by `imgscan rules docs` from the rules themselves. `imgscan rules show ID` shows one in full, with its pattern\n\
         and its samples; [configuration](configuration.md) tells how to add your own.\n\n\
         A rule finds a credential by its own *form*, by the *name* that it is assigned to, or as what the format of a *file*\n\
         defines it to be; those formats are the [structured detectors](detectors.md).\n",
    );
    for (provider, rules) in providers {
        let first = rules.first().copied();
        let name = first.map_or(provider, |rule| rule.provider_name.as_ref());
        page.push_str(&format!("\n## {} (`{provider}`)\n\n", cell(name)));
        let mut docs: Vec<&str> = rules.iter().map(|rule| rule.docs.as_ref()).filter(|docs| docs.starts_with("https://")).collect();
        docs.dedup();
        if let Some(docs) = docs.first() {
            page.push_str(&format!("<{docs}>\n\n"));
        }
        page.push_str("| rule | what | severity | found by | unlocks | revoke |\n|---|---|---|---|---|---|\n");
        for rule in rules {
            let by = match rule.shape {
                Shape::Token { .. } => "form",
                Shape::Assigned { .. } => "name",
                Shape::Structural => "file",
            };
            let revoke = if rule.rotate.starts_with("https://") { format!("<{}>", rule.rotate) } else { cell(&rule.rotate) };
            let (title, unlocks) = (cell(&rule.title), cell(&rule.unlocks));
            page.push_str(&format!("| `{}` | {title} | {} | {by} | {unlocks} | {revoke} |\n", rule.id, rule.severity));
        }
    }
    page
}

/// Text of a cell of a table in Markdown.
fn cell(text: &str) -> String {
    text::plain(text).replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;").replace('*', "\\*").replace('_', "\\_")
}

/// Everything that a rule says, for people.
pub(crate) fn describe(rule: &Rule) -> String {
    let mut rows: Vec<(&str, String)> = vec![
        ("title", rule.title.to_string()),
        ("provider", format!("{} ({})", rule.provider_name, rule.provider)),
        ("severity", rule.severity.to_string()),
        ("confidence", rule.confidence.to_string()),
        ("unlocks", rule.unlocks.to_string()),
        ("rotate", rule.rotate.to_string()),
        ("instead", rule.instead.to_string()),
        ("docs", rule.docs.to_string()),
    ];
    let join = |words: &[std::borrow::Cow<'static, str>]| words.join(", ");
    match &rule.shape {
        Shape::Token { pattern, anchors, context } => {
            rows.push(("found by", "its own form".to_owned()));
            rows.push(("pattern", pattern.source().to_owned()));
            rows.push(("anchors", join(anchors)));
            rows.push(("near", join(context)));
        }
        Shape::Assigned { names, value } => {
            rows.push(("found by", "the name that it is assigned to".to_owned()));
            rows.push(("names", join(names)));
            rows.push(("value", value.source().to_owned()));
        }
        Shape::Structural => rows.push(("found by", "the format of the file that holds it".to_owned())),
    }
    if rule.entropy > 0.0 {
        rows.push(("entropy", format!("{} bits per byte or more", rule.entropy)));
    }
    rows.push(("checks", join(&rule.checks)));
    rows.push(("samples", join(&rule.samples)));
    rows.push(("not", join(&rule.near_misses)));
    let mut text = format!("{}\n", rule.id);
    for (label, value) in rows.into_iter().filter(|(_, value)| !value.is_empty()) {
        for (number, line) in text::wrap(&text::plain(&value), 86).iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            text.push_str(&format!("  {label:12}{line}\n"));
        }
    }
    text
}

/// Runs each rule's samples and near misses through the engine, with the built-in rules beside it as in a scan.
fn test(file: &PathBuf) -> anyhow::Result<Exit> {
    let rules = settings::rules([file])?;
    let engine = Engine::new(rules.clone());
    let mut scratch = Scratch::default();
    let mut problems = Vec::new();
    let mut tried = 0_u64;
    for rule in &rules {
        if rule.samples.is_empty() && !matches!(rule.shape, Shape::Structural) {
            problems.push(format!("{}: it has no `samples`, so nothing shows that it works", rule.id));
        }
        for seed in 0..SEEDS {
            for sample in &rule.samples {
                tried += 1;
                let found = found(&engine, &mut scratch, rule, sample, seed);
                if found.iter().any(|id| *id == rule.id) {
                    continue;
                }
                let instead = if found.is_empty() { "nothing is found".to_owned() } else { format!("found as {}", found.join(", ")) };
                problems.push(format!("{}: sample `{sample}`: {instead}", rule.id));
            }
            for miss in &rule.near_misses {
                tried += 1;
                if found(&engine, &mut scratch, rule, miss, seed).iter().any(|id| *id == rule.id) {
                    problems.push(format!("{}: near miss `{miss}` is found", rule.id));
                }
            }
        }
    }
    problems.dedup();
    for problem in &problems {
        messages::warning(problem);
    }
    let (rules, tried) = (text::count(rules.len() as u64, "rule", "rules"), text::count(tried, "sample", "samples"));
    messages::note(&format!("{}: {rules}, {tried}, {}", file.display(), text::count(problems.len() as u64, "problem", "problems")));
    Ok(if problems.is_empty() { Exit::Clean } else { Exit::Findings })
}

/// Ids of the rules that report the filled template, where a rule of this shape would meet it.
fn found(engine: &Engine, scratch: &mut Scratch, rule: &Rule, template: &str, seed: u64) -> Vec<String> {
    let value = samples::fill(template, seed);
    let text = match &rule.shape {
        Shape::Token { context, .. } => {
            let context = context.first().map(|word| format!("{word} ")).unwrap_or_default();
            format!("{context}{value}\n")
        }
        Shape::Assigned { names, .. } => {
            let name = names.first().map(|word| word.replace(['.', '-'], "_").to_uppercase()).unwrap_or_default();
            format!("{name}={value}\n")
        }
        Shape::Structural => value,
    };
    let hint = Hint { kind: LocationKind::File, path: "sample.env", name: None, binary: false };
    let mut ids = Vec::new();
    engine.find(text.as_bytes(), &hint, scratch, &mut |matched| {
        if matched.refuted.is_none() {
            ids.push(matched.rule.id.to_string());
        }
    });
    ids
}
