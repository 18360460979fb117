//! References: the value says where the secret is instead of being it.

use super::{holds, public::is_published, starts};

/// Systems' reference schemes and calls that start a value.
const STARTS: &[&[u8]] = &[
    // Grafana's variable expansion.
    b"$__env{",
    b"$__file{",
    b"$__vault{",
    // Secret managers.
    b"op://",
    b"vault:",
    b"vault://",
    b">>vault:",
    b"hashivault://",
    b"secret/data/",
    b"kv/data/",
    b"aws:secretsmanager:",
    b"aws-secretsmanager:",
    b"k8s:secret/",
    b"k8s://",
    b"secret://",
    b"secretfile:",
    b"wincred:",
    b"@microsoft.keyvault",
    b"arn:aws",
    b"{{resolve:",
    b"resolve:ssm",
    b"secretsmanager:",
    b"ssm:",
    b"awssm://",
    b"gcpsm://",
    b"sm://",
    b"ref+",
    b"secretref:",
    b"secretref+",
    b"keyvault:",
    b"azurekeyvault",
    b"akv://",
    b"doppler://",
    b"infisical://",
    b"bws://",
    b"berglas://",
    b"projects/",
    b"keychain:",
    b"keyring:",
    b"enc[",
    b"enc(",
    b"{cipher}",
    b"sops:",
    b"age-encryption.org",
    b"$ansible_vault",
    b"!vault",
    b"!secret",
    b"!ref",
    b"!sub",
    b"!getatt",
    b"!env",
    b"!include",
    b"!importvalue",
    b"valuefrom",
    b"secretkeyref",
    b"configmapkeyref",
    b"passbolt:",
    b"lastpass:",
    b"bitwarden:",
    b"keepass:",
    b"pass:",
    b"env:",
    b"env.",
    b"env(",
    b"file:",
    b"file://",
    b"kms:",
    b"npm:",
    b"workspace:",
    b"portal:",
    b"patch:",
    b"catalog:",
    b"conjur:",
    b"${",
    b"$(",
    b"$[",
    b"{{",
    b"<%",
    b"<?",
    b"#{",
    b"%(",
    b"@@",
    b"%{",
    b"[[",
    b"$env:",
    b"$$",
    // Commands that fetch it, or that run a program with it.
    b"op run ",
    b"op read ",
    b"op inject ",
    b"vault kv ",
    b"vault read ",
    b"doppler run ",
    b"doppler secrets ",
    b"infisical run ",
    b"infisical secrets ",
    b"aws-vault exec ",
    b"aws secretsmanager ",
    b"az keyvault ",
    b"gcloud secrets ",
    b"kubectl get secret",
    b"`",
    b"get-secret",
    b"get-azkeyvaultsecret",
    b"get-storedcredential",
    b"get-credential",
    b"get-content",
    b"read-host",
    // Code that fetches it.
    b"process.env",
    b"import.meta.env",
    b"os.environ",
    b"os.getenv",
    b"os.get_env",
    b"getenv(",
    b"env[",
    b"environ[",
    b"environ.",
    b"system.getenv",
    b"environment.getenv",
    b"std::env",
    b"env::var",
    b"env!(",
    b"deno.env",
    b"bun.env",
    b"viper.",
    b"config.",
    b"config[",
    b"configuration[",
    b"settings.",
    b"secrets.",
    b"secret.",
    b"vars.",
    b"var.",
    b"local.",
    b"data.",
    b"module.",
    b"self.",
    b"this.",
    b"ctx.",
    b"context.",
    b"github.",
    b"steps.",
    b"inputs.",
    b"matrix.",
    b"needs.",
    b"params.",
    b"parameters.",
    b"request.",
    b"req.",
    b"args.",
    b"opts.",
    b"options.",
    b"keytar",
    b"secret-tool",
    b"security find-",
    b"st.secrets",
    b"userdata.get(",
    b"credentials(",
    b"lookup(",
    b"input(",
    b"getpass",
    b"prompt(",
];

/// Whether the value refers to a secret that is kept elsewhere, or is one that everybody has: of neither anything leaks.
pub(in crate::detect) fn is_reference(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
    STARTS.iter().any(|known| starts(value, known))
        || variable(value)
        || templated(value)
        || resource_attribute(value)
        || secret_path(value)
        || key_vault_url(value)
        || sealed(value)
        || is_published(value)
}

/// `random_password.db.result` of Terraform: a resource's type, its name, the attribute.
fn resource_attribute(value: &[u8]) -> bool {
    let mut parts = value.split(|b| *b == b'.');
    let word = |part: &[u8]| {
        part.first().is_some_and(u8::is_ascii_lowercase) && part.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_')
    };
    parts.clone().count() == 3
        && parts.clone().all(word)
        && parts.next().is_some_and(|kind| kind.contains(&b'_') && !kind.iter().any(u8::is_ascii_digit))
}

/// A value of a SealedSecret, which only the cluster's controller can open: the length of a session key that is wrapped by RSA
/// with 4096 bits, the key, the ciphertext (<https://github.com/bitnami-labs/sealed-secrets/blob/main/docs/developer/crypto.md>).
fn sealed(value: &[u8]) -> bool {
    matches!(value, [b'A', b'g', b'A'..=b'D', ..])
        && value.len() >= (2 + 512 + 16) * 4 / 3
        && value.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='))
}

/// `$NAME`, `%NAME%`, `!NAME!`, `:name`, `@name@`, `__NAME__`.
fn variable(value: &[u8]) -> bool {
    let name = |name: &[u8]| {
        !name.is_empty()
            && name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'[' | b']' | b'\'' | b'"' | b'>' | b':'))
    };
    let upper = |text: &[u8]| name(text) && !text.iter().any(u8::is_ascii_lowercase);
    match value {
        // `$2b$...` and `$6$...` are hashes; `$ecret` and `$tr0ng` are passwords as people choose them.
        [b'$', rest @ ..] => {
            let identifier = rest
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'>' | b'[' | b']' | b'\'' | b'"' | b':'));
            // Variables have no names of 64 characters and more, and some providers' keys start with a dollar.
            identifier
                && rest.len() < 64
                && rest.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
                && (upper(rest)
                    || shell_variable(rest)
                    || rest.contains(&b'_')
                    || rest.contains(&b'[')
                    || rest.iter().all(u8::is_ascii_alphabetic))
        }
        [b'%', middle @ .., b'%'] | [b'@', middle @ .., b'@'] => name(middle),
        [b'!', middle @ .., b'!'] => upper(middle),
        [b'_', b'_', middle @ .., b'_', b'_'] => name(middle),
        _ => false,
    }
}

/// `$NAME.backup`, `$HOME/x`: a variable and what is appended.
fn shell_variable(rest: &[u8]) -> bool {
    let name = rest.split(|b| matches!(b, b'.' | b'-' | b'>')).next().unwrap_or_default();
    name.len() >= 3 && name.len() < rest.len() && name.iter().all(|b| b.is_ascii_uppercase() || *b == b'_')
}

/// `POSTGRES_PASSWORD` as a value is the name of a variable.
pub(in crate::detect) fn is_constant(value: &[u8]) -> bool {
    let words = value.split(|b| *b == b'_');
    words.clone().count() >= 2
        && words.clone().all(|word| !word.is_empty() && word.iter().all(u8::is_ascii_uppercase))
        && words.clone().any(|word| {
            [&b"PASSWORD"[..], b"PASS", b"SECRET", b"TOKEN", b"KEY", b"PASSWD", b"PWD", b"CREDENTIAL", b"CREDENTIALS"].contains(&word)
        })
}

/// A format string's placeholder with its width, whatever the text behind it is: `{value:20}`. One without a width may be a
/// scheme of a password (`{bcrypt}...`).
fn formatted(value: &[u8]) -> bool {
    let Some(end) = value.iter().take(40).position(|b| *b == b'}') else { return false };
    let Some(inner) = value.get(1..end).filter(|_| value.first() == Some(&b'{')) else { return false };
    let Some(colon) = inner.iter().position(|b| *b == b':') else { return false };
    let (name, width) = (inner.get(..colon).unwrap_or_default(), inner.get(colon + 1..).unwrap_or_default());
    let named = name.first().is_some_and(u8::is_ascii_lowercase) && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
    named && !width.is_empty() && width.iter().all(u8::is_ascii_digit)
}

/// A template anywhere in it: `prefix-${VAR}`, `{{ .Values.x }}`, `#{x}#`, `<...>`, f-string `{name}`.
fn templated(value: &[u8]) -> bool {
    if value.first() == Some(&b'<') || value.last() == Some(&b'>') || (value.starts_with(b"{") && value.ends_with(b")}")) {
        return true;
    }
    let pair = |open: &[u8], close: u8| {
        value
            .windows(open.len())
            .position(|part| part == open)
            .is_some_and(|at| value.get(at + open.len()..).is_some_and(|rest| rest.contains(&close)))
    };
    if pair(b"${", b'}')
        || pair(b"{{", b'}')
        || pair(b"$(", b')')
        || pair(b"<%", b'>')
        || pair(b"#{", b'}')
        || pair(b"%(", b')')
        || pair(b"\\(", b')')
        || formatted(value)
    {
        return true;
    }
    match value {
        [b'<', middle @ .., b'>'] => !middle.is_empty(),
        [b'{', middle @ .., b'}'] => {
            middle.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b' ' | b':' | b'/'))
        }
        [b'[', middle @ .., b']'] => middle.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-' | b' ')),
        _ => matches!(value, b"%s" | b"%d" | b"%v" | b"%@" | b"{}" | b"{0}" | b"?"),
    }
}

/// Paths of mounted secrets and other files.
fn secret_path(value: &[u8]) -> bool {
    let path = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'_' | b'-' | b'~' | b'@' | b'{' | b'}' | b'$');
    let rooted = value.starts_with(b"/") || value.starts_with(b"./") || value.starts_with(b"../") || value.starts_with(b"~/");
    if rooted && value.iter().all(path) {
        // No alphabet of an encoding has a dot.
        if !value.starts_with(b"/") {
            return true;
        }
        // Base64 may start with a slash: a path has short, word-like parts.
        return holds(value, b"/run/secrets/")
            || holds(value, b"/secrets/")
            || value.split(|b| *b == b'/').skip(1).all(|part| part.len() <= 32 && !mixed(part));
    }
    let windows = value.get(1..3) == Some(b":\\") || value.starts_with(b"\\\\");
    windows && value.iter().filter(|b| **b == b'\\').count() >= 2
}

/// Digits, upper and lower case in one part: no file's name, more likely base64.
fn mixed(part: &[u8]) -> bool {
    part.len() > 8
        && !part.contains(&b'.')
        && part.iter().any(u8::is_ascii_digit)
        && part.iter().any(u8::is_ascii_uppercase)
        && part.iter().any(u8::is_ascii_lowercase)
}

/// Key Vault's hosts by cloud: <https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates>.
fn key_vault_url(value: &[u8]) -> bool {
    starts(value, b"https://")
        && (holds(value, b".vault.azure.")
            || holds(value, b".vault.usgovcloudapi.net")
            || holds(value, b".managedhsm.azure.net")
            || holds(value, b"secretmanager.googleapis.com")
            || holds(value, b".infisical.com")
            || holds(value, b"1password.com"))
}

/// What code and schemas write where others write values: `args[2]`, `@password`, `[a-f0-9]{2}`, `\x6b\x65\x79`, `aws.auth#sigv4`.
pub(in crate::detect) fn is_expression(value: &[u8]) -> bool {
    value.starts_with(b"&#")
        || indexed(value)
        || instance_variable(value)
        || regular_expression(value)
        || spelled_out(value)
        || shape_id(value)
        || optional_type(value)
}

/// `args[2]`, `fields['x']`, `registry.args[name`, the rest of which stands behind a quote.
fn indexed(value: &[u8]) -> bool {
    let Some(open) = value.iter().position(|b| *b == b'[') else { return false };
    let (Some(object), Some(index)) = (value.get(..open), value.get(open + 1..)) else { return false };
    let key = index.split(|b| matches!(b, b']' | b'[' | b'(')).next().unwrap_or_default();
    object.len() >= 3
        && object.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
        && object.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'.' | b':'))
        && (key.iter().all(u8::is_ascii_digit)
            || matches!(key, [b'\'' | b'"', ..])
            || key.iter().all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'.')))
}

/// `@auth_password`
fn instance_variable(value: &[u8]) -> bool {
    matches!(value, [b'@', name @ ..] if name.contains(&b'_') && name.iter().all(|b| b.is_ascii_lowercase() || *b == b'_'))
}

fn regular_expression(value: &[u8]) -> bool {
    [&b"[a-z"[..], b"[A-Z", b"[a-f", b"[0-9", b"\\d", b"\\w", b"\\.(", b"(?:", b"(?P<", b"(?i)"]
        .iter()
        .any(|part| value.windows(part.len()).any(|here| here == *part))
}

/// `\x6b\x65\x79 ...`: words, spelled in hexadecimal so that no character set changes them.
fn spelled_out(value: &[u8]) -> bool {
    let mut letters = value.chunks(4).map(|chunk| match chunk {
        [b'\\', b'x', high, low] => {
            let digit = |b: &u8| char::from(*b).to_digit(16);
            Some((digit(high)? << 4 | digit(low)?) as u8)
        }
        _ => None,
    });
    value.len() >= 16 && letters.all(|letter| letter.is_some_and(|b| b.is_ascii_lowercase() || b == b' '))
}

/// `?string`: a type of which the value may be absent.
fn optional_type(value: &[u8]) -> bool {
    matches!(value, [b'?', name @ ..] if !name.is_empty() && name.iter().all(u8::is_ascii_lowercase))
}

/// A name of the Smithy language: `namespace.of.it#Shape` (<https://smithy.io/2.0/spec/model.html#shape-id>).
fn shape_id(value: &[u8]) -> bool {
    let mut parts = value.split(|b| *b == b'#');
    let (Some(space), Some(shape), None) = (parts.next(), parts.next(), parts.next()) else { return false };
    space.contains(&b'.')
        && space.iter().all(|b| b.is_ascii_lowercase() || *b == b'.')
        && !shape.is_empty()
        && shape.iter().all(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_system_of_the_mission_is_known() {
        for value in [
            "${DB_PASSWORD}",
            "$DB_PASSWORD",
            "$(cat /run/secrets/x)",
            "{{ .Values.password }}",
            "<your-password>",
            "%DB_PASSWORD%",
            "process.env.DB_PASSWORD",
            "os.environ['DB_PASSWORD']",
            "op://vault/item/field",
            "vault:secret/data/db#password",
            "@Microsoft.KeyVault(SecretUri=https://x.vault.azure.net/)",
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:db",
            "{{resolve:secretsmanager:db:SecretString:password}}",
            "${input:api-key}",
            "${env:TOKEN}",
            "keytar.getPassword('a','b')",
            "/run/secrets/db_password",
            "ENC[AES256_GCM,data:abc]",
            "ref+vault://x",
            "!vault |",
            "https://corp.vault.azure.net/secrets/db",
            "prefix-${VAR}",
            "__DB_PASSWORD__",
            "#{DB_PASSWORD}#",
            "$config['db']",
            "/etc/ssl/private/key.pem",
            "./secrets/token.txt",
            "./dist/fields/password/views-of-a-form-with-a-long-name.js",
            "C:\\secrets\\db.txt",
            "{api_key}",
            "{value:20}and what follows",
            "random_password.db.result",
            "aws_iam_access_key.ci.secret",
        ] {
            assert!(is_reference(value.as_bytes()), "{value}");
        }
        for value in [
            "args[2]",
            "netrc_auth[2",
            "hostinfo[",
            "@auth_password",
            "[a-f0-9]{2}",
            "\\x6b\\x65\\x79\\x20",
            "aws.auth#sigv4",
            "conf['password']",
            "?string",
        ] {
            assert!(is_expression(value.as_bytes()), "{value}");
        }
        for value in ["P[ssw0rd", "Xy3[9aQ]z", "@dmin_2024", "a.b#c#d", "hunter2#prod", "\\x9f\\x03\\xe2\\x11"] {
            assert!(!is_expression(value.as_bytes()), "{value}");
        }
        for value in [
            "hunter2-prod",
            "P@ssw0rd1",
            "$2b$12$abc/def",
            "pa$$word9",
            "/9j4AAQSkZJRg8x7Zq",
            "$tr0ng!",
            "%7Babc9x",
            "{bcrypt}$2a$10$x",
            "{a:b}c9",
            "my_pass.word",
            "Some_pass.word.x",
            "a_1.b.c",
        ] {
            assert!(!is_reference(value.as_bytes()), "{value}");
        }
        // A key that starts with a dollar, and a variable.
        let long = format!("$aact_{}", "q7Zk3vXp9T".repeat(8));
        assert!(!is_reference(long.as_bytes()) && is_reference(&long.as_bytes()[..40]));
    }
}
