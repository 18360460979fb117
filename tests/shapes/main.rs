//! How many credentials are found in the ways people write them: every rule's samples in a hundred forms.
//!
//! `cargo test --test shapes -- --ignored --nocapture` measures all rules and prints the table of `docs/accuracy.md`.

#![allow(clippy::print_stdout, reason = "the measurement is the test's output")]

mod anyone;
mod forms;
mod measure;
mod nobodys;

use std::collections::BTreeMap;

use forms::FORMS;
use imgscan::detect::Engine;
use measure::{Count, Counts, Kind};

/// Every `step`th rule, from the `first`, on all processors.
fn measured(step: usize) -> (Counts, Vec<(String, Count)>) {
    let engine = Engine::new(Vec::new()).with_clock(None);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (mut counts, mut rules) = (Counts::new(), Vec::new());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|first| {
                let engine = &engine;
                scope.spawn(move || {
                    let mut counts = Counts::new();
                    let rules: Vec<(String, Count)> = engine
                        .rules()
                        .iter()
                        .step_by(step)
                        .skip(first)
                        .step_by(threads)
                        .map(|rule| (rule.id.to_string(), measure::rule(engine, rule, &mut counts)))
                        .collect();
                    (counts, rules)
                })
            })
            .collect();
        for worker in workers {
            let (part, list) = worker.join().expect("the engine does not panic");
            for (key, count) in part {
                counts.entry(key).or_default().add(count);
            }
            rules.extend(list);
        }
    });
    (counts, rules)
}

fn total(counts: &Counts, kind: Kind) -> Count {
    let mut total = Count::default();
    counts.iter().filter(|((other, _), _)| *other == kind).for_each(|(_, count)| total.add(*count));
    total
}

/// Groups of forms by kind of rule.
fn table(counts: &Counts) -> String {
    let mut groups: Vec<&str> = Vec::new();
    for form in FORMS {
        if !groups.contains(&form.group) {
            groups.push(form.group);
        }
    }
    let mut rows: BTreeMap<(usize, Kind), Count> = BTreeMap::new();
    for ((kind, form), count) in counts {
        let group = groups.iter().position(|group| *group == FORMS[*form].group).unwrap_or_default();
        rows.entry((group, *kind)).or_default().add(*count);
    }
    let mut out = String::from("| form | own format | rule's word | provider's name |\n|---|---|---|---|\n");
    let cell = |count: Option<&Count>| count.map_or_else(String::new, |count| format!("{:.1}", count.percent()));
    for (at, group) in groups.iter().enumerate() {
        let [token, word, title] = [Kind::Token, Kind::Word, Kind::Title].map(|kind| cell(rows.get(&(at, kind))));
        out.push_str(&format!("| {group} | {token} | {word} | {title} |\n"));
    }
    let [token, word, title] = [Kind::Token, Kind::Word, Kind::Title].map(|kind| format!("{:.1}", total(counts, kind).percent()));
    out + &format!("| **all** | {token} | {word} | {title} |\n")
}

#[test]
fn most_forms_are_found_for_every_kind_of_rule() {
    let (counts, _) = measured(16);
    for (kind, floor) in [(Kind::Token, 97.0), (Kind::Word, 95.0), (Kind::Title, 95.0)] {
        let share = total(&counts, kind).percent();
        assert!(share >= floor, "{share:.1} of {floor}\n{}", table(&counts));
    }
}

#[test]
#[ignore = "a minute; prints the table"]
fn all_rules_in_all_forms() {
    let (counts, mut rules) = measured(1);
    println!("{}", table(&counts));
    for kind in [Kind::Token, Kind::Word, Kind::Title] {
        for (at, form) in FORMS.iter().enumerate() {
            let count = counts.get(&(kind, at)).copied().unwrap_or_default();
            let column = match kind {
                Kind::Token => "token",
                Kind::Word => "word",
                Kind::Title => "title",
            };
            println!("{column} {:5.1} {} {} {}", count.percent(), form.group, form.path, form.text.escape_debug());
        }
    }
    rules.retain(|(_, count)| count.tried > 0);
    rules.sort_by(|a, b| a.1.percent().total_cmp(&b.1.percent()));
    for (id, count) in rules.iter().take(150) {
        println!("worst {:5.1} {id}", count.percent());
    }
}
