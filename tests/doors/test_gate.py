#!/usr/bin/env python3
"""Every verdict of trine gate, on runs whose truth is known; and that it refuses what it cannot judge."""
import glob
import json
import os
import re
import subprocess
import unittest

import runs
from runs import noisy, series


def run(reps=10, factor=1.0, sigma=0.01, seed=1, backend="trine", **kw):
    return series([60 * factor * f for f in noisy(reps, sigma, seed)], backend=backend, **kw)


def crashed(points):
    """The same processes, each of which crashed."""
    change = {"status": "failed", "reason": "killed by signal 6", "valid": False, "invalid_because": ["failed"]}
    return [{**{k: v for k, v in p.items() if k not in ("record", "outside")}, **change} for p in points]


class Verdicts(runs.Runs):
    def gate(self, baseline, candidate, *args, code):
        b, c = self.write_run("baseline", baseline), self.write_run("candidate", candidate)
        return self.trine("gate", "--baseline", b, c, *args, code=code)

    def verdict(self, *args, code):
        return json.loads(self.gate(*args, "--json", code=code).stdout)

    def test_unchanged_passes(self):
        self.assertIn("PASS: 1 figures", self.gate(run(), run(seed=2), code=0).stdout)

    def test_slower_fails(self):
        self.assertIn("FAIL         yield/", self.gate(run(), run(factor=1.1, seed=2), code=1).stdout)

    def test_faster_passes(self):
        self.gate(run(), run(factor=0.5, seed=2), code=0)

    def test_slower_by_less_than_the_limit_passes(self):
        self.gate(run(), run(factor=1.03, seed=2), code=0)

    def test_noise_is_inconclusive(self):
        v = self.verdict(run(sigma=0.5), run(sigma=0.5, seed=2), code=3)
        self.assertEqual((v["verdict"], v["need_samples"]), ("INCONCLUSIVE", 20))

    def test_more_is_better(self):
        def rate(factor, seed):
            points = run(factor=factor, seed=seed)
            for p in points:
                p["record"]["metric"] = {"name": "throughput", "unit": "1/s", "better": "higher"}
            return points
        v = self.verdict(rate(1, 1), rate(0.8, 2), code=1)
        self.assertAlmostEqual([r for r in v["rows"] if r["name"].endswith("throughput")][0]["slowdown"], 1.25, delta=0.03)

    def test_few_processes_are_inconclusive_not_a_pass(self):
        v = self.verdict(run(reps=5), run(reps=5, seed=2), code=3)
        self.assertEqual((v["verdict"], v["need_samples"]), ("INCONCLUSIVE", 10))
        self.assertNotIn("false_alarm_rate", v)

    def test_one_process_is_refused_with_the_number_needed(self):
        r = self.gate(run(reps=1), run(reps=1, seed=2), code=3)
        self.assertIn("take 10 a side", r.stdout)

    def test_invalid_processes_do_not_count(self):
        bad = [dict(p, valid=False, invalid_because=["steal"]) if i < 3 else p for i, p in enumerate(run(seed=2))]
        self.assertIn("10 against 7 valid processes", self.gate(run(), bad, code=3).stdout)

    def test_a_count_that_grew_fails(self):
        more = run(seed=2, runtime={"switches": 110000})
        self.assertIn("switches_per_operation: 1.1, the baseline has 1", self.gate(run(), more, code=1).stdout)

    def test_a_count_that_fell_passes(self):
        self.gate(run(), run(seed=2, runtime={"switches": 50000}), code=0)

    def test_a_count_that_follows_the_clock_is_not_gated(self):
        def stealing(seed, times):
            points = run(seed=seed)
            for i, p in enumerate(points):
                p["record"]["runtime"] = {"steals": 1000 * times * (i + 1)}
            return points
        self.assertIn("1 not gated", self.gate(stealing(1, 1), stealing(2, 3), code=0).stdout)

    def test_a_difference_of_times_is_shown_and_not_gated(self):
        def both(seed):
            return run(seed=seed) + series([v - 1 for v in noisy(10, 0.01, seed)], experiment="locality", metric="extra_ns")
        r = self.gate(both(1), both(2), code=0)
        self.assertIn("PASS: 1 figures", r.stdout)
        self.assertIn("1 not gated", r.stdout)
        self.assertNotIn("processes a side", r.stdout)

    def test_counts_alone_decide_where_they_alone_are_asked_for(self):
        b = self.write_run("b", run())
        cases = ((run(seed=2), 0, "0 figures and 1 counts"), (run(seed=2, runtime={"switches": 110000}), 1, "the baseline has 1"),
                 (crashed(run(seed=2)), 1, "10 of the candidate's processes failed"))
        for i, (points, code, says) in enumerate(cases):
            c = self.write_run(f"c{i}", points)
            r = self.trine("gate", "--baseline", b, c, "--only", "switches_per_operation", code=code)
            self.assertIn(says, r.stdout)

    def test_one_form_at_most_goes_to_stdout(self):
        b, c = self.write_run("b", run()), self.write_run("c", run(seed=2))
        for two in (("--json", "--markdown", "-"), ("--json", "--junit", "-"), ("--markdown", "-", "--junit", "/dev/stdout")):
            self.assertIn("one of them alone", self.trine("gate", "--baseline", b, c, *two, code=2).stderr)
        xml = self.trine("gate", "--baseline", b, c, "--junit", "-", code=0).stdout
        self.assertTrue(xml.startswith("<?xml") and xml.rstrip().endswith("</testsuites>"), xml)

    def test_more_threads_fail(self):
        more = run(seed=2)
        for p in more:
            p["outside"]["threads"]["peak"] = 5
        self.assertIn("threads_peak: 5, the baseline has 4", self.gate(run(), more, code=1).stdout)

    def test_a_candidate_that_crashes_fails(self):
        crashed = run(reps=12, seed=2)
        crashed[3] = runs.point(3, 1.0, status="failed", valid=False, invalid_because=["failed"])
        self.assertIn("1 of the candidate's processes failed", self.gate(run(), crashed, code=1).stdout)

    def test_a_candidate_of_which_every_process_crashes_fails(self):
        b, c = self.write_run("b", run()), self.write_run("c", crashed(run(seed=2)))
        md, xml = self.path("s.md"), self.path("s.xml")
        r = self.trine("gate", "--baseline", b, c, "--markdown", md, "--junit", xml, code=1)
        self.assertIn("10 of the candidate's processes failed, none of the baseline's", r.stdout)
        self.assertTrue(runs.read(md).startswith("### trine gate: FAIL\n"))
        self.assertIn('failures="1"', runs.read(xml))
        self.assertEqual(json.loads(self.trine("gate", "--baseline", b, c, "--json", code=1).stdout)["verdict"], "FAIL")

    def test_a_candidate_in_which_nothing_could_run_is_inconclusive(self):
        skipped = [runs.point(i, 1.0, status="skipped", valid=True, invalid_because=[]) for i in range(10)]
        self.assertIn("not measured in the candidate", self.gate(run(), skipped, code=3).stdout)

    def test_a_baseline_that_only_crashes_is_refused(self):
        b, c = self.write_run("b", crashed(run())), self.write_run("c", crashed(run(seed=2)))
        self.refused("gate", "--baseline", b, c, says="holds no measured point", code=3)
        self.refused("gate", self.write_run("ab", crashed(run(backend="trine@a") + run(backend="trine@b"))),
                     says="holds no measured point", code=3)

    def test_a_crash_fails_whatever_the_canary_does(self):
        some = run(factor=1.2, seed=4, backend="pthread")
        xml = self.path("s.xml")
        self.gate(run() + run(backend="pthread", seed=3), run(seed=2)[:7] + crashed(run(seed=2)[7:]) + some, "--junit", xml, code=1)
        self.assertIn('failures="1"', runs.read(xml))

    def test_a_crash_is_not_taken_with_a_slowdown(self):
        def accept(**entry):
            whole = dict({"metric": "yield/*", "reason": "r", "expires": "2999-01-01"}, **entry)
            return self.put("accept.json", json.dumps({"schema": "trine-accept", "version": 1, "accept": [whole]}))
        b = self.write_run("b", run())
        for name, points in (("all", crashed(run(seed=2))), ("some", run(seed=2) + crashed(run(reps=12, seed=2)[10:]))):
            c = self.write_run(name, points)
            self.trine("gate", "--baseline", b, c, "--accept", accept(at_most=1.2), code=1)
            self.trine("gate", "--baseline", b, c, "--accept", accept(), code=1)

    def test_a_figure_that_is_gone_is_inconclusive(self):
        both = run() + run(experiment="switch", metric="switch_ns")
        self.assertIn("not measured in the candidate", self.gate(both, run(seed=2), code=3).stdout)

    def test_a_count_that_is_gone_is_inconclusive(self):
        r = self.gate(run(runtime={"switches": 100000}), run(seed=2, runtime={}), code=3)
        self.assertIn("not counted in the candidate", r.stdout)

    def test_a_moved_canary_means_that_the_machine_changed(self):
        v = self.verdict(run() + run(backend="pthread", seed=3), run(factor=1.2, seed=2) + run(factor=1.2, backend="pthread", seed=4),
                         code=3)
        self.assertTrue(v["machine_changed"])

    def test_a_count_fails_whatever_the_canary_does(self):
        slow = run(factor=1.3, seed=2, runtime={"switches": 110000})
        v = self.verdict(run() + run(backend="pthread", seed=3), slow + run(factor=1.2, backend="pthread", seed=4), code=1)
        self.assertIn("switches_per_operation: ", v["why"])
        self.assertIn("a canary moved, so no clock decides", v["why"])

    def test_a_still_canary_lets_the_verdict_stand(self):
        self.gate(run() + run(backend="pthread", seed=3), run(factor=1.2, seed=2) + run(backend="pthread", seed=4), code=1)

    def test_a_damaged_line_may_hide_a_crash(self):
        b, md, xml = self.write_run("b", run()), self.path("s.md"), self.path("s.xml")
        for name, tail, says in (("line", "x\n", "1 damaged line is left out, the first is line 12: "), ("end", '{"id', "the last line is cut off")):
            c = self.write_run(name, run(reps=11, seed=2), tail=tail)
            r = self.trine("gate", "--baseline", b, c, "--markdown", md, "--junit", xml, code=3)
            self.assertIn("INCONCLUSIVE: none of 3 figures and counts is worse, but the candidate's damaged lines may hide a crash", r.stdout)
            for text in (r.stdout, r.stderr, runs.read(md), runs.read(xml)):
                self.assertIn(says, text)
            self.assertIn('skipped="1"', runs.read(xml))
            self.assertIn(says, json.loads(self.trine("gate", "--baseline", b, c, "--json", code=3).stdout)["damaged"][0])
        slow = self.write_run("slow", run(factor=1.2, seed=2), tail="x\n")
        self.trine("gate", "--baseline", b, slow, code=1)

    def test_a_damaged_line_of_the_baseline_hides_nothing(self):
        b, c = self.write_run("b", run(), tail="x\n"), self.write_run("c", run(seed=2))
        self.assertIn("damaged line is left out", self.trine("gate", "--baseline", b, c, code=0).stdout)

    def test_other_backends_are_not_gated(self):
        self.gate(run() + run(backend="go", seed=3), run(seed=2) + run(factor=2, backend="go", seed=4), code=0)

    def test_the_gate_knows_itself(self):
        v = self.verdict(run(sigma=0.02), run(sigma=0.02, seed=2), code=0)
        self.assertLessEqual(v["false_alarm_rate"], 0.05)
        visible = [r["smallest_visible"] for r in v["rows"] if "smallest_visible" in r]
        self.assertEqual(len(visible), 1)
        self.assertTrue(1.05 < visible[0] < 1.12, visible)

    def test_an_interleaved_run_needs_no_baseline(self):
        for factor, code in ((1.0, 0), (1.1, 1)):
            ab = self.write_run(f"ab{code}", run(backend="trine@a") + run(factor=factor, seed=2, backend="trine@b"))
            self.trine("gate", ab, code=code)
        self.refused("gate", self.write_run("one", run()), says="holds one build")

    def test_summaries(self):
        b, c = self.write_run("b", run()), self.write_run("c", run(factor=1.2, seed=2))
        md, xml = self.path("s.md"), self.path("s.xml")
        self.trine("gate", "--baseline", b, c, "--markdown", md, "--junit", xml, code=1)
        text = runs.read(md)
        self.assertTrue(text.startswith("### trine gate: FAIL\n"))
        self.assertIn("false alarms:", text)
        self.assertIn('tests="3" failures="1" errors="0" skipped="0"', runs.read(xml))
        self.assertTrue(self.trine("gate", "--baseline", b, c, "--markdown", "-", code=1).stdout.startswith("### trine gate"))


class Accepts(runs.Runs):
    def setUp(self):
        super().setUp()
        self.b, self.c = self.write_run("b", run()), self.write_run("c", run(factor=1.2, seed=2))

    def accept(self, code, **entry):
        whole = {"metric": "yield/*", "reason": "a fence for issue 12", "expires": "2999-01-01"}
        whole.update(entry)
        path = self.put("accept.json", json.dumps({"schema": "trine-accept", "version": 1, "accept": [whole]}))
        return self.trine("gate", "--baseline", self.b, self.c, "--accept", path, code=code)

    def test_what_is_accepted_passes_and_is_shown(self):
        r = self.accept(0)
        self.assertIn("ACCEPTED", r.stdout)
        self.assertIn("a fence for issue 12", r.stdout)

    def test_expired(self):
        r = self.accept(1, expires="2020-01-01")
        self.assertIn("expired on 2020-01-01", r.stderr)

    def test_worse_than_accepted(self):
        self.accept(1, at_most=1.1)
        self.accept(0, at_most=1.5)

    def test_another_metric(self):
        self.accept(1, metric="switch/*")

    def test_an_entry_without_reason_or_date(self):
        self.assertIn("reason", self.accept(2, reason="").stderr)
        self.assertIn("expires", self.accept(2, expires="soon").stderr)
        self.assertIn("expires", self.accept(2, expires="2026-13-01").stderr)
        self.assertIn("at_most", self.accept(2, at_most=0.5).stderr)
        self.assertIn("at_most", self.accept(2, at_most="1.1").stderr)
        self.assertIn("at_most", self.accept(2, at_most=None).stderr)

    def test_a_key_that_is_none(self):
        said = self.accept(2, at_mots=1.1).stderr
        self.assertIn("entry 1 has a key 'at_mots' that means nothing; did you mean 'at_most'?", said)
        whole = {"schema": "trine-accept", "version": 1, "accept": [], "acept": []}
        self.refused("gate", "--baseline", self.b, self.c, "--accept", self.put("x.json", json.dumps(whole)), says="key 'acept'")

    def test_no_such_file(self):
        self.refused("gate", "--baseline", self.b, self.c, "--accept", self.path("none.json"), says="cannot read")
        self.refused("gate", "--baseline", self.b, self.c, "--accept", self.put("x.json", "{}"), says="trine-accept")
        broken = self.refused("gate", "--baseline", self.b, self.c, "--accept", self.put("y.json", '{"accept": [,'), says="y.json is no accept file: ")
        self.assertIn("line 1", broken.stderr)
        self.assertNotIn("trine wrote", broken.stderr)


class Refusals(runs.Runs):
    def test_what_differs_is_named(self):
        b = self.write_run("b", run())
        for name, says, kw in (("machine", "machine: m against n", {"machine": "n"}), ("profile", "profile: p against q", {"profile": "q"})):
            c = self.write_run(name, run(seed=2), **kw)
            self.refused("gate", "--baseline", b, c, says=says)
            self.assertIn("forced: the sides differ in " + says, self.trine("gate", "--baseline", b, c, "--force").stdout)

    def test_the_advice_can_be_taken(self):
        """What gate says of another verb's option names that verb."""
        b, c = self.write_run("b", run()), self.write_run("c", run(seed=2), machine="n")
        said = self.refused("gate", "--baseline", b, c, says="--force").stderr
        own = self.trine("gate", "--help").stdout
        for verb, option in re.findall(r"(\S+) (--[a-z]+)", said):
            self.assertIn(f"  {option} ", self.trine("compare", "--help").stdout if verb == "compare" else own)

    def test_clock_source(self):
        b, c = self.write_run("b", run()), self.write_run("c", run(seed=2, clock="monotonic"))
        self.refused("gate", "--baseline", b, c, says="clock source: tsc against monotonic")

    def test_a_machine_that_is_not_known_costs_no_figure(self):
        b = self.write_run("b", run())
        for name, text in runs.ENV_FAULTS.items():
            c = self.without_env(self.write_run(name, run(seed=2)), text)
            for verb in (("gate", "--baseline", b, c), ("compare", b, c), ("export", "--to", "csv", c), ("report", c)):
                r = self.trine(*verb, code=0)
                told = [line for line in r.stderr.splitlines() if f"{name}/env.json" in line and "by the manifest's name for it alone" in line]
                self.assertEqual(len(told), 1, r.stderr)
            self.assertIn("by the manifest's name for it alone", runs.read(os.path.join(c, "report.html")))
            other = self.without_env(self.write_run(name + "-other", run(seed=2), machine="n"), text)
            self.refused("gate", "--baseline", b, other, says="machine: m against n", lines=2)

    def test_no_run(self):
        self.refused("gate", says="which run is the candidate")
        self.refused("gate", "--baseline", self.path("none"), self.write_run("c", run()), says="there is no run")
        self.refused("gate", self.write_run("e", []), says="no measured point", code=3)

    def test_a_name_that_nothing_bears(self):
        """Of several names one that is misspelt would narrow the gate, or switch its defence off, in silence."""
        b = self.write_run("b", run() + run(backend="pthread", seed=3))
        c = self.write_run("c", run(seed=2) + run(experiment="new", seed=5))
        gate = ("gate", "--baseline", b, b)
        self.refused(*gate, "--canary", "ptread", says="--canary ptread: b has no backend of that name; did you mean 'pthread'? "
                                                       "(there are: trine, pthread)")
        self.refused(*gate, "--canary", "pthread,nope", says="--canary nope: b has no backend")
        self.refused(*gate, "--backends", "trine,nope", says="--backends nope: b has no backend")
        self.refused(*gate, "--only", "yield,nope", says="--only nope: b has no experiment or metric of that name (there are: yield, yield_ns")
        self.refused("gate", "--baseline", b, c, "--only", "yield,new", says="--only new: b has no experiment")
        self.refused("gate", "--baseline", b, c, "--canary", "pthread", says="--canary pthread: c has no backend")
        self.trine("gate", "--baseline", b, c)
        self.assertIn(" 1 canaries", self.trine(*gate, "--canary", "pthread", "--only", "yield_ns").stdout)
        self.assertIn(" 0 canaries", self.trine(*gate, "--canary", "none").stdout)

    def test_names_in_an_interleaved_run(self):
        ab = self.write_run("ab", run(backend="trine@a") + run(seed=2, backend="trine@b"))
        self.trine("gate", ab, "--backends", "trine", "--only", "yield")
        self.refused("gate", ab, "--only", "yeild", says="did you mean 'yield'?")
        self.refused("gate", ab, "--canary", "pthread", says="measured interleaved")
        self.trine("gate", ab, "--canary", "none")

    def test_a_summary_that_cannot_be_written(self):
        b = self.write_run("b", run())
        self.refused("gate", "--baseline", b, b, "--markdown", self.path("no", "such", "folder.md"), says="folder.md", code=4)


class Rerun(runs.Runs):
    """--rerun measures with the run's own command; here a driver that answers at once stands for the work."""

    SWEEP = "[profile]\ntitle = t\n[experiment yield]\nworkload = yield\nprocs = 1\ntasks = 2\nreps = 2\n"

    def test_an_inconclusive_gate_measures_once_more_and_decides(self):
        driver, sweep = self.driver("driver"), self.put("s.ini", self.SWEEP)
        args = ["run", "--profile", sweep, "--driver", f"trine={driver}", "--backends", "trine", "--quiet"]
        for out, reps in (("base", "12"), ("few", "6")):
            subprocess.run([runs.TRINE, *args, "--reps", reps, "--out", self.path(out)], check=False, capture_output=True, timeout=60)
        base, few = (glob.glob(self.path(o, "*", "*"))[0] for o in ("base", "few"))
        before = json.loads(self.trine("gate", "--baseline", base, few, "--json", code=3).stdout)
        self.assertEqual(before["need_samples"], 10)
        r = self.trine("gate", "--baseline", base, few, "--rerun", code=None)
        self.assertIn("measuring once more with 12 repetitions", r.stderr)
        again = os.path.join(few, "rerun")
        manifests = [os.path.join(d, f) for d, _, files in os.walk(again) for f in files if f == "manifest.json"]
        self.assertEqual(len(manifests), 1)
        self.assertEqual(len(json.loads(runs.read(manifests[0]))["plan"]), 12)


class RerunFromElsewhere(runs.Runs):
    """What a CI job does: it measures in one folder with relative words, and judges from another."""

    SWEEP = "[profile]\ntitle = t\n[experiment yield]\nworkload = yield\nprocs = 1\ntasks = 2\nreps = 2\n"

    def setUp(self):
        super().setUp()
        self.work, self.elsewhere = self.path("work"), self.path("elsewhere")
        os.makedirs(self.work), os.makedirs(self.elsewhere)
        self.own = self.driver("work/driver")
        self.put("work/s.ini", self.SWEEP)

    def run_in(self, where, *args):
        return subprocess.run([runs.TRINE, *args], cwd=where, check=False, capture_output=True, text=True, timeout=200)

    def measure(self, out, reps, *more):
        self.run_in(self.work, "run", "--profile", "s.ini", "--driver", "trine=driver", "--backends", "trine", "--quiet", "--reps", reps,
                    "--out", out, *more)
        return glob.glob(os.path.join(self.work, out, "*", "*"))[0]

    def both(self):
        base, few = self.measure("base", "3"), self.measure("few", "2")
        return "--baseline", os.path.relpath(base, self.elsewhere), os.path.relpath(few, self.elsewhere), "--rerun"

    def test_relative_words_mean_what_they_meant_when_it_was_measured(self):
        r = self.run_in(self.elsewhere, "gate", *self.both())
        self.assertNotIn("re-run failed", r.stdout + r.stderr)
        again, = glob.glob(os.path.join(self.work, "few", "*", "*", "rerun", "*", "*", "manifest.json"))
        self.assertEqual(json.loads(runs.read(again))["ended"], "complete")

    def test_two_builds(self):
        self.driver("work/old/trine-driver-trine"), self.driver("work/new/trine-driver-trine")
        ab = self.measure("ab", "2", "--ab", "old", "new")
        r = self.run_in(self.elsewhere, "gate", os.path.relpath(ab, self.elsewhere), "--rerun")
        self.assertNotIn("re-run failed", r.stdout + r.stderr)
        self.assertEqual(len(glob.glob(os.path.join(ab, "rerun", "*", "*", "manifest.json"))), 1)

    def test_a_rerun_that_fails_leaves_the_first_verdict(self):
        both, md = self.both(), self.path("s.md")
        os.remove(self.path("work/s.ini"))
        r = self.run_in(self.elsewhere, "gate", *both, "--markdown", md)
        self.assertEqual(r.returncode, 3, r.stderr)
        note = "the re-run failed, so this is the first verdict: it ended with 2: trine run: "
        for text in (r.stdout, r.stderr, runs.read(md)):
            self.assertIn(note, text)
        self.assertIn("INCONCLUSIVE: yield/", r.stdout)
        self.assertIn(note, json.loads(self.run_in(self.elsewhere, "gate", *both, "--json").stdout)["note"])

    def test_a_folder_that_is_gone_is_said(self):
        both = self.both()
        manifest = os.path.join(self.elsewhere, both[2], "manifest.json")
        m = json.loads(runs.read(manifest))
        m["directory"] = self.path("gone")
        with open(manifest, "w", encoding="utf-8") as f:
            json.dump(m, f)
        r = self.run_in(self.elsewhere, "gate", *both)
        self.assertEqual(r.returncode, 3)
        self.assertIn(f"it cannot be started in {self.path('gone')}: No such file", r.stdout)

    def test_a_rerun_in_which_processes_crash_is_judged(self):
        both = self.both()
        text = runs.read(self.own)
        self.put("work/driver", text.replace("o = dict(", "sys.exit(7)\no = dict("))
        r = self.run_in(self.elsewhere, "gate", *both)
        self.assertEqual(r.returncode, 1, r.stdout + r.stderr)
        self.assertIn("10 of the candidate's processes failed", r.stdout)


if __name__ == "__main__":
    unittest.main()
