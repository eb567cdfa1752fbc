#!/usr/bin/env bash
# What the gate sees: an unchanged build against itself must pass in 19 of 20 tries, a yield made 10 % slower must be caught
# in 19 of 20. Builds two drivers from this tree (one with -DTRINE_INJECT_YIELD), finds the injection's size by measuring it,
# then tries both in turn, so that a slow quarter of an hour falls on both. Takes an idle machine; docs/gate.md has the figures.
#   tools/gate-experiment.sh [TRIES [OUT]]     20 tries, results in results/gate-experiment
# A try that has ended is a line of OUT/tries.tsv. Interrupted, the same command goes on behind the last one of this commit;
# where the commit or the machine is another, OUT must be another too.
# Exit: 0 both figures hold, 1 one does not, 2 usage, 3 the machine is too noisy to size the injection, 4 infrastructure,
# 130 interrupted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
die() { echo "gate-experiment.sh: $2" >&2; exit "$1"; }
tries=${1:-20} out=${2:-results/gate-experiment}
[[ $tries =~ ^[1-9][0-9]*$ ]] || die 2 "'$tries': expected a number of tries"
same=build/gate-same slow=build/gate-slow
mkdir -p "$out"
out=$(realpath "$out")
done_tries="$out/tries.tsv" # name, number, exit code of the gate, seconds that it took
touch "$done_tries"

build() { # folder, idle instructions
    { cmake -S . -B "$1" -DCMAKE_BUILD_TYPE=Release -DTRINE_TESTS=OFF -DTRINE_INJECT_YIELD="$2" &&
        cmake --build "$1" --parallel "$(nproc)" --target trine trine-driver-trine; } >"$out/build.log" 2>&1 || {
        tail -20 "$out/build.log" >&2
        die 4 "$1 does not build"
    }
}

# The yields of two builds in ns, measured in turn; of each the least of fifteen processes, since noise only adds.
yields_ns() {
    for seed in {1..15}; do
        for dir in "$1" "$2"; do
            "$dir/benches/trine-driver-trine" --workload yield --procs 1 --tasks 100 --measure-ms 100 --seed $seed
        done
    done | python3 -c '
import json, statistics, sys
medians = [statistics.median(json.loads(line)["samples"]) for line in sys.stdin]
print(min(medians[::2]), min(medians[1::2]))'
}

# The first of the idle instructions hide behind the yield's own waiting, so their number is found by trying.
size_injection() {
    local idle=100 low=0 high=0 verdict=low base now step
    for ((step = 1; step <= 14; step++)); do
        build "$slow" "$idle"
        read -r base now < <(yields_ns "$same" "$slow")
        verdict=$(python3 -c "
effect = $now / $base - 1
print('low' if effect < 0.09 else 'high' if effect > 0.11 else 'found')")
        echo "sizing: $idle idle instructions, yield $base ns -> $now ns: $verdict" >&2
        case $verdict in
        found) break ;;
        low) low=$idle ;;
        high) high=$idle ;;
        esac
        # bounds that noise has drawn together hold nothing: open them again
        if ((high && high - low <= high / 32)); then low=$((low * 7 / 8)) high=$((high * 9 / 8)); fi
        if ((high)); then idle=$(((low + high) / 2)); else idle=$((2 * idle)); fi
    done
    [[ $verdict == found ]] || die 3 "no injection makes the yield 10 % slower: is the machine idle?"
    python3 -c "
slower = 100 * ($now / $base - 1)
print(f'yield {$base:.2f} ns, with $idle idle instructions more {$now:.2f} ns: {slower:.1f} % slower')" >"$out/injection.part"
    echo "$idle" >>"$out/injection.part"
    mv "$out/injection.part" "$out/injection"
}

# A run of the old build against the new one and the gate's verdict on it; --rerun is the rule's one second look.
try() { # name, new build, number
    local where="$out/$1-$3" log="$out/$1-$3.log" code=0 start=$SECONDS
    rm -rf "$where"
    "$same/harness/trine" run --ab "$same" "$2" --backends trine --profile gate --seed "$3" --out "$where" --quiet \
        >"$log" 2>&1 || code=$?
    if [[ $code == 130 ]]; then exit 130; fi
    [[ $code == 0 || $code == 3 ]] || { cat "$log" >&2; exit 4; }
    code=0
    "$same/harness/trine" gate --rerun "$where"/*/* >>"$log" 2>&1 || code=$?
    [[ $code == 0 || $code == 1 || $code == 3 ]] || { tail -5 "$log" >&2; exit "$code"; }
    printf '%s\t%d\t%d\t%d\n' "$1" "$3" "$code" $((SECONDS - start)) >>"$done_tries"
}

count() { awk -F '\t' -v name="$1" -v code="$2" '$1 == name && (code == "" || $3 == code)' "$done_tries" | wc -l; }

progress() { # name, number
    awk -F '\t' -v name="$1" -v number="$2" -v all=$((2 * tries)) -v last="$(tail -1 "$out/$1-$2.log" | cut -c1-120)" '
        { n++; seconds += $4; if ($1 == name && $2 == number) took = $4 }
        END { printf "%s %d: %s (%d s); %d of %d done, %.0f min left\n", name, number, last, took, n, all,
              (all - n) * seconds / n / 60 }' "$done_tries" >&2
}

figures() {
    local passed caught
    passed=$(count same 0) caught=$(count slow 1)
    echo "an unchanged build passed in $passed of $(count same '') tries ($(count same 3) inconclusive)"
    echo "a yield 10 % slower was caught in $caught of $(count slow '') tries ($(count slow 3) inconclusive)"
    # 19 of 20, at any number of tries
    ((20 * passed >= 19 * tries && 20 * caught >= 19 * tries))
}

# What is there must be of this source and machine: tries of two of either are not one experiment.
about=$(git rev-parse HEAD 2>/dev/null || echo unversioned; git status --porcelain -uno 2>/dev/null | cksum; uname -nr)
if [[ -s $done_tries && $about != "$(cat "$out/about" 2>/dev/null)" ]]; then
    die 2 "$out holds tries of another commit or machine: remove it or name another folder"
fi
printf '%s\n' "$about" >"$out/about"

trap 'figures || true; echo "interrupted: the same command goes on" >&2; exit 130' INT TERM
build "$same" 0
if [[ -s $out/injection ]]; then build "$slow" "$(tail -1 "$out/injection")"; else size_injection; fi
head -1 "$out/injection"
for ((i = 1; i <= tries; i++)); do
    for name in same slow; do
        if grep -q "^$name"$'\t'"$i"$'\t' "$done_tries"; then continue; fi
        if [[ $name == same ]]; then try same "$same" "$i"; else try slow "$slow" "$i"; fi
        progress "$name" "$i"
    done
done
figures
