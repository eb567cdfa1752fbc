#!/usr/bin/env python3
"""The conformance test sees what it should: a good driver passes, and each broken one, made by bending the good one's
output, is refused. test_conformance.py DRIVER"""
import os
import subprocess
import sys
import tempfile

BENT = """#!{python}
import json, subprocess, sys
r = subprocess.run([{driver!r}, *sys.argv[1:]], capture_output=True, text=True)
out, err, code = r.stdout, r.stderr, r.returncode
describes = "--describe" in sys.argv
d = json.loads(out) if out else None
{bend}
sys.stdout.write(out); sys.stderr.write(err); sys.exit(code)
"""
RECORD = "if d and not describes and d['status'] == 'ok':\n    {change}\n    out = json.dumps(d) + '\\n'"
BENDS = {
    "rubbish after the record": "out += 'done\\n'",
    "no newline": "out = out.rstrip()",
    "a later protocol": "if d: d['protocol'] = 2; out = json.dumps(d) + '\\n'",
    "bad input accepted": "code = 0",
    "silent about bad input": "err = ''",
    "operations lost": RECORD.format(change="d['counts']['operations'] -= 1"),
    "no samples": RECORD.format(change="d['samples'] = []"),
    "a metric of null": RECORD.format(change="d['metrics']['x'] = {'value': None, 'unit': 'ns', 'better': 'lower'}"),
    "a bucket lost": RECORD.format(change="[h['buckets'].pop() for h in d['histograms'].values()]"),
    "another metric": RECORD.format(change="d['metric']['unit'] = 'us'"),
    "params dropped": RECORD.format(change="d['params'] = {}"),
    "a drift of its own": "if d and not describes and 'drifting' in d.get('warmup', {}): d['warmup']['drifting'] = not d['warmup']['drifting']; "
                          "out = json.dumps(d) + '\\n'",
    "no phase": RECORD.format(change="d['phases'] = []"),
    "a default out of range": "if describes: [p.update(default='-1') for w in d['workloads'] for p in w['params']]; out = json.dumps(d) + '\\n'",
    "not applicable without a reason": "if d and not describes: d['status'], d['reason'] = 'not_applicable', ''; out = json.dumps(d) + '\\n'",
}


def conforms(driver):      # sleepers has a parameter, a histogram and percentiles
    test = os.path.join(os.path.dirname(os.path.abspath(__file__)), "conformance.py")
    return subprocess.run([sys.executable, "-B", test, driver, "sleepers"], capture_output=True, text=True, check=False).returncode


def main():
    driver, failed = os.path.abspath(sys.argv[1]), 0
    if conforms(driver) != 0:
        print("FAIL the driver itself does not conform")
        failed += 1
    with tempfile.TemporaryDirectory() as folder:
        for what, bend in BENDS.items():
            path = os.path.join(folder, "driver")
            with open(path, "w", encoding="utf-8") as f:
                f.write(BENT.format(python=sys.executable, driver=driver, bend=bend))
            os.chmod(path, 0o755)
            code = conforms(path)
            if code != 1:
                print(f"FAIL a driver with {what} got {code}, expected 1")
                failed += 1
    print(f"{len(BENDS) + 1 - failed} of {len(BENDS) + 1} drivers were judged rightly")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
