//! The files in which clients of the Model Context Protocol keep their servers: `env`, `args`, `headers`, `url`.
//!
//! <https://modelcontextprotocol.io/docs/develop/connect-local-servers>; each client's own page names its file.

use super::{
    Detector, Field, files,
    format::Syntax,
    lines,
    tree::{Leaf, Tree},
    values::Values,
};
use crate::detect::Hint;

/// The detector.
pub(super) struct Mcp;

/// By name: Claude, Cursor, VS Code, Windsurf, Codex, Gemini, Cline, Roo, Zed, Continue, opencode, goose, LibreChat, Amazon Q,
/// Kiro, JetBrains, Visual Studio, Warp, LM Studio, Copilot.
const FILES: &[&str] = &[
    "mcp.json",
    ".mcp.json",
    "*mcp.json",
    "mcp_config.json",
    "*mcp_config.json",
    "mcp-config.json",
    "*mcp_settings.json",
    "mcp_servers.json",
    "mcp-servers.json",
    "mcpServers.json",
    "claude_desktop_config.json",
    ".claude.json",
    ".claude/settings*",
    ".claude/*.json",
    ".cursor/*.json",
    ".windsurf/*.json",
    ".codex/config.toml",
    ".gemini/settings.json",
    ".gemini/*.json",
    ".continue/config*",
    ".continue/*.yaml",
    "opencode.json",
    "opencode.jsonc",
    "goose/config.yaml",
    "librechat.yaml",
    "librechat.yml",
    ".zed/settings.json",
    "zed/settings.json",
    ".roo/*.json",
    ".amazonq/*.json",
    ".kiro/*.json",
    "settings/mcp.json",
    "mcp.yaml",
    "mcp.yml",
    "mcp.toml",
    ".lmstudio/*.json",
    ".copilot/*.json",
    ".qwen/settings.json",
    ".junie/*.json",
    "crush.json",
    ".crush.json",
    "mcphub.json",
    "mcp_agent.secrets.yaml",
    "mcp_agent.config.yaml",
    "smithery.yaml",
];

/// By content.
const SNIFFED: &[&str] = &["*.json", "*.jsonc", "*.toml", "*.yaml", "*.yml"];
/// Both.
const ALL: &[&str] = &{
    let mut all = [""; FILES.len() + SNIFFED.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < FILES.len() { FILES[at] } else { SNIFFED[at - FILES.len()] };
        at += 1;
    }
    all
};

/// Keys whose children are servers, by name.
const SERVERS: &[&str] = &["mcpServers", "mcp_servers", "context_servers", "mcp-servers", "mcpservers"];
/// Such keys in files that are about nothing but servers, and opencode's and goose's.
const SERVERS_BY_FILE: &[&str] = &["servers", "mcp", "extensions", "tools"];

impl Detector for Mcp {
    fn id(&self) -> &'static str {
        "mcp-config"
    }

    fn files(&self) -> &'static [&'static str] {
        ALL
    }

    fn wants(&self, hint: &Hint<'_>, head: &[u8]) -> bool {
        files::matches(hint.path, FILES)
            || (files::matches(hint.path, SNIFFED) && SERVERS.iter().any(|servers| files::mentions(head, &[servers])))
    }

    fn find(&self, text: &[u8], hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        let syntax = match hint.path.rsplit('.').next() {
            Some("toml") => Syntax::Lines(lines::TOML),
            _ => Syntax::JsonOrYaml,
        };
        let tree = syntax.tree(text);
        let mut values = Values::new(text, &tree).headers_as("mcp-header-credential");
        for leaf in tree.leaves() {
            let evidence: Vec<String> = server(&tree, &leaf).map(|server| format!("MCP server {server}")).into_iter().collect();
            values.leaf(&leaf, &evidence, emit);
        }
    }
}

/// The name of the server that a leaf belongs to.
fn server<'t>(tree: &'t Tree<'_>, leaf: &Leaf<'t>) -> Option<&'t str> {
    let path = tree.path(leaf);
    let after = |names: &[&str]| {
        let at = path.iter().position(|key| names.iter().any(|name| key.eq_ignore_ascii_case(name)))?;
        // The leaf itself is no server.
        path.get(at + 1).filter(|_| at + 2 < path.len() || leaf.key.is_empty()).copied()
    };
    let name = after(SERVERS).or_else(|| after(SERVERS_BY_FILE))?;
    let fine = name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b' ' | b'/' | b'@'));
    fine.then_some(name)
}
