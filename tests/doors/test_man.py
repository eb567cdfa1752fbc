#!/usr/bin/env python3
"""The manual page names every verb and option, and man takes it without a word."""
import re
import shutil
import subprocess
import unittest

import runs


class Man(runs.Runs):
    def test_every_verb_and_option_is_in_it(self):
        page = self.trine("--man").stdout.replace("\\-", "-")
        verbs = re.findall(r"^  ([a-z]+) ", self.trine("--help").stdout, re.M)
        self.assertIn("gate", verbs)
        for verb in verbs:
            self.assertIn(f"\n.SS {verb}\n", page)
            for option in re.findall(r"--[a-z-]+", self.trine(verb, "--help").stdout):
                self.assertIn(option, page)

    def test_groff_has_no_complaint(self):
        if not shutil.which("groff"):
            self.skipTest("groff is not installed")
        r = subprocess.run(["groff", "-Kutf8", "-man", "-Tutf8", "-ww", "-z"], input=self.trine("--man").stdout, capture_output=True, text=True,
                           timeout=30, check=False)
        self.assertEqual((r.returncode, r.stderr), (0, ""))

    def test_no_line_is_a_request_by_accident(self):
        requests = {line.split()[0] for line in self.trine("--man").stdout.splitlines() if line.startswith((".", "'"))}
        self.assertLessEqual(requests, {".TH", ".SH", ".SS", ".TP", ".B", ".I", ".RI", ".PP", ".nf", ".fi"})


if __name__ == "__main__":
    unittest.main()
