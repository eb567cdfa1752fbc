#!/usr/bin/env python3
"""tools/trine-gdb.py, run by gdb -batch on a live process and on its core. usage: test_gdb.py PROGRAM SCRIPT

A machine without gdb, or whose gdb lacks Python or may not trace, skips (exit 77).
"""
import glob
import os
import re
import resource
import subprocess
import sys
import tempfile
import unittest

PROGRAM, SCRIPT = map(os.path.abspath, sys.argv[1:3])
COMMANDS = ['info goroutines', 'echo ==\\n', 'goroutine 1 bt', 'echo ==\\n', 'goroutine PARKED bt', 'echo ==\\n',
            'goroutine PARKED up 5', 'echo ==\\n', 'info ps', 'echo ==\\n', 'goroutine all bt', 'echo ==\\n', 'bt']


def gdb(*commands, files=()):
    args = ['gdb', '-nx', '-batch', '-iex', 'set debuginfod enabled off', *files, '-ex', 'set pagination off']
    for command in commands:
        args += ['-ex', command]
    done = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=90, check=False)
    return done.stdout


def skip(why):
    print(f'SKIP: {why}')
    sys.exit(77)


def can_trace():
    try:
        if 'yes' not in gdb('python print("yes")'):
            skip('gdb has no Python')
    except FileNotFoundError:
        skip('gdb is not installed')
    if 'gdb_here' not in gdb('break gdb_here', 'run', 'bt 1', 'kill', files=[PROGRAM]).split('hit', 1)[-1]:
        skip('gdb cannot trace a process here')


class Both:
    """What the commands must print, wherever the goroutines come from."""

    def parts(self):
        number = re.search(r'^[* ] (\d+) +chan receive +parked +the parked one', self.session(['info goroutines']), re.M)
        self.assertIsNotNone(number, self.session(['info goroutines']))
        text = self.session([c.replace('PARKED', number.group(1)) for c in COMMANDS])
        return text.split('==\n')

    def test_commands(self):
        listed, running, parked, up, ps, everybody, bt = self.parts()
        self.assertRegex(listed, r'(?m)^\* 1 +running +main_goroutine +main  \(thread \d+\)$')
        self.assertRegex(listed, r'(?m)^  \d+ +sleep +sleeper +small$')
        self.assertRegex(running, r'(?m)^#\d+ .*gdb_here \(x=1\)')
        self.assertRegex(running, r'(?m)^#\d+ .*main_goroutine')
        self.assertRegex(parked, r'(?m)^#0 ')
        frames = re.findall(r'(?m)^#\d+ .*?(\w+) \(', parked)
        self.assertEqual([f for f in frames if f.startswith('parked')], ['parked_deep'] * 3 + ['parked'], parked)
        self.assertIn('trine_chan_recv', frames)
        self.assertEqual(frames[-1], 'rt_arch_entry', 'the backtrace ends where the goroutine began')
        self.assertNotIn('gdb_here', parked)
        self.assertRegex(up, r'(?m)^#\d+ ')
        self.assertRegex(ps, r'(?m)^P[01]  running  thread \d+  goroutine 1  queued 0$')
        self.assertRegex(ps, r'(?m)^global queue 0$')
        self.assertEqual(everybody.count('\ngoroutine '), 3)
        self.assertIn('trine_sleep', everybody)
        self.assertRegex(bt, r'(?m)^#\d+ .*gdb_here', 'the thread is as before')

    def test_bad_arguments(self):
        text = self.session(['goroutine', 'goroutine x bt', 'goroutine 999 bt'])
        self.assertIn('usage: goroutine N|all COMMAND', text)
        self.assertIn('"x" is no number of a goroutine', text)
        self.assertIn('there is no goroutine 999', text)


class Live(Both, unittest.TestCase):
    def session(self, commands):
        text = gdb('break gdb_here', 'run', f'source {SCRIPT}', 'echo ####\\n', *commands, 'echo ####\\n', 'kill', files=[PROGRAM])
        return text.split('####\n')[1]


class Core(Both, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        no_limit = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        subprocess.run([PROGRAM, 'core'], cwd=cls.folder.name, timeout=60, check=False,
                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, no_limit))
        cores = glob.glob(os.path.join(cls.folder.name, '*core*'))
        cls.core = cores[0] if cores else None

    def setUp(self):
        if self.core is None:
            with open('/proc/sys/kernel/core_pattern', encoding='ascii') as file:
                self.skipTest(f'the kernel leaves no core in the current folder: core_pattern is {file.read().strip()}')

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def session(self, commands):
        text = gdb(f'source {SCRIPT}', 'echo ####\\n', *commands, 'echo ####\\n', files=[PROGRAM, self.core])
        return text.split('####\n')[1]


if __name__ == '__main__':
    can_trace()
    unittest.main(argv=sys.argv[:1], verbosity=2)
