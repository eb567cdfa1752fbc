#!/bin/bash
# run_fuzz.sh TARGET CORPUS SECONDS: fuzzes on a copy of the committed corpus, so that a run leaves nothing behind.
# A finding is left in the build folder, and its path is printed by libFuzzer.
set -euo pipefail
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp "$2"/* "$copy"/
"$1" -max_total_time="$3" -max_len=4096 -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0 \
    -artifact_prefix="$(dirname "$1")/finding-" "$copy"
