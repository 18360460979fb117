//! A fixed amount of work for `benches/instructions.sh`, which counts its instructions: nothing, the start, or `find` on one
//! input. The script subtracts the start from each input's count. `benches/scaling.sh rules` does the same with some of the rules only.
//!
//! usage: instructions --count start|source|minified|json|binary [RULES]

mod inputs;

use imgscan::detect::{Engine, Scratch};

/// Bytes of each input: a second under callgrind.
const SIZE: usize = 128 << 10;

fn main() {
    // `cargo test --benches` and `cargo bench` run this, too, and want no work done.
    let mut arguments = std::env::args().skip_while(|argument| argument != "--count").skip(1);
    let Some(what) = arguments.next() else { return };
    // What the day is must not change the count.
    let mut engine = Engine::new(Vec::new());
    if let Some(count) = arguments.next().and_then(|count| count.parse::<usize>().ok()) {
        // One in so many: rules of all kinds and providers.
        let all = engine.rules();
        let some = (0..count.min(all.len())).filter_map(|number| all.get(number * all.len() / count)).cloned().collect();
        engine = Engine::with_rules(some);
    }
    let engine = engine.with_clock(None);
    let mut found = 0usize;
    // All inputs are made at every run, so that the start holds what making them takes.
    for input in inputs::all(SIZE) {
        if input.name == what {
            engine.find(&input.bytes, &input.hint(), &mut Scratch::default(), &mut |_| found += 1);
        }
    }
    #[allow(clippy::print_stdout)]
    {
        println!("{found} matches");
    }
}
