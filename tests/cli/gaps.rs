//! Whatever is not read is said: in the report and in the exit code.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::support::{
    containers::{bzip2, xz},
    image::{Changeset, Image, Stored},
    imgscan::{Imgscan, Outcome},
    samples::{Random, github_token},
};

fn scan(image: &Image) -> Outcome {
    Imgscan::new().args(["--format", "json", "oci-archive:image.tar"]).file("image.tar", image.build().oci_archive("v1")).run()
}

/// `path: reason` of everything that was not covered.
fn gaps(report: &Value) -> Vec<String> {
    let skipped = report["images"][0]["coverage"]["skipped"].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    skipped.map(|skip| format!("{}: {}", text(&skip["path"]), text(&skip["reason"]))).collect()
}

fn with_file(path: &str, content: impl AsRef<[u8]>) -> Image {
    Image::new().layer("COPY . /", Changeset::new().file(path, content))
}

#[test]
fn layers_that_only_an_engine_loads() {
    let tar = Changeset::new().file("app/.env", format!("GITHUB_TOKEN={}\n", github_token(1))).tar();
    for stored in [bzip2(&tar), xz(&tar)] {
        // Compressed already, and said to be a plain tar: the bytes decide, not the media type.
        let outcome = scan(&Image::new().layer_as("COPY . /", stored, Stored::Plain)).exits(1);
        assert_eq!(outcome.json()["images"][0]["findings"][0]["location"]["path"], "app/.env");
    }
}

#[test]
fn limits_of_the_search() {
    let values: Vec<String> = (0..200_010).map(|n| format!("\"k{n}\":\"v{n}\"")).collect();
    let outcome = scan(&with_file("srv/values.json", format!("{{{}}}", values.join(",")))).exits(3);
    assert_eq!(gaps(&outcome.json()), ["srv/values.json: has more than 200,000 named values; the others were searched as text only"]);

    let tokens: String = (0..20_010).map(|n| format!("{}\n", github_token(n))).collect();
    let outcome = scan(&with_file("srv/tokens.txt", tokens)).exits(1);
    let report = outcome.json();
    assert_eq!(gaps(&report), ["srv/tokens.txt: holds more than 20,000 possible credentials; the others were not judged"]);
    assert_eq!(report["summary"]["incomplete"], true);

    let once = |text: String| STANDARD.encode(text);
    let deep = (0..4).fold(format!("GITHUB_TOKEN={}", github_token(1)), |text, _| once(text));
    let outcome = Imgscan::new().args(["--format", "json", "oci-archive:image.tar"]);
    let image = with_file("srv/hello", "world").bare_env(&format!("SETTINGS={deep}"));
    let report = outcome.file("image.tar", image.build().oci_archive("v1")).run().exits(3).json();
    assert_eq!(gaps(&report), ["config > Env[0]: is encoded more than three times over"]);
}

#[test]
fn damage_and_foreign_formats() {
    let noise = Random::new(5).bytes(4000);
    let outcome = scan(&Image::new().layer_as("COPY . /", noise, Stored::Plain)).exits(3);
    let said = gaps(&outcome.json());
    assert!(said.len() == 1 && said[0].contains("the changeset ends in the middle of a header"), "{said:?}");
    let outcome = scan(&with_file("srv/a.7z", [b"7z\xbc\xaf\x27\x1c\0\x04", &Random::new(6).bytes(4000)[..]].concat())).exits(3);
    assert_eq!(gaps(&outcome.json()), ["srv/a.7z: 7z archives cannot be read"]);
}
