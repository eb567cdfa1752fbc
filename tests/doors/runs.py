"""Runs that never were, for the tests of compare, gate, history and export: known figures, written as a run's folder."""
import copy
import hashlib
import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
spec = importlib.util.spec_from_file_location("make_reference", os.path.join(TOP, "tools", "make-reference.py"))
reference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reference)

TRINE = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else "trine"


def noisy(reps, sigma, seed):
    rng = random.Random(seed)
    return [rng.lognormvariate(0, sigma) for _ in range(reps)]


def point(rep, value, experiment="yield", backend="trine", metric="yield_ns", runtime=None, **change):
    """One process whose primary figure is value."""
    base = reference.point(experiment, "yield", backend, 0, 1.0, metric)
    p = copy.deepcopy(base)
    p["rep"] = rep
    p["id"] = hashlib.sha1(f"{p['series']}/{backend}/{rep}".encode()).hexdigest()[:16]
    p["record"]["samples"] = [value] * 5
    p["record"]["runtime"] = runtime if runtime is not None else {"switches": 100000}
    for key, v in change.items():
        if key in ("clock", "metric_better"):
            continue
        p[key] = v
    if "clock" in change:
        p["record"]["clock"]["source"] = change["clock"]
    if p["status"] != "ok":
        del p["record"], p["outside"]
    return p


def series(values, **kw):
    return [point(i, v, **kw) for i, v in enumerate(values)]


# A driver of one workload that answers at once.
DRIVER = """#!/usr/bin/env python3
import json, random, sys
if "--describe" in sys.argv:
    print(json.dumps({"schema": "trine-driver", "protocol": 1, "backend": "trine", "backend_version": "0", "rt_params": [],
        "workloads": [{"name": "yield", "doc": "d", "metric": "yield_ns", "unit": "ns", "better": "lower", "tasks": 2,
                       "params": [], "applicable": True, "reason": ""}]}))
    sys.exit(0)
o = dict(zip(sys.argv[1::2], sys.argv[2::2]))
print(json.dumps({"schema": "trine-record", "protocol": 1, "backend": "trine", "backend_version": "0", "workload": "yield",
    "procs": int(o.get("--procs", 1)), "procs_meaning": "x", "tasks": 2, "seed": int(o.get("--seed", 1)), "cpus": None, "params": {},
    "status": "ok", "reason": "", "clock": {"source": "tsc", "overhead_ns": 20.0}, "warmup": {"batches": 3, "steady": True, "elapsed_ns": 1},
    "metric": {"name": "yield_ns", "unit": "ns", "better": "lower"}, "samples": [@FACTOR@ * (60.0 + random.random())], "batch_operations": 1,
    "metrics": {}, "histograms": {}, "counts": {"operations": 10, "expected_operations": 10, "elapsed_ns": 10}, "runtime": {},
    "checks": [{"name": "operations", "ok": True, "expected": 10, "got": 10}], "phases": []}))
"""


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


ENV_FAULTS = {"absent": None, "cut": '{"schema": "trine-env", "mach', "empty": ""}


class Runs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name

    def path(self, *names):
        return os.path.join(self.root, *names)

    def write_run(self, name, points, machine="m", profile="p", text="[profile]\n", version=1, started="2026-01-01T00:00:00Z",
                  tail="", arguments=("trine", "run"), cpu="synthetic"):
        where = self.path(name)
        os.makedirs(where)
        with open(os.path.join(where, "points.jsonl"), "w", encoding="utf-8") as f:
            f.write("".join(json.dumps(p) + "\n" for p in points) + tail)
        with open(os.path.join(where, "manifest.json"), "w", encoding="utf-8") as f:
            json.dump({"schema": "trine-manifest", "version": version, "trine": "0", "commit": "c-" + name, "build_type": "none",
                       "machine": machine, "arguments": list(arguments), "started_utc": started, "ended_utc": started,
                       "ended": "complete", "profile": profile, "profile_text": text, "seed": 1, "budget_ms": 0, "reruns": 0,
                       "drivers": {}, "experiments": {}, "plan": []}, f)
        with open(os.path.join(where, "env.json"), "w", encoding="utf-8") as f:
            json.dump({"schema": "trine-env", "version": 1, "machine": machine, "cpu": {"model": cpu}}, f)
        return where

    def without_env(self, where, text):
        """Takes what is known of the machine from a run's folder: no file, or one with this text."""
        os.remove(os.path.join(where, "env.json"))
        if text is not None:
            self.put(os.path.join(where, "env.json"), text)
        return where

    def put(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def driver(self, name, factor=1.0):
        """Writes a driver whose figures are factor times 60 to 61 ns."""
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        path = self.put(name, DRIVER.replace("@FACTOR@", str(factor)))
        os.chmod(path, 0o755)
        return path

    def trine(self, *args, code=0, timeout=60, lines=1):
        """Runs trine and demands the exit code; a failure that is no verdict says one line and no more."""
        r = subprocess.run([TRINE, *args], capture_output=True, text=True, timeout=timeout, check=False,
                           env=dict(os.environ, TRINE_REFERENCE=os.path.join(TOP, "results", "reference")))
        if code is not None:
            self.assertEqual(r.returncode, code, f"{args}\n{r.stdout}\n{r.stderr}")
        if code in (2, 4):
            self.assertEqual(len(r.stderr.splitlines()), lines, r.stderr)
            self.assertTrue(r.stderr.startswith("trine "), r.stderr)
        return r

    def refused(self, *args, says, code=2, lines=1):
        r = self.trine(*args, code=code, lines=lines)
        self.assertIn(says, r.stderr)
        return r
