//! Memory does not grow with what an image holds.
#![cfg(target_os = "linux")]

use imgscan::detect::{Engine, Shape, samples};

use crate::support::{
    image::{Changeset, Image, Stored},
    imgscan::Imgscan,
    samples::Random,
};

/// Bytes of the largest text that is parsed whole, nearly.
const LARGE: usize = 3 << 20;

/// Lines on which nearly every rule's pattern is searched: the values of most end in what theirs do not.
fn nearly_every_credential(seed: u64) -> String {
    let engine = Engine::new(Vec::new());
    let mut lines = String::new();
    for rule in engine.rules() {
        let name = match &rule.shape {
            Shape::Assigned { names, .. } => format!("{}_api_key", names[0].replace([' ', '-', '.'], "_")),
            Shape::Token { .. } => "value".to_owned(),
            Shape::Structural => continue,
        };
        for sample in &rule.samples {
            let mut value = samples::fill(sample, seed).replace(['\n', '"'], "");
            value.pop();
            lines.push_str(&format!("{name} = \"{value}!x\"\n"));
        }
    }
    lines
}

/// JSON with many keys, none of which names a credential.
fn json(random: &mut Random) -> String {
    let mut out = String::from("{");
    while out.len() < LARGE {
        out.push_str(&format!("\"{}\": [\"{}\", {}], ", random.base62(9), random.base62(60), random.next() % 1000));
    }
    out + "\"end\": 0}"
}

#[test]
fn a_large_image_fits_into_little_memory() {
    let mut image = Image::new();
    for layer in 0..8 {
        let mut random = Random::new(layer);
        let changeset = Changeset::new()
            .file(&format!("srv/{layer}/app.py"), if layer < 2 { nearly_every_credential(layer) } else { String::new() })
            .file(&format!("srv/{layer}/data.json"), json(&mut random))
            .file(&format!("srv/{layer}/model.bin"), random.bytes(8 << 20));
        image = image.layer_as("COPY srv /srv", changeset.tar(), Stored::Zstd);
    }
    let (outcome, peak) = Imgscan::new()
        .file("image.tar", image.build().oci_archive("app:v1"))
        .args(["--no-cache", "--jobs", "2", "--format", "json", "oci-archive:image.tar"])
        .run_and_measure();
    assert!(outcome.code == 0 || outcome.code == 1, "{}", outcome.stderr);
    let covered = outcome.json()["images"][0]["coverage"]["bytes"].as_u64();
    assert!(covered.is_some_and(|bytes| bytes > 8 * (11 << 20)), "{covered:?} bytes");
    assert!(peak < MOST, "{} MB", peak >> 20);
    assert!(peak > 8 << 20, "{} MB: it was measured", peak >> 20);
}

/// Bytes. When each pattern was an automaton, this image took 224 MB.
const MOST: u64 = 64 << 20;
