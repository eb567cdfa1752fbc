"""A claim over one point of the fake driver, and a driver that is a shell script: for test_broken.py and test_selection.py."""

CLAIM = """[claim]
group = {group}
statement = Of a test.
claimed = at most 200
source = S0
falsifier = more
meaning = Nothing.
show = x
unit = ns
[experiment e]
workload = pingpong
procs = 1
param.sleep_ms = 0
reps = 2
measure_ms = 1
{settings}
[quantities]
x = e.median{against}
[predicates]
p = x <= 200
[control]
none = the figures of the fake are always the same
"""


def claim(settings, against="", group="Cost of a task"):
    """The text of an .ini. settings: further lines of its experiment; against: what its figure is divided by."""
    return CLAIM.format(group=group, settings=settings, against=against)


def script(path, text):
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
