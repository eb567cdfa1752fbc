#!/usr/bin/env python3
"""The places where the N-th call can be made to fail are all the places there are. Usage: sites.py RUNTIME-FOLDER test_runtime_faults

Two looks at the source: each call behind the seam (os_linux.h) is one of those that the test program lists, line for line;
and each call of the kernel or of malloc that may be refused stands behind the seam."""
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'tools/lint'))
import source

SEAM = re.compile(r'\b(?:rt_os_fail|rt_sysalloc|rt_sysreserve|rt_futexsleep|rt_newosthread|rt_setaltstack)\s*\(')
RAW = {   # what may be refused -> the kind that must have been asked within the lines before it
    'mmap': 'OS_MMAP', 'mremap': 'OS_MMAP', 'clone': 'OS_CLONE', 'pthread_create': 'OS_CLONE',
    'epoll_create1': 'OS_EPOLL_CREATE', 'epoll_ctl': 'OS_EPOLL_CTL', 'eventfd': 'OS_EVENTFD', 'sigaltstack': 'OS_SIGALTSTACK',
    'malloc': 'OS_MALLOC', 'calloc': 'OS_MALLOC', 'realloc': 'OS_MALLOC', 'aligned_alloc': 'OS_MALLOC',
    'posix_memalign': 'OS_MALLOC', 'strdup': 'OS_MALLOC', 'asprintf': 'OS_MALLOC', 'fopen': 'OS_MALLOC', 'getline': 'OS_MALLOC',
}
# The functions behind the macros of os_linux.h, which ask for all of their callers; freeing the alternate stack; the wait.
BEHIND = {('os_linux.c', 'mmap'), ('os_linux.c', 'pthread_create'), ('os_linux.c', 'sigaltstack')}
BEFORE = 3   # lines


def main():
    folder, program = Path(sys.argv[1]), sys.argv[2]
    seam, errors = set(), []
    for path in sorted([*folder.glob('*.c'), *folder.glob('*.h')]):
        lines = source.without_comments(path.read_text()).splitlines()
        for number, line in enumerate(lines, 1):
            if path.name != 'os_linux.h':
                seam |= {f'{path.name}:{number}' for _ in SEAM.finditer(line)}
                if len(SEAM.findall(line)) > 1:
                    errors.append(f'{path}:{number}: two places on one line cannot be told apart')
            if path.name != 'os_linux.c' and re.search(r'\bSYS_(futex|clone|mmap)\b', line):
                errors.append(f'{path}:{number}: the seam is passed by')
            for call in re.findall(r'(?<![.>\w])(\w+)\s*\(', line):
                asked = ' '.join(lines[max(0, number - 1 - BEFORE):number])
                if call in RAW and (path.name, call) not in BEHIND and f'rt_os_fail({RAW[call]})' not in asked:
                    errors.append(f'{path}:{number}: {call} may be refused and cannot be made to fail: no rt_os_fail({RAW[call]})')
    listed = set(subprocess.run([program, '--sites'], capture_output=True, text=True, check=True).stdout.split())
    errors += [f'{s} is in the source and not in the program' for s in sorted(seam - listed)]
    errors += [f'{s} is in the program and not in the source' for s in sorted(listed - seam)]
    print('\n'.join(errors + [f'{len(seam)} call sites in the source, {len(listed)} in the program']))
    return 1 if errors or len(seam) < 20 else 0


if __name__ == '__main__':
    sys.exit(main())
