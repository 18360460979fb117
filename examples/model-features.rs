//! For `tools/train/train.py`: JSON lines with path, name, value and quoted in, the generic model's features out.

use std::io::{self, BufRead, Write};

fn main() -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let sample: serde_json::Value = serde_json::from_str(&line?)?;
        let text = |key: &str| sample.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
        let quoted = sample.get("quoted").and_then(serde_json::Value::as_bool).unwrap_or_default();
        let features = imgscan::detect::model_features(text("path"), text("name"), text("value"), quoted);
        let features = features.map(|list| list.into_iter().collect::<std::collections::BTreeMap<_, _>>());
        writeln!(out, "{}", serde_json::to_string(&features)?)?;
    }
    out.flush()
}
