#!/usr/bin/env python3
"""Workload web under wrk: the same server, in every driver; and what the record says where wrk is not there, or is no wrk.

usage: test_web_wrk.py with|without DRIVER...: what needs the program wrk, or what does not"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

DRIVERS = sys.argv[2:]
METRICS = ["latency_mean_ns", "latency_p50_ns", "latency_p75_ns", "latency_p90_ns", "latency_p99_ns", "latency_max_ns", "throughput",
           "served_percent", "wrk_connect_errors", "wrk_read_errors", "wrk_write_errors", "wrk_timeouts"]


def run(driver, *parameters, path=None, tasks=20):
    command = [driver, "--workload", "web", "--tasks", str(tasks), "--param", "generator=wrk"]
    for p in ("phases_us=1000/2000+1000", *parameters):
        command += ["--param", p]
    environment = {**os.environ, **({"PATH": path} if path else {})}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)


class Without(unittest.TestCase):
    def test_it_is_not_installed(self):
        for driver in DRIVERS:
            done = run(driver, path="/nonexistent")
            record = json.loads(done.stdout)
            self.assertEqual((done.returncode, record["status"], record["reason"]), (0, "not_applicable", "wrk: not installed"), driver)

    def test_more_threads_than_connections(self):
        for driver in DRIVERS:
            done = run(driver, "wrk_threads=3", tasks=2)
            self.assertEqual(done.returncode, 2, driver)
            self.assertIn("wrk_threads", done.stderr)

    def test_another_program_of_that_name(self):
        with tempfile.TemporaryDirectory() as folder:
            other = pathlib.Path(folder) / "wrk"
            for script, says in (("exit 0", "wrk printed no"), ("echo no luck; exit 1", "wrk: no luck")):
                other.write_text(f"#!/bin/sh\n{script}\n")
                other.chmod(0o755)
                for driver in DRIVERS:
                    done = run(driver, path=f"{folder}:/usr/bin:/bin")
                    self.assertEqual(done.returncode, 1, (driver, done.stdout))
                    self.assertIn(says, json.loads(done.stdout)["reason"], driver)


class With(unittest.TestCase):
    def test_the_server_is_loaded(self):
        for driver in DRIVERS:
            record = json.loads(run(driver, "wrk_threads=2").stdout)
            self.assertEqual(record["status"], "ok", (driver, record["reason"]))
            figures = {name: record["metrics"][name]["value"] for name in METRICS}
            self.assertEqual(record["samples"], [figures["latency_p50_ns"]])
            self.assertGreaterEqual(figures["latency_p50_ns"], 3000000, driver)      # no answer before its calls
            self.assertLessEqual(figures["latency_p50_ns"], figures["latency_p99_ns"])
            self.assertLessEqual(figures["latency_p99_ns"], figures["latency_max_ns"])
            self.assertGreater(figures["throughput"], 0)
            self.assertEqual(figures["served_percent"], 100)
            self.assertEqual([figures[n] for n in METRICS if n.endswith("_errors")], [0, 0, 0], driver)
            self.assertIn("unavailable", record["metrics"]["latency_p99_9_ns"])
            self.assertNotIn("latency", record["histograms"])
            self.assertEqual([c for c in record["checks"] if not c["ok"]], [], driver)
            self.assertGreaterEqual(record["metrics"]["under_way_peak"]["value"], 1)

    def test_refusals_are_counted(self):
        for driver in DRIVERS:
            record = json.loads(run(driver, "admission=limit", "limit=1").stdout)
            self.assertEqual(record["status"], "ok", (driver, record["reason"]))
            self.assertLess(record["metrics"]["served_percent"]["value"], 100, driver)
            self.assertGreater(record["metrics"]["served_percent"]["value"], 0, driver)


if __name__ == "__main__":
    if sys.argv[1] == "with" and not shutil.which("wrk"):
        print("SKIP: 2 tests: wrk is not installed")
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], "-v", sys.argv[1].capitalize()])
