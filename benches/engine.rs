//! The hot loop: `Engine::find` on generated haystacks, and what a start costs. `cargo bench --bench engine`.
//!
//! `source` and `minified` are full of words such as `token` and `key` that lead to nothing; `binary` is hardly more than the
//! prefilter; `json` goes through a parser as well.

mod inputs;

use divan::{Bencher, counter::BytesCount};
use imgscan::detect::{Engine, Scratch};

fn main() {
    divan::main();
}

#[divan::bench(args = ["source", "minified", "json", "binary"], sample_count = 20)]
fn find(bencher: Bencher<'_, '_>, name: &str) {
    let engine = Engine::new(Vec::new());
    let mut scratch = Scratch::default();
    let input = inputs::all(1 << 20).into_iter().find(|input| input.name == name).expect("one of the inputs");
    bencher.counter(BytesCount::of_slice(&input.bytes)).bench_local(|| {
        let mut found = 0usize;
        engine.find(&input.bytes, &input.hint(), &mut scratch, &mut |_| found += 1);
        found
    });
}

#[divan::bench(sample_count = 20)]
fn start() -> Engine {
    Engine::new(Vec::new())
}
