//! What the syntaxes have in common: named values in nested containers, each with its place in the text.

use std::{
    borrow::Cow,
    cell::{Cell, OnceCell},
    ops::Range,
};

/// Values kept of one file; what comes after is still scanned as text, only without its names.
const MOST_LEAVES: usize = 200_000;

thread_local! {
    // A detector makes its tree and hands on fields; only this tells the caller that some are missing.
    static CUT: Cell<bool> = const { Cell::new(false) };
}

/// Whether a tree of this thread had more values than are kept, since the last question.
pub(in crate::detect) fn was_cut() -> bool {
    CUT.take()
}

/// Containers within containers; what is deeper counts to the container at this depth.
const DEEPEST: u8 = 64;
/// Parents that a field's name shows.
const SHOWN_PARENTS: usize = 6;
/// Bytes of one key that a name shows.
const SHOWN_KEY: usize = 96;

/// Index of a container.
pub(super) type NodeId = u32;

/// The document itself.
pub(super) const ROOT: NodeId = 0;

/// Bytes of the text, or, where [`OWNED`] is set, of [`Tree::owned`]. A large file has 200,000 values, each with three of these.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Piece {
    start: u32,
    length: u32,
}

/// Marks a [`Piece::start`] that does not count in the text.
const OWNED: u32 = 1 << 31;
const EMPTY: Piece = Piece { start: 0, length: 0 };

impl Piece {
    fn new(start: usize, length: usize) -> Option<Self> {
        let (start, length) = (u32::try_from(start).ok()?, u32::try_from(length).ok()?);
        (start < OWNED).then_some(Self { start, length })
    }

    fn range(self) -> Range<usize> {
        let start = (self.start & !OWNED) as usize;
        start..start + self.length as usize
    }
}

struct Node {
    key: Piece,
    parent: NodeId,
    depth: u8,
}

/// A [`Leaf`] as it is kept.
struct Stored {
    node: NodeId,
    own: NodeId,
    key: Piece,
    value: Piece,
    span: Piece,
}

/// Scalars in pieces of 32 KiB: one large vector would leave holes of its former sizes in the heap.
#[derive(Default)]
struct Chunks(Vec<Vec<Stored>>);

const CHUNK: usize = 1024;

impl Chunks {
    fn len(&self) -> usize {
        self.0.last().map_or(0, |last| (self.0.len() - 1) * CHUNK + last.len())
    }

    fn push(&mut self, leaf: Stored) {
        match self.0.last_mut() {
            Some(last) if last.len() < CHUNK => last.push(leaf),
            _ => {
                // Most files have a few.
                let room = if self.0.is_empty() { 0 } else { CHUNK };
                self.0.push(Vec::with_capacity(room));
                self.0.last_mut().expect("just pushed").push(leaf);
            }
        }
    }

    fn get(&self, index: u32) -> Option<&Stored> {
        let index = index as usize;
        self.0.get(index / CHUNK)?.get(index % CHUNK)
    }

    fn iter(&self) -> impl Iterator<Item = &Stored> {
        self.0.iter().flatten()
    }
}

/// One scalar.
pub(super) struct Leaf<'t> {
    /// The mapping, list, section or element that it stands in.
    pub(super) node: NodeId,
    /// Its key; empty for an item of a list.
    pub(super) key: &'t str,
    /// Unescaped.
    pub(super) value: &'t [u8],
    /// Whether the value stands in the text as it is.
    pub(super) verbatim: bool,
    /// In the text, quotes excluded.
    pub(super) span: Range<usize>,
    /// XML: the element whose text this is, which holds its attributes. [`ROOT`] elsewhere.
    pub(super) own: NodeId,
}

/// A parsed file.
pub(super) struct Tree<'a> {
    text: &'a [u8],
    /// The text, where all of it is UTF-8, so that keys need not be checked.
    utf8: Option<&'a str>,
    /// Keys and values that do not stand in the text as they are, one after the other.
    owned: Vec<u8>,
    nodes: Vec<Node>,
    leaves: Chunks,
    /// Positions in `leaves`, by container, from when they are first asked for.
    order: OnceCell<Vec<u32>>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            utf8: std::str::from_utf8(text).ok(),
            owned: Vec::new(),
            nodes: vec![Node { key: EMPTY, parent: ROOT, depth: 0 }],
            leaves: Chunks::default(),
            order: OnceCell::new(),
        }
    }

    /// That its leaves are these names and values.
    #[cfg(test)]
    #[track_caller]
    pub(super) fn assert_leaves(&self, text: &str, expected: &[(&str, &str)]) {
        let found: Vec<_> = self.leaves().map(|leaf| (self.name(&leaf), String::from_utf8_lossy(leaf.value).into_owned())).collect();
        let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected, "{text}");
    }

    /// Where bytes are kept: in the text, if they are a part of it.
    fn keep(&mut self, bytes: &[u8]) -> Option<Piece> {
        if bytes.is_empty() {
            return Some(EMPTY);
        }
        // By address: a key that was borrowed from the text is told from one that was unescaped.
        let start = bytes.as_ptr().addr().wrapping_sub(self.text.as_ptr().addr());
        if start.checked_add(bytes.len()).is_some_and(|end| end <= self.text.len()) {
            return Piece::new(start, bytes.len());
        }
        let Piece { start, length } = Piece::new(self.owned.len(), bytes.len())?;
        self.owned.extend_from_slice(bytes);
        Some(Piece { start: start | OWNED, length })
    }

    fn bytes(&self, piece: Piece) -> &[u8] {
        let of = if piece.start & OWNED == 0 { self.text } else { &self.owned };
        of.get(piece.range()).unwrap_or_default()
    }

    fn str(&self, piece: Piece) -> &str {
        match self.utf8.filter(|_| piece.start & OWNED == 0) {
            Some(text) => text.get(piece.range()).unwrap_or_default(),
            None => std::str::from_utf8(self.bytes(piece)).unwrap_or_default(),
        }
    }

    fn leaf_of(&self, stored: &Stored) -> Leaf<'_> {
        Leaf {
            node: stored.node,
            key: self.str(stored.key),
            value: self.bytes(stored.value),
            verbatim: stored.value == stored.span,
            span: stored.span.range(),
            own: stored.own,
        }
    }

    /// A container inside another. At the depth limit it is the other itself.
    pub(super) fn child(&mut self, parent: NodeId, key: Cow<'a, str>) -> NodeId {
        let depth = self.nodes.get(parent as usize).map_or(0, |node| node.depth);
        if depth >= DEEPEST || self.nodes.len() >= MOST_LEAVES {
            return parent;
        }
        let key = self.keep(key.as_bytes()).unwrap_or(EMPTY);
        self.nodes.push(Node { key, parent, depth: depth + 1 });
        u32::try_from(self.nodes.len() - 1).unwrap_or(ROOT)
    }

    /// A scalar in a container.
    pub(super) fn leaf(&mut self, node: NodeId, key: Cow<'a, str>, value: Cow<'a, [u8]>, span: Range<usize>) {
        self.text(node, key, value, span, ROOT);
    }

    /// A leaf that is the text of an XML element.
    pub(super) fn text(&mut self, node: NodeId, key: Cow<'a, str>, value: Cow<'a, [u8]>, span: Range<usize>, own: NodeId) {
        if value.is_empty() {
            return;
        }
        let kept = (self.leaves.len() < MOST_LEAVES)
            .then(|| {
                Some(Stored {
                    node,
                    own,
                    key: self.keep(key.as_bytes())?,
                    value: self.keep(&value)?,
                    span: Piece::new(span.start, span.len())?,
                })
            })
            .flatten();
        match kept {
            Some(leaf) => self.leaves.push(leaf),
            None => CUT.set(true),
        }
    }

    /// Every scalar, in the order of the text.
    pub(super) fn leaves(&self) -> impl Iterator<Item = Leaf<'_>> {
        self.leaves.iter().map(|stored| self.leaf_of(stored))
    }

    /// Positions of the scalars by container.
    fn order(&self) -> &[u32] {
        self.order.get_or_init(|| {
            let mut order: Vec<u32> = (0..u32::try_from(self.leaves.len()).unwrap_or(0)).collect();
            order.sort_by_key(|index| self.leaves.get(*index).map_or(0, |leaf| leaf.node));
            order
        })
    }

    /// The scalars right in a container.
    fn within(&self, node: NodeId) -> impl Iterator<Item = &Stored> {
        let order = self.order();
        let start = order.partition_point(|index| self.leaves.get(*index).map_or(0, |leaf| leaf.node) < node);
        order.iter().skip(start).filter_map(|index| self.leaves.get(*index)).take_while(move |leaf| leaf.node == node)
    }

    /// The scalar of one of `keys` in a container, ignoring ASCII case. Looks at the first hundred only.
    pub(super) fn sibling(&self, node: NodeId, keys: &[&str]) -> Option<Leaf<'_>> {
        let is = |leaf: &&Stored, key: &str| leaf.key.length as usize == key.len() && self.str(leaf.key).eq_ignore_ascii_case(key);
        keys.iter().find_map(|key| self.within(node).take(100).find(|leaf| is(leaf, key))).map(|leaf| self.leaf_of(leaf))
    }

    /// The first container of this key right in another, among the hundred after it.
    pub(super) fn child_named(&self, node: NodeId, key: &str) -> Option<NodeId> {
        let first = node as usize + 1;
        let after = self.nodes.iter().enumerate().skip(first).take(100);
        let before = self.nodes.iter().enumerate().take(first).rev().take(100);
        let found = after.chain(before).find(|(_, child)| child.parent == node && self.str(child.key) == key)?;
        u32::try_from(found.0).ok()
    }

    /// The container around a container.
    pub(super) fn parent(&self, node: NodeId) -> NodeId {
        self.nodes.get(node as usize).map_or(ROOT, |node| node.parent)
    }

    /// A container's key.
    pub(super) fn key(&self, node: NodeId) -> &str {
        self.nodes.get(node as usize).map_or("", |node| self.str(node.key))
    }

    /// Keys from the outside in, list items and documents left out, the leaf's own key last.
    pub(super) fn path<'t>(&'t self, leaf: &Leaf<'t>) -> Vec<&'t str> {
        let mut path = vec![leaf.key];
        let mut node = leaf.node;
        while node != ROOT {
            path.push(self.key(node));
            node = self.parent(node);
        }
        path.retain(|key| !key.is_empty());
        path.reverse();
        path
    }

    /// The name of a leaf for people and rules: its last few keys joined by `.`.
    pub(super) fn name(&self, leaf: &Leaf<'_>) -> String {
        self.named(leaf.node, leaf.key)
    }

    /// The name that a leaf with this key has in a container.
    pub(super) fn named(&self, node: NodeId, key: &str) -> String {
        let mut name = String::new();
        self.write_name(node, key, &mut name);
        name
    }

    /// Puts the name that a leaf with this key has in a container into a buffer: asked for every value of every structured file.
    pub(super) fn write_name(&self, node: NodeId, key: &str, name: &mut String) {
        let mut parts = [""; SHOWN_PARENTS];
        let (mut count, mut node, mut next) = (0, node, shorten(key));
        while let Some(slot) = parts.get_mut(count) {
            *slot = next;
            count += 1;
            if node == ROOT {
                break;
            }
            next = shorten(self.key(node));
            node = self.parent(node);
        }
        name.clear();
        for part in parts.iter().take(count).rev().filter(|part| !part.is_empty()) {
            if !name.is_empty() {
                name.push('.');
            }
            name.push_str(part);
        }
    }
}

/// A key's first bytes, cut between characters.
fn shorten(key: &str) -> &str {
    let mut end = key.len().min(SHOWN_KEY);
    while !key.is_char_boundary(end) {
        end -= 1;
    }
    key.get(..end).unwrap_or_default()
}

/// Bytes as a key.
pub(super) fn key(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// `range` without white space at both ends.
pub(super) fn trimmed(text: &[u8], range: Range<usize>) -> Range<usize> {
    let bytes = text.get(range.clone()).unwrap_or_default();
    let start = bytes.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|b| !b.is_ascii_whitespace()).map_or(start, |last| last + 1);
    range.start + start..range.start + end
}

/// Where the line that `at` is in ends: at its line feed, or where the text does.
pub(super) fn line_end(text: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', text.get(at..).unwrap_or_default()).map_or(text.len(), |length| at + length)
}

/// The bytes of a range; empty where it is not inside the text.
pub(super) fn slice(text: &[u8], range: Range<usize>) -> &[u8] {
    text.get(range).unwrap_or_default()
}

/// Where a part of an unescaped value stands in the text: its own bytes where they occur there, otherwise the whole value.
pub(super) fn locate(text: &[u8], within: &Range<usize>, part: &[u8]) -> Range<usize> {
    match memchr::memmem::find(slice(text, within.clone()), part) {
        Some(at) if !part.is_empty() => within.start + at..within.start + at + part.len(),
        _ => within.clone(),
    }
}

/// Finds the parts of one long value, which come more or less in order, in time that does not grow with their number
/// times its length.
pub(super) struct Locator {
    within: Range<usize>,
    from: usize,
}

/// Bytes that are searched for one part.
const WINDOW: usize = 16 << 10;

impl Locator {
    pub(super) fn new(within: &Range<usize>) -> Self {
        Self { within: within.clone(), from: within.start }
    }

    /// As [`locate`], from the last part on.
    pub(super) fn place(&mut self, text: &[u8], part: &[u8]) -> Range<usize> {
        let window = self.from..self.within.end.min(self.from + WINDOW + part.len());
        match memchr::memmem::find(slice(text, window), part) {
            Some(at) if !part.is_empty() => {
                let start = self.from + at;
                self.from = start + part.len();
                start..start + part.len()
            }
            _ => self.within.clone(),
        }
    }
}
