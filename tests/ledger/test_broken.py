#!/usr/bin/env python3
"""One driver's failure is its own: the ledger over drivers that crash, babble or lack things still judges the others.

usage: test_broken.py TRINE FAKE_DRIVER"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from one_claim import claim, script

TRINE, FAKE = sys.argv[1], sys.argv[2]
DESCRIBE = '[ "$1" = --describe ] && exec "$0.describe"\n'

# What each driver does instead of measuring, what its verdict must be, and what the reason must hold.
BROKEN = {
    "dumb": ("exit 3\n", "not measurable here", "--describe ended with status 3"),
    "chatty": ("echo this is no description\n", "not measurable here", "JSON"),
    "dead": (DESCRIBE + "kill -SEGV $$\n", "not measurable here", "signal 11"),
    "babbling": (DESCRIBE + "echo not a record\n", "not measurable here", "not JSON"),
    "mute": (DESCRIBE + "exit 0\n", "not measurable here", "printed nothing"),
    "half": (DESCRIBE + "printf '{\"schema\":\"trine-rec'; kill -KILL $$\n", "not measurable here", "signal 9"),
    "binary": (DESCRIBE + "printf '\\000\\377\\001{\\n'\n", "not measurable here", "not JSON"),
    "liar": (DESCRIBE + "echo '{\"schema\":\"trine-record\",\"protocol\":1}'\n", "not measurable here", "malformed"),
    "vague": ("echo '{}'\n", "not measurable here", "not a trine-driver"),
    "faulty": ("kill -SEGV $$\n", "not measurable here", "--describe"),
    "hanging": (DESCRIBE + "exec sleep 60\n", "not measurable here", "no record within"),
    "poor": (DESCRIBE, "not applicable", "has no workload pingpong"),
    "narrow": (DESCRIBE, "not applicable", "has no parameter 'sleep_ms'"),
}
SETTINGS = "tasks = 2\nparam.mode = ok\ntimeout_s = 1\nwarmup_ms = 1"


class Broken(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.dir = pathlib.Path(self.scratch.name)
        (self.dir / "claims").mkdir()
        (self.dir / "drivers").mkdir()
        (self.dir / "claims" / "own.ini").write_text(claim(SETTINGS))
        for name in ("good", *BROKEN):
            self.driver(name)

    def tearDown(self):
        self.scratch.cleanup()

    def driver(self, name):
        path = self.dir / "drivers" / f"trine-driver-{name}"
        described = f'"{FAKE}" --describe | sed \'s/"fake"/"{name}"/'
        described += {"poor": "; s/pingpong/otherwise/", "narrow": "; s/sleep_ms/nap_ms/"}.get(name, "") + "'\n"
        if name == "good":
            script(path, f'"{FAKE}" "$@" | sed \'s/"fake"/"good"/\'\n')
            return
        script(path, BROKEN[name][0])
        script(pathlib.Path(str(path) + ".describe"), described)

    def claims(self, *arguments):
        out = self.dir / "out"
        done = subprocess.run([TRINE, "claims", "--claims", self.dir / "claims", "--out", out, "--quiet", *arguments],
                              env={**os.environ, "TRINE_DRIVERS": str(self.dir / "drivers")}, capture_output=True,
                              text=True, timeout=100)
        self.assertEqual(done.returncode, 0, done.stderr)
        ledger = json.loads(next(out.glob("*/*/claims.json")).read_text())
        return {c["id"]: c["backends"] for c in ledger}, done

    def test_the_others_are_judged(self):
        ledger, done = self.claims()
        self.assertEqual(ledger["own"]["good"]["verdict"], "reproduced", ledger["own"]["good"])
        for name, (_, verdict, says) in BROKEN.items():
            got = ledger["own"][name]
            self.assertEqual(got["verdict"], verdict, (name, got))
            self.assertIn(says, got["reason"], name)
        self.assertNotIn(" ? ", done.stdout)
        for name in ("good", *BROKEN):
            self.assertRegex(done.stdout, rf"\n    {name} ")

    def test_a_figure_of_a_broken_backend(self):
        """Whoever is compared with a backend that fails gets no verdict, and the reason names that backend."""
        (self.dir / "claims" / "against.ini").write_text(claim(SETTINGS, " / e.median@dead"))
        ledger, _ = self.claims("--backends", "good", "--backends", "dead")
        self.assertEqual(ledger["own"]["good"]["verdict"], "reproduced")
        self.assertEqual(ledger["against"]["good"]["verdict"], "not measurable here")
        self.assertIn("e on dead", ledger["against"]["good"]["reason"])

    def test_a_comparator_that_is_not_asked_for(self):
        (self.dir / "claims" / "against.ini").write_text(claim(SETTINGS, " / e.median@dead"))
        ledger, done = self.claims("--backends", "good")
        self.assertEqual(ledger["own"]["good"]["verdict"], "reproduced")
        self.assertEqual(list(ledger["against"]), ["good"])
        self.assertIn("e on dead: failed: the driver was killed by signal 11", ledger["against"]["good"]["reason"])

    def test_a_driver_that_never_says_what_it_is(self):
        script(self.dir / "drivers" / "trine-driver-stuck", "exec sleep 60\n")
        ledger, _ = self.claims()
        self.assertEqual(ledger["own"]["good"]["verdict"], "reproduced")
        self.assertIn("no answer to --describe", ledger["own"]["stuck"]["reason"])

    def test_only_backends_without_the_workload(self):
        ledger, _ = self.claims("--backends", "poor")
        self.assertEqual(ledger["own"]["poor"]["verdict"], "not applicable")
        self.assertIn("pingpong", ledger["own"]["poor"]["reason"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
