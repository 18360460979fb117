//! Jupyter notebooks: sources and outputs, unescaped, line by line.
//!
//! <https://nbformat.readthedocs.io/en/latest/format_description.html>

use std::borrow::Cow;

use super::{Detector, Field, Meaning, flow, lines, tree::Locator};
use crate::detect::Hint;

/// The detector.
pub(super) struct Notebook;

const FILES: &[&str] = &["*.ipynb"];

impl Detector for Notebook {
    fn id(&self) -> &'static str {
        "notebook"
    }

    fn files(&self) -> &'static [&'static str] {
        FILES
    }

    fn find(&self, text: &[u8], _hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        let tree = flow::tree(text);
        for leaf in tree.leaves() {
            let path = tree.path(&leaf);
            // Pictures are base64 by the megabyte and hold nothing.
            if path.iter().any(|key| key.starts_with("image/") || *key == "attachments") {
                continue;
            }
            let evidence =
                if path.contains(&"outputs") { vec!["in a notebook output".to_owned()] } else { vec!["in a notebook cell".to_owned()] };
            let inner = lines::tree(leaf.value, lines::INI_EQUALS);
            let mut locator = Locator::new(&leaf.span);
            for assignment in inner.leaves() {
                emit(Field {
                    name: Cow::Borrowed(assignment.key),
                    value: Cow::Borrowed(assignment.value),
                    span: locator.place(text, assignment.value),
                    meaning: Meaning::Value,
                    evidence: evidence.clone(),
                });
            }
            emit(Field {
                name: Cow::Owned(tree.name(&leaf)),
                value: Cow::Borrowed(leaf.value),
                span: leaf.span.clone(),
                meaning: Meaning::Value,
                evidence,
            });
        }
    }
}
