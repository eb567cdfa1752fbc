#!/usr/bin/env python3
"""Makes the folder of a run that never was, for the tests of the report: known figures, and every kind of trouble.

make_run.py DIR [REPS [whole]]   writes manifest, env, claims, history and points into DIR; `whole`: no damaged line.
Synthetic: nothing in it was measured. The seed is fixed, so two calls write the same bytes.
"""
import hashlib
import json
import math
import random
import sys
from collections import Counter
from pathlib import Path

rng = random.Random(61)
BACKENDS = ("trine", "pthread", "pool", "go")
FACTOR = {"trine": 1.0, "pthread": 9.0, "pool": 6.0, "go": 1.15}
points = []


def histogram(scale, n=20000):
    counts = Counter()
    values = [int(rng.lognormvariate(math.log(scale), 0.5)) + (int(scale * 12) if rng.random() < 0.004 else 0)
              for _ in range(n)]
    for v in values:
        width = max(1, 1 << max(0, v.bit_length() - 11))
        counts[v // width * width] += 1
    return {"unit": "ns", "digits": 3, "count": n, "min": min(values), "max": max(values),
            "mean": sum(values) / n, "buckets": sorted(counts.items())}


def point(experiment, workload, backend, rep, value, unit="ns", better="lower", procs=1, tasks=2, params=None,
          pin="none", hist=None, threads=None, windows=0, **change):
    params = params or {}
    key = json.dumps([experiment, workload, backend, procs, tasks, params, pin], sort_keys=True)
    series = hashlib.sha1(key.encode()).hexdigest()[:16]
    noise = [value * rng.lognormvariate(0, 0.03) for _ in range(12)]
    p = {"schema": "trine-point", "version": 1, "id": f"{series}-{rep}", "series": series, "experiment": experiment,
         "rep": rep, "attempt": 0, "backend": backend, "workload": workload, "procs": procs, "tasks": tasks,
         "params": params, "pin": pin, "cpus": None, "seed": 42, "started_utc": "2026-11-21T04:00:00Z",
         "elapsed_ns": 5, "status": "ok", "reason": "", "valid": True, "invalid_because": [],
         "record": {"metric": {"name": f"{workload}_{unit}", "unit": unit, "better": better}, "samples": noise},
         "outside": {"steal_fraction": 0.001}}
    if hist:
        p["record"]["histograms"] = {"latency": histogram(hist)}
    if windows:
        p["record"]["histograms"]["latency"]["intervals"] = [
            {"start_ns": 10**13 + i * 10**9, "end_ns": 10**13 + (i + 1) * 10**9,
             "buckets": histogram(hist * (30 if i == 3 else 1), 2000)["buckets"]} for i in range(windows)]
    if threads:
        ramp = [[i * 1_000_000, round(1 + (threads - 1) * min(1, i / 20))] for i in range(0, 60)]
        p["outside"]["threads"] = {"peak": threads, "mean": threads * 0.8, "made": threads, "series": ramp}
    p.update(change)
    if p["status"] != "ok":
        del p["record"], p["outside"]
    points.append(p)


def sweep(reps):
    for b in BACKENDS:
        f = FACTOR[b]
        for r in range(reps):
            w = rng.lognormvariate(0, 0.04)
            for layer, ns in (("yield", 40), ("pingpong", 110), ("wake", 900)):
                point(layer if layer != "pingpong" else "switch", layer, b, r, ns * f * w, hist=900 * f if layer == "wake" else None)
            for procs in (1, 2, 4, 8):
                point("cpu", "cpu", b, r, 9e5 * min(procs, 2) * w * (0.9 if procs > 2 else 1), "1/s", "higher", procs, 8)
            for load in (0.1, 0.5, 0.8, 0.9, 0.95):
                point("latency", "latency", b, r, 4e4 * f / (1 - load) * w, "ns", procs=2, tasks=None, params={"load": str(load)},
                      hist=4e4 * f / (1 - load), windows=6 if r == 0 and load in (0.5, 0.9) else 0)
            for load in (0.1, 0.5, 0.9):
                point("latency-hogs", "latency", b, r, 1e6 * f / (1 - load) * w, "ns", procs=2, tasks=None,
                      params={"load": str(load), "hogs": "2"}, hist=1e6 * f / (1 - load))
            if b == "trine":
                point("bare-switch", "switch", b, r, 2.1 * w, tasks=1)
            for share in (0, 25, 50, 75, 90):
                point("mix", "mix", b, r, 5e4 * (1 + share / 20) / (1 + f / 20) * w, "1/s", "higher", 2, 64,
                      {"io_percent": str(share)}, hist=4e4 * f * (1 + share / 50) if share else None)
            for tasks in (1, 4, 16, 64, 256):
                n = {"pthread": tasks + 1, "pool": min(tasks, 8) + 1}.get(b, tasks + 4)
                point("block", "block", b, r, 1e6 * w, procs=2, tasks=tasks, threads=n)
            for tasks in (100, 1000, 10000):
                if b == "pthread" and tasks == 10000:
                    point("memory", "memory", b, r, 0, "bytes", procs=2, tasks=tasks, status="skipped", valid=False,
                          reason="skipped: 10,000 threads need more than threads-max permits")
                else:
                    point("memory", "memory", b, r, 2600 * f * (1 + 300 / tasks) * w, "bytes", procs=2, tasks=tasks)
                point("spawn", "spawn", b, r, 300 * f * f * (1 + 20 / tasks) * w, procs=2, tasks=tasks)
            for kib in (0, 4, 16, 64, 256, 1024):
                point("yield-working-set", "yield", b, r, (40 * f + kib ** 1.15 * 12) * w, tasks=2, params={"ws_kib": str(kib)})
            for procs in (1, 2, 4):
                for tasks in (2, 20, 200, 2000):
                    point("pairs", "pingpong", b, r, 100 * f * (1 + 0.3 * (procs - 1) * (f > 2)) * (1 + tasks / 4000) * w, procs=procs, tasks=tasks)
            if b in ("trine", "pthread"):
                for kib in (4, 16, 64, 256, 1024, 4096):
                    steals(b, r, kib, w)
            for i, pin in enumerate(("none", "compact", "scatter", "cores")):
                point("pinning", "pingpong", b, r, (90 + 15 * i) * f * w, procs=2, pin=pin)


def steals(b, r, kib, w):
    """A move costs 25 ns a line up to 1 MiB; nothing on the same P; clflush takes all."""
    lines = kib * 16
    for resume, share, probes in (("steal", 0.8 if kib <= 1024 else 0.3, 97), ("local", 0, 0.1), ("flush", 1, 99.9)):
        extra = lines * share * (100 if resume == "flush" else 25) * w
        point("locality", "locality", b, r, extra, procs=2, pin="cores", params={"payload_kib": str(kib), "resume": resume})
        points[-1]["record"]["samples"] = [extra]
        points[-1]["record"]["metrics"] = {
            k: {"value": v, "unit": "1", "better": "lower"}
            for k, v in (("refetched_lines", extra / 25), ("payload_lines", lines), ("probe_refetched_percent", probes * min(1, w)))}


def troubles():
    for b in ("trine", "go"):
        points[-1].update(valid=False, invalid_because=["steal 7.1 % is above 1 %"])
    for p in points:
        if p["backend"] == "go" and p["experiment"] == "switch" and p["rep"] == 1:
            p.update(valid=False, invalid_because=["warm-up did not end: three batches never lay within 3 %"])
    for p in points:
        if p["backend"] == "pool" and p["experiment"] == "cpu" and p["procs"] == 4:
            p.update(valid=False, invalid_because=["steal 3.0 % is above 1 %", "throttled for 12 ms"])
    point("switch", "pingpong", "pool", 0, 0, procs=2, tasks=2000, status="not_applicable", valid=False,
          reason="a bounded pool deadlocks on more pairs than threads")
    point("switch", "pingpong", "pthread", 0, 0, procs=2, tasks=9000, status="failed", valid=False,
          reason="exit status 1: <pthread_create> & \"EAGAIN\"")
    point("hol", "hol", "go", 0, 0, status="timeout", valid=False, reason="no record within 60 s")


def history():
    """Twelve runs of a series a backend; trine's is 20 % slower since the seventh run. Two more never move."""
    series = []
    for b in BACKENDS:
        level = [60 * FACTOR[b] * (1.2 if b == "trine" and i >= 6 else 1) * rng.lognormvariate(0, 0.01) for i in range(12)]
        series.append({
            "machine": "synthetic <machine>", "cpu": "No CPU at all", "profile": "synthetic", "unit": "ns", "better": "lower",
            "name": f"yield/procs 1, tasks 2/{b}/yield_ns",
            "runs": [{"started_utc": f"2026-11-{i + 1:02}T04:00:00Z", "commit": f"{i:07x}", "run": f"r{i}", "median": v, "processes": 10}
                     for i, v in enumerate(level)],
            "changes": [{"index": 6, "before": 60.0, "after": 72.0, "p": 0.0005, "machine_changed": False}] if b == "trine" else []})
    for level in (0.0, 42.0):   # what never moves has panels too
        still = dict(series[0], name=f"locality/procs 2/trine/still_at_{level:.0f}", changes=[])
        still["runs"] = [dict(r, median=level) for r in still["runs"]]
        series.append(still)
    return {"schema": "trine-history", "version": 1, "series": series}


def target(against, ratio, limit, verdict):
    return {"against": against, "ratio": dict(zip(("low", "estimate", "high"), ratio)) if ratio else {"unavailable": "never valid"},
            "target": limit, "verdict": verdict}


def peers():
    """Two ratios on one line, one where more is better, a target that is no ratio and one that was not measured."""
    own = {"trine": {"estimate": 8.0, "low": 7.5, "high": 8.5}}
    return [
        {"id": "yield", "row": "yield, \"2\" goroutines", "unit": "ns", "better": "lower", "figures": own, "targets": [
            target("go", (0.07, 0.08, 0.1), 0.2, "met"), target("boo`st", (0.2, 0.24, 0.28), 0.25, "open")]},
        {"id": "echo", "row": "requests", "unit": "1/s", "better": "higher", "figures": own,
         "targets": [target("go", (1.25, 1.6, 2), 1.28, "open")]},
        {"id": "memory", "row": "bytes", "unit": "bytes", "better": "lower", "figures": own, "targets": [target("", (8, 8, 8), 9, "met")]},
        {"id": "none", "row": "absent", "unit": "ns", "better": "lower", "figures": own, "targets": [target("tokio", None, 1, "not measured")]}]


def main():
    out, reps = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10
    out.mkdir(parents=True, exist_ok=True)
    sweep(reps)
    troubles()
    lines = [json.dumps(p) for p in points]
    first = dict(points[0], attempt=0, valid=False, invalid_because=["replaced by a later attempt"])
    lines.insert(0, json.dumps(first))
    if "whole" not in sys.argv:
        lines.insert(5, '{"id": "cut off in the mid')
    (out / "points.jsonl").write_text("\n".join(lines) + "\n")
    (out / "manifest.json").write_text(json.dumps({
        "schema": "trine-manifest", "version": 1, "profile": "synthetic", "commit": "0000000", "seed": 61,
        "started_utc": "2026-11-21T04:00:00Z", "ended_utc": "2026-11-21T05:00:00Z", "ended": "complete",
        "arguments": ["trine", "run", "--profile", "synthetic", "--seed", "61"]}))
    (out / "history.json").write_text(json.dumps(history()))
    (out / "peers.json").write_text(json.dumps(peers()))
    (out / "env.json").write_text(json.dumps({
        "schema": "trine-env", "version": 1, "machine": "synthetic <machine>",
        "cpu": {"model": "No CPU at all"}, "memory_bytes": 2 ** 33, "topology": {
            "cpus": 8, "cores": 4, "packages": 2, "numa_nodes": 2, "smt": True,
            "caches": [{"level": "L1d", "count": 4, "bytes": 32768, "cpus_each": 2},
                       {"level": "L3", "count": 2, "bytes": 2 ** 24, "cpus_each": 4}],
            "cpu_map": [{"cpu": i, "core": i // 2, "package": i // 4} for i in range(8)]}, "kernel": {"release": "0.0"},
        "counters": {"cycles": {"unavailable": "ENOENT (no PMU)"}}}))
    (out / "claims.json").write_text(json.dumps([{
        "id": "switch-user", "statement": "switching goroutines, in user space", "claimed": "~200 ns", "source": "S0 S1",
        "scale": "2 tasks", "command": "trine claims --only switch-user", "meaning": "twice as fast as said",
        "backends": {"trine": {"verdict": "reproduced", "measured": 110, "low": 108, "high": 113, "unit": "ns", "reason": ""},
                     "pthread": {"verdict": "contradicted", "measured": 990, "low": 970, "high": 1010, "unit": "ns",
                                 "reason": "threads switch in the kernel"},
                     "go": {"verdict": "inconclusive", "measured": 190, "low": 150, "high": 230, "unit": "ns",
                            "reason": "the interval straddles the line"}}}]))


main()
