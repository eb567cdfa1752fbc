#!/usr/bin/env python3
"""Two builds measured interleaved: trine run --ab and the gate over it, with drivers that answer at once."""
import glob
import json
import os
import unittest

import runs


class TwoBuilds(runs.Runs):
    SWEEP = "[profile]\ntitle = t\n[experiment yield]\nworkload = yield\nbackends = trine\nprocs = 1\ntasks = 2\nreps = 12\n"

    def setUp(self):
        super().setUp()
        self.sweep = self.put("s.ini", self.SWEEP)
        self.driver("old/trine-driver-trine")
        self.driver("same/benches/trine-driver-trine")
        self.driver("slow/libexec/trine/trine-driver-trine", factor=1.2)

    def ab(self, *args, code=None):
        return self.trine("run", "--profile", self.sweep, "--driver", "trine=" + self.path("old/trine-driver-trine"), "--quiet",
                          "--out", self.path("out-" + os.path.basename(args[-1])), *args, code=code)

    def gate(self, new, code):
        self.ab("--ab", self.path("old"), self.path(new))
        out = self.path("out-" + new)
        run_dir = glob.glob(os.path.join(out, "*", "*"))[0]
        with open(os.path.join(run_dir, "manifest.json"), encoding="utf-8") as f:
            plan = json.load(f)["plan"]
        self.assertEqual(sorted({p["backend"] for p in plan}), ["trine@a", "trine@b"])
        self.assertEqual([{p["backend"] for p in plan[i:i + 2]} for i in range(0, 24, 2)], [{"trine@a", "trine@b"}] * 12)
        self.assertGreater(len({p["backend"] for p in plan[::2]}), 1, "the builds always run in the same order")
        return self.trine("gate", run_dir, code=code)

    def test_the_same_build_twice_does_not_fail(self):
        self.assertNotIn("FAIL", self.gate("same", None).stdout)

    def test_a_slower_build_fails(self):
        self.assertRegex(self.gate("slow", 1).stdout, r"FAIL +yield.*yield_ns: 1\.(19|2)")

    def test_bad_builds(self):
        os.makedirs(self.path("empty"))
        self.assertIn("there is no trine-driver-trine in it", self.ab("--ab", self.path("old"), self.path("empty"), code=2).stderr)
        self.assertIn("--ab OLD NEW", self.ab("--ab", self.path("old"), code=2).stderr)
        self.assertIn("was not expected", self.ab(self.path("old"), code=2).stderr)
        self.assertIn("expected a whole number", self.ab("--reps", "0", code=2).stderr)


if __name__ == "__main__":
    unittest.main()
