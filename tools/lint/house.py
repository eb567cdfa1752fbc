#!/usr/bin/env python3
"""The rules of the house that a program can check, one function each. CONTRIBUTING.md says why they are there.

usage: house.py RULE [ROOT]     (house.py --list prints the rules)
Exit: 0 kept, 1 broken (one line each: file, line, what), 2 no such rule.
"""
import os
import re
import sys

import source

MOST_LINES = 450
ATOMICS = re.compile(r'\b(__ATOMIC_\w+|memory_order_\w+|__atomic_\w+|__sync_\w+|_Atomic\b|stdatomic\.h)')
GNU_MP = re.compile(r'\b(gmp\.h|libgmp\w*|gmpbench\w*)\b|-lgmp\b')
UNFINISHED = re.compile(r'\b(TODO|FIXME|XXX|HACK)\b')
LINK = re.compile(r'\]\((?!\w+:|#)([^)#\s]+)')
# These two name what they look for.
ABOUT_LINTS = ('tools/lint/', 'tests/lint/')


def hits(root, paths, pattern, message, clean=lambda text: text):
    errors = []
    for path in paths:
        if path.startswith(ABOUT_LINTS):
            continue
        for number, line in enumerate(clean(source.read(root, path)).splitlines(), 1):
            errors += [f'{path}:{number}: {message.format(found.group(0))}' for found in pattern.finditer(line)]
    return errors


def memory_order(root):
    """Only atomic.h names a memory order, so the same source runs under the chaos build and the model checker."""
    paths = [p for p in source.files(root, source.C_FILES) if p.startswith('runtime/') and p != 'runtime/atomic.h']
    return hits(root, paths, ATOMICS, '{} outside atomic.h', source.without_comments)


CXX = ('benches/gbench_shim.cpp', 'benches/backends/boost/backend.cpp', 'benches/backends/tbb/backend.cpp')


def cxx(root):
    """C++ only where a library has no other face: the google-benchmark shim and the peers written in it."""
    paths = source.files(root, ('.cpp', '.cc', '.cxx', '.hpp', '.hh', '.hxx'))
    return [f'{p}: C++ outside of {", ".join(CXX)}' for p in paths if p not in CXX]


def size(root):
    """A file holds one idea: 450 lines at most."""
    counts = ((p, source.read(root, p).count('\n')) for p in source.files(root, source.CODE_FILES))
    return [f'{p}: {n} lines, at most {MOST_LINES}' for p, n in counts if n > MOST_LINES]


def columns(root):
    return [f'{path}:{number}: {len(line)} columns, more than 130' for path in source.files(root, source.C_FILES)
            for number, line in enumerate(source.read(root, path).split('\n'), 1) if len(line) > 130 and '"' not in line]


def opening(root):
    """A C file opens with a comment that says what it owns."""
    return [f'{p}:1: does not open with a comment' for p in source.files(root, source.C_FILES)
            if not source.read(root, p).lstrip().startswith(('/*', '//'))]


def names(root):
    """GNU MP owns these names; a user must never find two things under one of them."""
    return hits(root, source.files(root), GNU_MP, '{} is a name of GNU MP')


def unfinished(root):
    """What is not done is an issue, not a comment."""
    paths = source.files(root, source.CODE_FILES)
    return hits(root, paths, UNFINISHED, '{} left in the source')


def registered(root):
    """Every folder of tests is in tests/CMakeLists.txt, and every test file in its folder's: none is forgotten."""
    errors, areas = [], set()
    top = source.read(root, 'tests/CMakeLists.txt')
    for path in source.files(root):
        parts = path.split('/')
        if parts[0] != 'tests' or len(parts) < 3:
            continue
        areas.add(parts[1])
        stem, suffix = os.path.splitext(parts[-1])
        kind = re.match(r'(test|fuzz)_', stem)
        lists = f'tests/{parts[1]}/CMakeLists.txt'
        if not kind or suffix not in ('.c', '.py', '.sh') or not os.path.exists(os.path.join(root, lists)):
            continue
        text = source.read(root, lists)
        if not re.search(rf'\b({re.escape(stem)}|{re.escape(stem[len(kind[0]):])})\b', text):
            errors.append(f'{path}: not named in {lists}')
    for area in sorted(areas):
        if not os.path.exists(os.path.join(root, 'tests', area, 'CMakeLists.txt')):
            errors.append(f'tests/{area}: has no CMakeLists.txt')
        elif not re.search(rf'\b{re.escape(area)}\b', top):
            errors.append(f'tests/{area}: not named in tests/CMakeLists.txt')
    return errors


def links(root):
    """A relative link of a document leads to a file."""
    errors = []
    for path in source.files(root, ('.md',)):
        for number, line in enumerate(source.read(root, path).splitlines(), 1):
            for target in LINK.findall(line):
                if not os.path.exists(os.path.join(root, os.path.dirname(path), target)):
                    errors.append(f'{path}:{number}: no file {target}')
    return errors


METHODS = 'docs/METHODOLOGY.md'
# Where a report's figures, the workloads of the drivers and those of the sweeps get their names.
NAMED = (('harness/report/figures.c', 'fig-', re.compile(r'^    \{"([a-z0-9-]+)", "', re.M)),
         ('harness/report/', 'fig-', re.compile(r'^#define FIGURE_OF_\w+ "([a-z0-9-]+)"', re.M)),
         ('benches/workloads/', '', re.compile(r'\.name = "([a-z0-9-]+)"')),
         ('harness/', '', re.compile(r'^workload = ([a-z0-9-]+)\s*$', re.M)))


def methods(root):
    """Every figure of a report and every workload's has a row that says how it is measured, its error and its lies."""
    text = source.read(root, METHODS) if os.path.exists(os.path.join(root, METHODS)) else ''
    rows = {}
    for line in text.splitlines():
        found = re.match(r'\| `([a-z0-9-]+)` \|(.*)\|$', line)
        if found:
            rows[found.group(1)] = [cell.strip() for cell in found.group(2).split(' | ')]
    errors, seen = [], set()
    for path in source.files(root, ('.c', '.h', '.ini')):
        for name in (kind + n for start, kind, names in NAMED if path.startswith(start)
                     for n in names.findall(source.read(root, path))):
            if name in seen:
                continue
            seen.add(name)
            if name not in rows:
                errors.append(f'{path}: {name} has no row in {METHODS}')
            elif len(rows[name]) < 3 or not all(rows[name]):
                errors.append(f'{METHODS}: the row of {name} lacks how, error or lies')
    return errors


RULES = {f.__name__.replace('_', '-'): f
         for f in (memory_order, cxx, size, columns, opening, names, unfinished, registered, links, methods)}


def main(args):
    if args == ['--list']:
        print('\n'.join(RULES))
        return 0
    if not args or args[0] not in RULES:
        print(f'house.py: expected one of: {", ".join(RULES)}', file=sys.stderr)
        return 2
    errors = RULES[args[0]](args[1] if len(args) > 1 else '.')
    for error in errors:
        print(error)
    return 1 if errors else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
