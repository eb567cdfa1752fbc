#!/usr/bin/env python3
"""Every public function stands in the tables of sched_misuse.c: refused outside of a run, in a signal handler and inside
a blocking call, or legal there and called so. Usage: public_calls.py trine.h sched_misuse.c"""
import re
import sys
from pathlib import Path

header = re.sub(r'/\*.*?\*/', '', Path(sys.argv[1]).read_text(), flags=re.S)
public = sorted(set(re.findall(r'^[^#\n]*?\b(trine_\w+)\(', header, re.M)))
table = Path(sys.argv[2]).read_text()
refused = set(re.findall(r'\bE\((trine_\w+)\)', table))
called = set(re.findall(r'\b(trine_\w+)\(', re.sub(r'\bCALL\(.*', '', table)))
missing = [f for f in public if f not in refused and f not in called]
for f in missing:
    print(f'{sys.argv[2]}: {f} is public and in no table: add E({f}), or a call where it is legal')
print(f'{len(public)} public functions: {len(refused & set(public))} refused where they make no sense, '
      f'{len(public) - len(refused & set(public)) - len(missing)} legal there')
sys.exit(1 if missing or len(public) < 40 else 0)
