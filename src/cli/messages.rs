//! What is said on standard error, and the way to standard output.

use std::{
    io::{self, Write},
    panic::PanicHookInfo,
};

use imgscan::output::text;
use owo_colors::OwoColorize;

fn say(label: &str, paint: owo_colors::Style, message: &str) {
    let mut err = anstream::stderr().lock();
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(err, "{} {message}", label.style(paint));
}

/// An error with its causes, in one paragraph.
pub(crate) fn error(error: &anyhow::Error) {
    say("error:", owo_colors::Style::new().red().bold(), &lines(&with_causes(error)));
}

/// An error's text and those of its causes.
pub(crate) fn with_causes(error: &anyhow::Error) -> String {
    let mut message = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        // Some libraries repeat their cause's text in their own.
        if message.ends_with(&cause) {
            continue;
        }
        if !message.is_empty() {
            message.push_str(": ");
        }
        message.push_str(&cause);
    }
    message
}

/// Something that the user should change, but that stops nothing.
pub(crate) fn warning(message: &str) {
    say("warning:", owo_colors::Style::new().yellow().bold(), &lines(message));
}

/// Something worth knowing.
pub(crate) fn note(message: &str) {
    say("note:", owo_colors::Style::new().bold(), &lines(message));
}

/// Line breaks are wanted here (a rule file's error shows the line); everything else that a terminal obeys is not.
fn lines(message: &str) -> String {
    message.lines().map(text::plain).collect::<Vec<_>>().join("\n")
}

/// Writes to standard output at once, or fails.
pub(crate) fn to_stdout(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// The panic hook. The payload may hold bytes of the image, so it is not printed.
pub(crate) fn panicked(info: &PanicHookInfo<'_>) {
    let place = info.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
    say(
        "error:",
        owo_colors::Style::new().red().bold(),
        &format!(
            "imgscan {} has a bug{place}. The details may hold data of the image and are not shown. Please report the place and the command to {}/issues",
            env!("CARGO_PKG_VERSION"),
            env!("CARGO_PKG_REPOSITORY"),
        ),
    );
}
