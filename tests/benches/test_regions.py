#!/usr/bin/env python3
"""Counters of the steal loop, of the first pass behind a steal and behind a local pop, with software events, which
open everywhere: the same groups, readings and regions as with a PMU."""
import json
import os
import subprocess
import sys
import unittest

DRIVER = sys.argv.pop(1)
REGIONS = ("steal_loop", "after_steal", "after_local")


def metrics(events):
    cpus = sorted(os.sched_getaffinity(0))[:2]
    if len(cpus) < 2:
        raise unittest.SkipTest("a steal takes two CPUs")
    argv = [DRIVER, "--workload", "locality", "--procs", "2", "--cpus", ",".join(map(str, cpus)), "--warmup-ms", "50",
            "--measure-ms", "400", "--param", "events=" + events]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    record = json.loads(done.stdout)
    if record["status"] == "error" and "the task ran where it should" in record["reason"]:
        raise unittest.SkipTest(record["reason"])
    assert record["status"] == "ok", record["reason"]
    return record["metrics"]


class Regions(unittest.TestCase):
    def test_software_events(self):
        m = metrics("task-clock+page-faults")
        if "unavailable" in m["after_local_task_clock"]:
            self.skipTest(m["after_local_task_clock"]["unavailable"])
        for region in REGIONS:
            self.assertGreater(m[region + "_task_clock"]["value"], 0, region)
            self.assertGreaterEqual(m[region + "_page_faults"]["value"], 0, region)
        self.assertAlmostEqual(m["steal_extra_task_clock"]["value"],
                               m["after_steal_task_clock"]["value"] - m["after_local_task_clock"]["value"], places=3)
        self.assertLessEqual(m["counters_running_percent"]["value"], 100)

    def test_an_event_that_is_not_there_says_why(self):
        m = metrics("no-such-event")
        for region in REGIONS:
            self.assertEqual(m[region + "_no_such_event"]["unavailable"], "libpfm4: event not found")
        self.assertNotIn("counters_running_percent", m)


if __name__ == "__main__":
    unittest.main()
