#!/usr/bin/env bash
# Whole runs of imgscan beside the floor and the peers that are installed, on one image of real layers, in one sitting.
#
# usage: benches/compare.sh IMAGE.oci.tar [TREE...]
#   IMAGE  an OCI archive with compressed layers
#   TREE   folders with the same layers unpacked, for the peers, which read fewer places than imgscan does
# KINGFISHER and GITLEAKS name the peers' binaries (default: from PATH).
set -euo pipefail
image=$1; shift
cd "$(dirname "$0")/.."
cargo build -q --release
cargo build -q --release --bench floor
imgscan=target/release/imgscan
floor=$(find target/release/deps -maxdepth 1 -name 'floor-*' -executable -type f -printf '%T@ %p\n' | sort -rn | head -1 | cut -d' ' -f2)

# CPU seconds, wall seconds and peak MB of a command.
measure() { # name, command...
  local name=$1; shift
  /usr/bin/time -f "%U %S %e %M" -o /tmp/imgscan-time "$@" > /dev/null 2>&1 || true
  awk -v name="$name" 'NF == 4 && $1 + 0 == $1 { printf "%-28s cpu %7.2f s   wall %7.2f s   peak %6.0f MB\n", name, $1 + $2, $3, $4 / 1024 }' /tmp/imgscan-time
}
for round in 1 2 3; do
  measure "floor ($round)" "$floor" "oci-archive:$image"
  measure "imgscan ($round)" "$imgscan" -q --no-cache "oci-archive:$image"
done
for tree in "$@"; do
  measure "imgscan dir $(basename "$tree")" "$imgscan" -q --no-cache "dir:$tree"
  command -v "${KINGFISHER:-kingfisher}" > /dev/null &&
    measure "kingfisher $(basename "$tree")" "${KINGFISHER:-kingfisher}" scan "$tree" --no-validate --no-update-check --format json
  command -v "${GITLEAKS:-gitleaks}" > /dev/null &&
    measure "gitleaks $(basename "$tree")" "${GITLEAKS:-gitleaks}" dir "$tree" --no-banner --report-path /dev/null --report-format json
done
