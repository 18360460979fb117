#!/usr/bin/env bash
# Judges the SARIF report of the sample image by Microsoft's validator, its rules for GitHub's code scanning included. The validator
# comes by npm (100 MB, Linux), so it is kept under ~/.cache and is no part of `.ci/run`.
#
# usage: tests/tools/sarif.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/imgscan-tools/sarif
validator=$cache/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool
[ -x "$validator" ] || npm install --silent --no-audit --no-fund --prefix "$cache" @microsoft/sarif-multitool-linux@5
cargo build --quiet --workspace --bins --examples
built=${CARGO_TARGET_DIR:-target}/debug
report=$(mktemp --suffix .sarif)
trap 'rm -f "$report"' EXIT
"$built/examples/sample-image" | "$built/imgscan" --format sarif --fail-on none - > "$report"
# It exits with 0 whatever it finds.
verdict=$("$validator" validate "$report" --rule-kind 'Sarif;Ghas')
printf '%s\n' "$verdict"
if ! grep -q 'Analysis completed successfully' <<< "$verdict" || grep -qE ': (error|warning) ' <<< "$verdict"; then
  echo 'the SARIF report is not valid: see above' >&2
  exit 1
fi
