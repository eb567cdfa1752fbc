#!/usr/bin/env python3
"""Counts tests from the JUnit files that ctest wrote, and says so in one plain last line.

usage: test-summary.py [--allowed FILE] [--ci] BUILD=FILE.xml ...

A cmocka program counts as its tests, a Python unittest program as its own, any other as one. A skip is listed with the
reason that the test printed ("SKIP: why"). With --ci a skip that no line of the allowed file matches is a failure, and
so is a line that is malformed. What ctest could not start, a program that dies half-way, and a missing or empty
results file are failures: a test that did not run never counts as one that passed.
Exit: 0 all passed, 1 something failed.
"""
import fnmatch
import re
import sys
import xml.etree.ElementTree as ET

CMOCKA_RUN = re.compile(r'\[==========\] (?:tests: )?(\d+) test\(s\) run\.')
CMOCKA_PASSED = re.compile(r'\[  PASSED  \] (\d+) test\(s\)')
CMOCKA_OK = re.compile(r'\[       OK \] ')
CMOCKA_START = re.compile(r'\[ RUN      \] (\S+)')
CMOCKA_SKIPPED = re.compile(r'\[  SKIPPED \] (?!\d+ test)(\S+)')
CMOCKA_FAILED = re.compile(r'\[  FAILED  \] (?!\d+ test)(\S+)')
UNITTEST_RAN = re.compile(r'^Ran (\d+) tests? in ', re.M)
REASON = re.compile(r'\bskip(?:ped)?: *(.+)', re.I)


class Count:
    """Results of one build: how many passed, what failed (name, why), what was skipped (name, reason)."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []


def first_reason(text):
    found = REASON.search(text)
    return found.group(1).strip() if found else 'no reason given'


def last_lines(text, n=30):
    return '\n'.join('      ' + line for line in text.rstrip().splitlines()[-n:])


def count_cmocka(name, output, failed, count):
    """The tests of one cmocka program. Skips and failures are named; a program that died is one failure more."""
    skipped, broken, reason, ran = [], [], None, 0
    for line in output.splitlines():
        if CMOCKA_RUN.search(line):
            ran += int(CMOCKA_RUN.search(line).group(1))
        elif CMOCKA_START.search(line):
            reason = None
        elif CMOCKA_SKIPPED.search(line) and reason != 'listed':
            skipped.append((f'{name}/{CMOCKA_SKIPPED.search(line).group(1)}', reason or 'no reason given'))
        elif CMOCKA_FAILED.search(line) and reason != 'listed':
            broken.append((f'{name}/{CMOCKA_FAILED.search(line).group(1)}', ''))
        elif REASON.search(line):
            reason = first_reason(line)
        if CMOCKA_PASSED.search(line) or CMOCKA_RUN.search(line):
            reason = 'listed'   # the summary repeats the names
    passed = sum(int(n) for n in CMOCKA_PASSED.findall(output)) if ran else len(CMOCKA_OK.findall(output))
    count.passed += passed
    count.skipped += skipped
    if failed and not broken:
        broken.append((name, 'the program failed outside its tests'))
    if not failed and ran > passed + len(skipped) + len(broken):
        broken.append((name, f'{ran} tests ran and only {passed + len(skipped)} have a result'))
    if broken:
        broken[0] = (broken[0][0], (broken[0][1] + '\n' + last_lines(output)).strip('\n'))
    count.failed += broken


def count_unittest(name, output, failed, count):
    ran = sum(int(n) for n in UNITTEST_RAN.findall(output))
    reasons = re.findall(r"\.\.\. skipped '(.*)'", output)
    bad = sum(int(n) for n in re.findall(r'(?:failures|errors)=(\d+)', output))
    if failed:
        bad = max(bad, 1)
        count.failed += [(name, last_lines(output))] + [(name, '')] * (bad - 1)
    count.skipped += [(name, reason) for reason in reasons]
    count.passed += max(0, ran - bad - len(reasons))


def count_case(case, count):
    name, status = case.get('name'), case.get('status')
    output = case.findtext('system-out') or ''
    skip = case.find('skipped')
    if status == 'disabled':
        count.skipped.append((name, 'disabled in CMake'))
    elif skip is not None and skip.get('message', '').startswith('SKIP_'):
        count.skipped.append((name, first_reason(output)))
    elif skip is not None:
        count.failed.append((name, f'did not run: {skip.get("message", "")}'))
    elif status not in ('run', 'fail'):
        count.failed.append((name, f'unknown status {status!r}'))
    elif '[==========] ' in output:
        count_cmocka(name, output, status == 'fail', count)
    elif UNITTEST_RAN.search(output):
        count_unittest(name, output, status == 'fail', count)
    elif status == 'fail':
        count.failed.append((name, last_lines(output)))
    else:
        count.passed += 1


def count_file(path):
    count = Count()
    try:
        cases = ET.parse(path).getroot().findall('testcase')
    except (OSError, ET.ParseError) as error:
        count.failed.append((path, f'no results: {error}'))
        return count
    for case in cases:
        count_case(case, count)
    if not cases:
        count.failed.append((path, 'no results: not one test ran'))
    return count


def read_allowed(path):
    """Lines of BUILD TEST WHY, the first two shell patterns."""
    allowed = []
    with open(path, encoding='utf-8') as file:
        for number, line in enumerate(file, 1):
            if not line.strip() or line.startswith('#'):
                continue
            fields = line.split(None, 2)
            if len(fields) < 3:
                sys.exit(f'{path}:{number}: expected BUILD TEST WHY, got {line.strip()!r}')
            allowed.append(fields[:2])
    return allowed


def is_allowed(build, name, allowed):
    return any(fnmatch.fnmatch(build, b) and fnmatch.fnmatch(name, t) for b, t in allowed)


def main(args):
    allowed, ci, results = [], False, []
    while args:
        arg = args.pop(0)
        if arg == '--ci':
            ci = True
        elif arg == '--allowed' and args:
            allowed = read_allowed(args.pop(0))
        elif '=' in arg:
            results.append(arg.split('=', 1))
        else:
            print(f'test-summary.py: unknown argument {arg!r}', file=sys.stderr)
            return 2
    passed = failed = skipped = unlisted = 0
    for build, path in results:
        count = count_file(path)
        print(f'-- {build}: {count.passed} passed, {len(count.failed)} failed, {len(count.skipped)} skipped')
        for name, why in count.failed:
            print(f'   FAILED  {name}' + (f'\n{why}' if '\n' in why or why.startswith(' ') else f': {why}' if why else ''))
        for name, reason in count.skipped:
            listed = is_allowed(build, name, allowed)
            print(f'   skipped {name}: {reason}' + ('' if listed or not ci else '  (NOT in the list of allowed skips)'))
            unlisted += ci and not listed
        passed, failed, skipped = passed + count.passed, failed + len(count.failed), skipped + len(count.skipped)
    if unlisted:
        print(f'-- {unlisted} skipped without being allowed: in CI that is a failure')
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    return 1 if failed or unlisted or not results else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
