//! Writes a small image with the classic sins to standard output, as an OCI archive: something to scan on a machine that
//! has no registry and no docker. Its credentials are assembled from a seed when it runs; they open nothing.
//!
//!     cargo run -q --example sample-image | cargo run -q -- -

#[allow(dead_code)]
#[path = "../tests/cli/support/image.rs"]
mod image;

use std::io::{self, Write as _};

use image::{Changeset, Image};
use imgscan::detect::samples::fill;

fn main() -> io::Result<()> {
    let token = |template: &str, seed| fill(template, seed);
    let npm = token("npm_{alnum:30}{crc32-base62}", 1);
    let github = token("ghp_{alnum:30}{crc32-base62}", 2);
    let env_file = format!("LOG_LEVEL=info\nDB_PASSWORD={}\nGITHUB_TOKEN={github}\n", token("{alnum:16}", 3));
    let mcp = format!(
        "{{\n  \"mcpServers\": {{\n    \"github\": {{\n      \"env\": {{ \"GITHUB_TOKEN\": \"{github}\", \"OTHER\": \"${{OTHER}}\" }}\n    }}\n  }}\n}}\n"
    );
    let aws = format!("[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n", token("AKIA{base32:16}", 4), token("{b64:40}", 5));
    let image = Image::new()
        .layer("COPY app /app # buildkit", Changeset::new().file("app/.env", env_file).file("app/.cursor/mcp.json", mcp))
        .history(&format!("RUN |1 NPM_TOKEN={npm} /bin/sh -c npm ci # buildkit"))
        .layer("COPY aws /root/.aws # buildkit", Changeset::new().file("root/.aws/credentials", aws))
        .layer("RUN /bin/sh -c rm -r /root/.aws # buildkit", Changeset::new().whiteout("root/.aws"))
        .env(&format!("DATABASE_URL=postgres://app:{}@db.internal:5432/app", token("{alnum:20}", 6)))
        .env("API_KEY_FILE=/run/secrets/api_key");
    io::stdout().lock().write_all(&image.build().oci_archive("sample"))
}
