//! Matches the patterns of rules by backtracking over a program as short as the pattern.
//!
//! Automata of the usual kind hold a state for each byte that a pattern can take: `[a-z]{20,400}` are 400 of them, and with the
//! caches of every thread the rules' patterns would fill 200 MB. Here that is one instruction. What is found is the same, the
//! leftmost match that a Perl-like engine would prefer; where a pattern needs too many steps for that, or has something in it that
//! is not known here, the caller asks an automaton.

use std::ops::Range;

use regex_syntax::hir::{Class, ClassBytes, Hir, HirKind, Look, Repetition};

/// Instructions of one pattern; longer ones are left to automata.
const LONGEST: usize = 4096;
/// Repetitions of more than a byte in one pattern.
const COUNTERS: usize = 8;
/// Steps of one search, to which come [`STEPS_A_BYTE`] for each byte.
const STEPS: usize = 4096;
const STEPS_A_BYTE: usize = 16;
/// Bytes of a run that take as long as a step.
const A_STEP: usize = 16;

/// A set of bytes, one bit each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ByteSet([u64; 4]);

impl ByteSet {
    pub(super) fn one(byte: u8) -> Self {
        let mut set = Self::default();
        set.add(byte, byte);
        set
    }

    /// `None` for a class of characters of more than a byte.
    pub(super) fn of(class: &Class) -> Option<Self> {
        let mut set = Self::default();
        let mut add = |class: &ClassBytes| class.ranges().iter().for_each(|range| set.add(range.start(), range.end()));
        match class {
            Class::Bytes(class) => add(class),
            // `a|b` is one even where Unicode is off.
            Class::Unicode(class) => add(&class.to_byte_class()?),
        }
        Some(set)
    }

    fn add(&mut self, from: u8, to: u8) {
        (from..=to).for_each(|byte| self.0[usize::from(byte >> 6)] |= 1 << (byte & 63));
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(all, bits)| *all |= bits);
    }

    pub(super) fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 != 0
    }
}

/// Numbers of instructions and sets.
type Index = u16;

#[derive(Debug)]
enum Op {
    Literal(Box<[u8]>),
    Set(Index),
    /// So many bytes of a set.
    Run {
        set: Index,
        min: u32,
        max: u32,
        greedy: bool,
    },
    /// The first is preferred.
    Split(Index, Index),
    Jump(Index),
    /// Sets a counter to 0.
    Enter(u8),
    /// Goes on to the next instruction, the body of a repetition, or behind it.
    Again {
        counter: u8,
        min: u32,
        max: u32,
        greedy: bool,
        behind: Index,
    },
    /// Adds one to a counter.
    Count(u8),
    Look(Look),
    /// Start (0) or end (1) of the credential.
    Save(u8),
    Match,
}

/// A pattern that can be searched for.
#[derive(Debug)]
pub(super) struct Program {
    ops: Box<[Op]>,
    sets: Box<[ByteSet]>,
    /// Matches stand at the start of the text only.
    at_start: bool,
}

/// A match.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) whole: Range<usize>,
    /// What the group named `secret` matched, where there is one.
    pub(super) secret: Option<Range<usize>>,
}

/// The search was given up: it needs too many steps.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Weary;

impl Program {
    /// `None` for what only automata can match.
    pub(super) fn new(hir: &Hir) -> Option<Self> {
        let mut compiler = Compiler::default();
        compiler.compile(hir)?;
        compiler.push(Op::Match)?;
        let at_start = hir.properties().look_set_prefix().contains(Look::Start);
        Some(Self { ops: compiler.ops.into(), sets: compiler.sets.into(), at_start })
    }

    /// The leftmost match that starts at one of `starts`; `may_begin` tells of most places that none does. Adds the steps that it
    /// takes to `spent`.
    pub(super) fn search(
        &self,
        text: &[u8],
        mut starts: Range<usize>,
        may_begin: impl Fn(&[u8]) -> bool,
        spent: &mut usize,
    ) -> Result<Option<Hit>, Weary> {
        if self.at_start {
            starts.end = starts.end.min(1);
        }
        let most = text.len().saturating_sub(starts.start).saturating_mul(STEPS_A_BYTE).saturating_add(STEPS);
        let mut run = Run { program: self, text, stack: Vec::new(), counters: [0; COUNTERS], secret: [None; 2], steps: most };
        let found = run.first(starts, may_begin);
        *spent = spent.saturating_add(most - run.steps);
        found
    }
}

#[derive(Default)]
struct Compiler {
    ops: Vec<Op>,
    sets: Vec<ByteSet>,
    counters: u8,
}

impl Compiler {
    fn push(&mut self, op: Op) -> Option<usize> {
        self.ops.push(op);
        (self.ops.len() <= LONGEST).then(|| self.ops.len() - 1)
    }

    fn add(&mut self, op: Op) -> Option<()> {
        self.push(op).map(|_| ())
    }

    /// The number of the instruction that comes next.
    fn here(&self) -> Option<Index> {
        Index::try_from(self.ops.len()).ok()
    }

    fn set(&mut self, set: ByteSet) -> Option<Index> {
        let at = self.sets.iter().position(|other| *other == set).unwrap_or_else(|| {
            self.sets.push(set);
            self.sets.len() - 1
        });
        Index::try_from(at).ok()
    }

    fn compile(&mut self, hir: &Hir) -> Option<()> {
        match hir.kind() {
            HirKind::Empty => {}
            HirKind::Literal(literal) => self.add(Op::Literal(literal.0.clone()))?,
            HirKind::Class(class) => {
                let set = self.set(ByteSet::of(class)?)?;
                self.add(Op::Set(set))?;
            }
            HirKind::Look(look @ (Look::Start | Look::End | Look::StartLF | Look::EndLF | Look::WordAscii | Look::WordAsciiNegate)) => {
                self.add(Op::Look(*look))?
            }
            HirKind::Look(_) => return None,
            HirKind::Repetition(repetition) => self.repetition(repetition)?,
            HirKind::Capture(capture) if capture.name.as_deref() == Some("secret") => {
                self.add(Op::Save(0))?;
                self.compile(&capture.sub)?;
                self.add(Op::Save(1))?;
            }
            HirKind::Capture(capture) => self.compile(&capture.sub)?,
            HirKind::Concat(parts) => parts.iter().try_for_each(|part| self.compile(part))?,
            HirKind::Alternation(branches) => self.alternation(branches)?,
        }
        Some(())
    }

    fn alternation(&mut self, branches: &[Hir]) -> Option<()> {
        let mut jumps = Vec::new();
        let (last, others) = branches.split_last()?;
        for branch in others {
            let split = self.push(Op::Split(0, 0))?;
            let first = self.here()?;
            self.compile(branch)?;
            jumps.push(self.push(Op::Jump(0))?);
            *self.ops.get_mut(split)? = Op::Split(first, self.here()?);
        }
        self.compile(last)?;
        let behind = self.here()?;
        for jump in jumps {
            *self.ops.get_mut(jump)? = Op::Jump(behind);
        }
        Some(())
    }

    fn repetition(&mut self, repetition: &Repetition) -> Option<()> {
        let (min, max, greedy) = (repetition.min, repetition.max.unwrap_or(u32::MAX), repetition.greedy);
        let single = match repetition.sub.kind() {
            HirKind::Class(class) => Some(ByteSet::of(class)?),
            HirKind::Literal(literal) if literal.0.len() == 1 => literal.0.first().map(|byte| ByteSet::one(*byte)),
            _ => None,
        };
        if let Some(set) = single {
            let set = self.set(set)?;
            self.add(Op::Run { set, min, max, greedy })?;
            return Some(());
        }
        if (min, max) == (0, 1) {
            let split = self.push(Op::Split(0, 0))?;
            let body = self.here()?;
            self.compile(&repetition.sub)?;
            let behind = self.here()?;
            *self.ops.get_mut(split)? = if greedy { Op::Split(body, behind) } else { Op::Split(behind, body) };
            return Some(());
        }
        // What may match nothing again and again: engines differ in how they end that.
        if repetition.sub.properties().minimum_len().unwrap_or(0) == 0 {
            return None;
        }
        let counter = self.counters;
        self.counters += 1;
        if usize::from(counter) >= COUNTERS {
            return None;
        }
        self.add(Op::Enter(counter))?;
        let head = self.push(Op::Match)?;
        self.add(Op::Count(counter))?;
        self.compile(&repetition.sub)?;
        self.add(Op::Jump(Index::try_from(head).ok()?))?;
        *self.ops.get_mut(head)? = Op::Again { counter, min, max, greedy, behind: self.here()? };
        Some(())
    }
}

/// What to try, or to put back, when it does not go on.
enum Frame {
    Branch {
        op: usize,
        at: usize,
    },
    /// A run that can give back bytes until `least`.
    Shorter {
        op: usize,
        least: usize,
        at: usize,
    },
    /// A run that can take more bytes until `most`.
    Longer {
        op: usize,
        at: usize,
        most: usize,
        set: Index,
    },
    Counter(u8, u32),
    Secret(u8, Option<usize>),
}

struct Run<'p, 't> {
    program: &'p Program,
    text: &'t [u8],
    stack: Vec<Frame>,
    counters: [u32; COUNTERS],
    secret: [Option<usize>; 2],
    steps: usize,
}

impl Run<'_, '_> {
    fn first(&mut self, starts: Range<usize>, may_begin: impl Fn(&[u8]) -> bool) -> Result<Option<Hit>, Weary> {
        for start in starts {
            let Some(rest) = self.text.get(start..) else { break };
            if may_begin(rest)
                && let Some(end) = self.at(start)?
            {
                let secret = self.secret[0].zip(self.secret[1]).map(|(from, to)| from..to);
                return Ok(Some(Hit { whole: start..end, secret }));
            }
        }
        Ok(None)
    }

    /// The end of the match that starts here.
    fn at(&mut self, start: usize) -> Result<Option<usize>, Weary> {
        self.stack.clear();
        self.secret = [None; 2];
        let (mut op, mut at) = (0, start);
        loop {
            self.spend(1)?;
            match self.step(&mut op, &mut at)? {
                Step::On => {}
                Step::Matched => return Ok(Some(at)),
                Step::Failed => match self.back()? {
                    Some(next) => (op, at) = next,
                    None => return Ok(None),
                },
            }
        }
    }

    fn step(&mut self, op: &mut usize, at: &mut usize) -> Result<Step, Weary> {
        let program = self.program;
        let Some(current) = program.ops.get(*op) else { return Ok(Step::Failed) };
        let next = *op + 1;
        *op = next;
        match current {
            Op::Literal(literal) => {
                if !self.text.get(*at..).is_some_and(|rest| rest.starts_with(literal)) {
                    return Ok(Step::Failed);
                }
                *at += literal.len();
            }
            Op::Set(set) => {
                if !self.is_in(*set, *at) {
                    return Ok(Step::Failed);
                }
                *at += 1;
            }
            Op::Run { set, min, max, greedy } => {
                let (min, max) = (*min as usize, *max as usize);
                let asked = if *greedy { max } else { min };
                let length = self.run(*set, *at, asked)?;
                if length < min {
                    return Ok(Step::Failed);
                }
                let end = *at + length;
                if *greedy && length > min {
                    self.stack.push(Frame::Shorter { op: next, least: *at + min, at: end });
                } else if !*greedy && max > min {
                    self.stack.push(Frame::Longer { op: next, at: end, most: at.saturating_add(max), set: *set });
                }
                *at = end;
            }
            Op::Split(first, second) => {
                self.stack.push(Frame::Branch { op: usize::from(*second), at: *at });
                *op = usize::from(*first);
            }
            Op::Jump(to) => *op = usize::from(*to),
            Op::Enter(counter) => self.count(*counter, |_| 0),
            Op::Count(counter) => self.count(*counter, |count| count.saturating_add(1)),
            Op::Again { counter, min, max, greedy, behind } => {
                let count = self.counters.get(usize::from(*counter)).copied().unwrap_or(u32::MAX);
                let behind = usize::from(*behind);
                if count >= *max {
                    *op = behind;
                } else if count >= *min {
                    let other = if *greedy { behind } else { next };
                    *op = if *greedy { next } else { behind };
                    self.stack.push(Frame::Branch { op: other, at: *at });
                }
            }
            Op::Look(look) => {
                if !self.looks(*look, *at) {
                    return Ok(Step::Failed);
                }
            }
            Op::Save(slot) => {
                if let Some(place) = self.secret.get_mut(usize::from(*slot)) {
                    self.stack.push(Frame::Secret(*slot, *place));
                    *place = Some(*at);
                }
            }
            Op::Match => return Ok(Step::Matched),
        }
        Ok(Step::On)
    }

    /// Where to go on after a failure.
    fn back(&mut self) -> Result<Option<(usize, usize)>, Weary> {
        while let Some(frame) = self.stack.pop() {
            match frame {
                Frame::Branch { op, at } => return Ok(Some((op, at))),
                Frame::Shorter { op, least, at } => {
                    // Places where what follows cannot begin are passed over at once: of a long run, nearly all.
                    let Some(back) = (least..at).rev().position(|at| self.may_go_on(op, at)) else {
                        self.spend((at - least) / A_STEP)?;
                        continue;
                    };
                    self.spend(back / A_STEP)?;
                    let at = at - 1 - back;
                    if at > least {
                        self.stack.push(Frame::Shorter { op, least, at });
                    }
                    return Ok(Some((op, at)));
                }
                Frame::Longer { op, at, most, set } => {
                    if self.is_in(set, at) {
                        let at = at + 1;
                        if at < most {
                            self.stack.push(Frame::Longer { op, at, most, set });
                        }
                        return Ok(Some((op, at)));
                    }
                }
                Frame::Counter(counter, count) => {
                    if let Some(place) = self.counters.get_mut(usize::from(counter)) {
                        *place = count;
                    }
                }
                Frame::Secret(slot, at) => {
                    if let Some(place) = self.secret.get_mut(usize::from(slot)) {
                        *place = at;
                    }
                }
            }
            self.spend(1)?;
        }
        Ok(None)
    }

    fn count(&mut self, counter: u8, to: impl Fn(u32) -> u32) {
        if let Some(place) = self.counters.get_mut(usize::from(counter)) {
            self.stack.push(Frame::Counter(counter, *place));
            *place = to(*place);
        }
    }

    fn is_in(&self, set: Index, at: usize) -> bool {
        let set = self.program.sets.get(usize::from(set));
        set.zip(self.text.get(at)).is_some_and(|(set, byte)| set.has(*byte))
    }

    /// How many bytes of a set stand here, up to `most`.
    fn run(&mut self, set: Index, at: usize, most: usize) -> Result<usize, Weary> {
        let (Some(set), Some(rest)) = (self.program.sets.get(usize::from(set)), self.text.get(at..)) else { return Ok(0) };
        let length = rest.iter().take(most).position(|byte| !set.has(*byte)).unwrap_or(rest.len().min(most));
        self.spend(length / A_STEP)?;
        Ok(length)
    }

    fn spend(&mut self, steps: usize) -> Result<(), Weary> {
        self.steps = self.steps.checked_sub(steps).ok_or(Weary)?;
        Ok(())
    }

    /// Whether an instruction may be carried out here, as far as a look at a byte tells.
    fn may_go_on(&self, op: usize, at: usize) -> bool {
        match self.program.ops.get(op) {
            Some(Op::Literal(literal)) => self.text.get(at) == literal.first(),
            Some(Op::Set(set)) => self.is_in(*set, at),
            _ => true,
        }
    }

    fn looks(&self, look: Look, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.text.get(before));
        let behind = self.text.get(at);
        let word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        match look {
            Look::Start => before.is_none(),
            Look::End => behind.is_none(),
            Look::StartLF => before.is_none_or(|byte| *byte == b'\n'),
            Look::EndLF => behind.is_none_or(|byte| *byte == b'\n'),
            Look::WordAscii => word(before) != word(behind),
            Look::WordAsciiNegate => word(before) == word(behind),
            // None of them is in a program.
            _ => false,
        }
    }
}

enum Step {
    On,
    Failed,
    Matched,
}
