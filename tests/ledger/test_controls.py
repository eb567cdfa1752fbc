#!/usr/bin/env python3
"""Negative controls on the real backends: where the claim's effect is taken away, its predicates must say so.

usage: test_controls.py TRINE

Only claims whose figures are counts, orders or ways to end: what these say does not depend on how busy the machine is."""
import json
import pathlib
import subprocess
import sys
import tempfile

CLAIMS = ["runq-256", "preempt-requeue", "threads-burst", "net-no-threads", "bounded-pool", "threads-cap", "threads-reuse",
          "net-plus-file", "pool-deadlock", "oom-first"]


def main():
    with tempfile.TemporaryDirectory() as out:
        done = subprocess.run([sys.argv[1], "claims", *CLAIMS, "--controls", "--reruns", "0", "--quiet", "--out", out,
                               "--backends", "trine", "--backends", "pthread"], capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, done.stderr
        ledger = json.loads(next(pathlib.Path(out).glob("*/*/claims.json")).read_text())
    assert sorted(c["id"] for c in ledger) == sorted(CLAIMS)
    wrong = 0
    for claim in ledger:
        controls = {name: b["control"] for name, b in claim["backends"].items() if "control" in b}
        told = ", ".join(f"{name}: {k['verdict']}" for name, k in controls.items())
        good = bool(controls) and all(k["proves"] for k in controls.values())
        wrong += not good
        print(f"{claim['id']}: {told or 'no control was judged'}: {'as it must' if good else 'WRONG: ' + str(controls)}")
    return wrong != 0


if __name__ == "__main__":
    sys.exit(main())
