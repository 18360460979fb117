//! `imgscan rules`: what is looked for.

use std::{fmt::Write as _, path::PathBuf, sync::Arc};

use anyhow::Context;
use imgscan::{
    detect::{Rule, Shape, rule},
    output::text,
};
use unicode_width::UnicodeWidthStr;

use crate::{args::RulesCommand, exit::Exit, messages, settings};

/// Runs one of the subcommands.
pub(crate) fn run(command: &RulesCommand) -> anyhow::Result<Exit> {
    match command {
        RulesCommand::List { rules } => list(rules),
        RulesCommand::Show { id, rules } => {
            let all = all(rules)?;
            let rule = find(&all, id)?;
            messages::to_stdout(describe(rule).as_bytes())?;
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
        let near: Vec<&str> = rules.iter().map(|rule| rule.id.as_ref()).filter(|known| known.contains(id)).take(5).collect();
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

fn test(file: &PathBuf) -> anyhow::Result<Exit> {
    let rules = settings::rules([file])?;
    let rules = text::count(rules.len() as u64, "rule", "rules");
    messages::note(&format!("{}: {rules}, all patterns compile", file.display()));
    Ok(Exit::Clean)
}
