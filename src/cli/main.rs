//! The command line: arguments, messages, exit codes. Everything it knows of images and secrets is in the library.

mod args;
mod baseline;
mod cache;
mod exit;
mod explain;
mod fingerprint;
mod k8s;
mod log;
mod messages;
mod progress;
mod rules;
mod run;
mod settings;
mod similar;

use std::{panic, process::ExitCode};

use clap::CommandFactory;

use args::{Args, BaselineCommand, CacheCommand, Command};
use exit::Exit;

/// One heap for all threads, so that what one gives back serves the other: glibc's grow with what each thread needed once.
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    panic::set_hook(Box::new(messages::panicked));
    let args = match Args::of(std::env::args_os()) {
        Ok(args) => args,
        Err(error) => {
            // Help and version go to standard output and are no error.
            let _ = error.print();
            return if error.use_stderr() { Exit::Error } else { Exit::Clean }.into();
        }
    };
    log::start(args.verbosity.verbose);
    match panic::catch_unwind(|| dispatch(args)) {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(error)) if is_broken_pipe(&error) => Exit::Clean.into(),
        Ok(Err(error)) => {
            messages::error(&error);
            Exit::Error.into()
        }
        // The hook has said so.
        Err(_) => Exit::Error.into(),
    }
}

fn dispatch(args: Args) -> anyhow::Result<Exit> {
    let verbosity = &args.verbosity;
    match args.command {
        None => run::scan(&args.scan, verbosity),
        Some(Command::Scan(scan)) => run::scan(&scan, verbosity),
        Some(Command::K8s(options)) => k8s::run(&options, verbosity),
        Some(Command::Rules(command)) => rules::run(&command),
        Some(Command::Explain(explain)) => explain::run(&explain),
        Some(Command::Fingerprint(options)) => fingerprint::run(&options),
        Some(Command::Baseline(BaselineCommand::Create(options))) => baseline::create(&options, verbosity),
        Some(Command::Baseline(BaselineCommand::Show(options))) => baseline::show(&options),
        Some(Command::Baseline(BaselineCommand::Prune(options))) => baseline::prune(&options, verbosity),
        Some(Command::Cache { command }) => cache::run(command.unwrap_or(CacheCommand::Show)),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "imgscan", &mut script);
            messages::to_stdout(&script)?;
            Ok(Exit::Clean)
        }
    }
}

/// A reader that has seen enough (`imgscan ... | head`) is no error.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
