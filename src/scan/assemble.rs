//! Layers' outcomes and the image's config to one report: one secret, one finding, every place with its layer and state.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    ScanOptions,
    certificates::Certificates,
    config,
    links::{Links, Name},
    outcome::{Outcome, Seen},
    scrub::Scrub,
    sealed::{Opened, Sealed},
};
use crate::{
    Secret,
    finding::{Confidence, Finding, LayerId, Location, Place, Severity, Skip, State},
    image::{
        Image, Layer,
        instructions::{self, Step},
    },
    layer::stack::{self, PathHasher, Paths},
    provenance::{Database, Facts, Package},
    report::{Coverage, ImageReport, Suppressed},
};

/// Places of one secret that are kept; more are counted in its evidence.
pub(super) const PLACES: usize = 1_000;
/// Characters of an instruction that a place in the history names.
const INSTRUCTION: usize = 1_000;
/// Places of one layer that are made from hard links: a file of many matches may have many names, and the product is a bomb.
const LINKED: usize = 100_000;

/// Everything that was seen of one image.
pub(super) struct Parts<'a> {
    pub(super) image: &'a Image,
    /// For each layer of the image, its outcome.
    pub(super) layers: Vec<Arc<Outcome>>,
    pub(super) config: Outcome,
    /// Whether the layer is a directory tree, which has no layer to name.
    pub(super) is_dir: bool,
}

/// One match with its place, on the way to a finding.
struct Sighting<'a> {
    seen: &'a Seen,
    /// What it is in the open, where it is encrypted and the image holds the key.
    opened: Option<&'a Opened>,
    place: Place,
    /// The package that the file is an unmodified part of.
    package: Option<&'a Package>,
}

impl<'a> Sighting<'a> {
    fn secret(&self) -> &'a Secret {
        self.opened.map_or(&self.seen.found.matched.secret, |opened| &opened.secret)
    }

    fn refuted(&self) -> bool {
        self.opened.is_none() && self.seen.found.matched.refuted.is_some()
    }

    fn guessable(&self) -> bool {
        self.opened.map_or(self.seen.found.matched.guessable, |opened| opened.guessable)
    }
}

pub(super) fn report(parts: &Parts<'_>, options: &ScanOptions, hasher: &PathHasher) -> ImageReport {
    let all = || parts.layers.iter().flat_map(|outcome| &outcome.seen).chain(&parts.config.seen);
    let sealed = Sealed::of(all());
    // Instructions lose every value that could be one; names and paths only what is known to be one, since a wrong guess
    // would make them unreadable.
    let (layers, instructions) = {
        let scrub = Scrub::new(all().map(|seen| &seen.found.matched.secret).chain(sealed.secrets()));
        let layers = parts.image.layers.iter().map(|layer| Named::new(layer, &scrub)).collect::<Vec<_>>();
        let instructions = Instructions::new(parts, &layers, &scrub);
        (layers, instructions)
    };
    let known = all().filter(|seen| seen.found.matched.confidence > Confidence::Low);
    let scrub = Scrub::new(known.map(|seen| &seen.found.matched.secret).chain(sealed.secrets()));
    let facts: Vec<&Facts> = parts.layers.iter().map(|outcome| &outcome.facts).collect();
    let asked: Vec<_> = parts.layers.iter().flat_map(|outcome| &outcome.seen).filter_map(|seen| seen.hashes).collect();
    let packages = Database::new(&facts, &asked);
    let paths: Vec<Option<&Paths>> = parts.layers.iter().map(|outcome| Some(&outcome.paths)).collect();

    let mut sightings = Vec::new();
    let mut gaps = Vec::new();
    let links = Links::new(parts, hasher, &paths);
    for (index, outcome) in (0u32..).zip(&parts.layers) {
        // A directory tree is read as a layer and has none to name.
        let id = |layer: u32, path: Option<&[u8]>| layers.get(layer as usize).filter(|_| !parts.is_dir).map(|made| made.id(path));
        let mut linked = 0;
        for seen in &outcome.seen {
            let state = seen.path.as_deref().map_or(State::Live, |path| stack::state(hasher, &paths, index, path, seen.position));
            let opened = sealed.open(&seen.found.matched.secret);
            let package = seen.hashes.as_ref().and_then(|hashes| packages.package(hashes));
            sightings.push(Sighting {
                seen,
                opened,
                place: Place { layer: id(index, seen.path.as_deref()), location: location(seen, &scrub), state },
                package,
            });
            // A hard link is another name of the same bytes, with a fate of its own.
            let names = seen.path.as_deref().map(|path| links.of(Name { layer: index, path, position: seen.position }, LINKED - linked));
            for Name { layer, path, position } in names.into_iter().flatten() {
                linked += 1;
                let location = Location { path: Some(scrub.path(&String::from_utf8_lossy(path))), ..location(seen, &scrub) };
                let state = stack::state(hasher, &paths, layer, path, position);
                sightings.push(Sighting { seen, opened, place: Place { layer: id(layer, Some(path)), location, state }, package });
            }
        }
        if linked == LINKED {
            let reason = format!("matches have more than {LINKED} further names by hard links; the rest are not in the report");
            gaps.push(Skip { layer: (!parts.is_dir).then_some(index), path: None, reason, bytes: None });
        }
    }
    for seen in &parts.config.seen {
        sightings.push(Sighting {
            seen,
            opened: sealed.open(&seen.found.matched.secret),
            place: instructions.place(seen, location(seen, &scrub)),
            package: None,
        });
    }
    gaps.extend(sealed.gap().map(|reason| Skip { layer: None, path: None, reason, bytes: None }));
    let mut certificates = Certificates::default();
    parts.layers.iter().for_each(|outcome| certificates.merge(&outcome.certificates));
    let (findings, suppressed) = group(sightings, &certificates, &scrub, options);
    ImageReport {
        reference: parts.image.reference.clone(),
        digest: parts.image.digest.clone(),
        platform: parts.image.platform.clone(),
        findings,
        suppressed,
        coverage: coverage(parts, gaps, &scrub),
    }
}

/// A layer as places name it.
struct Named<'a> {
    /// With the instruction that stands for the layer.
    id: Arc<LayerId>,
    /// The instructions that wrote its files, if they are several, and the layer with each.
    steps: &'a [Step],
    ids: Vec<Arc<LayerId>>,
    /// With those that may have written the files that no step names.
    anywhere: Option<Arc<LayerId>>,
}

impl<'a> Named<'a> {
    fn new(layer: &'a Layer, scrub: &Scrub) -> Self {
        let shown = |line: &str| shown(line, scrub);
        let with = |created_by: Option<String>| {
            Arc::new(LayerId { index: layer.index, digest: layer.digest.clone(), diff_id: layer.diff_id.clone(), created_by })
        };
        let anywhere: Vec<_> = instructions::anywhere(&layer.steps).map(shown).collect();
        Self {
            id: with(layer.created_by.as_deref().map(shown)),
            steps: &layer.steps,
            ids: layer.steps.iter().map(|step| with(Some(shown(&step.created_by)))).collect(),
            anywhere: (!anywhere.is_empty()).then(|| with(Some(anywhere.join("\n")))),
        }
    }

    fn id(&self, path: Option<&[u8]>) -> Arc<LayerId> {
        let wrote =
            path.and_then(|path| instructions::that_wrote(&String::from_utf8_lossy(path), self.steps)).and_then(|at| self.ids.get(at));
        Arc::clone(wrote.or(self.anywhere.as_ref()).unwrap_or(&self.id))
    }

    /// With one of the instructions that made it.
    fn made_by(&self, created_by: &str) -> Arc<LayerId> {
        let step = self.steps.iter().position(|step| step.created_by == created_by).and_then(|at| self.ids.get(at));
        Arc::clone(step.unwrap_or(&self.id))
    }
}

/// The instructions in which something was seen, by their place in the history: what they are, and the layer that each made.
struct Instructions(BTreeMap<usize, Instruction>);

#[derive(Clone, Default)]
struct Instruction {
    line: Option<Arc<str>>,
    layer: Option<Arc<LayerId>>,
}

impl Instructions {
    fn new(parts: &Parts<'_>, layers: &[Named<'_>], scrub: &Scrub) -> Self {
        let history = parts.image.config.as_ref().map(|config| config.history.as_slice()).unwrap_or_default();
        let made = instructions::made_by(history, &parts.image.layers);
        let mut seen = BTreeMap::new();
        for at in parts.config.seen.iter().filter_map(|seen| seen.history) {
            let Some(line) = history.get(at).map(|entry| entry.created_by.as_str()) else { continue };
            seen.entry(at).or_insert_with(|| {
                let layer = made.get(at).copied().flatten().and_then(|number| layers.get(number));
                let shown = Some(shortened(shown(line, scrub))).filter(|line| !line.is_empty());
                Instruction { line: shown.map(Arc::from), layer: layer.map(|layer| layer.made_by(line)) }
            });
        }
        Self(seen)
    }

    /// The place of something in the config: what stands in the history is named by its instruction.
    fn place(&self, seen: &Seen, mut location: Location) -> Place {
        let Instruction { line, layer } = seen.history.and_then(|at| self.0.get(&at)).cloned().unwrap_or_default();
        location.instruction = line;
        Place { layer, location, state: State::Live }
    }
}

/// An instruction as it may be shown: without any value that could be a credential.
fn shown(created_by: &str, scrub: &Scrub) -> String {
    scrub.quote(&without_argument_values(created_by))
}

/// Enough of an instruction to know it: a line of the history may be megabytes long, and every place in it names it.
fn shortened(mut line: String) -> String {
    if let Some((end, _)) = line.char_indices().nth(INSTRUCTION) {
        line.truncate(end);
        line.push('…');
    }
    line
}

/// Values of build arguments are not shown, whether or not they are known to be credentials.
fn without_argument_values(created_by: &str) -> String {
    let (args, command) = config::build_args(created_by);
    if args.is_empty() {
        return created_by.to_owned();
    }
    let names: Vec<_> = args.iter().map(|(name, _)| format!("{name}=****")).collect();
    format!("|{} {} {command}", args.len(), names.join(" "))
}

fn location(seen: &Seen, scrub: &Scrub) -> Location {
    let mut location = seen.location.clone();
    location.line = seen.found.line;
    location.column = seen.found.column;
    location.inner.clone_from(&seen.found.inner);
    location.path = location.path.map(|path| scrub.path(&path));
    // A key of a map, the first cell of a row.
    location.name = location.name.map(|name| scrub.quote(&name));
    location.inner.iter_mut().for_each(|name| *name = scrub.path(name));
    location
}

/// One secret, one finding: sightings of the same canonical value come together under the most specific rule.
fn group(sightings: Vec<Sighting<'_>>, certificates: &Certificates, scrub: &Scrub, options: &ScanOptions) -> (Vec<Finding>, Suppressed) {
    // In the order of the keys: findings that are alike in all that they are sorted by come out in the same order every time.
    let mut by_value: BTreeMap<[u8; 32], Vec<Sighting<'_>>> = BTreeMap::new();
    let mut suppressed = Suppressed::default();
    for sighting in sightings {
        let id = options.fingerprints.of_cluster_value(sighting.secret());
        by_value.entry(id).or_default().push(sighting);
    }
    let mut findings = Vec::new();
    for (_, group) in by_value {
        let (refuted, valid): (Vec<_>, Vec<_>) = group.into_iter().partition(Sighting::refuted);
        let group = match (valid.is_empty(), options.show_refuted) {
            (false, _) => valid,
            (true, true) => refuted,
            (true, false) => {
                suppressed.refuted += 1;
                continue;
            }
        };
        if !options.show_public && group.iter().all(|sighting| sighting.package.is_some_and(|package| package.public)) {
            suppressed.public += 1;
            continue;
        }
        let Some(finding) = finding(group, certificates, scrub, options) else { continue };
        if finding.confidence < options.min_confidence {
            suppressed.low_confidence += 1;
        } else {
            findings.push(finding);
        }
    }
    findings.sort_by(|a, b| {
        (b.severity, b.confidence)
            .cmp(&(a.severity, a.confidence))
            .then_with(|| a.primary().cmp(b.primary()))
            .then_with(|| a.rule.id.cmp(&b.rule.id))
            .then_with(|| a.fingerprint.cmp(&b.fingerprint))
    });
    (findings, suppressed)
}

fn finding(group: Vec<Sighting<'_>>, certificates: &Certificates, scrub: &Scrub, options: &ScanOptions) -> Option<Finding> {
    // The most specific sighting names the finding.
    let best = group.iter().max_by(|a, b| {
        let rank = |sighting: &Sighting<'_>| (sighting.seen.found.matched.confidence, sighting.seen.found.matched.severity);
        rank(a).cmp(&rank(b)).then_with(|| b.place.cmp(&a.place)).then_with(|| {
            let id = |sighting: &Sighting<'_>| sighting.seen.found.matched.rule.id.clone();
            id(b).cmp(&id(a))
        })
    })?;
    let matched = &best.seen.found.matched;
    let rule = matched.rule.clone();
    let mut evidence: Vec<String> = matched.evidence.clone();
    match (best.opened, &matched.refuted) {
        (Some(opened), _) => evidence.push(format!("encrypted, and opened with the key in {} of the same image", scrub.path(&opened.key))),
        (None, Some(reason)) => evidence.push(format!("refuted: {reason}")),
        (None, None) => {}
    }
    let visible = if best.opened.is_some() { 0 } else { matched.visible };
    let (mut severity, redacted) = (matched.severity, best.secret().redacted(visible));
    if let Some(certified) = certificates.of(best.secret(), options.engine.clock(), scrub) {
        if certified.expired {
            severity = severity.min(Severity::Medium);
        }
        evidence.push(certified.evidence);
    }
    // The value of another finding may be this one's user.
    evidence.iter_mut().for_each(|fact| *fact = scrub.path(fact));
    let mut confidence = matched.confidence;
    if let Some(package) = group.iter().find_map(|sighting| sighting.package) {
        let origin = if package.public { "public package" } else { "package of unknown origin" };
        evidence.push(format!("in an unmodified file of {} ({origin})", package.name));
        // What everyone installs is rarely this team's password; a provider's format stays what it is.
        if rule.provider == "generic" && group.iter().all(|sighting| sighting.package.is_some()) {
            confidence = confidence.min(Confidence::Low);
        }
    }
    let guessable = group.iter().all(Sighting::guessable);
    let secret = best.secret();
    let mut places: Vec<Place> = group.into_iter().map(|sighting| sighting.place).collect();
    // What a container still sees comes first: the first place is the finding's own.
    places.sort_unstable_by(|a, b| (a.state != State::Live, a).cmp(&(b.state != State::Live, b)));
    places.dedup();
    if places.len() > PLACES {
        evidence.push(format!("seen in {} more places", places.len() - PLACES));
        places.truncate(PLACES);
    }
    let primary = places.first()?;
    let fingerprint =
        options.fingerprints.of_value(secret, guessable).unwrap_or_else(|| options.fingerprints.of_place(&rule.id, &primary.location));
    Some(Finding { rule, severity, confidence, fingerprint, redacted, evidence, places })
}

fn coverage(parts: &Parts<'_>, gaps: Vec<Skip>, scrub: &Scrub) -> Coverage {
    let mut coverage = Coverage::default();
    let mut skipped: BTreeMap<(Option<u32>, Option<String>, String), Option<u64>> = BTreeMap::new();
    let mut add = |mut skip: Skip| {
        skip.path = skip.path.map(|path| scrub.path(&path));
        scrub.apply(&mut skip.reason);
        let bytes = skipped.entry((skip.layer, skip.path, skip.reason)).or_insert(None);
        *bytes = match (*bytes, skip.bytes) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (a, b) => a.or(b),
        };
    };
    parts.image.skipped.iter().cloned().chain(gaps).for_each(&mut add);
    for (index, outcome) in (0u32..).zip(&parts.layers) {
        coverage.layers += u64::from(outcome.complete && !parts.is_dir);
        coverage.files += outcome.walked.files;
        coverage.bytes += outcome.walked.bytes;
        outcome.skips((!parts.is_dir).then_some(index)).for_each(&mut add);
    }
    parts.config.skips(None).for_each(&mut add);
    coverage.skipped = skipped.into_iter().map(|((layer, path, reason), bytes)| Skip { layer, path, reason, bytes }).collect();
    coverage
}
