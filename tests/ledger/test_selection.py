#!/usr/bin/env python3
"""Some claims, some backends, a run that stands on the disk: what is measured, what is judged, what claims.json keeps.

usage: test_selection.py TRINE FAKE_DRIVER"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from one_claim import claim, script

TRINE, FAKE = sys.argv[1], sys.argv[2]
BACKENDS = ("one", "other", "third")


class Selection(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.dir = pathlib.Path(self.scratch.name)
        for folder in ("claims", "drivers"):
            (self.dir / folder).mkdir()
        for name in BACKENDS:
            script(self.dir / "drivers" / f"trine-driver-{name}", f'"{FAKE}" "$@" | sed \'s/"fake"/"{name}"/\'\n')
        self.claim("alone", 2)
        self.claim("against", 3, against=" / e.median@other")

    def tearDown(self):
        self.scratch.cleanup()

    def claim(self, name, tasks, against="", group="Cost of a task", extra=""):
        text = claim(f"tasks = {tasks}\nwarmup_ms = 0\n{extra}", against, group)
        (self.dir / "claims" / f"{name}.ini").write_text(text)

    def trine(self, *arguments, code=0):
        done = subprocess.run([TRINE, *arguments], env={**os.environ, "TRINE_DRIVERS": str(self.dir / "drivers")},
                              capture_output=True, text=True, timeout=100)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def claims(self, *arguments, code=0):
        return self.trine("claims", *arguments, "--claims", self.dir / "claims", "--quiet", code=code)

    def measure(self, *arguments):
        out = self.dir / f"out{len(list(self.dir.glob('out*')))}"
        done = self.claims(*arguments, "--out", out)
        return next(out.glob("*/*")), done

    @staticmethod
    def ledger(run):
        return {c["id"]: c for c in json.loads((run / "claims.json").read_text())}

    @staticmethod
    def measured(run):
        points = [json.loads(line) for line in (run / "points.jsonl").read_text().splitlines()]
        return {(p["backend"], p["tasks"]) for p in points}

    def test_a_comparator_is_measured_without_a_verdict(self):
        run, done = self.measure("--backends", "one")
        self.assertEqual(self.measured(run), {("one", 2), ("one", 3), ("other", 3)})
        for claim in self.ledger(run).values():
            self.assertEqual(list(claim["backends"]), ["one"])
            self.assertEqual(claim["backends"]["one"]["verdict"], "reproduced", claim)
        self.assertIn("other is measured too", done.stderr)
        self.assertIn("other measured too", self.claims("--plan", "--backends", "one").stdout)
        self.assertNotIn("measured too", self.claims("--plan", "--backends", "one,other").stdout)
        self.assertNotIn("measured too", self.claims("--plan").stdout)

    def test_a_comparator_of_an_experiment_with_its_own_backends(self):
        self.claim("fixed", 4, against=" / e.median@other", extra="backends = one other third")
        self.claim("theirs", 5, extra="backends = third")
        run, _ = self.measure("fixed", "theirs", "--backends", "one")
        self.assertEqual(self.measured(run), {("one", 4), ("other", 4)})
        self.assertEqual(self.ledger(run)["theirs"]["backends"]["one"]["verdict"], "not measurable here")

    def test_no_comparator_for_a_backend_with_a_verdict_of_its_own(self):
        path = self.dir / "claims" / "against.ini"
        path.write_text(path.read_text() + "[not applicable]\none = it is what the others are\n")
        run, _ = self.measure("against", "--backends", "one")
        self.assertEqual((run / "points.jsonl").read_text(), "")
        self.assertEqual(self.ledger(run)["against"]["backends"]["one"]["verdict"], "not applicable")

    def test_run_judges_what_it_was_made_for(self):
        run, _ = self.measure("alone", "--backends", "one")
        before = self.ledger(run)
        again = self.claims("--run", run)
        self.assertEqual(self.ledger(run), before)
        self.assertNotIn("against", again.stdout)

    def test_other_verdicts_are_kept(self):
        run, _ = self.measure("--backends", "one,other")
        path = run / "claims.json"
        marked = json.loads(path.read_text())
        for claim in marked:
            for verdict in claim["backends"].values():
                verdict["reason"] = "as it was"
        path.write_text(json.dumps(marked))
        done = self.claims("alone", "--run", run, "--backends", "other")
        told = {(i, b): v["reason"] for i, c in self.ledger(run).items() for b, v in c["backends"].items()}
        self.assertEqual(told, {("alone", "one"): "as it was", ("alone", "other"): "",
                                ("against", "one"): "as it was", ("against", "other"): "as it was"})
        self.assertIn("1 others are kept", done.stderr)

    def test_a_backend_that_the_run_does_not_have(self):
        run, _ = self.measure("alone", "--backends", "one")
        before = self.ledger(run)
        done = self.claims("--run", run, "--backends", "one,nope", code=2)
        self.assertIn("--backends nope:", done.stderr)
        self.assertIn("(there are: one, other, third", done.stderr)
        self.assertEqual(self.ledger(run), before)

    def test_what_stands_beside(self):
        path = self.dir / "claims" / "alone.ini"
        path.write_text(path.read_text().replace("[predicates]", "y = 2 * e.median\nz = e.metrics.none\nw = e.metrics.neither\n"
                                                 "[predicates]") + "[beside]\nnote = read it so\ny = ns\nz = 1/s\nw = 1/s\n")
        run, _ = self.measure("alone", "--backends", "one")
        told = self.claims("--run", run).stdout
        self.assertRegex(told, r"\n      beside   y [\d.]+ ns, z: e on one: the record holds no metrics.none, w: e on one: the record")
        self.assertIn("\n    beside   read it so\n", told)
        self.assertIn("z: e on one: the record holds no metrics.none", (run / "report.html").read_text())

    def test_a_ledger_that_cannot_be_read(self):
        run, _ = self.measure("alone", "--backends", "one")
        before = self.ledger(run)
        (run / "claims.json").write_text('[{"id": "al')
        self.assertIn("made anew", self.claims("--run", run).stderr)
        self.assertEqual(self.ledger(run), before)

    def test_rows_keep_their_order(self):
        self.claim("zero", 4, group="Use cases")
        self.claim("last", 5, group="Cost of a task")
        run, _ = self.measure("zero", "alone", "--backends", "one")
        self.claims("last", "against", "--run", run)
        self.assertEqual(list(self.ledger(run)), ["against", "alone", "last", "zero"])

    def test_a_run_of_something_else(self):
        sweep = self.dir / "own.ini"
        sweep.write_text("[experiment e]\nworkload = pingpong\nbackends = one\nprocs = 1\nreps = 1\nwarmup_ms = 0\n"
                         "measure_ms = 1\n")
        self.trine("run", "--profile", sweep, "--out", self.dir / "runs", "--quiet")
        run = next((self.dir / "runs").glob("*/*own"))
        said = self.claims("--run", run, code=2).stderr
        self.assertIn("no point of any claim", said)
        self.assertIn("profile own", said)
        self.assertIn(f"trine claims ID --run {run}", said)
        self.assertEqual(len(said.splitlines()), 1)
        self.assertFalse((run / "claims.json").exists())

    def test_claims_that_are_not_there(self):
        missing, empty = self.dir / "none", self.dir / "empty"
        empty.mkdir()
        for folder in (missing, empty, self.dir / "claims" / "alone.ini"):
            said = self.trine("claims", "--list", "--claims", folder, code=2).stderr
            self.assertIn(str(folder), said)
            self.assertEqual(len(said.splitlines()), 1)

    def test_the_form_is_that_of_the_run(self):
        path = self.dir / "claims" / "alone.ini"
        path.write_text(path.read_text().replace("reps = 2", "reps = 2\nfull.tasks = 4"))
        run, _ = self.measure("alone", "--full", "--backends", "one")
        before = self.ledger(run)
        self.assertEqual(before["alone"]["backends"]["one"]["verdict"], "reproduced")
        self.claims("--run", run)
        self.assertEqual(self.ledger(run), before)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
