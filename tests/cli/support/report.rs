//! A scan of an image in one step, and what its report in JSON says.

use serde_json::Value;

use super::{
    image::Image,
    imgscan::{Imgscan, Outcome},
};

/// Scans an archive of the image for a report in JSON with findings of this confidence and above.
pub(crate) fn scan(image: &Image, confidence: &str) -> Outcome {
    Imgscan::new()
        .args(["--format", "json", "--min-confidence", confidence, "docker-archive:image.tar"])
        .file("image.tar", image.docker_archive("app:v1"))
        .run()
}

/// The findings of the first image.
#[track_caller]
pub(crate) fn findings(report: &Value) -> &[Value] {
    report["images"][0]["findings"].as_array().expect("a list")
}

/// Every place of a finding, its own first.
#[track_caller]
pub(crate) fn places(finding: &Value) -> impl Iterator<Item = &Value> {
    std::iter::once(finding).chain(finding["also_at"].as_array().expect("a list"))
}
