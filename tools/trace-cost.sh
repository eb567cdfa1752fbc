#!/bin/sh
# What the event trace costs: ns an event (at most 40), and the share of a mixed load's throughput (at most 5 %).
# usage: tools/trace-cost.sh [BUILD]   (default build/release); half a minute; exit 0 both hold, 1 one does not, 3 cannot tell
set -u
build=${1:-build/release}
own=$(dirname "$0")/../harness/own
out=$(mktemp -d) || exit 4
trap 'rm -rf "$out"' EXIT

"$build"/benches/trine-micro --benchmark_filter='^trine/trace_event/' --benchmark_format=json > "$out"/micro.json 2> "$out"/said || {
    cat "$out"/said >&2
    exit 4
}
"$build"/harness/trine claims trace-mix --claims "$own" --backends trine --quiet --out "$out" > "$out"/ledger || exit 4
sed -n '/^trace-mix/,/^ *means/p' "$out"/ledger
python3 - "$out"/micro.json "$(find "$out" -name claims.json)" << 'END'
import json
import sys

event = json.load(open(sys.argv[1]))["benchmarks"][0]
verdict = json.load(open(sys.argv[2]))[0]["backends"]["trine"]["verdict"]
if event.get("error_occurred"):
    print(f"trace-event: {event['error_message']}")
    sys.exit(3)
ns = event["ns_per_event"]
print(f"trace-event: {ns:.1f} ns an event (quartiles {event['ns_per_event_p25']:.1f} and {event['ns_per_event_p75']:.1f}), "
      f"{event['events_per_yield']:.0f} events a pair of yields: {'within' if ns <= 40 else 'above'} 40 ns")
sys.exit(1 if ns > 40 or verdict in ("contradicted", "partly") else 0 if verdict == "reproduced" else 3)
END
