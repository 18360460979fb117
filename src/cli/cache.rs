//! `imgscan cache`, and where the cache is.

use std::{env, io, path::PathBuf, time::SystemTime};

use anyhow::Context;
use imgscan::{
    output::text,
    scan::cache::{self, Cache},
};

use crate::{args::CacheCommand, exit::Exit, messages};

/// The user's cache. Where there can be none, everything is read.
pub(crate) fn open() -> Option<Cache> {
    let folder = folder()?;
    let refused = |error: &io::Error| match error.kind() {
        io::ErrorKind::Other => messages::note(&format!("no cache is kept in {}: {error}", folder.display())),
        // A home that is missing or read-only is usual in containers.
        _ => tracing::info!(folder = %folder.display(), %error, "no cache is kept"),
    };
    Cache::open(&folder, build()).inspect_err(refused).ok()
}

/// `imgscan cache [show|clear]`
pub(crate) fn run(command: CacheCommand) -> anyhow::Result<Exit> {
    let folder = folder().context("there is no place for a cache: neither HOME nor XDG_CACHE_HOME is an absolute path")?;
    let place = folder.display();
    let line = match command {
        CacheCommand::Show => {
            let contents = cache::contents(&folder).with_context(|| format!("the cache in {place} cannot be read"))?;
            format!("{}  {}\n", text::plain(&place.to_string()), words(contents))
        }
        CacheCommand::Clear => {
            let contents = cache::clear(&folder).with_context(|| format!("the cache in {place} cannot be cleared"))?;
            format!("{} removed from {}\n", words(contents), text::plain(&place.to_string()))
        }
    };
    messages::to_stdout(line.as_bytes())?;
    Ok(Exit::Clean)
}

fn words(contents: cache::Contents) -> String {
    format!("{}, {}", text::count(contents.entries, "report", "reports"), text::bytes(contents.bytes))
}

fn folder() -> Option<PathBuf> {
    cache::folder(|name| env::var_os(name))
}

/// Names this build: another version, or another build of the same one, may find something else.
fn build() -> String {
    let stamp = env::current_exe().and_then(|file| file.metadata()).and_then(|file| Ok((file.len(), file.modified()?)));
    let (length, modified) = stamp.unwrap_or((0, SystemTime::UNIX_EPOCH));
    let since = modified.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    format!("{} {length} {since}", env!("CARGO_PKG_VERSION"))
}
