#!/usr/bin/env python3
"""Includes go strictly down: checks every #include of the tree against docs/layers.txt, which says how to read it.

usage: layers.py [ROOT]
Exit: 0 all edges are permitted, 1 some are not (one line each), 2 the layers file cannot be read.
"""
import fnmatch
import os
import re
import sys

import source

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)


class LayersError(Exception):
    """A line of the layers file that cannot be understood."""


class Component:
    def __init__(self, folder):
        self.folder = folder
        self.modules = []       # (floor, name, patterns)
        self.uses = []

    def place(self, path):
        """The (floor, module) pairs whose patterns match a path from the top; one, when the file is listed once."""
        below = path[len(self.folder) + 1:]
        return [(floor, name) for floor, name, patterns in self.modules
                if any(fnmatch.fnmatch(below, pattern) for pattern in patterns)]


class Layers:
    def __init__(self, root, path='docs/layers.txt'):
        self.root, self.path = root, path
        self.components = []
        self.exceptions = {'include': {}, 'call': {}}     # (from, to) -> line number
        self.used = set()
        for number, line in enumerate(source.read(root, path).splitlines(), 1):
            line = line.strip()
            if line and not line.startswith('#'):
                self._parse(number, line)

    def _parse(self, number, line):
        module = re.fullmatch(r'(\d+)\s+(\w+):\s+(\S.*)', line)
        exception = re.fullmatch(r'except (include|call)\s+(\S+)\s+->\s+(\S+):\s+(\S.*)', line)
        if line.startswith('component '):
            self.components.append(Component(line.split(None, 1)[1]))
        elif exception:
            kind, start, end, _ = exception.groups()
            self.exceptions[kind][start, end] = number
        elif not self.components:
            raise LayersError(f'{self.path}:{number}: expected "component FOLDER" first, got {line!r}')
        elif module:
            self.components[-1].modules.append((int(module[1]), module[2], module[3].split()))
        elif line.startswith('uses '):
            self.components[-1].uses += line.split()[1:]
        else:
            raise LayersError(f'{self.path}:{number}: expected component, FLOOR MODULE: FILES, uses or except: {line!r}')

    def component_of(self, path):
        return next((c for c in self.components if path.startswith(c.folder + '/')), None)

    def excepted(self, kind, start, end):
        if (start, end) not in self.exceptions[kind]:
            return False
        self.used.add((kind, start, end))
        return True

    def unused(self, kind, seen):
        """Exceptions that nothing needed, of those both of whose ends were seen."""
        return [f'{self.path}:{number}: nothing needs this exception: {start} -> {end}'
                for (start, end), number in self.exceptions[kind].items()
                if (kind, start, end) not in self.used and seen(start, end)]

    def edge_error(self, start, end):
        """Why a file may not depend on another, or None when it may."""
        component = self.component_of(start)
        if not end.startswith(component.folder + '/'):
            if any(fnmatch.fnmatch(end, pattern) for pattern in component.uses):
                return None
            return f'{component.folder} may not use {end} (no "uses" line names it)'
        (floor, module), = component.place(start)[:1]
        (below, other), = component.place(end)[:1]
        if below < floor or module == other:
            return None
        way = 'sideways' if below == floor else 'upward'
        return f'{way}: {module} (floor {floor}) -> {other} (floor {below})'


def resolve(path, name, tree, roots):
    """The file of the tree that an #include names, or None when it is a library's. In <> it can only be a public header."""
    if name.startswith('<'):
        return next((f'{root}/include/{name[1:]}' for root in roots if f'{root}/include/{name[1:]}' in tree), None)
    name = name[1:]
    here = os.path.normpath(os.path.join(os.path.dirname(path), name)).replace(os.sep, '/')
    if here in tree:
        return here
    for root in [path.split('/')[0], path.split('/')[0] + '/include', '.'] + roots:
        there = os.path.normpath(os.path.join(root, name)).replace(os.sep, '/')
        if there in tree:
            return there
    ends = [other for other in tree if other.endswith('/' + name)]
    ends.sort(key=lambda other: other.split('/')[0] != path.split('/')[0])      # its own component first
    return ends[0] if ends else None


def check(root):
    layers, errors = Layers(root), []
    tree = source.files(root, source.C_FILES)
    known, roots = set(tree), [component.folder for component in layers.components]
    placed = []
    for path in tree:
        component = layers.component_of(path)
        if component is None:
            continue
        places = component.place(path)
        if len(places) == 1:
            placed.append(path)
        else:
            errors.append(f'{path}: on {len(places)} lines of {layers.path}, expected one')
    for path in placed:
        text = source.without_comments(source.read(root, path))
        for found in INCLUDE.finditer(text):
            line = text.count('\n', 0, found.start()) + 1
            target = resolve(path, found.group(1) + found.group(2), known, roots)
            if target is None or target == path or (layers.component_of(target) and target not in placed):
                continue
            why = layers.edge_error(path, target)
            if why and not layers.excepted('include', path, target):
                errors.append(f'{path}:{line}: includes {target}: {why}')
    return errors + layers.unused('include', lambda start, end: start in known and end in known)


def main(args):
    root = args[0] if args else '.'
    try:
        errors = check(root)
    except (LayersError, OSError) as error:
        print(f'layers.py: {error}', file=sys.stderr)
        return 2
    for error in errors:
        print(error)
    return 1 if errors else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
