#!/usr/bin/env bash
# Counts the instructions of a fixed amount of work (benches/instructions.rs) under callgrind and fails where a hot loop needs
# 10% more than recorded. A count does not depend on how busy the machine is; what moves it is the code, the compiler and the
# optimisation, so the numbers are kept by both, and with others it only reports.
#
# usage: benches/instructions.sh [--record]
#   --record  writes the numbers that later runs are compared to (benches/instructions.txt)
# CARGO_PROFILE_DEV_OPT_LEVEL is that of .ci/run (1), so that CI builds nothing anew but the small program itself.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_PROFILE_DEV_OPT_LEVEL=${CARGO_PROFILE_DEV_OPT_LEVEL:-1}
recorded=benches/instructions.txt
if ! command -v valgrind > /dev/null; then
  echo "valgrind is not installed, so nothing is counted" >&2
  exit 1
fi
program=$(cargo test --workspace --locked --bench instructions --no-run --message-format=json |
  sed -n 's/.*"executable":"\([^"]*\/instructions-[^"]*\)".*/\1/p' | tail -1)
[ -n "$program" ] || { echo "benches/instructions.rs does not build" >&2; exit 1; }
count() {
  local counted
  counted=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" --count "$1" 2>&1 |
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p')
  [ -n "$counted" ] || { echo "valgrind counted nothing for $1" >&2; exit 1; }
  echo "$counted"
}
# memchr and the hashes choose their instructions by what the processor can do.
features=$(grep -m1 -ow avx2 /proc/cpuinfo || true)
key="$(rustc --version | cut -d' ' -f2),opt-level=$CARGO_PROFILE_DEV_OPT_LEVEL,$(uname -m)${features:+,$features}"
start=$(count start)
counted="start $start"
for loop in source minified json binary; do
  counted+=$'\n'"$loop $(($(count "$loop") - start))"
done
if [ "${1:-}" = --record ]; then
  printf '# Instructions of each hot loop, by benches/instructions.sh --record.\nwith %s\n%s\n' "$key" "$counted" > "$recorded"
fi
same=$(grep -qxF "with $key" "$recorded" && echo yes || echo no)
[ "$same" = yes ] || echo "recorded $(sed -n 's/^with/with/p' "$recorded"), this is with $key: nothing fails"
slower=0
while read -r loop now; do
  before=$(awk -v loop="$loop" '$1 == loop { print $2 }' "$recorded")
  percent=$((now * 100 / ${before:-$now}))
  echo "$loop: $now instructions, ${before:-none} recorded: $percent%"
  if [ "$same" = yes ] && [ "$percent" -gt 110 ]; then
    slower=1
    echo "  over 110%: find out why, or record anew with benches/instructions.sh --record" >&2
  fi
done <<< "$counted"
exit "$slower"
