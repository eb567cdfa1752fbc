"""The files of the tree as the lints see them: paths from the top, without what is built, downloaded or measured."""
import os
import re

SKIPPED = {'.git', 'build', 'node_modules', '__pycache__', '.cache'}
C_FILES = ('.c', '.h', '.S', '.cpp', '.hpp', '.cc', '.cxx', '.hh')
CODE_FILES = C_FILES + ('.py', '.sh', '.cmake', '.gp', '.go')


def files(root, suffixes=None):
    """Paths (with /, sorted) of the tree's own files; all of them, or those with one of the suffixes."""
    found = []
    for folder, folders, names in os.walk(root):
        below = os.path.relpath(folder, root)
        folders[:] = sorted(f for f in folders if f not in SKIPPED and not f.startswith('build-'))
        if below == 'results':
            folders[:] = [f for f in folders if f in ('reference', 'schema')]
        for name in names:
            if suffixes is None or name.endswith(suffixes):
                found.append(os.path.normpath(os.path.join(below, name)).replace(os.sep, '/'))
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding='utf-8', errors='replace') as file:
        return file.read()


def without_comments(text):
    """C source with comments blanked, line numbers kept; strings are left as they are."""
    def blank(match):
        token = match.group(0)
        return re.sub(r'[^\n]', ' ', token) if token.startswith('/') else token
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)
