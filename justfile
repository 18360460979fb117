# One recipe per CI job; `.ci/run` calls them.

default: fmt lint test

# Formatting.
fmt:
    cargo fmt --all --check

# Lints, the library alone (so that its features are honest), and the docs.
lint:
    cargo clippy --workspace --all-targets -- -D warnings
    cargo clippy -p imgscan --lib --no-default-features -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items

# The README's test command.
test:
    cargo test --workspace

# Damaged files through everything that reads them, for ten minutes, in 4 GB of address space.
mutations:
    ulimit -v 4000000; IMGSCAN_MUTATION_SECONDS=600 nice cargo test --package imgscan --lib -- --nocapture mutations

# Licences, banned crates, sources (advisories need the network: `cargo deny check advisories`).
deny:
    cargo deny check bans licenses sources

# Documentation that is made from data.
docs:
    cargo run --quiet -p imgscan -- rules docs > docs/rules.md.new
    mv docs/rules.md.new docs/rules.md

# Instructions of the hot loops against those recorded (needs valgrind); `just instructions --record` writes them.
instructions *FLAGS:
    benches/instructions.sh {{FLAGS}}

# The SARIF report, judged by Microsoft's validator (needs npm).
sarif:
    tests/tools/sarif.sh
