//! MCP clients' files: how each client refers to what is kept elsewhere.

/// How a client takes a credential that its file does not hold.
enum Way {
    /// A reference in place of the value; `NAME` stands for the variable.
    Reference(&'static str),
    /// A prompt, whose answer the client keeps in the keychain.
    Input,
    /// A key of its own that lists variables.
    Codex,
    /// None: it hands literals on as they are.
    Wrapped,
}

/// Clients by a part of the path. The first that fits counts, so a folder of a client stands before the names that all share.
/// Sources: the clients' documentation of their configuration:
/// <https://code.visualstudio.com/docs/copilot/reference/mcp-configuration>, <https://docs.cursor.com/context/mcp>,
/// <https://docs.windsurf.com/windsurf/cascade/mcp>, <https://developers.openai.com/codex/mcp>,
/// <https://github.com/google-gemini/gemini-cli/blob/main/docs/tools/mcp-server.md>, <https://code.claude.com/docs/en/mcp>.
const CLIENTS: &[(&str, Way)] = &[
    ("/.vscode/", Way::Input),
    ("/.cursor/", Way::Reference("${env:NAME}")),
    ("/.codeium/windsurf/", Way::Reference("${env:NAME}")),
    ("/.windsurf/", Way::Reference("${env:NAME}")),
    ("/.codex/config.toml", Way::Codex),
    ("/.gemini/", Way::Reference("${NAME}")),
    ("/claude_desktop_config.json", Way::Wrapped),
    ("/.claude.json", Way::Reference("${NAME}")),
    ("/mcp.json", Way::Reference("${NAME}")),
    ("/.mcp.json", Way::Reference("${NAME}")),
    ("/mcp.toml", Way::Reference("${NAME}")),
    ("/mcp_config.json", Way::Reference("${NAME}")),
    ("/mcp_settings.json", Way::Reference("${NAME}")),
    ("/cline_mcp_settings.json", Way::Wrapped),
];

/// The change to a client's file, in short and as an instruction. `lower` is the path in lower case, with a slash before it.
pub(super) fn advice(lower: &str, name: &str, variable: Option<&str>) -> Option<(String, String)> {
    let (_, way) = CLIENTS.iter().find(|(part, _)| if part.ends_with('/') { lower.contains(part) } else { lower.ends_with(part) })?;
    let variable = &variable.map_or_else(|| "API_KEY".to_owned(), as_variable);
    let wrapped = "`op run -- ...` (`doppler run -- ...`, `infisical run -- ...`)";
    let change = match way {
        Way::Reference(form) => {
            format!("Replace the literal by `\"{}\"`, or start the server by {wrapped}", form.replace("NAME", variable))
        }
        Way::Input => format!(
            "Replace the literal by `\"${{input:{}}}\"` with an entry in `inputs` (`\"password\": true`), or start the server by {wrapped}",
            variable.to_lowercase().replace('_', "-")
        ),
        Way::Codex => format!(
            "Take the literal out and name the variable that holds it: `env_vars = [\"{variable}\"]` for a server that is started, `bearer_token_env_var = \"{variable}\"` or `env_http_headers` for one behind a URL; or start the server by {wrapped}"
        ),
        Way::Wrapped => format!(
            "This client resolves no references in {name}: make {wrapped} the server's `command`, so that the variable {variable} is set from the secret manager and not from the file"
        ),
    };
    Some((
        format!("reference {variable} instead of writing it down"),
        format!("{change}; keep the client's configuration out of the image, and give each server a key of its own"),
    ))
}

/// The name that a variable would have for the value of an argument, a header or a key: `apiKey` is `API_KEY`.
fn as_variable(name: &str) -> String {
    // The header says how the value is used, and not what it is.
    if name.eq_ignore_ascii_case("authorization") {
        return "API_KEY".to_owned();
    }
    let mut variable = String::new();
    let mut was_lower = false;
    for letter in name.chars() {
        if was_lower && letter.is_ascii_uppercase() {
            variable.push('_');
        }
        was_lower = letter.is_ascii_lowercase();
        variable.push(letter.to_ascii_uppercase());
    }
    variable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_named_as_variables_are() {
        for (name, variable) in
            [("token", "TOKEN"), ("apiKey", "API_KEY"), ("LINEAR_API_KEY", "LINEAR_API_KEY"), ("Authorization", "API_KEY")]
        {
            assert_eq!(as_variable(name), variable);
        }
        let (_, advice) = advice("/root/.cursor/mcp.json", "mcp.json", Some("token")).expect("a client's file");
        assert!(advice.contains("${env:TOKEN}"), "{advice}");
    }
}
