//! Which instruction made which layer, by the history of the config.
//!
//! The n-th entry that is not marked `empty_layer` made layer n (OCI image spec, config.md, "history"). Builders that put all of a
//! build into one layer (`buildah bud` does by default, `podman build --squash`) name the last instruction for it, often an `ENV`,
//! and mark those that wrote the files as empty: there, each file has its own.

use super::{History, Layer};

/// Instructions of one layer that are told apart; more are no Dockerfile's, and each place of a secret is compared with them all.
const STEPS: usize = 256;

/// An instruction that wrote files of a layer that holds the files of several. May hold secrets, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Step {
    /// As the builder wrote it.
    pub created_by: String,
    /// Where a `COPY` or `ADD` puts its files, without slashes at the ends; empty for the root. `None`: anywhere (`RUN`).
    pub destination: Option<String>,
}

/// The instructions behind one layer.
#[derive(Clone, Default)]
pub(crate) struct Made {
    /// The entry that stands for the layer.
    pub(crate) by: Option<String>,
    /// In order, if the layer holds the files of several; otherwise empty.
    pub(crate) steps: Vec<Step>,
}

/// What made each of `layers` layers.
pub(crate) fn of_layers(history: &[History], layers: usize) -> Vec<Made> {
    let mut made = Vec::new();
    let mut steps = Vec::new();
    let mut folder = String::new();
    for entry in history {
        let step = step(&entry.created_by, &mut folder);
        if entry.empty_layer {
            // BuildKit marks a `RUN` that changed nothing so; it never puts several into one layer.
            steps.extend(step.filter(|_| !entry.comment.starts_with("buildkit")));
            continue;
        }
        let mut steps = std::mem::take(&mut steps);
        if !steps.is_empty() {
            steps.extend(step);
        }
        if steps.len() > STEPS {
            steps.clear();
        }
        made.push(Made { by: Some(entry.created_by.clone()).filter(|line| !line.is_empty()), steps });
    }
    made.resize(layers, Made::default());
    made
}

/// For each line of the history, the number of the layer that it made, alone or with others.
pub(crate) fn made_by(history: &[History], layers: &[Layer]) -> Vec<Option<usize>> {
    let mut next = 0;
    let number = |entry: &History| {
        let at = next;
        next += usize::from(!entry.empty_layer);
        let shares = |layer: &&Layer| !entry.empty_layer || layer.steps.iter().any(|step| step.created_by == entry.created_by);
        layers.get(at).filter(shares).map(|_| at)
    };
    history.iter().map(number).collect()
}

/// The instruction, if it can write files. `folder` is the working directory, kept from one entry to the next.
fn step(created_by: &str, folder: &mut String) -> Option<Step> {
    let line = created_by.trim();
    let instruction = line.strip_prefix("/bin/sh -c #(nop)").unwrap_or(line).trim_start();
    let (word, rest) = instruction.split_once(char::is_whitespace).unwrap_or((instruction, ""));
    let destination = match word {
        "WORKDIR" => {
            *folder = below(folder, rest.trim());
            return None;
        }
        "COPY" | "ADD" => {
            let last = rest.split_whitespace().next_back()?.trim_matches(['[', ']', '"', ',']);
            Some(below(folder, last))
        }
        "RUN" | "/bin/sh" => None,
        // With build arguments: `|1 NAME=value /bin/sh -c ...`.
        _ if word.starts_with('|') => None,
        _ => return None,
    };
    Some(Step { created_by: created_by.to_owned(), destination })
}

/// `path` as seen from `folder`, without slashes at the ends and without steps that stay where they are.
fn below(folder: &str, path: &str) -> String {
    let start = if path.starts_with('/') { "" } else { folder };
    let steps: Vec<_> = start.split('/').chain(path.split('/')).filter(|step| !matches!(*step, "" | ".")).collect();
    steps.join("/")
}

impl Step {
    /// Whether it puts files at `path` or above it; `path` has no slash at its start.
    fn covers(&self, path: &str) -> bool {
        let Some(destination) = &self.destination else { return false };
        path.strip_prefix(destination.as_str()).is_some_and(|rest| destination.is_empty() || rest.is_empty() || rest.starts_with('/'))
    }
}

/// The place in `steps` of the instruction that wrote `path`: the `COPY` or `ADD` that goes nearest to it and, of several, the last.
pub(crate) fn that_wrote(path: &str, steps: &[Step]) -> Option<usize> {
    let nearest = |(_, step): &(usize, &Step)| step.destination.as_ref().map_or(0, String::len);
    steps.iter().enumerate().filter(|(_, step)| step.covers(path)).max_by_key(nearest).map(|(at, _)| at)
}

/// What may have written a file that no `COPY` or `ADD` of `steps` did: every `RUN`.
pub(crate) fn anywhere(steps: &[Step]) -> impl Iterator<Item = &str> {
    steps.iter().filter(|step| step.destination.is_none()).map(|step| step.created_by.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(line: &str, empty_layer: bool) -> History {
        History { created_by: line.to_owned(), empty_layer, ..History::default() }
    }

    fn lines(history: &[History], layers: usize) -> Vec<Option<String>> {
        of_layers(history, layers).into_iter().map(|made| made.by).collect()
    }

    #[test]
    fn history_may_lie() {
        let history = [entry("a", false), entry("b", true), entry("c", false)];
        let line = |text: &str| Some(text.to_owned());
        assert_eq!(lines(&history, 2), [line("a"), line("c")]);
        assert_eq!(lines(&history, 1), [line("a")]);
        assert_eq!(lines(&history, 4), [line("a"), line("c"), None, None]);
        assert_eq!(lines(&[], 1), [None]);
    }

    #[test]
    fn a_layer_of_its_own_instruction_has_no_steps() {
        let mut idle = entry("RUN /bin/sh -c true # buildkit", true);
        idle.comment = "buildkit.dockerfile.v0".to_owned();
        let history =
            [entry("ADD base", false), entry("CMD [\"sh\"]", true), entry("ENV A=b", true), idle, entry("COPY a /a # buildkit", false)];
        assert!(of_layers(&history, 2).iter().all(|made| made.steps.is_empty()));
    }

    #[test]
    fn each_file_of_a_squashed_layer_has_its_instruction() {
        let history = [
            entry("/bin/sh -c #(nop) ADD file:0 in / ", false),
            entry("/bin/sh -c #(nop) COPY dir:1 in /app ", true),
            entry("/bin/sh -c #(nop) COPY file:2 in /app/conf/.env ", true),
            entry("/bin/sh -c #(nop) WORKDIR /srv", true),
            entry("/bin/sh -c #(nop) COPY file:3 in data/", true),
            entry("/bin/sh -c make", true),
            entry("/bin/sh -c #(nop) ENV A=b", false),
        ];
        let made = of_layers(&history, 2);
        assert!(made[0].steps.is_empty());
        let wrote = |path| that_wrote(path, &made[1].steps);
        assert_eq!(wrote("app/conf/.env"), Some(1));
        assert_eq!(wrote("app/conf/.environment"), Some(0));
        assert_eq!(wrote("srv/data/x"), Some(2));
        assert_eq!(wrote("application/x"), None);
        assert_eq!(anywhere(&made[1].steps).collect::<Vec<_>>(), ["/bin/sh -c make"]);
    }

    #[test]
    fn all_that_may_have_written_a_file_are_named() {
        let history = [entry("/bin/sh -c a", true), entry("|1 A=x /bin/sh -c b", false)];
        let made = of_layers(&history, 1);
        assert_eq!(anywhere(&made[0].steps).collect::<Vec<_>>(), ["/bin/sh -c a", "|1 A=x /bin/sh -c b"]);
    }
}
