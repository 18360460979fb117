//! Definitions of tools whose schema takes a credential as an argument: whatever a model passes there stays in its context,
//! in session logs and in traces.
//!
//! <https://modelcontextprotocol.io/specification/2025-06-18/server/tools#tool>

use std::borrow::Cow;

use super::{
    Detector, Field, Meaning, files, flow,
    tree::{Leaf, Tree, slice},
    values::Values,
};
use crate::detect::Hint;

/// The detector.
pub(super) struct McpTools;

const RULE: &str = "mcp-tool-credential-argument";

/// Names of arguments, in lower case without `_` and `-`.
const CREDENTIALS: &[&str] = &[
    "apikey",
    "apitoken",
    "accesstoken",
    "authtoken",
    "bearertoken",
    "refreshtoken",
    "password",
    "passwd",
    "secretkey",
    "clientsecret",
    "secretaccesskey",
    "privatekey",
    "accesskey",
    "githubtoken",
    "credentials",
    "authorization",
    "connectionstring",
    "passphrase",
];

impl Detector for McpTools {
    fn id(&self) -> &'static str {
        "mcp-tools"
    }

    fn files(&self) -> &'static [&'static str] {
        &["*.json", "*.jsonl"]
    }

    fn wants(&self, hint: &Hint<'_>, head: &[u8]) -> bool {
        files::matches(hint.path, self.files())
            && (files::mentions(head, &["\"inputSchema\""]) || files::mentions(head, &["\"input_schema\""]))
    }

    fn find(&self, text: &[u8], _hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        let tree = flow::tree(text);
        let mut values = Values::new(text, &tree);
        for leaf in tree.leaves() {
            match argument(&tree, &leaf) {
                Some(name) => report(text, &leaf, name, emit),
                None => values.leaf(&leaf, &[], emit),
            }
        }
    }
}

/// The name of the argument whose `type` this leaf is, if it takes a credential.
fn argument<'t>(tree: &'t Tree<'_>, leaf: &Leaf<'_>) -> Option<&'t str> {
    let properties = tree.parent(leaf.node);
    let schema = tree.key(tree.parent(properties));
    let is_schema = matches!(schema, "inputSchema" | "input_schema");
    if leaf.key != "type" || tree.key(properties) != "properties" || !is_schema {
        return None;
    }
    let name = tree.key(leaf.node);
    let plain: String = name.chars().filter(|c| !matches!(c, '_' | '-')).take(64).map(|c| c.to_ascii_lowercase()).collect();
    CREDENTIALS.iter().any(|word| plain.ends_with(word)).then_some(name)
}

fn report(text: &[u8], leaf: &Leaf<'_>, name: &str, emit: &mut dyn FnMut(Field<'_>)) {
    // The name stands shortly before its type.
    let from = leaf.span.start.saturating_sub(2048);
    let at = memchr::memmem::rfind(slice(text, from..leaf.span.start), name.as_bytes());
    // The definition itself is what is reported: there is no value.
    let span = at.map_or(leaf.span.start, |at| from + at)..leaf.span.end;
    emit(Field {
        name: Cow::Borrowed(name),
        value: Cow::Borrowed(slice(text, span.clone())),
        span,
        meaning: Meaning::Credential { rule: RULE },
        evidence: vec!["an argument of a tool, not a value".to_owned()],
    });
}
