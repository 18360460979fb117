//! Programs of the system that tests make their files with.

use std::{path::Path, process::Command};

/// Runs a program in a folder, which is its home as well; `None`, loudly, where there is no such program.
pub(crate) fn run(folder: &Path, program: &str, arguments: &[&str]) -> Option<Vec<u8>> {
    let mut command = Command::new(program);
    command.current_dir(folder).args(arguments);
    command.env("HOME", folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GNUPGHOME", folder.join("gpg"));
    match command.output() {
        Ok(output) => {
            assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            Some(output.stdout)
        }
        Err(error) => {
            println!("skipped: {program}: {error}");
            None
        }
    }
}
