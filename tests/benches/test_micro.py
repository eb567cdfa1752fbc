#!/usr/bin/env python3
"""trine-micro: google-benchmark's own flags work, every benchmark gives a figure, and none was folded away by the
compiler: a lower bound on the time of an iteration that no machine can go below. test_micro.py TRINE_MICRO"""
import json
import subprocess
import sys

LEAST_NS = 0.1      # a third of a cycle at 3.3 GHz: below it nothing was done
MAY_SKIP = {"limit/cache_line"}     # takes two CPUs


def run(*args):
    return subprocess.run(args, capture_output=True, text=True, timeout=100, check=False)


def main():
    micro, failures = sys.argv[1], []
    names = run(micro, "--benchmark_list_tests").stdout.split()
    result = run(micro, "--benchmark_min_time=0.005", "--benchmark_format=json")
    figures = {b["name"]: b for b in json.loads(result.stdout)["benchmarks"]} if result.returncode == 0 else {}
    if not names or set(names) != set(figures):
        failures.append(f"listed {sorted(names)}, ran {sorted(figures)}")
    for name, b in figures.items():
        if b.get("error_occurred"):
            if not any(name.startswith(m) for m in MAY_SKIP):
                failures.append(f"{name}: {b['error_message']}")
        elif b["real_time"] < LEAST_NS or b["iterations"] < 1:
            failures.append(f"{name}: {b['real_time']} ns an iteration: folded away")
    some = run(micro, "--benchmark_filter=switch/bare", "--benchmark_list_tests").stdout.split()
    if not some or not all("switch/bare" in s for s in some):
        failures.append(f"--benchmark_filter chose {some}")
    if run(micro, "--no-such-flag").returncode != 2:
        failures.append("an unknown flag does not exit 2")
    for f in failures:
        print("FAIL", f)
    print(f"{len(figures)} benchmarks, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
