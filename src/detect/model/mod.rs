//! The generic model: is `name = value` a credential of an unknown kind?
//!
//! A few dozen features, one additive score. The weights are log-odds in one table, which `tools/train/train.py` fits.

pub(in crate::detect) mod bigrams;
mod meaning;
mod shape;

/// Names and points of the features, as the training writes them.
macro_rules! features {
    ($($name:ident = $weight:literal),+ $(,)?) => {
        #[derive(Clone, Copy)]
        #[allow(clippy::enum_variant_names, reason = "features of names are called so, and the table is generated")]
        pub(super) enum Feature { $($name),+ }
        /// Points of each feature.
        pub(super) static WEIGHTS: &[f32] = &[$($weight),+];
        /// How many there are.
        pub(super) const FEATURES: usize = [$($weight),+].len();
        /// What they are called.
        pub(super) static NAMES: &[&str] = &[$(stringify!($name)),+];
    };
}

mod weights;
mod words;

pub(super) use meaning::{Class, Meaning};
pub(super) use shape::{Shape, entropy};
use weights::{FEATURES, Feature, NAMES, WEIGHTS};
pub(super) use words::{List, PASSWORDS_ABROAD};

use super::{
    assign::Form,
    surroundings::{Kind, Surroundings},
};
use crate::finding::Confidence;

/// What is judged.
pub(super) struct Subject {
    pub(super) meaning: Meaning,
    pub(super) shape: Shape,
    pub(super) quoted: bool,
    pub(super) form: Form,
    pub(super) surroundings: Surroundings,
    /// Letters of the value's words that the name has too: `password = "db_password"`.
    pub(super) repeats_name: bool,
    /// The name is spelled as variables are: `JWT_SECRET`.
    pub(super) variable: bool,
    /// The value says that it is for tests: `task_test_...`.
    pub(super) test_value: bool,
}

/// Points for medium and for low confidence; the highest is for values that are plainly random under a plain name.
const MEDIUM: f32 = 5.0;
const LOW: f32 = 2.5;

/// How sure the model is; `None` where it is no credential.
pub(super) fn judge(subject: &Subject) -> Option<Confidence> {
    let values = features(subject);
    let score: f32 = values.iter().zip(WEIGHTS).map(|(value, weight)| value * weight).sum();
    // What a library's files name is known to everybody who can fetch the library.
    if score >= MEDIUM && !subject.surroundings.package {
        Some(Confidence::Medium)
    } else if score >= LOW {
        Some(Confidence::Low)
    } else {
        None
    }
}

/// Names and values of the features, for the training.
pub(super) fn explain(subject: &Subject) -> Vec<(&'static str, f32)> {
    NAMES.iter().copied().zip(features(subject)).filter(|(_, value)| *value != 0.0).collect()
}

fn features(subject: &Subject) -> [f32; FEATURES] {
    let mut out = [0.0; FEATURES];
    let mut set = |feature: Feature, value: f32| {
        if let Some(slot) = out.get_mut(feature as usize) {
            *slot = value;
        }
    };
    let flag = |condition: bool| f32::from(u8::from(condition));
    let (meaning, shape) = (&subject.meaning, &subject.shape);
    let password = meaning.class == Class::Password;
    set(Feature::Credential, flag(true));
    set(Feature::TrailingWord, f32::from(meaning.trailing.min(3)));
    set(Feature::Attribute, flag(meaning.attribute));
    set(Feature::Ephemeral, flag(meaning.ephemeral));
    set(Feature::BareKey, flag(meaning.bare_key));
    set(Feature::TestName, flag(meaning.test));

    let length = shape.length;
    let random = if password && length < 12 { 0.0 } else { shape.randomness() };
    set(Feature::Random, random);
    set(Feature::Wordlike, if password { 0.0 } else { shape.wordness() });
    let mixed = shape.digits > 0 && shape.letters > 0
        || shape.specials > 0 && (shape.letters > 0) && !shape.is_words
        || shape.upper > 1 && shape.lower > 1 && !shape.is_words;
    set(Feature::PasswordMixed, flag(password && mixed));
    set(Feature::PasswordWord, flag(password && !mixed));
    set(Feature::Short, flag(if password { length < 6 } else { (8..16).contains(&length) && shape.randomness() < 0.5 }));
    set(Feature::VeryShort, flag(if password { length < 4 } else { length < 8 }));
    set(Feature::Long, flag(length >= 20));
    set(
        Feature::LettersOnly,
        flag(
            !password
                && shape.digits == 0
                && shape.specials == 0
                && !(length >= 24 && (shape.upper > 3 && shape.lower > 3 || random > 0.5)),
        ),
    );
    set(Feature::Number, flag(shape.is_number));
    set(Feature::Code, flag(shape.is_code));
    set(Feature::Prose, flag(shape.is_prose));
    set(Feature::PathOrUrl, flag(shape.is_path_or_url));
    set(Feature::Identifier, flag(shape.is_words && (!password || subject.surroundings.kind == Kind::Source)));
    set(Feature::RepeatsName, flag(subject.repeats_name));
    // Hexadecimal digits under a bare `key` are an identifier: a PGP key's, a translation's, a cache entry's.
    let identifier = meaning.bare_key && shape.is_hex && matches!(shape.length, 8 | 16 | 40);
    set(Feature::HashLike, if identifier { 5.0 } else { flag(shape.is_hash) });
    set(Feature::TestValue, flag(subject.test_value && !password));
    // People write `app_super_secret_key_2024` into variables; names of Kubernetes objects have dashes.
    let joined = shape.length >= 16 && shape.underscores >= 2 && shape.underscores == shape.specials && shape.likeness > 0.0;
    set(
        Feature::Passphrase,
        flag(
            joined && subject.variable && meaning.class == Class::Secret && matches!(subject.surroundings.kind, Kind::Config | Kind::Value),
        ),
    );
    set(Feature::Uuid, flag(shape.is_uuid));
    set(Feature::NonText, flag(shape.is_binary));

    let kind = subject.surroundings.kind;
    set(Feature::InConfig, flag(kind == Kind::Config));
    set(Feature::InValue, flag(kind == Kind::Value));
    set(Feature::InSource, flag(kind == Kind::Source));
    set(Feature::InShell, flag(kind == Kind::Shell));
    set(Feature::InDocs, flag(kind == Kind::Docs));
    set(Feature::InGenerated, flag(kind == Kind::Generated));
    set(Feature::InOther, flag(kind == Kind::Other));
    set(Feature::InTest, flag(subject.surroundings.test));
    set(Feature::InPackage, flag(subject.surroundings.package && !subject.surroundings.test));
    set(Feature::Quoted, flag(subject.quoted));
    set(Feature::UnquotedInCode, flag(!subject.quoted && kind == Kind::Source));
    set(Feature::Call, flag(subject.form == Form::Call));
    set(Feature::SpacedUnquoted, flag(subject.form == Form::Spaced && !subject.quoted && !matches!(kind, Kind::Shell | Kind::Value)));
    out
}
