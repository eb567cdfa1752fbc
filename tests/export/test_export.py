#!/usr/bin/env python3
"""Each export is taken by its reader, and the figures arrive: sqlite3 imports the CSV, xmllint holds the JUnit against its
schema, google-benchmark's form is held against a schema that its own library's output passes too."""
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "doors"))
import runs
from runs import point, reference

MICRO = os.environ.get("TRINE_MICRO", "")
LINE = re.compile(r"Benchmark[A-Z0-9]\S*-\d+ [1-9]\d*( [0-9.e+-]+ \S+)+")


class Export(runs.Runs):
    def export(self, to, run="synthetic-base", *args):
        return self.trine("export", "--to", to, run, *args).stdout

    def odd(self):
        """A run with every kind of point and with letters that formats trip over."""
        return self.write_run("odd", [
            point(0, 50.0), point(1, 51.0, valid=False, invalid_because=["steal 7 % is above 1 %"]),
            point(2, 0, status="failed", valid=False, invalid_because=["failed"], reason='exit 1: <a> & "b", \x01 c'),
            point(3, 0, status="not_applicable", valid=False, invalid_because=["n"], reason="never, here"),
            point(0, 1.5, params={"mode": 'a"b,c\\d'}, backend="trine@b")], machine="odd-machine")

    def test_gobench_keeps_the_grammar(self):
        for run in ("synthetic-base", self.odd()):
            for line in self.export("gobench", run).splitlines():
                if line and not line.startswith("#"):
                    self.assertTrue(LINE.fullmatch(line) or re.fullmatch(r"[a-z]\S*: .+|Unit \S+ better=higher", line), line)

    def test_gobench_has_a_line_for_every_valid_process(self):
        lines = [line for line in self.export("gobench").splitlines() if line.startswith("Benchmark")]
        self.assertEqual(len(lines), 8 * reference.REPS)
        self.assertIn("Unit throughput better=higher", self.export("gobench"))
        self.assertEqual(self.export("gobench", self.odd()).count("\nBenchmark"), 2)

    def schema(self):
        try:
            import jsonschema
        except ImportError:
            self.skipTest("python3-jsonschema is not installed")
        with open(os.path.join(HERE, "gbench.schema.json"), encoding="utf-8") as f:
            return jsonschema.Draft202012Validator(json.load(f))

    def test_gbench_is_of_google_benchmarks_form(self):
        schema = self.schema()
        for run in ("synthetic-base", self.odd()):
            schema.validate(json.loads(self.export("gbench", run)))
        switch = [b for b in json.loads(self.export("gbench"))["benchmarks"] if b["name"].startswith("switch/") and "trine" in b["name"]]
        self.assertEqual(len(switch), reference.REPS)
        self.assertAlmostEqual(sorted(b["real_time"] for b in switch)[reference.REPS // 2], 120.0)

    def test_google_benchmarks_own_output_is_of_that_form(self):
        if not MICRO:
            self.skipTest("trine-micro was not built")
        own = subprocess.run([MICRO, "--benchmark_filter=switch/bare", "--benchmark_min_time=0.001", "--benchmark_format=json"],
                             capture_output=True, text=True, timeout=60, check=True).stdout
        self.schema().validate(json.loads(own))

    def sqlite(self, run, question):
        if not shutil.which("sqlite3"):
            self.skipTest("sqlite3 is not installed")
        path = self.put("run.csv", self.export("csv", run))
        return subprocess.run(["sqlite3", ":memory:", f'.import --csv "{path}" t', question], capture_output=True, text=True,
                              timeout=30, check=True).stdout.strip()

    def test_sqlite_imports_the_csv(self):
        self.assertEqual(self.sqlite("synthetic-base", "SELECT count(*) FROM t"), str(10 * reference.REPS))
        self.assertEqual(self.sqlite("synthetic-base", "SELECT round(max(value + 0), 3) FROM t WHERE metric = 'yield_ns' AND backend = 'trine'"),
                         str(round(60 * reference.SPREAD[-1], 3)))

    def test_the_csv_quotes_and_leaves_nothing_out(self):
        run = self.odd()
        self.assertEqual(self.sqlite(run, "SELECT count(*) FROM t"), "5")
        self.assertEqual(self.sqlite(run, "SELECT status, valid, value FROM t WHERE rep = '2'"), "failed|0|")
        self.assertIn('a"b,c\\d', self.sqlite(run, "SELECT cell FROM t WHERE backend = 'trine@b'"))

    def xmllint(self, text):
        if not shutil.which("xmllint"):
            self.skipTest("xmllint is not installed")
        r = subprocess.run(["xmllint", "--noout", "--schema", os.path.join(HERE, "junit.xsd"), "-"], input=text, capture_output=True,
                           text=True, timeout=30, check=False)
        self.assertEqual(r.returncode, 0, r.stderr)

    def test_junit_keeps_its_schema(self):
        odd = self.export("junit", self.odd())
        self.xmllint(odd)
        self.xmllint(self.export("junit"))
        self.assertIn('tests="5" failures="1" errors="0" skipped="2"', odd)

    def test_a_run_of_failures_is_one_of_junit(self):
        failed = self.write_run("failed", [point(i, 0, status="failed", valid=False, invalid_because=["failed"], reason="signal 6")
                                           for i in range(3)])
        text = self.export("junit", failed)
        self.assertIn('tests="3" failures="3" errors="0" skipped="0"', text)
        self.assertEqual(len(self.export("csv", failed).splitlines()), 4)
        self.refused("export", "--to", "gha", failed, says="no measured point", code=3)
        self.xmllint(text)

    def test_the_gates_junit_keeps_the_same_schema(self):
        path = self.path("gate.xml")
        self.trine("gate", "--baseline", "synthetic-fast", "synthetic-base", "--force", "--canary", "none", "--junit", path, code=1)
        self.xmllint(runs.read(path))

    def test_gha(self):
        entries = json.loads(self.export("gha"))
        self.assertEqual(len(entries), 8)
        for e in entries:
            self.assertTrue(set(e) <= {"name", "unit", "value", "range", "extra"} and isinstance(e["value"], float))
        self.assertEqual({e["name"]: e["value"] for e in entries}["yield/procs 1, tasks 100/trine/yield_ns"], 60.0)
        bigger = json.loads(self.export("gha-bigger"))
        self.assertEqual([e["value"] for e in bigger], [9e5, 9e5 / 8])
        self.assertEqual(len({e["name"] for e in entries + bigger}), len(entries) + len(bigger))

    def test_openmetrics_keeps_the_grammar(self):
        sample = re.compile(r'trine_\w+\{(\w+="([^"\\\n]|\\[\\"n])*",?)+\} [0-9.e+-]+')
        for run in ("synthetic-base", self.odd()):
            lines = self.export("openmetrics", run).splitlines()
            self.assertEqual(lines[-1], "# EOF")
            seen = [line.split("} ")[0] for line in lines if not line.startswith("#")]
            self.assertEqual(len(seen), len(set(seen)))
            for line in lines:
                self.assertTrue(sample.fullmatch(line) or re.fullmatch(r"# (HELP|TYPE) trine_\w+ .+|# EOF", line), line)

    def test_a_damaged_line_is_said(self):
        whole = self.write_run("whole", [point(i, 50.0 + i) for i in range(3)])
        bad = self.write_run("bad", [point(i, 50.0 + i) for i in range(3)], tail="x\n")
        r = self.trine("export", "--to", "csv", bad)
        self.assertIn("points.jsonl: 1 damaged line is left out, the first is line 4: ", r.stderr)
        self.assertEqual(r.stdout.replace("c-bad", "c-whole"), self.export("csv", whole))

    def test_an_export_of_nothing_is_said(self):
        r = self.trine("export", "--to", "hgrm", "synthetic-base", "--only", "yield", code=3)
        self.assertEqual((r.stdout, r.stderr), ("", "trine export: synthetic-base has no valid point with what hgrm carries\n"))

    def test_hgrm(self):
        blocks = self.export("hgrm", "synthetic-base", "--only", "trine").split("#[trine ")[1:]
        self.assertEqual(len(blocks), reference.REPS)
        for block in blocks:
            rows = [line.split() for line in block.splitlines()[2:] if line and not line.startswith("#")]
            percentiles, counts = [float(r[1]) for r in rows], [int(r[2]) for r in rows]
            self.assertEqual((percentiles, counts), (sorted(percentiles), sorted(counts)))
            self.assertEqual((percentiles[-1], counts[-1]), (1.0, 1100))
        at_the_middle = blocks[[i for i in range(reference.REPS) if i * 7 % reference.REPS == reference.REPS // 2][0]]
        self.assertRegex(at_the_middle, r"#\[Max\s+=\s+4\.000")

    def test_refusals(self):
        self.refused("export", "synthetic-base", says="--to (missing): expected one of gobench")
        self.refused("export", "--to", "gobnch", "synthetic-base", says="did you mean 'gobench'")
        self.refused("export", "--to", "csv", says="which run")
        self.refused("export", "--to", "csv", self.path("none"), says="there is no run")
        self.refused("export", "--to", "csv", "synthetic-base", "--only", "nothing", says="no experiment or backend")
        self.refused("export", "--to", "csv", "synthetic-base", "--only", "yield,trin",
                     says="--only trin: synthetic-base has no experiment or backend of that name; did you mean 'trine'?")
        self.refused("export", "--to", "csv", self.write_run("e", []), says="no measured point", code=3)

    def test_a_full_disk_is_said(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("there is no /dev/full")
        with open("/dev/full", "w", encoding="utf-8") as full:
            r = subprocess.run([runs.TRINE, "export", "--to", "csv", os.path.join(runs.TOP, "results/reference/synthetic-base")], stdout=full,
                               stderr=subprocess.PIPE, text=True, timeout=30, check=False)
        self.assertEqual(r.returncode, 4)
        self.assertIn("cannot write to stdout", r.stderr)


if __name__ == "__main__":
    unittest.main()
