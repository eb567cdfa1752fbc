"""The count of tests: what failed, died, was skipped or never ran is never counted as passed."""
import os
import subprocess
import sys
import unittest
from xml.sax.saxutils import escape

from sample import SampleTree, TOP

CMOCKA = '''[==========] Running 3 test(s).
[ RUN      ] one
[       OK ] one
[ RUN      ] two
SKIP: needs a PMU
[  SKIPPED ] two
[ RUN      ] three
[       OK ] three
[==========] 3 test(s) run.
[  PASSED  ] 2 test(s).
[  SKIPPED ] 1 test(s), listed below:
[  SKIPPED ] two
'''


class Summary(SampleTree):
    def summary(self, *cases, args=()):
        """Runs the tool on test cases (name, status, output, inner XML): (exit status, output, last line)."""
        body = ''.join(f'<testcase name="{name}" status="{status}">{inner}<system-out>{escape(output)}</system-out></testcase>'
                       for name, status, output, inner in cases)
        self.put('r.xml', f'<testsuite>{body}</testsuite>')
        return self.run_tool(*args, 'dev=' + os.path.join(self.root, 'r.xml'))

    def run_tool(self, *args):
        done = subprocess.run([sys.executable, os.path.join(TOP, 'tools', 'test-summary.py'), *args], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout, done.stdout.splitlines()[-1]

    def test_plain(self):
        status, _, last = self.summary(('a', 'run', '', ''), ('b', 'run', 'hello', ''))
        self.assertEqual((status, last), (0, '2 passed, 0 failed, 0 skipped'))

    def test_cmocka_counts_its_tests(self):
        status, text, last = self.summary(('c', 'run', CMOCKA, ''))
        self.assertEqual((status, last), (0, '2 passed, 0 failed, 1 skipped'))
        self.assertIn('c/two: needs a PMU', text)

    def test_cmocka_failure(self):
        bad = CMOCKA.replace('[       OK ] three', '[  FAILED  ] three').replace('PASSED  ] 2', 'PASSED  ] 1')
        status, text, last = self.summary(('c', 'fail', bad, '<failure/>'))
        self.assertEqual((status, last), (1, '1 passed, 1 failed, 1 skipped'))
        self.assertIn('c/three', text)

    def test_a_swallowed_failure_is_one(self):
        bad = CMOCKA.replace('[       OK ] three', '[  FAILED  ] three').replace('PASSED  ] 2', 'PASSED  ] 1')
        self.assertEqual(self.summary(('c', 'run', bad, ''))[0], 1)

    def test_a_program_that_dies_half_way(self):
        status, _, last = self.summary(('c', 'fail', CMOCKA[:CMOCKA.index('[ RUN      ] two')], '<failure/>'))
        self.assertEqual((status, last), (1, '1 passed, 1 failed, 0 skipped'))

    def test_unittest_counts_its_tests(self):
        self.assertEqual(self.summary(('u', 'run', '...\nRan 7 tests in 0.1s\n\nOK\n', ''))[2], '7 passed, 0 failed, 0 skipped')
        self.assertEqual(self.summary(('u', 'fail', 'Ran 7 tests in 0.1s\n\nFAILED (failures=1, errors=1)\n', ''))[2],
                         '5 passed, 2 failed, 0 skipped')

    def test_skip_by_exit_status(self):
        skip = ('s', 'notrun', 'SKIP: no clang\n', '<skipped message="SKIP_RETURN_CODE=77"/>')
        status, text, last = self.summary(skip)
        self.assertEqual((status, last), (0, '0 passed, 0 failed, 1 skipped'))
        self.assertIn('s: no clang', text)

    def test_a_test_that_cannot_start_failed(self):
        status, _, last = self.summary(('g', 'notrun', '', '<skipped message="Unable to find executable"/>'))
        self.assertEqual((status, last), (1, '0 passed, 1 failed, 0 skipped'))

    def test_ci_wants_a_listed_skip(self):
        skip = ('s', 'notrun', 'SKIP: no clang\n', '<skipped message="SKIP_RETURN_CODE=77"/>')
        self.put('allowed.txt', '# comment\n')
        listed = ['--ci', '--allowed', os.path.join(self.root, 'allowed.txt')]
        self.assertEqual(self.summary(skip, args=listed)[0], 1)
        self.put('allowed.txt', 'd* s because clang is large\n')
        self.assertEqual(self.summary(skip, args=listed)[0], 0)
        self.put('allowed.txt', 'dev s\n')
        status, _, last = self.summary(skip, args=listed)
        self.assertNotEqual(status, 0)
        self.assertIn('allowed.txt:1: expected BUILD TEST WHY', last)

    def test_no_results_are_a_failure(self):
        self.assertEqual(self.run_tool('dev=' + os.path.join(self.root, 'none.xml'))[0], 1)
        self.assertEqual(self.summary()[0], 1)
        self.put('cut.xml', '<testsuite><testcase name="a" sta')
        self.assertEqual(self.run_tool('dev=' + os.path.join(self.root, 'cut.xml'))[0], 1)


if __name__ == '__main__':
    unittest.main()
