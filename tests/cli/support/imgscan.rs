//! The real binary in a clean room: no environment but what a test gives, and a home of its own.

use std::{
    ffi::OsStr,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// A run of the binary while it is prepared.
pub(crate) struct Imgscan {
    command: Command,
    home: tempfile::TempDir,
    input: Vec<u8>,
}

/// What a run gave.
pub(crate) struct Outcome {
    /// Exit code; -1 for a signal.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Imgscan {
    /// The binary that cargo built, or the one that `IMGSCAN_BIN` names (a release build, an installed package).
    pub(crate) fn new() -> Self {
        let binary = std::env::var_os("IMGSCAN_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_imgscan").into());
        let home = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(binary);
        command.env_clear().env("HOME", home.path()).env("TMPDIR", home.path()).current_dir(home.path());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        Self { command, home, input: Vec::new() }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// The folder in which it runs, and its HOME.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file below HOME.
    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.home.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        std::fs::write(path, content).expect("writable");
        self
    }

    /// Standard input.
    pub(crate) fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    pub(crate) fn run(self) -> Outcome {
        self.run_and_read(&[]).0
    }

    /// Runs, and then reads files below HOME.
    pub(crate) fn run_and_read(mut self, files: &[String]) -> (Outcome, Vec<String>) {
        let outcome = self.spawn();
        let read = |file: &String| std::fs::read_to_string(self.home.path().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        (outcome, files.iter().map(read).collect())
    }

    /// Runs, and then reads all files below HOME, with their paths from there.
    pub(crate) fn run_and_read_all(mut self) -> (Outcome, Vec<(String, Vec<u8>)>) {
        let outcome = self.spawn();
        let (mut files, mut folders) = (Vec::new(), vec![self.home.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path.strip_prefix(self.home.path()).expect("below HOME").to_string_lossy().into_owned();
                files.push((name, std::fs::read(&path).expect("readable")));
            }
        }
        (outcome, files)
    }

    /// Runs, and says how many bytes of memory were in use at the most.
    #[cfg(target_os = "linux")]
    pub(crate) fn run_and_measure(mut self) -> (Outcome, u64) {
        let mut child = self.start();
        let status = format!("/proc/{}/status", child.id());
        let mut stdout = child.stdout.take().expect("piped");
        let reader = std::thread::spawn(move || {
            let mut read = String::new();
            std::io::Read::read_to_string(&mut stdout, &mut read).map(|_| read).expect("text")
        });
        let mut peak = 0;
        // The kernel keeps the peak, so that only what comes in the last moment is missed.
        while child.try_wait().expect("a child").is_none() {
            let status = std::fs::read_to_string(&status).unwrap_or_default();
            let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
            peak = kilobytes.map_or(peak, |kilobytes| kilobytes << 10);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let output = child.wait_with_output().expect("the binary ends");
        let outcome = Outcome {
            code: output.status.code().unwrap_or(-1),
            stdout: reader.join().expect("no panic"),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        (outcome, peak)
    }

    fn start(&mut self) -> std::process::Child {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs")
    }

    fn spawn(&mut self) -> Outcome {
        let mut child = self.start();
        let mut stdin = child.stdin.take().expect("piped");
        let input = std::mem::take(&mut self.input);
        // In a thread: a binary that writes before it has read all would wait for us for ever.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().expect("the binary ends");
        writer.join().expect("no panic");
        Outcome {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Outcome {
    /// Fails unless the exit code is this one.
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Standard output as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in:\n{}\nstderr:\n{}", self.stdout, self.stderr))
    }
}
