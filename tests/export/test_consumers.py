#!/usr/bin/env python3
"""The readers that are not in the test tier: benchstat (Go's) and promtool (of Debian's package prometheus) take what trine
writes for them, and benchstat finds the factor that was put in. Looked for in PATH, benchstat also in Go's bin folder."""
import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "doors"))
import runs


class Consumers(runs.Runs):
    def tool(self, name):
        own = os.path.expanduser(os.path.join("~", "go", "bin"))
        found = shutil.which(name, path=os.environ.get("PATH", "") + os.pathsep + own)
        if not found:
            self.skipTest(f"{name} is not installed")
        return found

    def export(self, to, run):
        return self.trine("export", "--to", to, run, *(["--only", "yield"] if to == "gobench" else [])).stdout

    def test_benchstat_finds_the_factor(self):
        tool = self.tool("benchstat")
        files = [self.put(f"{m}.txt", self.export("gobench", f"synthetic-{m}")) for m in ("base", "fast")]
        r = subprocess.run([tool, *files], capture_output=True, text=True, timeout=60, check=True)
        self.assertIn("-37.50% (p=0.000 n=11)", r.stdout)

    def test_promtool_takes_the_metrics(self):
        r = subprocess.run([self.tool("promtool"), "check", "metrics"], input=self.export("openmetrics", "synthetic-base"),
                           capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((r.returncode, r.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
