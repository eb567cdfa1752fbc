"""The floors: every kind of wrong edge is seen, between includes and between symbols, and every permitted one passes."""
import unittest

from sample import SampleTree
import calls
import layers

FLOORS = '''
component low
2 top: top.c top.h top_more.c
1 left: left.c left.h
1 right: right.c right.h
0 base: base.h include/public.h
component other
0 all: *
uses low/include/*
'''


class Floors(SampleTree):
    def setUp(self):
        super().setUp()
        self.put('docs/layers.txt', FLOORS)
        self.write(low__top_h='', low__left_h='', low__right_h='', low__base_h='', low__include__public_h='')

    def errors(self, **files):
        self.write(**files)
        return layers.check(self.root)

    def test_down_and_own_module_pass(self):
        self.assertEqual(self.errors(low__top_c='#include "top.h"\n#include "left.h"\n#include <stdio.h>\n',
                                     low__top_more_c='#include "top.h"\n', low__left_c='#include "base.h"\n'), [])

    def test_upward(self):
        error, = self.errors(low__left_c='\n#include "top.h"\n')
        self.assertIn('low/left.c:2', error)
        self.assertIn('upward', error)

    def test_sideways(self):
        error, = self.errors(low__left_c='# include "right.h"\n')
        self.assertIn('sideways', error)

    def test_a_comment_is_no_include(self):
        self.assertEqual(self.errors(low__left_c='/*\n#include "top.h"\n*/\n'), [])

    def test_a_system_header_is_not_ours(self):
        self.assertEqual(self.errors(low__left_c='#include <top.h>\n'), [])

    def test_other_component(self):
        self.assertEqual(self.errors(other__a_c='#include "low/include/public.h"\n#include <public.h>\n'), [])
        error, = self.errors(other__b_c='#include "../low/base.h"\n')
        self.assertIn('other may not use low/base.h', error)
        error = [e for e in self.errors(low__left_c='#include "other/x.h"\n', other__x_h='') if 'low/left.c' in e]
        self.assertIn('low may not use other/x.h', error[0])

    def test_unlisted_and_twice_listed(self):
        self.assertIn('on 0 lines', self.errors(low__new_c='')[0])
        self.put('docs/layers.txt', FLOORS.replace('1 right:', '1 more: right.c\n1 right:'))
        self.assertTrue(any('low/right.c: on 2 lines' in e for e in self.errors(low__right_c='')))

    def test_exceptions(self):
        self.put('docs/layers.txt', FLOORS + 'except include low/left.c -> low/top.h: a reason\n')
        self.assertEqual(self.errors(low__left_c='#include "top.h"\n'), [])
        self.assertIn('nothing needs this exception', self.errors(low__left_c='')[0])

    def test_bad_line(self):
        self.put('docs/layers.txt', FLOORS + 'except include low/left.c -> low/top.h\n')     # no reason
        with self.assertRaisesRegex(layers.LayersError, r'docs/layers.txt:\d+'):
            layers.check(self.root)
        self.assertEqual(layers.main([self.root]), 2)


class Calls(SampleTree):
    NM = ('x.a[top.c.o]: rt_top T 0 1\nx.a[top.c.o]: rt_left U\nx.a[left.c.o]: rt_left T 0 1\n'
          'x.a[left.c.o]: helper t 0 1\nx.a[left.c.o]: memcpy U\nx.a[right.c.o]: rt_right D 0 4\n')

    def setUp(self):
        super().setUp()
        self.put('docs/layers.txt', FLOORS)
        self.write(low__top_c='', low__left_c='', low__right_c='')

    def check(self, more=''):
        return calls.check(self.root, 'low', self.NM + more)

    def test_down_passes(self):
        self.assertEqual(self.check(), [])

    def test_upward(self):
        error, = self.check('x.a[left.c.o]: rt_top U\n')
        self.assertIn('low/left.c: uses rt_top of low/top.c: upward', error)

    def test_a_variable_counts(self):
        error, = self.check('x.a[left.c.o]: rt_right U\n')
        self.assertIn('sideways', error)

    def test_exception(self):
        self.put('docs/layers.txt', FLOORS + 'except call low/left.c -> rt_top: a reason\n')
        self.assertEqual(self.check('x.a[left.c.o]: rt_top U\n'), [])
        self.assertIn('nothing needs', self.check()[0])
        self.put('docs/layers.txt', FLOORS + 'except call low/top_more.c -> rt_top: not in this archive\n')
        self.assertEqual(self.check(), [])

    def test_nothing_to_check_is_an_error(self):
        self.assertEqual(len(calls.check(self.root, 'low', '')), 1)


if __name__ == '__main__':
    unittest.main()
