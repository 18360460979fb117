//! What decides a report, as the name of its entry. Every type is taken apart in full, so that a new field cannot be forgotten.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::ScanOptions;
use crate::{
    finding::{Location, LocationKind, Skip},
    image::{Annotation, Attestation, History, Image, ImageConfig, Layer},
    report::ruleset,
};

/// The entry's name; `None` where the image's content is not known by digests.
pub(super) fn name(mac: &Hmac<Sha256>, tool: &str, image: &Image, options: &ScanOptions) -> Option<String> {
    let mut parts = Parts(mac.clone());
    parts.text("imgscan cache v1");
    parts.text(tool);
    parts.options(options);
    parts.image(image)?;
    Some(data_encoding::HEXLOWER.encode(&parts.0.finalize().into_bytes()))
}

/// Takes parts with their lengths, so that no two lists of parts are alike.
struct Parts(Hmac<Sha256>);

impl Parts {
    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    fn number(&mut self, number: u64) {
        self.0.update(&number.to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn maybe(&mut self, text: Option<&str>) {
        self.number(u64::from(text.is_some()));
        self.text(text.unwrap_or_default());
    }

    fn list<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.number(items.len() as u64);
        items.iter().for_each(|item| each(self, item));
    }

    fn texts(&mut self, texts: &[String]) {
        self.list(texts, |parts, text| parts.text(text));
    }

    fn pairs(&mut self, pairs: &[(String, String)]) {
        self.list(pairs, |parts, (key, value)| {
            parts.text(key);
            parts.text(value);
        });
    }

    fn options(&mut self, options: &ScanOptions) {
        // How the image is found and how many threads read it changes nothing in its report.
        let ScanOptions { engine, open: _, jobs: _, min_confidence, show_refuted, show_public, fingerprints, cache: _ } = options;
        self.text(&ruleset::version(engine.rules()));
        self.number(u64::from(engine.clock().now().is_some()));
        self.text(min_confidence.as_str());
        self.number(u64::from(*show_refuted));
        self.number(u64::from(*show_public));
        // Names the key without telling it.
        self.text(fingerprints.of_place("cache", &Location::new(LocationKind::File)).as_str());
        self.number(u64::from(fingerprints.is_keyed()));
    }

    fn image(&mut self, image: &Image) -> Option<()> {
        // What the user typed is put into the report when it is taken out.
        let Image { reference: _, digest, platform, config, layers, annotations, attestations, skipped } = image;
        self.maybe(digest.as_deref());
        self.maybe(platform.as_deref());
        self.number(u64::from(config.is_some()));
        if let Some(config) = config {
            self.config(config);
        }
        if layers.iter().any(|layer| layer.digest.is_empty()) {
            return None;
        }
        self.list(layers, |parts, layer| {
            // The steps come of the history.
            let Layer { index, digest, diff_id, media_type, size, created_by, steps: _, uncovered } = layer;
            parts.number(u64::from(*index));
            parts.text(digest);
            parts.maybe(diff_id.as_deref());
            parts.text(media_type);
            parts.maybe(size.map(|size| size.to_string()).as_deref());
            parts.maybe(created_by.as_deref());
            parts.maybe(uncovered.as_deref());
        });
        self.list(annotations, |parts, annotation| {
            let Annotation { owner, key, value } = annotation;
            parts.text(owner);
            parts.text(key);
            parts.text(value);
        });
        self.list(attestations, |parts, attestation| {
            let Attestation { predicate_type, digest, json } = attestation;
            parts.text(predicate_type);
            parts.text(digest);
            parts.bytes(json);
        });
        self.list(skipped, |parts, skip| {
            let Skip { layer, path, reason, bytes } = skip;
            parts.maybe(layer.map(|layer| layer.to_string()).as_deref());
            parts.maybe(path.as_deref());
            parts.text(reason);
            parts.maybe(bytes.map(|bytes| bytes.to_string()).as_deref());
        });
        Some(())
    }

    fn config(&mut self, config: &ImageConfig) {
        let ImageConfig { platform, env, labels, cmd, entrypoint, healthcheck, onbuild, other, history, diff_ids } = config;
        self.maybe(platform.as_deref());
        [env, cmd, entrypoint, healthcheck, onbuild, diff_ids].into_iter().for_each(|texts| self.texts(texts));
        [labels, other].into_iter().for_each(|pairs| self.pairs(pairs));
        self.list(history, |parts, history| {
            let History { created_by, comment, author, empty_layer } = history;
            parts.text(created_by);
            parts.text(comment);
            parts.text(author);
            parts.number(u64::from(*empty_layer));
        });
    }
}
