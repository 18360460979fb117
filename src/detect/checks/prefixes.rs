//! Fixed parts of tokens that carry neither checksum nor structure: OpenAI, Anthropic, Slack, Telegram.

use memchr::memmem;

use super::{Subject, Verdict, fact};

/// `T3BlbkFJ` is the base64 of `OpenAI`.
pub(super) fn openai(subject: &Subject<'_>) -> Verdict {
    if memmem::find(subject.secret, b"T3BlbkFJ").is_some() {
        Verdict::proven("holds OpenAI's fixed infix")
    } else {
        Verdict::fits(Vec::new())
    }
}

pub(super) fn anthropic(subject: &Subject<'_>) -> Verdict {
    if subject.secret.ends_with(b"AA") {
        Verdict::proven("ends with Anthropic's fixed suffix")
    } else {
        Verdict::doubtful("lacks the fixed suffix")
    }
}

/// The second part of `xoxb-<team>-...` is the workspace's id.
pub(super) fn slack(subject: &Subject<'_>) -> Verdict {
    let part = subject.secret.split(|b| *b == b'-').nth(1).and_then(|part| std::str::from_utf8(part).ok()).unwrap_or_default();
    let id = part.len() >= 8 && part.bytes().all(|b| b.is_ascii_digit());
    Verdict::fits(if id { fact("workspace id", part).into_iter().collect() } else { Vec::new() })
}

pub(super) fn telegram(subject: &Subject<'_>) -> Verdict {
    let part = subject.secret.split(|b| *b == b':').next().and_then(|part| std::str::from_utf8(part).ok()).unwrap_or_default();
    let id = part.len() >= 6 && part.bytes().all(|b| b.is_ascii_digit());
    Verdict::fits(if id { fact("bot id", part).into_iter().collect() } else { Vec::new() })
}
