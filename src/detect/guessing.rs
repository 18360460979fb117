//! How hard a value is to guess for someone who knows what people choose: words, years, keys in a row.
//!
//! Entropy by counting characters takes `SuperSecretPassword2024!` for a random text. Whoever may compare values (an
//! admission webhook's answers are such a comparison) tries words first.

use super::model::{bigrams::follows, entropy};

/// One letter by chance.
const LETTER: f32 = 4.7;
const DIGIT: f32 = 3.32;
/// A word of a dictionary that attackers have.
const WORD: f32 = 13.0;
/// Mean of [`follows`] from which letters are taken for a word.
const WORDLIKE: f32 = 4.8;

/// About how many bits a value holds for such a guesser; never more than its characters' entropy times its length.
///
/// ```
/// # use imgscan::detect::bits_to_guess;
/// assert!(bits_to_guess(b"SuperSecretPassword2024!") < 64);
/// assert!(bits_to_guess(b"correct-horse-battery-staple") < 64);
/// assert!(bits_to_guess(b"q7Zk3vXp9TtLmw2RbN8sYcD4fH") > 100);
/// ```
pub fn bits_to_guess(value: &[u8]) -> u32 {
    let mut bits = 0.0;
    let mut symbols = [false; 256];
    let mut rest = value;
    while let Some(&first) = rest.first() {
        let length = if first.is_ascii_alphabetic() {
            let length = word(rest);
            bits += of_letters(rest.get(..length).unwrap_or_default());
            length
        } else if first.is_ascii_digit() {
            let length = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            bits += of_digits(rest.get(..length).unwrap_or_default());
            length
        } else {
            // The second dash of a passphrase tells nothing new.
            let seen = symbols.get_mut(usize::from(first)).is_some_and(|seen| std::mem::replace(seen, true));
            bits += if seen { 1.5 } else { 5.5 };
            1
        };
        rest = rest.get(length.max(1)..).unwrap_or_default();
    }
    let counted = entropy(value) * value.len() as f32;
    bits.min(counted) as u32
}

/// Length of the word at the start: letters, up to where a capital begins the next.
fn word(text: &[u8]) -> usize {
    let letters = text.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let turn = text
        .get(..letters)
        .unwrap_or_default()
        .windows(2)
        .position(|two| matches!(two, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()));
    turn.map_or(letters, |at| at + 1)
}

fn of_letters(word: &[u8]) -> f32 {
    let mut sum = 0.0;
    let mut chance = LETTER + 1.0;
    for two in word.windows(2) {
        let score = match two {
            [a, b] => f32::from(follows(*a, *b).unwrap_or(4)),
            _ => 4.0,
        };
        sum += score;
        chance += LETTER - (score - 4.0) / 1.5;
    }
    let pairs = word.len().saturating_sub(1) as f32;
    let one = word.windows(2).all(|two| matches!(two, [a, b] if a == b));
    if one {
        return chance.min(7.0);
    }
    // Long ones are several words.
    if word.len() >= 4 && sum / pairs >= WORDLIKE { chance.min(WORD * (word.len() as f32 / 9.0).ceil()) } else { chance }
}

fn of_digits(digits: &[u8]) -> f32 {
    // Keys in a row, with 0 behind 9.
    let step = |by: u8| digits.windows(2).all(|two| matches!(two, [a, b] if (b + 10 - a) % 10 == by));
    if digits.len() == 4 && (digits.starts_with(b"19") || digits.starts_with(b"20")) {
        7.0
    } else if digits.len() > 2 && (step(0) || step(1) || step(9)) {
        6.0
    } else {
        DIGIT * digits.len() as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::samples::fill;

    #[test]
    fn what_people_choose_is_weak() {
        for chosen in [
            "Summer2024!",
            "MyCompanyName2024!",
            "administrator-password-1234",
            "ThisIsMySecretKey123",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "123456789012345678901234567890",
            "please-change-me-in-production",
        ] {
            assert!(bits_to_guess(chosen.as_bytes()) < 80, "{chosen}: {}", bits_to_guess(chosen.as_bytes()));
        }
    }

    #[test]
    fn what_generators_make_is_strong() {
        for template in ["{alnum:24}", "{hex:32}", "{lalnum:32}", "{b64:40}", "{lbase32:32}", "{lower:32}", "{uuid}"] {
            for seed in 0..200 {
                let value = fill(template, seed);
                assert!(bits_to_guess(value.as_bytes()) >= 80, "{template}: {} of seed {seed}", bits_to_guess(value.as_bytes()));
            }
        }
    }
}
