"""run_all.sh from outside: bad arguments, missing packages and old tools each get one clear line and the right status.

Package tools are replaced by small programs in front of PATH, so that nothing is installed and no result depends on the machine.
"""
import os
import shutil
import subprocess
import unittest

from sample import SampleTree, TOP


class RunAll(SampleTree):
    def setUp(self):
        super().setUp()
        os.makedirs(os.path.join(self.root, 'bin'))
        os.makedirs(os.path.join(self.root, 'tools'))
        shutil.copy(os.path.join(TOP, 'run_all.sh'), self.root)
        shutil.copy(os.path.join(TOP, 'tools', 'packages.txt'), os.path.join(self.root, 'tools'))
        self.tool('dpkg-query', '[ -n "$NOTHING_INSTALLED" ] || echo installed')
        self.tool('apt-get', 'echo "apt-get $*" >>"$LOG"; [ -z "$APT_FAILS" ] || { echo "E: no network" ; exit 100; }')
        self.tool('apt-cache', 'case "$*" in *-14*) exit 1;; esac')
        self.tool('sudo', 'exit 1')
        self.tool('cmake', 'echo "cmake version ${CMAKE_IS:-3.25.1}"')

    def tool(self, name, script):
        path = os.path.join(self.root, 'bin', name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(f'#!/bin/sh\n{script}\n')
        os.chmod(path, 0o755)

    def run_all(self, *args, uid='0', **env):
        """Exit status, output and the calls of apt-get."""
        self.tool('id', f'echo {uid}')
        log = os.path.join(self.root, 'apt.log')
        if os.path.exists(log):
            os.remove(log)
        variables = {'PATH': os.path.join(self.root, 'bin') + ':/usr/bin:/bin', 'LOG': log, **env}
        done = subprocess.run([os.path.join(self.root, 'run_all.sh'), *args], env=variables, text=True, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if not os.path.exists(log):
            return done.returncode, done.stdout, ''
        with open(log, encoding='utf-8') as file:
            return done.returncode, done.stdout, file.read()

    def test_help(self):
        status, text, _ = self.run_all('help')
        self.assertEqual(status, 0)
        self.assertIn('usage: ./run_all.sh', text)

    def test_usage_errors_are_one_line(self):
        for args in (['frobnicate'], ['test', '--fast'], ['test', '--stress', 'x'], ['packages', 'all']):
            status, text, apt = self.run_all(*args)
            self.assertEqual((status, text.count('\n'), apt), (2, 1, ''), text)
        self.assertEqual(self.run_all('help', JOBS='many')[0], 2)

    def test_no_apt_call_when_all_is_there(self):
        status, text, apt = self.run_all('packages', 'dev')
        self.assertEqual((status, text, apt), (0, '', ''))

    def test_root_is_told_each_package_and_why_first(self):
        status, text, apt = self.run_all('packages', 'run', NOTHING_INSTALLED='1')
        self.assertEqual(status, 0, text)
        self.assertRegex(text, r'libhwloc-dev +hwloc')
        self.assertIn('update', apt)
        self.assertIn('libjansson-dev', apt)
        self.assertNotIn('libcmocka-dev', apt)       # of another tier
        self.assertLess(text.index('libhwloc-dev'), text.index('apt-get update'))

    def test_an_alternative_that_apt_does_not_know_is_not_chosen(self):
        _, _, apt = self.run_all('packages', 'test', NOTHING_INSTALLED='1')
        self.assertIn(' clang-16 ', apt)
        self.assertIn(' libclang-rt-16-dev', apt)
        self.assertNotIn('-14', apt)

    def test_without_root_the_command_is_printed(self):
        status, text, apt = self.run_all('smoke', uid='1000', NOTHING_INSTALLED='1')
        self.assertEqual((status, apt), (4, ''))
        self.assertIn('apt-get install --no-install-recommends gcc g++ cmake', text)

    def test_apt_that_fails_says_why(self):
        status, text, _ = self.run_all('smoke', NOTHING_INSTALLED='1', APT_FAILS='1')
        self.assertEqual(status, 4)
        self.assertIn('apt-get update failed: E: no network', text.splitlines()[-1])

    def test_a_build_folder_that_cannot_be_made(self):
        self.put('build', 'a file')
        status, text, _ = self.run_all('smoke')
        self.assertEqual((status, text.count('\n')), (4, 1))
        self.assertIn('cannot write in', text)

    def test_an_old_cmake_is_refused(self):
        status, text, _ = self.run_all('smoke', CMAKE_IS='3.22.1')
        self.assertEqual((status, text.count('\n')), (4, 1))
        self.assertIn('cmake 3.22.1 is too old', text)

    def test_status_and_arguments_are_passed_through(self):
        self.put('build/release/harness/trine', '#!/bin/sh\necho "args: $*"; exit 3\n')
        os.chmod(os.path.join(self.root, 'build/release/harness/trine'), 0o755)
        status, text, _ = self.run_all('smoke', '--seed', '7')
        self.assertEqual(status, 3)
        self.assertIn('args: run --profile smoke --seed 7', text)

    def test_full_resumes_what_this_commit_began(self):
        self.put('build/release/harness/trine', '#!/bin/sh\n[ "$1" = env ] && echo \'  "machine": "box"\' || echo "args: $*"\n')
        os.chmod(os.path.join(self.root, 'build/release/harness/trine'), 0o755)
        self.tool('git', 'echo abc')
        for began, ended, words in (('abc', 'interrupted', 'args: resume results/box/2-full'), ('abc', 'running', 'args: resume'),
                                    ('abc', 'complete', 'args: run --profile full'), ('abd', 'running', 'args: run --profile full')):
            for name, profile, commit, end in (('1-full', 'full', 'abc', 'running'), ('2-full', 'full', began, ended),
                                               ('3-quick', 'quick', 'abc', 'running'), ('4-claims-full', 'claims-full', 'abc', 'running')):
                self.put(f'results/box/{name}/manifest.json',
                         f'{{\n  "commit": "{commit}",\n  "profile": "{profile}",\n  "ended": "{end}"\n}}\n')
            status, text, _ = self.run_all('full')
            self.assertEqual(status, 0)
            self.assertIn(words, text)
        self.assertIn('another commit', text)


if __name__ == '__main__':
    unittest.main()
