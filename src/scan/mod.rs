//! The pipeline: target -> images -> layers in parallel -> findings with layer and state -> report.

mod assemble;
pub mod cache;
mod certificates;
mod config;
mod dir;
mod layers;
mod links;
mod loose;
mod names;
mod outcome;
mod scrub;
mod sealed;

use std::{collections::HashMap, sync::Arc};

use self::{
    assemble::Parts,
    cache::Cache,
    layers::{Job, failed, guarded},
    outcome::Outcome,
};
use crate::{
    content::{self, Scanner},
    detect::Engine,
    finding::Confidence,
    fingerprint::Fingerprinter,
    image::{self, Image, ImageError, Layer, OpenLayer, OpenOptions, Opened, StreamedArchive, StreamedImage},
    layer::stack::PathHasher,
    report::ImageReport,
    target::Target,
};

/// How to scan. Built by the command line from flags and `imgscan.toml`.
pub struct ScanOptions {
    /// The compiled rules.
    pub engine: Arc<Engine>,
    /// Platforms, TLS, credentials.
    pub open: OpenOptions,
    /// Worker threads.
    pub jobs: usize,
    /// Findings below are counted, not shown.
    pub min_confidence: Confidence,
    /// Shows what an offline check disproved.
    pub show_refuted: bool,
    /// Shows what is public knowledge.
    pub show_public: bool,
    /// Makes the ids.
    pub fingerprints: Fingerprinter,
    /// Reports of images that were scanned before; `None` reads everything.
    pub cache: Option<Cache>,
}

#[cfg(test)]
impl ScanOptions {
    /// What tests scan with: nothing is left out for its confidence, and one thread does it all.
    pub(crate) fn of(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            open: OpenOptions::default(),
            jobs: 1,
            min_confidence: Confidence::Low,
            show_refuted: false,
            show_public: false,
            fingerprints: Fingerprinter::built_in(),
            cache: None,
        }
    }
}

/// Told how a scan gets on. Called from worker threads.
pub trait Progress: Sync {
    /// An image's layers are known.
    fn image(&self, reference: &str, layers: usize, bytes: Option<u64>);
    /// Bytes of blobs were read.
    fn bytes(&self, count: u64);
    /// A layer is done.
    fn layer(&self);
}

/// Scans one target: one report per image and platform.
///
/// # Errors
/// When the target cannot be read at all. Whatever fails inside an image is in its coverage instead.
pub fn scan(target: &Target, options: &ScanOptions, progress: &dyn Progress) -> Result<Vec<ImageReport>, ImageError> {
    let hasher = PathHasher::default();
    match image::open(target, &options.open)? {
        Opened::Images(images) => Ok(scan_images(&images, options, &hasher, progress)),
        Opened::Stream(archive) => scan_stream(archive, options, &hasher, progress),
        Opened::Dir(root) => dir::scan(&root, options, &hasher, progress),
    }
}

/// How one image's report is come by.
enum Plan<'i> {
    /// It is in the cache.
    Known(ImageReport),
    /// It is read.
    Read {
        /// Where the report is kept afterwards: the cache, and the name of the image's entry.
        entry: Option<(&'i Cache, String)>,
        /// For each layer: its job, or why it cannot be read.
        layers: Vec<Result<usize, &'i str>>,
    },
}

/// Images whose blobs can be read in any order. A blob that several images name is scanned once.
fn scan_images(
    images: &[(Image, Arc<dyn OpenLayer>)],
    options: &ScanOptions,
    hasher: &PathHasher,
    progress: &dyn Progress,
) -> Vec<ImageReport> {
    let mut jobs: Vec<Job<'_>> = Vec::new();
    let mut by_digest: HashMap<&str, usize> = HashMap::new();
    let mut plans: Vec<Plan<'_>> = Vec::new();
    for (image, opener) in images {
        // The name is a hash of all rules and of the image's config, so it is made once.
        let entry = options.cache.as_ref().and_then(|cache| Some((cache, cache.name(image, options)?)));
        if let Some(report) = entry.as_ref().and_then(|(cache, name)| cache.get(name, &image.reference, options)) {
            progress.image(&image.reference, image.layers.len(), Some(0));
            image.layers.iter().for_each(|_| progress.layer());
            plans.push(Plan::Known(report));
            continue;
        }
        progress.image(&image.reference, image.layers.len(), image.layers.iter().map(|layer| layer.size).sum());
        let mut layers = Vec::new();
        for layer in &image.layers {
            if let Some(reason) = &layer.uncovered {
                layers.push(Err(reason.as_str()));
                continue;
            }
            let known = by_digest.get(layer.digest.as_str()).copied().filter(|_| !layer.digest.is_empty());
            let job = known.unwrap_or_else(|| {
                let open = move || opener.open(layer).map_err(|error| describe(&error));
                jobs.push(Job { size: layer.size.unwrap_or(0), open: Box::new(open) });
                jobs.len() - 1
            });
            by_digest.insert(&layer.digest, job);
            layers.push(Ok(job));
        }
        plans.push(Plan::Read { entry, layers });
    }
    let outcomes: Vec<Arc<Outcome>> = layers::scan_all(&jobs, options, hasher, progress).into_iter().map(Arc::new).collect();
    let mut scanner = Scanner::new(options.engine.clone(), content::Limits::default());
    images
        .iter()
        .zip(plans)
        .map(|((image, _), plan)| {
            let (entry, layers) = match plan {
                Plan::Known(report) => return report,
                Plan::Read { entry, layers } => (entry, layers),
            };
            let outcome_of = |layer: Result<usize, &str>| match layer.map(|job| outcomes.get(job)) {
                Ok(Some(outcome)) => outcome.clone(),
                Ok(None) => Arc::new(Outcome::unreadable("the layer was not scanned".to_owned())),
                Err(reason) => Arc::new(Outcome::unreadable(reason.to_owned())),
            };
            let layers: Vec<_> = layers.into_iter().map(outcome_of).collect();
            // What broke off may go well the next time.
            let complete = layers.iter().all(|outcome| outcome.complete);
            let report = assemble(image, layers, &mut scanner, options, hasher);
            if let Some((cache, name)) = entry.filter(|_| complete) {
                cache.put(&name, options, &report);
            }
            report
        })
        .collect()
}

/// One pass: blobs are scanned as they come, and only then is it known which image names them.
fn scan_stream(
    archive: Box<dyn StreamedArchive>,
    options: &ScanOptions,
    hasher: &PathHasher,
    progress: &dyn Progress,
) -> Result<Vec<ImageReport>, ImageError> {
    let mut scanner = Scanner::new(options.engine.clone(), content::Limits::default());
    let mut outcomes: HashMap<String, Arc<Outcome>> = HashMap::new();
    let mut seen = 0;
    let images = archive.read(&mut |key, reader| {
        let mut counted = layers::Counted { inner: reader, progress };
        let mut outcome = guarded(&mut scanner, options, |scanner| layers::scan_blob(&mut counted, scanner, hasher))
            .unwrap_or_else(|| Outcome::unreadable(failed("layer")));
        if seen >= outcome::ALL_MATCHES {
            outcome.forget();
        }
        seen += outcome.seen.len();
        outcomes.insert(key.to_owned(), Arc::new(outcome));
    })?;
    let report = |streamed: &StreamedImage| {
        progress.image(&streamed.image.reference, streamed.image.layers.len(), None);
        let outcome_of = |(layer, key): (&Layer, &Option<String>)| {
            progress.layer();
            match (&layer.uncovered, key.as_ref().and_then(|key| outcomes.get(key))) {
                (Some(reason), _) => Arc::new(Outcome::unreadable(reason.clone())),
                (None, Some(outcome)) => outcome.clone(),
                (None, None) => Arc::new(Outcome::unreadable("the archive names this layer but does not hold it".to_owned())),
            }
        };
        let layers = streamed.image.layers.iter().zip(&streamed.keys).map(outcome_of).collect();
        assemble(&streamed.image, layers, &mut scanner, options, hasher)
    };
    Ok(images.iter().map(report).collect())
}

fn assemble(image: &Image, layers: Vec<Arc<Outcome>>, scanner: &mut Scanner, options: &ScanOptions, hasher: &PathHasher) -> ImageReport {
    let config = guarded(scanner, options, |scanner| config::scan(image, scanner)).unwrap_or_else(|| Outcome::unreadable(failed("config")));
    assemble::report(&Parts { image, layers, config, is_dir: false }, options, hasher)
}

/// An error with its causes, for people.
fn describe(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source()).map(|cause| format!(": {cause}"));
    std::iter::once(error.to_string()).chain(causes).collect()
}

#[cfg(test)]
mod tests;
