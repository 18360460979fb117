//! Which stretches of a haystack are taken by which candidate.

use std::ops::Range;

use super::Candidate;

/// Who holds a stretch of the haystack: the number of a candidate among those that are kept, the best first, and its run.
#[derive(Clone, Copy)]
pub(super) struct Holder {
    pub(super) kept: usize,
    pub(super) run: u32,
}

/// The best holder of all, and the best of any other run.
#[derive(Clone, Copy, Default)]
struct Best(Option<Holder>, Option<Holder>);

impl Best {
    fn add(&mut self, holder: Holder) {
        match self.0 {
            None => self.0 = Some(holder),
            Some(best) if holder.kept < best.kept => {
                if holder.run != best.run {
                    self.1 = self.0;
                }
                self.0 = Some(holder);
            }
            Some(best) if holder.run != best.run && self.1.is_none_or(|other| holder.kept < other.kept) => self.1 = Some(holder),
            Some(_) => {}
        }
    }

    fn merge(&mut self, other: Self) {
        [other.0, other.1].into_iter().flatten().for_each(|holder| self.add(holder));
    }
}

/// Which stretches are taken: a segment tree over the ends of all spans, since an attacker can have thousands of candidates,
/// each across thousands of others.
pub(super) struct Taken {
    /// The ends of all spans, sorted: stretch `n` lies between ends `n` and `n + 1`.
    ends: Vec<usize>,
    /// A power of two; node `leaves + n` is stretch `n`, node `n` has the children `2n` and `2n + 1`.
    leaves: usize,
    /// For each node: who holds all of it, and who holds any of what is below it.
    nodes: Vec<(Best, Best)>,
}

impl Taken {
    pub(super) fn new(candidates: &[Candidate]) -> Self {
        let mut ends: Vec<usize> = candidates.iter().flat_map(|c| [c.matched.span.start, c.matched.span.end]).collect();
        ends.sort_unstable();
        ends.dedup();
        let leaves = ends.len().next_power_of_two();
        Self { ends, leaves, nodes: vec![<(Best, Best)>::default(); leaves * 2] }
    }

    /// The best kept candidate that overlaps with the span and is not of the same decoded run.
    pub(super) fn by(&self, span: &Range<usize>, run: u32) -> Option<usize> {
        let mut best = Best::default();
        self.cover(span, |node| {
            best.merge(node_at(&self.nodes, node).1);
            // Who holds a larger stretch holds this one.
            let mut above = node / 2;
            while above > 0 {
                best.merge(node_at(&self.nodes, above).0);
                above /= 2;
            }
        });
        let Best(first, second) = best;
        first
            .filter(|holder| run == 0 || holder.run != run)
            .or(second.filter(|_| first.is_some_and(|first| run != 0 && first.run == run)))
            .map(|holder| holder.kept)
    }

    pub(super) fn take(&mut self, span: &Range<usize>, holder: Holder) {
        let mut covered = Vec::new();
        self.cover(span, |node| covered.push(node));
        for node in covered {
            if let Some((all, any)) = self.nodes.get_mut(node) {
                all.add(holder);
                any.add(holder);
            }
            let mut above = node / 2;
            while above > 0 {
                if let Some((_, any)) = self.nodes.get_mut(above) {
                    any.add(holder);
                }
                above /= 2;
            }
        }
    }

    /// The few nodes that together are the span. None for an empty one, which overlaps with nothing.
    fn cover(&self, span: &Range<usize>, mut visit: impl FnMut(usize)) {
        let at = |end: usize| self.ends.partition_point(|other| *other < end) + self.leaves;
        let (mut left, mut right) = (at(span.start), at(span.end));
        while left < right {
            if left % 2 == 1 {
                visit(left);
                left += 1;
            }
            if right % 2 == 1 {
                right -= 1;
                visit(right);
            }
            left /= 2;
            right /= 2;
        }
    }
}

fn node_at(nodes: &[(Best, Best)], node: usize) -> (Best, Best) {
    nodes.get(node).copied().unwrap_or_default()
}
