#!/usr/bin/env python3
"""Calls go strictly down as well: checks the symbols of an archive's object files against docs/layers.txt.

usage: calls.py ARCHIVE FOLDER [ROOT]     (FOLDER: the component that the archive was made from)

An undefined symbol of one object that another object defines is an edge between their source files: functions and
variables alike. What goes through a function pointer is no symbol, and is the one permitted way up.
Exit: 0 all edges are permitted, 1 some are not (one line each), 2 the archive or the layers file cannot be read.
"""
import re
import subprocess
import sys

import source
from layers import Layers, LayersError

LINE = re.compile(r'^.*\[(?P<member>[^\]]+)\]: (?P<symbol>\S+) (?P<type>[A-Za-z])(?: .*)?$')


def symbols(text):
    """From the output of nm -A -P: {symbol: member that defines it}, {(member, symbol) that is needed}."""
    defined, needed = {}, set()
    for line in text.splitlines():
        found = LINE.match(line)
        if not found:
            continue
        member, symbol, kind = found['member'], found['symbol'], found['type']
        if kind in 'Uwv':
            needed.add((member, symbol))
        elif kind.isupper():
            defined[symbol] = member
    return defined, needed


def source_of(member, folder, tree):
    """The source file of an object: chan.c.o or chan.o in the archive is FOLDER/…/chan.c."""
    stem = member[:-2] if member.endswith('.o') else member
    for name in (stem, stem + '.c', stem + '.S'):
        for path in tree:
            if path.startswith(folder + '/') and path.rsplit('/', 1)[1] == name:
                return path
    return None


def check(root, folder, nm_output):
    layers, errors = Layers(root), []
    tree = source.files(root, source.C_FILES)
    defined, needed = symbols(nm_output)
    if not defined:
        return ['the archive defines no symbol: nothing was checked']
    for member, symbol in sorted(needed):
        if symbol not in defined or defined[symbol] == member:
            continue
        start, end = source_of(member, folder, tree), source_of(defined[symbol], folder, tree)
        if start is None or end is None:
            errors.append(f'{member if start is None else defined[symbol]}: no source file of that name in {folder}')
            continue
        component = layers.component_of(start)
        if not component.place(start) or not component.place(end):
            continue        # layers.py reports files on no line
        why = layers.edge_error(start, end)
        if why and not layers.excepted('call', start, symbol):
            errors.append(f'{start}: uses {symbol} of {end}: {why}')
    compiled = {source_of(member, folder, tree) for member in list(defined.values()) + [m for m, _ in needed]}
    return errors + layers.unused('call', lambda start, symbol: start in compiled and symbol in defined)


def main(args):
    if len(args) not in (2, 3):
        print('usage: calls.py ARCHIVE FOLDER [ROOT]', file=sys.stderr)
        return 2
    try:
        nm = subprocess.run(['nm', '-A', '-P', args[0]], capture_output=True, text=True, check=True).stdout
        errors = check(args[2] if len(args) == 3 else '.', args[1], nm)
    except (LayersError, OSError, subprocess.CalledProcessError) as error:
        print(f'calls.py: {error}', file=sys.stderr)
        return 2
    for error in errors:
        print(error)
    return 1 if errors else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
