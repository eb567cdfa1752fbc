#!/usr/bin/env python3
"""trine compare finds in the synthetic machines exactly what was put in, and refuses what cannot be compared."""
import json
import math
import os
import re
import unittest
import xml.etree.ElementTree

import runs
from runs import reference


class Machines(runs.Runs):
    def rows(self, *args):
        table = json.loads(self.trine("compare", "--json", *args).stdout)
        return {(r["experiment"], r["backend"], r["metric"]): r["sides"] for r in table["rows"]}

    def test_the_faster_machine_is_faster_by_its_factor(self):
        rows = self.rows("synthetic-base", "synthetic-fast", "--machines")
        self.assertEqual(len(rows), 10)
        for (_, _, metric), (base, fast) in rows.items():
            expected = reference.FAST if metric == "throughput" else 1 / reference.FAST
            self.assertTrue(math.isclose(fast["ratio"], expected, rel_tol=1e-3), (metric, fast))
            self.assertTrue(fast["low"] < expected < fast["high"])
            self.assertEqual(fast["verdict"], "better")
            self.assertEqual(base["processes"], reference.REPS)

    def test_the_wider_machine_differs_where_it_should_and_nowhere_else(self):
        rows = self.rows("synthetic-base", "synthetic-wide", "--machines")
        for (experiment, _, _), (_, wide) in rows.items():
            expected, verdict = {"cpu": (reference.CORES, "better"), "wake": (reference.WAKE, "worse")}.get(experiment, (1.0, "same"))
            self.assertTrue(math.isclose(wide["ratio"], expected, rel_tol=1e-3), (experiment, wide))
            self.assertEqual(wide["verdict"], verdict, experiment)

    def test_multiples_of_the_limits_do_not_move_with_the_machines_speed(self):
        rows = self.rows("synthetic-base", "synthetic-fast", "--machines", "--limit", "line")
        base, fast = rows["switch", "trine", "switch_ns"]
        self.assertAlmostEqual(base["limits"], 1.2, places=4)
        self.assertAlmostEqual(fast["limits"], 1.2, places=4)

    def test_slow_wakes_are_normal_on_a_machine_with_slow_futexes(self):
        rows = self.rows("synthetic-base", "synthetic-wide", "--machines", "--limit", "wake")
        base, wide = rows["wake", "trine", "wake_p50_ns"]
        self.assertAlmostEqual(base["limits"], wide["limits"], places=4)

    def test_backends_of_one_run(self):
        rows = self.rows("synthetic-base")
        self.assertEqual(len(rows), 5)
        _, pthread = rows["yield", "", "yield_ns"]
        self.assertTrue(math.isclose(pthread["ratio"], reference.FACTOR["pthread"], rel_tol=1e-3))
        self.assertEqual(pthread["verdict"], "worse")
        trine = self.rows("synthetic-base", "--base", "pthread")["cpu", "", "throughput"][1]
        self.assertEqual((trine["column"], trine["verdict"]), ("trine", "better"))

    def test_two_builds_of_one_run(self):
        points = [p for build, f in (("a", 1.0), ("b", 1.2))
                  for p in runs.series([60 * f * s for s in reference.SPREAD], backend="trine@" + build)]
        rows = self.rows(self.write_run("ab", points))
        self.assertAlmostEqual(rows["yield", "trine", "yield_ns"][1]["ratio"], 1.2, places=3)

    def test_the_committed_machines_are_what_the_generator_makes(self):
        reference.main([self.root])
        for folder, _, files in os.walk(self.root):
            for name in files:
                made = os.path.join(folder, name)
                kept = os.path.join(runs.TOP, "results", "reference", os.path.relpath(made, self.root))
                self.assertEqual(runs.read(made), runs.read(kept), kept)

    def test_tables(self):
        base = ("compare", "synthetic-base", "synthetic-wide", "--machines")
        text = self.trine(*base, "--only", "wake", "--sort", "verdict").stdout
        self.assertIn("2.500 [2.4", text)
        self.assertNotIn("yield", text)
        self.assertIn("the sides differ in machine: synthetic-base against synthetic-wide", text)
        markdown = self.trine(*base, "--markdown").stdout.splitlines()
        self.assertEqual({line.count("|") for line in markdown if line.startswith("|")}, {11})
        by_ratio = json.loads(self.trine(*base, "--json", "--sort", "ratio").stdout)["rows"]
        self.assertEqual(by_ratio[0]["experiment"], "wake")
        self.assertEqual(by_ratio[-1]["sides"][1]["verdict"], "same")

    def test_the_page_is_well_formed_and_has_a_panel_a_row(self):
        page = self.path("page.html")
        self.trine("compare", "synthetic-base", "synthetic-wide", "--machines", "--html", page)
        text = runs.read(page)
        self.assertEqual(text.count("<figure>"), 10)
        self.assertEqual(text.count("<circle"), 10 * 2 * reference.REPS)
        self.assertEqual(text.count(">worse<"), 4)
        self.assertNotRegex(text, r"(src|href)=\"(?!data:)|url\(|@import")
        for svg in re.findall(r"<svg.*?</svg>", text, re.S):
            for y in re.findall(r'cy="([^"]+)"', svg):
                self.assertTrue(0 <= float(y) <= 130, y)
            xml.etree.ElementTree.fromstring(svg)
        self.refused("compare", "synthetic-base", "--html", self.path("no", "folder", "p.html"), says="p.html", code=4)

    def test_the_committed_machines_keep_the_schema(self):
        try:
            import jsonschema
        except ImportError:
            self.skipTest("python3-jsonschema is not installed")
        for machine in ("base", "fast", "wide"):
            where = os.path.join(runs.TOP, "results", "reference", "synthetic-" + machine)
            for kind, name in (("manifest", "manifest.json"), ("env", "env.json"), ("point", "points.jsonl")):
                schema = json.loads(runs.read(os.path.join(runs.TOP, "results", "schema", kind + ".schema.json")))
                text = runs.read(os.path.join(where, name))
                validator = jsonschema.Draft202012Validator(schema)
                for one in [json.loads(x) for x in text.splitlines()] if kind == "point" else [json.loads(text)]:
                    validator.validate(one)

    def test_a_limit_that_nobody_recorded_is_said_to_be_absent(self):
        points = runs.series(reference.SPREAD)
        for p in points:
            del p["record"]["clock"]
        a, b = self.write_run("a", points), self.write_run("b", points)
        self.assertIn("multiples of it are absent", self.trine("compare", a, b).stdout)


class Refusals(runs.Runs):
    def setUp(self):
        super().setUp()
        self.points = runs.series(reference.SPREAD)
        self.a = self.write_run("a", self.points)

    def other(self, **kw):
        return self.write_run("b", kw.pop("points", self.points), **kw)

    def test_machines(self):
        b = self.other(machine="n")
        self.refused("compare", self.a, b, says="machine: m against n")
        self.trine("compare", self.a, b, "--machines")

    def test_every_difference_is_named_at_once(self):
        self.refused("compare", self.a, self.other(machine="n", profile="q"), says="machine: m against n; profile: p against q")

    def test_profiles(self):
        b = self.other(profile="q")
        self.refused("compare", self.a, b, says="profile: p against q")
        self.refused("compare", self.a, b, "--machines", says="profile: p against q")
        r = self.trine("compare", self.a, b, "--force")
        self.assertIn("the sides differ in profile: p against q", r.stdout)
        self.assertIn("the sides differ in profile", r.stderr)

    def test_an_edited_profile(self):
        self.refused("compare", self.a, self.other(text="[profile]\ntitle=x\n"), says="edited")

    def test_clock_sources(self):
        b = self.other(points=runs.series(reference.SPREAD, clock="monotonic"))
        self.refused("compare", self.a, b, says="clock source: tsc against monotonic")

    def test_an_older_schema(self):
        self.refused("compare", self.a, self.other(version=0), says="schema: 1 against 0")

    def test_a_newer_schema(self):
        self.refused("compare", self.a, self.other(version=9), "--force", says="newer trine")

    def test_no_run(self):
        self.refused("compare", self.path("none"), says="there is no run")
        self.refused("compare", "synthetic-bas", says="did you mean 'synthetic-base'")
        self.refused("compare", says="which runs")
        self.refused("compare", self.root, says="not a run of trine")

    def test_an_empty_run(self):
        self.refused("compare", self.a, self.other(points=[]), says="no measured point", code=3)

    def test_a_run_of_failures(self):
        failed = self.other(points=runs.series([1.0], status="failed", valid=False, invalid_because=["failed"]))
        self.refused("compare", self.a, failed, says="no measured point", code=3)

    def test_a_cut_off_run(self):
        r = self.trine("compare", self.a, self.other(tail='{"id":"cut of'))
        self.assertIn("cut off", r.stderr)

    def test_a_damaged_run(self):
        r = self.trine("compare", "--json", self.a, self.other(tail='{"id":"cut of\n{}\n'))
        self.assertIn("points.jsonl: 2 damaged lines are left out, the first is line 12: ", r.stderr)
        self.assertEqual(json.loads(r.stdout)["rows"][0]["sides"][1]["processes"], 11)
        rubbish = self.write_run("rubbish", [], tail="x\n")
        self.assertIn("1 damaged line", self.refused("compare", self.a, rubbish, says="no measured point: run it", code=3).stderr)

    def test_words(self):
        self.refused("compare", self.a, self.a, "--sort", "ratoi", says="did you mean 'ratio'")
        self.refused("compare", self.a, self.a, "--limit", "futx", says="did you mean 'futex'")
        self.refused("compare", self.a, self.a, "--only", "nothing", says="no experiment")
        self.refused("compare", self.a, self.a, "--only", "yield,nothing",
                     says="--only nothing: the comparison has no experiment, backend or metric of that name (there are: yield, trine, yield_ns)")
        self.refused("compare", self.a, says="one backend alone")
        self.refused("compare", "synthetic-base", "--base", "trin", says="did you mean 'trine'")

    def test_one_form_alone(self):
        for verb in ("compare", "peers"):
            self.refused(verb, self.a, "--json", "--markdown", says="--json and --markdown: one of the two")

    def test_too_few_processes_give_no_verdict(self):
        a = self.write_run("few", self.points[:2])
        cell = json.loads(self.trine("compare", "--json", a, a).stdout)["rows"][0]["sides"][1]
        self.assertEqual(cell["verdict"], "too few")
        self.assertNotIn("low", cell)

    def test_a_figure_that_nobody_has_is_no_panel(self):
        points = [dict(p, valid=False, invalid_because=["steal"]) for p in self.points]
        page = self.path("page.html")
        self.trine("compare", self.write_run("none", points), self.write_run("neither", points), "--html", page)
        with open(page, encoding="utf-8") as f:
            text = f.read()
        self.assertEqual(text.count("<figure>"), 0)
        self.assertIn("not drawn: 1", text)

    def test_invalid_points_are_left_out_and_counted(self):
        points = [dict(p, valid=False, invalid_because=["steal"]) if i < 3 else p for i, p in enumerate(self.points)]
        cell = json.loads(self.trine("compare", "--json", self.a, self.other(points=points)).stdout)["rows"][0]["sides"][1]
        self.assertEqual((cell["processes"], cell["invalid"]), (8, 3))


if __name__ == "__main__":
    unittest.main()
