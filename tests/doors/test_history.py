#!/usr/bin/env python3
"""trine history finds the changes that were put in, tells them from those of the machine, and survives every kind of damage."""
import json
import os
import shutil
import sqlite3
import unittest

import runs
from runs import noisy, point


class Base(runs.Runs):
    def setUp(self):
        super().setUp()
        self.results = self.path("results")

    def add_runs(self, figures, machine="m", canary=None, first=0, **kw):
        """One run a figure of trine's yield (and of the canary's), in time order."""
        for i, f in enumerate(figures):
            points = [point(0, f)] + ([point(0, canary[i], backend="pthread")] if canary else [])
            self.write_run(os.path.join("results", machine, f"r{first + i:03}"), points, machine=machine,
                           started=f"2026-01-01T{(first + i) // 60:02}:{(first + i) % 60:02}:00Z", **kw)

    def series(self, *args):
        r = self.trine("history", "--results", self.results, "--json", *args)
        return {(s["machine"], s["name"].split("/")[2]): s for s in json.loads(r.stdout)["series"]}


class History(Base):
    def step(self, n, factor, seed):
        return [60 * f * (factor if i >= n else 1) for i, f in enumerate(noisy(2 * n, 0.01, seed))]

    def test_a_step_is_found_where_it_was_put(self):
        self.add_runs(self.step(10, 1.15, 1))
        s = self.series()["m", "trine"]
        self.assertEqual(len(s["runs"]), 20)
        self.assertEqual([c["index"] for c in s["changes"]], [10])
        self.assertAlmostEqual(s["changes"][0]["after"] / s["changes"][0]["before"], 1.15, delta=0.02)
        text = self.trine("history", "--results", self.results).stdout
        self.assertIn("with the run of 2026-01-01T00:10:00Z", text)
        self.assertIn(": worse", text)

    def test_an_improvement_is_one(self):
        self.add_runs(self.step(10, 0.8, 1))
        self.assertIn(": better", self.trine("history", "--results", self.results).stdout)

    def test_a_quiet_series_gives_no_alert(self):
        self.add_runs([60 * f for f in noisy(30, 0.02, 2)])
        self.assertEqual(self.series()["m", "trine"]["changes"], [])

    def test_a_step_below_five_per_cent_is_no_alert(self):
        self.add_runs(self.step(10, 1.03, 1))
        self.assertEqual(self.series()["m", "trine"]["changes"], [])

    def test_a_step_that_the_canary_makes_too_is_the_machines(self):
        self.add_runs(self.step(10, 1.3, 1), canary=self.step(10, 1.3, 2))
        self.assertTrue(self.series()["m", "trine"]["changes"][0]["machine_changed"])
        self.assertIn("the machine changed", self.trine("history", "--results", self.results).stdout)

    def test_a_quiet_canary_leaves_the_alert_standing(self):
        self.add_runs(self.step(10, 1.3, 1), canary=[500 * f for f in noisy(20, 0.01, 2)])
        self.assertFalse(self.series()["m", "trine"]["changes"][0]["machine_changed"])

    def test_machines_and_processors_are_series_of_their_own(self):
        self.add_runs([60.0] * 6, machine="m")
        self.add_runs([90.0] * 6, machine="n")
        self.add_runs([120.0] * 6, machine="m", first=6, cpu="another")
        r = json.loads(self.trine("history", "--results", self.results, "--json").stdout)["series"]
        self.assertEqual([(s["machine"], s["cpu"], len(s["runs"]), s["changes"]) for s in r],
                         [("m", "another", 6, []), ("m", "synthetic", 6, []), ("n", "synthetic", 6, [])])

    def test_few_runs_say_that_they_are_few(self):
        self.add_runs([60.0, 61.0])
        self.assertIn("needs five runs on each side", self.trine("history", "--results", self.results).stdout)

    def test_new_runs_are_taken_in_changed_ones_read_again_gone_ones_forgotten(self):
        self.add_runs([60.0, 61.0, 62.0])
        self.assertEqual([r["median"] for r in self.series()["m", "trine"]["runs"]], [60, 61, 62])
        self.add_runs([63.0], first=3)
        shutil.rmtree(self.path("results", "m", "r000"))
        shutil.rmtree(self.path("results", "m", "r001"))
        self.write_run("results/m/r001", [point(0, 70.25)], started="2026-01-01T00:01:00Z")
        self.assertEqual([r["median"] for r in self.series()["m", "trine"]["runs"]], [70.25, 62, 63])

    def test_a_run_from_elsewhere_stays(self):
        self.add_runs([60.0])
        other = self.write_run("other", [point(0, 77.0)], started="2026-01-02T00:00:00Z")
        self.series("--add", other)
        self.assertEqual([r["median"] for r in self.series()["m", "trine"]["runs"]], [60, 77])

    def test_an_interleaved_run_is_no_history(self):
        self.add_runs([60.0])
        self.write_run("results/m/ab", [point(0, 1.0, backend="trine@a"), point(0, 2.0, backend="trine@b")])
        self.assertEqual(len(self.series()["m", "trine"]["runs"]), 1)

    def test_a_plot(self):
        self.add_runs(self.step(10, 1.5, 1))
        text = self.trine("history", "--results", self.results, "--plot", "yield_ns").stdout
        rows = [line.split("|", 1)[1] for line in text.splitlines() if "|" in line]
        self.assertEqual(len(rows), 12)
        self.assertEqual(sum(row.count("*") for row in rows), 20)
        self.assertTrue(all(row[10] in "|*" for row in rows))
        self.assertIn("*", rows[0][10:])
        self.assertNotIn("*", rows[0][:10])
        self.refused("history", "--results", self.results, "--plot", "nothing", says="no figure's name")


class Elsewhere(Base):
    """A run counts once, wherever its folder stands and however often."""
    def setUp(self):
        super().setUp()
        self.add_runs([10.0] * 4 + [20.0] * 4)
        self.series()

    def medians(self, results, *args):
        r = self.trine("history", "--results", self.path(results), "--json", *args)
        found = json.loads(r.stdout)["series"]
        self.assertEqual([s["changes"] for s in found], [[]] * len(found))
        return [run["median"] for s in found for run in s["runs"]], r.stderr

    def counts_once(self, results, *args):
        self.assertEqual(self.medians(results, *args), ([10.0] * 4 + [20.0] * 4, ""))

    def test_a_moved_folder(self):
        os.rename(self.results, self.path("moved"))
        self.counts_once("moved")
        runs_ = json.loads(self.trine("history", "--results", self.path("moved"), "--json").stdout)["series"][0]["runs"]
        self.assertEqual(runs_[0]["run"], self.path("moved", "m", "r000"))
        shutil.rmtree(self.path("moved", "m", "r000"))
        self.assertEqual(self.medians("moved"), ([10.0] * 3 + [20.0] * 4, ""))

    def test_a_copied_folder_beside_the_first(self):
        shutil.copytree(self.results, self.path("copy"))
        self.counts_once("copy")
        shutil.rmtree(self.path("copy", "m", "r007"))
        self.assertEqual(self.medians("copy"), ([10.0] * 4 + [20.0] * 3, ""))
        self.counts_once("results")

    def test_one_database_for_both(self):
        db = ("--db", self.path("db.sqlite"))
        self.counts_once("results", *db)
        shutil.copytree(self.results, self.path("copy"))
        self.counts_once("copy", *db)
        self.counts_once("results", *db)
        shutil.rmtree(self.results)
        self.counts_once("copy", *db)

    def test_a_copy_of_a_run_in_the_same_folder_and_one_added(self):
        shutil.copytree(self.path("results", "m", "r000"), self.path("results", "m", "a-copy"))
        shutil.copytree(self.path("results", "m", "r001"), self.path("results", "n", "r001"))
        self.counts_once("results", "--add", self.path("results", "m", "a-copy"))
        shutil.rmtree(self.path("results", "m", "r000"))
        self.counts_once("results")

    def test_of_a_copy_that_went_on_the_longer_one_counts(self):
        shutil.copytree(self.path("results", "m", "r000"), self.path("results", "m", "a-copy"))
        for name in ("a-copy", "r001"):
            with open(self.path("results", "m", name, "points.jsonl"), "a", encoding="utf-8") as f:
                f.write(json.dumps(point(1, 30.0)) + "\n")
        self.assertEqual(self.medians("results")[0], [20.0, 20.0] + [10.0] * 2 + [20.0] * 4)

    def test_runs_of_one_second_are_two(self):
        self.write_run("results/m/twin-1", [point(0, 15.0)], started="2026-01-02T00:00:00Z")
        self.write_run("results/m/twin-2", [point(0, 16.0)], started="2026-01-02T00:00:00Z")
        self.assertEqual(self.medians("results")[0][8:], [15.0, 16.0])

    def first_schema(self, roots):
        """The database as the first schema had it: folders in full, no identity. Each run once a root."""
        os.remove(self.path("results", "history.sqlite"))
        with sqlite3.connect(self.path("results", "history.sqlite")) as db:
            db.executescript("""
                CREATE TABLE runs (id INTEGER PRIMARY KEY, dir TEXT UNIQUE NOT NULL, bytes INTEGER, mtime_ns INTEGER,
                    root TEXT NOT NULL, started TEXT NOT NULL, machine TEXT NOT NULL, cpu TEXT NOT NULL, profile TEXT NOT NULL,
                    commit_id TEXT NOT NULL);
                CREATE TABLE figures (run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE, name TEXT NOT NULL,
                    backend TEXT NOT NULL, unit TEXT NOT NULL, higher INTEGER NOT NULL, n INTEGER NOT NULL, median REAL NOT NULL,
                    PRIMARY KEY (run, name)) WITHOUT ROWID;
                PRAGMA user_version = 1;""")
            for root in roots:
                for i in range(8):
                    row = db.execute("INSERT INTO runs (dir, bytes, mtime_ns, root, started, machine, cpu, profile, commit_id)"
                                     " VALUES (?, 1, 1, ?, ?, 'm', 'synthetic', 'p', 'c')",
                                     (f"{root}/m/r{i:03}", root, f"2026-01-01T00:{i:02}:00Z")).lastrowid
                    db.execute("INSERT INTO figures VALUES (?, 'yield/yield_ns/trine', 'trine', 'ns', 0, 1, ?)",
                               (row, 10.0 if i < 4 else 20.0))
        db.close()

    def test_a_database_of_the_first_schema(self):
        self.first_schema(["/gone", self.results])
        medians, notices = self.medians("results")
        self.assertEqual(medians, [10.0] * 4 + [20.0] * 4)
        self.assertIn("of an older trine", notices)
        self.assertIn("8 runs", notices)
        self.counts_once("results")

    def test_what_was_added_by_name_outlives_the_first_schema(self):
        self.first_schema([self.results])
        other = self.write_run("other", [point(0, 77.0)], started="2026-01-02T00:00:00Z")
        with sqlite3.connect(self.path("results", "history.sqlite")) as db:
            db.execute("INSERT INTO runs (dir, bytes, mtime_ns, root, started, machine, cpu, profile, commit_id)"
                       " VALUES (?, 1, 1, '', '2026-01-02T00:00:00Z', 'm', 'synthetic', 'p', 'c')", (other,))
        db.close()
        self.assertEqual(self.medians("results"), ([10.0] * 4 + [20.0] * 4 + [77.0], ""))


class Damage(Base):
    def setUp(self):
        super().setUp()
        self.add_runs([60.0, 61.0, 62.0])
        self.series()
        self.db = os.path.join(self.results, "history.sqlite")

    def rebuilt(self):
        r = self.trine("history", "--results", self.results, "--json")
        self.assertEqual(len(json.loads(r.stdout)["series"][0]["runs"]), 3)
        return r.stderr

    def test_rubbish_is_rebuilt_with_a_notice_and_kept(self):
        with open(self.db, "wb") as f:
            f.write(b"this is no database" * 1000)
        self.assertIn("was damaged", self.rebuilt())
        self.assertEqual(os.path.getsize(self.db + ".damaged"), 19000)
        self.assertEqual(self.rebuilt(), "")

    def test_a_damaged_page(self):
        size = os.path.getsize(self.db)
        with open(self.db, "r+b") as f:
            f.seek(size // 2)
            f.write(b"\xff" * (size - size // 2))
        self.assertIn("was damaged", self.rebuilt())

    def test_a_cut_off_file(self):
        with open(self.db, "r+b") as f:
            f.truncate(os.path.getsize(self.db) // 2)
        self.assertIn("was damaged", self.rebuilt())

    def test_a_later_version(self):
        with sqlite3.connect(self.db) as db:
            db.execute("PRAGMA user_version = 99")
        db.close()
        self.assertIn("of another version", self.rebuilt())

    def test_an_empty_or_missing_file_is_simply_made(self):
        for make in (lambda: open(self.db, "w", encoding="utf-8").close(), lambda: os.remove(self.db)):
            make()
            self.assertEqual(self.rebuilt(), "")

    def test_rebuild(self):
        self.series("--rebuild")
        self.assertEqual(self.rebuilt(), "")

    def test_a_run_that_cannot_be_read_is_told_and_the_others_stay(self):
        bad = self.path("results", "m", "bad")
        os.makedirs(bad)
        self.put("results/m/bad/manifest.json", "{")
        self.assertIn("left out:", self.rebuilt())
        self.write_run("results/m/empty", [])
        self.assertIn("no measured point", self.rebuilt())

    def test_a_canary_that_is_not_there(self):
        self.trine("history", "--results", self.results, "--canary", "trine")
        self.refused("history", "--results", self.results, "--canary", "trine,ptread",
                     says="--canary ptread: the history has no backend of that name (there are: trine)")

    def test_a_run_of_an_unknown_processor_is_in_no_series(self):
        for i, (name, text) in enumerate(runs.ENV_FAULTS.items()):
            self.without_env(self.write_run("results/m/" + name, [point(0, 70.0 + i)]), text)
            r = self.trine("history", "--results", self.results, "--json")
            self.assertIn(f"left out: {os.path.realpath(self.results)}/m/{name}/env.json", r.stderr)
            self.assertIn("is of one processor", r.stderr)
            series, = json.loads(r.stdout)["series"]
            self.assertEqual([x["median"] for x in series["runs"]], [60, 61, 62])
        self.refused("history", "--results", self.results, "--add", self.path("results/m/absent"), says="is of one processor", code=3)

    def test_a_damaged_line_of_a_run_costs_that_line(self):
        self.write_run("results/m/r003", [point(0, 63.0)], started="2026-01-01T00:03:00Z", tail="x\n")
        other = self.write_run("other", [point(0, 64.0)], started="2026-01-01T00:04:00Z", tail='{"id')
        r = self.trine("history", "--results", self.results, "--add", other, "--json")
        self.assertIn("r003/points.jsonl: 1 damaged line is left out, the first is line 2: ", r.stderr)
        self.assertIn("other/points.jsonl: the last line is cut off and left out", r.stderr)
        self.assertEqual([x["median"] for x in json.loads(r.stdout)["series"][0]["runs"]], [60, 61, 62, 63, 64])

    def test_words(self):
        self.refused("history", "--results", self.path("none"), says="there is no folder")
        self.refused("history", "--results", self.results, "--add", self.path("none"), says="there is no run")
        self.refused("history", "--results", self.results, "--plto", "x", says="did you mean --plot")
        points = self.put("points.jsonl", '{"schema":"trine-point"}\n')
        for more in ([], ["--rebuild"]):
            self.refused("history", "--results", self.results, "--db", points, *more, says="is no history")
        self.assertEqual(runs.read(points), '{"schema":"trine-point"}\n')
        self.refused("history", "--results", self.results, "--db", self.path("no", "folder", "db"), says="cannot open", code=4)


if __name__ == "__main__":
    unittest.main()
