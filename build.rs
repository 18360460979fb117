//! Turns `src/detect/rules/*.toml` into static tables, so that no rule file is parsed when imgscan starts.

use std::{env, fmt::Write as _, fs, path::Path};

#[path = "src/detect/schema.rs"]
#[allow(missing_docs, unreachable_pub, reason = "a module of the library, read by a program of one file")]
mod schema;

fn main() {
    let folder = Path::new("src/detect/rules");
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rerun-if-changed=src/detect/schema.rs");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the rules folder is part of the package")
        .map(|entry| entry.expect("readable folder").path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    let mut code = String::from("pub(super) static BUILT_IN: &[StaticRule] = &[\n");
    for path in files {
        println!("cargo::rerun-if-changed={}", path.display());
        let text = fs::read_to_string(&path).expect("readable rule file");
        let file: schema::RuleFile = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for rule in &file.rule {
            write_rule(&mut code, &file, rule);
        }
    }
    code.push_str("];\n");
    let out = Path::new(&env::var_os("OUT_DIR").expect("set by cargo")).join("rules.rs");
    fs::write(out, code).expect("writable OUT_DIR");
}

#[expect(clippy::use_debug, reason = "the Debug form of a string is its Rust literal")]
fn write_rule(code: &mut String, file: &schema::RuleFile, rule: &schema::RawRule) {
    writeln!(
        code,
        "StaticRule {{ provider: {:?}, provider_name: {:?}, docs: {:?}, id: {:?}, title: {:?}, severity: {:?}, confidence: {:?}, \
         pattern: {:?}, anchors: &{:?}, context: &{:?}, names: &{:?}, value: {:?}, entropy: {:?}, checks: &{:?}, unlocks: {:?}, \
         rotate: {:?}, instead: {:?}, samples: &{:?}, near_misses: &{:?} }},",
        file.provider,
        file.name,
        file.docs,
        rule.id,
        rule.title,
        rule.severity,
        rule.confidence,
        rule.pattern,
        rule.anchors,
        rule.context,
        rule.names,
        rule.value,
        rule.entropy,
        rule.checks,
        rule.unlocks,
        rule.rotate,
        rule.instead,
        rule.samples,
        rule.near_misses,
    )
    .expect("writing to a string");
}
