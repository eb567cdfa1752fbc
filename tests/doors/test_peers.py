#!/usr/bin/env python3
"""trine peers judges what profile peers measures, and nothing else that has the same name."""
import json
import os
import unittest

import runs
from runs import noisy, point


def cell(experiment, workload, backend, value, seed, **change):
    change = {"procs": 1, "tasks": None, "params": {}, "pin": "none", **change}
    return [point(i, value * f, experiment=experiment, backend=backend, workload=workload,
                  id=f"{experiment}/{backend}/{change['params']}/{i}", **change) for i, f in enumerate(noisy(10, 0.01, seed))]


def pair(experiment, workload, own, peer, other="go", **change):
    return cell(experiment, workload, "trine", own, 1, **change) + cell(experiment, workload, other, peer, 2, **change)


FIB = {"procs": 2, "params": {"n": "30"}}
YIELD = {"procs": 1, "tasks": 2}


class Peers(runs.Runs):
    def judged(self, *args):
        r = self.trine("peers", self.path("run"), *args)
        return r, json.loads(runs.read(self.path("run", "peers.json")))

    def test_a_run_of_the_profile(self):
        self.write_run("run", pair("fib", "fib", 5, 100, **FIB) + pair("yield-2", "yield", 10, 100, **YIELD), profile="peers")
        r, table = self.judged()
        self.assertEqual([row["id"] for row in table], ["yield-2", "fib"])
        self.assertIn("2 of", r.stdout)
        self.assertIn("rows whose experiments the run does not have", r.stderr)

    def test_the_same_cells_in_a_profile_of_ones_own(self):
        self.write_run("run", pair("fib", "fib", 5, 100, **FIB), profile="mine")
        self.assertEqual([row["id"] for row in self.judged()[1]], ["fib"])

    def test_of_a_row_only_the_profiles_points_count(self):
        self.write_run("run", pair("fib", "fib", 5, 100, **FIB) + pair("fib", "fib", 500, 1, procs=2, params={"n": "20"}))
        figures = self.judged()[1][0]["figures"]
        self.assertAlmostEqual(figures["trine"]["estimate"], 5, delta=0.2)
        self.assertAlmostEqual(figures["go"]["estimate"], 100, delta=4)

    def test_a_row_of_something_else_is_left_out_with_its_reason(self):
        self.write_run("run", pair("fib", "fib", 5, 100, **FIB) + pair("switch", "pingpong", 26, 100, "boost"))
        r, table = self.judged("--markdown")
        self.assertEqual([row["id"] for row in table], ["fib"])
        self.assertIn("left out: bare switch: switch has workload pingpong, not switch", r.stderr)
        self.assertNotIn("bare switch", r.stdout)

    def test_another_profile_is_refused_and_leaves_nothing(self):
        self.write_run("run", pair("switch", "pingpong", 26, 100, "boost") +
                       pair("memory", "memory", 4127, 9000, procs=2, tasks=10000), profile="quick")
        self.put("run/peers.json", '[{"id": "memory", "row": "a parked goroutine", "figures": {}, "targets": []}]')
        r = self.refused("peers", self.path("run"), says="trine run --profile peers makes such a run")
        self.assertIn("switch: workload pingpong, not switch", r.stderr)
        self.assertEqual(r.stdout, "")
        self.assertFalse(os.path.exists(self.path("run", "peers.json")))
        report = self.path("run", "report.html")
        self.assertNotIn("a parked goroutine", runs.read(report) if os.path.exists(report) else "")

    def test_rows_of_ones_own_may_name_any_experiment(self):
        self.write_run("run", pair("mine", "yield", 10, 100))
        rows = self.put("rows.ini", "[a]\nrow = a row\nexperiment = mine\nfigure = median\nunit = ns\nagainst = go 0.5\n")
        self.assertEqual(self.judged("--rows", rows)[1][0]["targets"][0]["verdict"], "met")


if __name__ == "__main__":
    unittest.main()
