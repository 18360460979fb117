//! What someone may have meant.

use clap::CommandFactory;

use crate::args::Args;

/// The words nearest to a mistyped one, nearest first: at most `most`, each with few letters changed.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>, most: usize) -> Vec<&'a str> {
    let allowed = (word.len() / 4).clamp(1, 3);
    let mut near: Vec<(usize, &str)> = known
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= allowed)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .collect();
    near.sort_unstable();
    near.into_iter().take(most).map(|(_, candidate)| candidate).collect()
}

/// A hint for an image that could not be read: its name may be a mistyped command, or a file or folder of this one.
pub(crate) fn hint(image: &str) -> Option<String> {
    if image.contains([':', '@']) {
        return None;
    }
    let commands = Args::command();
    let names: Vec<&str> = commands.get_subcommands().map(clap::Command::get_name).collect();
    if let Some(command) = nearest(image, names.into_iter(), 1).first() {
        return Some(format!("`{image}` was taken for an image; is the command `imgscan {command}` meant?"));
    }
    let path = std::path::Path::new(image);
    path.is_dir().then(|| format!("there is a folder `{image}` here: `dir:{image}` scans it, `oci:{image}` if it is an OCI layout"))
}

/// Letters to insert, delete, replace, or swap with their neighbour (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen() {
        assert_eq!(distance("github-pta", "github-pat"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(nearest("github-pta", ["github-pat", "gitlab-pat", "npm"].into_iter(), 5), ["github-pat"]);
        assert!(hint("explian").is_some_and(|hint| hint.contains("imgscan explain")));
        assert!(hint("alpine").is_none() && hint("alpine:3.20").is_none());
    }
}
