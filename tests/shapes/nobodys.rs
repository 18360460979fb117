//! Credentials of providers that no rule knows, in every form of [`ANYONE`]; and what stands in the same forms and is none.

use imgscan::{
    detect::{Engine, Hint, Scratch, samples},
    finding::{Confidence, LocationKind},
};

use crate::{anyone::ANYONE, forms::Form, measure::Count};

/// Names that no provider has.
const PROVIDERS: &[&[&str]] = &[&["zorvex"], &["quill", "base"], &["tarn", "wick"]];

/// What credentials are called.
const CREDENTIALS: &[&[&str]] =
    &[&["api", "key"], &["token"], &["secret"], &["access", "token"], &["client", "secret"], &["auth", "token"], &["secret", "key"]];

/// What generators make.
const VALUES: &[&str] = &[
    "{hex:32}",
    "{hex:40}",
    "{hex:64}",
    "{alnum:24}",
    "{alnum:32}",
    "{alnum:64}",
    "{lalnum:32}",
    "{b64:43}=",
    "{b64url:43}",
    "{uuid}",
    "zx_live_{alnum:24}",
    "{alnum:16}.{alnum:32}",
];

/// What a reviewer passes over under any name.
const HARMLESS: &[&str] = &[
    "changeme",
    "your-api-key-here",
    "<YOUR_API_KEY>",
    "${API_KEY}",
    "$(API_KEY)",
    "{{ api_key }}",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "REPLACE_ME",
    "process.env.API_KEY",
    "vault:secret/data/app#key",
    "op://vault/item/field",
    "TODO",
    "null",
    "example-token-value",
    "your_token_here",
    "insert-your-key-here",
    "<redacted>",
    "%API_KEY%",
    "********",
    "string",
    "@Microsoft.KeyVault(SecretUri=https://a.vault.azure.net/secrets/b)",
    "my-secret-name",
    "kv/data/app",
    "dummy_token_for_tests",
    "/run/secrets/api_key",
    "ref+vault://secret/app",
];

/// What is no credential whatever its value, and such a value.
const OTHERS: &[(&[&str], &str)] = &[
    (&["etag"], "{hex:40}"),
    (&["commit"], "{hex:40}"),
    (&["checksum"], "{hex:64}"),
    (&["revision"], "{hex:40}"),
    (&["sha256"], "{hex:64}"),
    (&["password", "hash"], "{hex:64}"),
    (&["public", "key"], "{alnum:32}"),
    (&["public", "key"], "{lalnum:32}"),
    (&["key", "id"], "{alnum:24}"),
    (&["client", "id"], "{uuid}"),
    (&["build", "id"], "{hex:32}"),
    (&["trace", "id"], "{hex:32}"),
    (&["token", "type"], "Bearer"),
    (&["secret", "name"], "app-db-credentials"),
];

/// A name in each way to write it.
fn styled(words: &[&str], style: &str) -> String {
    let hump = |word: &&str| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    };
    let pascal: String = words.iter().map(hump).collect();
    match style {
        "up" => words.join("_").to_ascii_uppercase(),
        "low" => words.join("_"),
        "dash" => words.join("-"),
        "dot" => words.join("."),
        "flat" => words.concat(),
        "camel" => words.first().map_or("", |word| word).to_owned() + &words.iter().skip(1).map(hump).collect::<String>(),
        "pascal" => pascal,
        "title" => words.iter().map(hump).collect::<Vec<_>>().join(" "),
        other => panic!("no style {other}"),
    }
}

fn filled(form: &Form, provider: &[&str], credential: &[&str], value: &str) -> String {
    let mut text = form.text.to_owned();
    for style in ["up", "low", "dash", "dot", "flat", "camel", "pascal", "title"] {
        text = text
            .replace(&format!("<n:{style}>"), &styled(&[provider, credential].concat(), style))
            .replace(&format!("<p:{style}>"), &styled(provider, style))
            .replace(&format!("<k:{style}>"), &styled(credential, style));
    }
    assert!(!["<n:", "<p:", "<k:"].iter().any(|place| text.contains(place)), "{text}");
    text.replace("<v>", value)
}

/// What is found at confidence medium and above: rule and place.
fn found(engine: &Engine, scratch: &mut Scratch, form: &Form, text: &str) -> Vec<(String, std::ops::Range<usize>)> {
    let hint = Hint { kind: LocationKind::File, path: form.path, name: None, binary: false };
    let mut found = Vec::new();
    engine.find(text.as_bytes(), &hint, scratch, &mut |matched| {
        if matched.confidence >= Confidence::Medium {
            found.push((matched.rule.id.to_string(), matched.span));
        }
    });
    found
}

#[test]
fn credentials_are_found_in_every_form() {
    let (engine, mut scratch) = (Engine::new(Vec::new()).with_clock(None), Scratch::default());
    let (mut total, mut bad) = (Count::default(), Vec::new());
    for (seed, form) in (0..).zip(ANYONE) {
        let mut count = Count::default();
        for (number, template) in VALUES.iter().enumerate() {
            // A client's first argument may be an identifier.
            if form.group == "client" && *template == "{uuid}" {
                continue;
            }
            for (other, credential) in CREDENTIALS.iter().enumerate() {
                let value = samples::fill(template, seed * 1000 + (number * CREDENTIALS.len() + other) as u64);
                let text = filled(form, PROVIDERS[(number + other) % PROVIDERS.len()], credential, &value);
                let start = text.find(&value).expect("it stands there");
                let hit =
                    found(&engine, &mut scratch, form, &text).iter().any(|(_, span)| span.start < start + value.len() && start < span.end);
                count.add(Count { found: usize::from(hit), tried: 1 });
            }
        }
        total.add(count);
        if count.percent() < 90.0 {
            bad.push(format!("{:5.1} {} {}", count.percent(), form.path, form.text.escape_debug()));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    assert!(total.percent() >= 99.0, "{:.2}", total.percent());
}

#[test]
fn nothing_else_is_found_in_any_form() {
    let (engine, mut scratch) = (Engine::new(Vec::new()).with_clock(None), Scratch::default());
    let mut bad = Vec::new();
    for (seed, form) in (0..).zip(ANYONE) {
        let mut check = |text: &str| {
            let found = found(&engine, &mut scratch, form, text);
            if let Some((rule, _)) = found.first() {
                bad.push(format!("{rule} {} {}", form.path, text.escape_debug()));
            }
        };
        for (number, value) in HARMLESS.iter().enumerate() {
            check(&filled(form, PROVIDERS[number % PROVIDERS.len()], CREDENTIALS[number % CREDENTIALS.len()], value));
        }
        // Where the form itself says that it is a credential, the name does not count.
        let named = form.text.contains("<n:") || form.text.contains("<k:");
        if !named || form.text.to_ascii_lowercase().contains("bearer") || form.text.contains("Authorization") {
            continue;
        }
        for (number, (name, template)) in OTHERS.iter().enumerate() {
            let value = samples::fill(template, seed * 100 + number as u64);
            check(&filled(form, PROVIDERS[number % PROVIDERS.len()], name, &value));
        }
    }
    assert!(bad.is_empty(), "{} of them\n{}", bad.len(), bad.join("\n"));
}
