#!/usr/bin/env python3
"""Every public function stands in the tables of misuse: where it may not be called, and what it may not be given.

sched_misuse.c: E(f) is refused outside of a run, after one, in a signal handler and inside a blocking call; H(f) in a
handler alone; whatever is neither must be called in its legal_anywhere functions, in the handler among them.
misuse_args.c: a row for each way in which an argument can be wrong, by its type in the header.

Usage: public_calls.py trine.h sched_misuse.c misuse_args.c"""
import re
import sys
from pathlib import Path

OWN = 'trine_syscall_exit'   # has its own lines, in a handler too: the test ExitWithoutEnter


def prototypes(header):
    """{function: its parameters}"""
    flat = re.sub(r'\s+', ' ', re.sub(r'^\s*#.*$', '', header, flags=re.M))
    return {name: [] if args.strip() == 'void' else [a.strip() for a in args.split(',')]
            for name, args in re.findall(r'\b(trine_\w+)\(([^()]*)\);', flat)}


def wrong(parameter):
    """The labels that a parameter must have."""
    kind, name = re.match(r'(.*?)(\w+)$', parameter).groups()
    if parameter == 'void *arg':   # the program's own
        return []
    if '*' in kind or kind.strip() == 'trine_fn':
        return [f'null_{name}']
    if kind.strip() == 'int' and name == 'fd':
        return ['negative_fd', 'huge_fd', 'closed_fd', 'file_fd']
    if kind.strip() in ('size_t', 'socklen_t'):
        return [f'zero_{name}', f'huge_{name}']
    return [f'zero_{name}', f'negative_{name}', f'huge_{name}']


def main():
    header = re.sub(r'/\*.*?\*/', '', Path(sys.argv[1]).read_text(), flags=re.S)
    public = prototypes(header)
    where, args = Path(sys.argv[2]).read_text(), Path(sys.argv[3]).read_text()
    refused, handlers = set(re.findall(r'\bE\((trine_\w+)\)', where)), set(re.findall(r'\bH\((trine_\w+)\)', where))
    legal = set(re.findall(r'\b(trine_\w+)\(', re.sub(r'\bCALL\(.*', '', where)))
    on_ask = set(re.findall(r'\b(trine_\w+)\(', where[where.index('static void on_ask'):].split('\n}\n')[0]))
    errors = []
    for f in public:
        if f not in refused and f not in legal:
            errors.append(f'{sys.argv[2]}: {f} is public and in no table: add E({f}), or a call where it is legal')
        if f not in refused | handlers | on_ask and f != OWN:
            errors.append(f'{sys.argv[2]}: {f} in a signal handler: add H({f}), or a call in on_ask')
    rows = set(re.findall(r'\b(?:GIVES|REFUSES|ENDS|OUTSIDE|OUTSIDE_REFUSES)\((trine_\w+), (\w+)', args))
    rows |= {(f, f'null_{p}') for f, p in re.findall(r'^NULL_POINTER\((\w+), (\w+)\)', args, re.M)}
    rows |= {(f, w) for f in re.findall(r'^DESCRIPTOR\((\w+),', args, re.M) for w in wrong('int fd')}
    needed = {(f, w) for f, parameters in public.items() for p in parameters for w in wrong(p)}
    errors += [f'{sys.argv[3]}: no row {w} of {f}' for f, w in sorted(needed - rows)]
    errors += [f'{sys.argv[3]}: {f} is not public' for f in sorted({f for f, _ in rows} - set(public))]
    print('\n'.join(errors + [f'{len(public)} public functions: {len(refused & set(public))} refused where they make no sense, '
                              f'{len(handlers)} in a handler; {len(rows)} rows of arguments, {len(needed)} by the header']))
    return 1 if errors or len(public) < 55 else 0


if __name__ == '__main__':
    sys.exit(main())
