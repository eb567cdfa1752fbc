#!/usr/bin/env python3
"""Makes the synthetic machines of results/reference: runs that never were, with answers known beforehand.

usage: make-reference.py [DIR]     (default: results/reference)

  synthetic-base    2 CPUs
  synthetic-fast    the same, each figure in ns divided by FAST: the cores are faster, the scheduler is the same. Its limits
                    are faster by the same factor, so multiples of the limits do not move
  synthetic-wide    twice the cores: twice the throughput of many tasks; a wake on another core costs WAKE times as much; the
                    rest as on the base

Nothing in them was measured. Every figure is exact arithmetic: the median process has the figure itself, the others lie
symmetrically around it, so medians, ratios and verdicts can be told in advance (tests/doors/test_compare.py does).
"""
import hashlib
import json
import pathlib
import sys

FAST, CORES, WAKE = 1.6, 2.0, 2.5
REPS = 11
# The processes' factors around their median: symmetric in the logarithm, so the Hodges-Lehmann ratio is exact.
SPREAD = [1.004 ** (i - REPS // 2) for i in range(REPS)]
LIMITS = {"clock_reading": 20.0, "register_swap": 1.0, "system_call": 200.0, "cache_line": 100.0, "futex_wake_same_cpu": 1500.0,
          "futex_wake_other_cpu": 3000.0}
FACTOR = {"trine": 1.0, "pthread": 8.0}
PROFILE = "# synthetic: no driver ran\n[profile]\ntitle = known answers\n"


def histogram(p99):
    """1,100 samples of which the p99 is exactly the lowest value of its bucket."""
    body = int(p99 / 4)
    return {"unit": "ns", "digits": 3, "count": 1100, "min": body, "max": int(p99), "buckets": [[body, 1000], [int(p99), 100]],
            "mean": (body * 1000 + int(p99) * 100) / 1100}


def point(experiment, workload, backend, rep, figure, metric, unit="ns", better="lower", procs=2, tasks=2, p99=None):
    key = json.dumps([experiment, workload, backend, procs, tasks])
    series = hashlib.sha1(key.encode()).hexdigest()[:16]
    value = figure * SPREAD[rep * 7 % REPS]       # in another order than that of the figures
    samples = [value * f for f in (0.99, 1.0, 1.0, 1.0, 1.01)]
    record = {"schema": "trine-record", "protocol": 1, "backend": backend, "backend_version": "0", "workload": workload,
              "procs": procs, "tasks": tasks, "params": {}, "status": "ok", "reason": "",
              "clock": {"source": "tsc", "overhead_ns": 20.0}, "metric": {"name": metric, "unit": unit, "better": better},
              "samples": samples, "counts": {"operations": 100000}, "checks": [{"name": "operations", "ok": True}],
              "runtime": {"switches": 200000, "threads_made": 0}}
    if p99:
        record["histograms"] = {"latency": histogram(p99 * value / figure)}
    return {"schema": "trine-point", "version": 1, "id": hashlib.sha1(f"{series}/{rep}".encode()).hexdigest()[:16],
            "series": series, "experiment": experiment, "rep": rep, "attempt": 0, "backend": backend, "workload": workload,
            "procs": procs, "tasks": tasks, "params": {}, "pin": "none", "cpus": None, "seed": 1,
            "started_utc": "2026-01-01T00:00:00Z", "elapsed_ns": 1000000, "status": "ok", "reason": "", "valid": True,
            "invalid_because": [], "record": record,
            "outside": {"threads": {"peak": 4, "mean": 4.0, "made": 4, "period_ns": 1000000, "looks": 10, "series": [[0, 4]]},
                        "voluntary_switches": 1, "involuntary_switches": 1, "minor_faults": 1, "major_faults": 0,
                        "max_rss_bytes": 1, "cpu_user_ns": 1, "cpu_system_ns": 1, "steal_fraction": 0.0,
                        "throttled_ns": 0, "elapsed_ns": 1000000},
            "counters": {}}


def points(speed, cores, wake):
    out = []
    for rep in range(REPS):
        for b, f in FACTOR.items():
            out += [point("switch", "pingpong", b, rep, 120 * f / speed, "switch_ns", procs=1),
                    point("yield", "yield", b, rep, 60 * f / speed, "yield_ns", procs=1, tasks=100),
                    point("wake", "wake", b, rep, 900 * f * wake / speed, "wake_p50_ns", p99=4000 * f * wake / speed),
                    point("cpu", "cpu", b, rep, 9e5 / f * speed * cores, "throughput", "1/s", "higher", tasks=64)]
    return out


def write(where, name, cpus, speed=1.0, cores=1.0, wake=1.0):
    folder = pathlib.Path(where) / name
    folder.mkdir(parents=True, exist_ok=True)
    made = points(speed, cores, wake)
    (folder / "points.jsonl").write_text("".join(json.dumps(p, separators=(",", ":")) + "\n" for p in made))
    plan = [{**{k: p[k] for k in ("id", "series", "experiment", "rep", "backend", "workload", "procs", "tasks", "params", "pin",
                                  "cpus", "seed")},
             "cell": p["series"], "measure_ms": 1, "warmup_ms": 1, "timeout_ms": 1000, "counters": [],
             "throttle_expected": False} for p in made]
    manifest = {"schema": "trine-manifest", "version": 1, "trine": "0.1.0", "commit": "synthetic", "build_type": "none",
                "machine": name, "arguments": ["tools/make-reference.py"], "started_utc": "2026-01-01T00:00:00Z",
                "ended_utc": "2026-01-01T00:00:01Z", "ended": "complete", "profile": "synthetic", "profile_title": "known answers",
                "profile_text": PROFILE, "seed": 1, "budget_ms": 0, "reruns": 0,
                "drivers": {b: {"path": "none", "version": "0"} for b in FACTOR},
                "experiments": {e: {"title": e, "doc": "synthetic", "workload": w} for e, w in
                                (("switch", "pingpong"), ("yield", "yield"), ("wake", "wake"), ("cpu", "cpu"))},
                "plan": plan}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    env = {"schema": "trine-env", "version": 1, "machine": name, "cpu": {"model": "synthetic", "online": cpus, "flags": []},
           "topology": {"packages": 1, "cores": cpus, "cpus": cpus, "numa_nodes": 1, "smt": False, "caches": [], "cpu_map": []},
           "kernel": {"release": "none", "architecture": "none"}, "cgroup": {"mode": "none"},
           "software": {"trine": "0.1.0", "commit": "synthetic", "build_type": "none", "compiler": "none", "libc": "none"},
           "counters": {}}
    (folder / "env.json").write_text(json.dumps(env, indent=1) + "\n")
    least = {k: v / speed * (wake if k == "futex_wake_other_cpu" else 1) for k, v in LIMITS.items()}
    (folder / "limits.json").write_text(json.dumps(
        {"schema": "trine-limits", "version": 1, "quick": True, "limits": {
            k: {"value": v, "least": v, "unit": "ns", "method": "synthetic"} for k, v in least.items()}}, indent=1) + "\n")


def main(args):
    where = args[0] if args else pathlib.Path(__file__).resolve().parent.parent / "results" / "reference"
    write(where, "synthetic-base", 2)
    write(where, "synthetic-fast", 2, speed=FAST)
    write(where, "synthetic-wide", 4, cores=CORES, wake=WAKE)


if __name__ == "__main__":
    main(sys.argv[1:])
