"""Each rule of the house sees a tree that keeps it and one that breaks it."""
import os
import subprocess
import unittest

from sample import SampleTree, TOP
import house


class Rules(SampleTree):
    def assert_rule(self, rule, good, bad, *words):
        for path, text in good.items():
            self.put(path, text)
        self.assertEqual(house.RULES[rule](self.root), [])
        for path, text in bad.items():
            self.put(path, text)
        errors = house.RULES[rule](self.root)
        self.assertEqual(len(errors), len(bad), errors)
        for word in words:
            self.assertIn(word, ' '.join(errors))

    def test_memory_order(self):
        self.assert_rule('memory-order',
                         {'runtime/atomic.h': 'x(__ATOMIC_ACQUIRE)', 'runtime/a.c': '/* memory_order_acquire */ // __ATOMIC_X\n'},
                         {'runtime/b.c': '\nload(&x, memory_order_relaxed);\n', 'runtime/c.c': '#include <stdatomic.h>\n'},
                         'runtime/b.c:2', 'stdatomic.h')

    def test_cxx(self):
        self.assert_rule('cxx', {'benches/gbench_shim.cpp': '//'}, {'benches/other.cpp': '//', 'runtime/x.hpp': '//'}, 'other.cpp')

    def test_size(self):
        self.assert_rule('size', {'a.c': 'x\n' * 450}, {'b.c': 'x\n' * 451}, 'b.c: 451')

    def test_columns(self):
        self.assert_rule('columns', {'a.c': 'x' * 130 + '\n' + '"' + 'x' * 200 + '"'}, {'b.h': '\n' + 'x' * 131}, 'b.h:2')

    def test_opening(self):
        self.assert_rule('opening', {'a.c': '/* a */', 'b.h': '// b'}, {'c.c': '#include "b.h"\n/* late */'}, 'c.c:1')

    def test_names(self):
        self.assert_rule('names', {'a.c': '/* mygmp.h gmp */ #include "gmp_local.h"'},
                         {'b.c': '#include <gmp.h>', 'c.cmake': 'link(libgmp)', 'd.md': 'the gmpbench suite', 'e.mk': 'cc -lgmp'})

    def test_unfinished(self):
        self.assert_rule('unfinished', {'a.sh': 'mktemp x.XXXXXX'}, {'b.c': '/* TODO: later */', 'run_all.sh': '# FIXME'})

    def test_registered(self):
        self.assert_rule('registered',
                         {'tests/CMakeLists.txt': 'foreach(area one two)', 'tests/one/CMakeLists.txt': 'foreach(name chan)',
                          'tests/one/test_chan.c': '', 'tests/one/helper.c': ''},
                         {'tests/one/test_lost.c': '', 'tests/two/test_x.c': '', 'tests/three/CMakeLists.txt': ''},
                         'test_lost.c', 'tests/two: has no', 'tests/three: not named')

    def test_links(self):
        self.assert_rule('links', {'docs/a.md': '[b](b.md) [web](https://x.org/y) [here](#part) [c](b.md#part)', 'docs/b.md': ''},
                         {'c.md': '[gone](docs/gone.md)'}, 'c.md:1', 'docs/gone.md')

    def test_methods(self):
        self.assert_rule('methods',
                         {'docs/METHODOLOGY.md': '| `fig-load` | how | error | lies |\n| `yield` | how | error | lies |\n| `thin` | how | | lies |\n',
                          'harness/report/figures.c': '/* */\n    {"load", "p99"},\n', 'benches/workloads/y.c': '.name = "yield",\n'},
                         {'harness/profiles/x.ini': '[e]\nworkload = lost\n', 'harness/profiles/y.ini': '[e]\nworkload = thin\n'},
                         'x.ini: lost has no row', 'the row of thin lacks')

    def test_built_files_are_not_looked_at(self):
        self.write(build__x_cpp='', results__host__x_cpp='', node_modules__x_cpp='')
        self.assertEqual(house.RULES['cxx'](self.root), [])

    def test_shell(self):
        def parses():
            script = os.path.join(TOP, 'tests', 'lint', 'test_shell.sh')
            return subprocess.run([script, self.root], capture_output=True, check=False).returncode == 0
        self.put('.ci/run', '#!/bin/sh\ntrue\n')
        self.put('tools/good.sh', '#!/usr/bin/env bash\nif [[ $1 == a ]]; then echo yes; fi\n')
        self.assertTrue(parses())
        self.put('tools/bad.sh', '#!/bin/sh\nif true; then echo yes\n')
        self.assertFalse(parses())

    def test_unknown_rule_is_usage(self):
        self.assertEqual(house.main(['no-such-rule', self.root]), 2)


if __name__ == '__main__':
    unittest.main()
