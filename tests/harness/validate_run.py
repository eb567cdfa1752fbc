#!/usr/bin/env python3
"""Runs trine on the fake driver and holds everything that it wrote against results/schema/; then shows that the schemas
refuse a damaged point. Arguments: trine, the fake driver's folder, the schemas' folder."""
import copy
import json
import os
import pathlib
import subprocess
import sys
import tempfile

try:
    import jsonschema
except ImportError:
    print("SKIP: python3 has no jsonschema")
    sys.exit(77)

SWEEP = """[profile]
reruns = 1
[experiment all]
workload = pingpong
backends = fake
procs = 1 n
param.mode = ok crash unsteady error
param.sleep_ms = 20
pin = none compact smt
reps = 1
warmup_ms = 1
measure_ms = 1
counters = page-faults cycles netburst::TC_deliver_mode
[experiment never]
workload = never
backends = fake
procs = 1
"""


def validator(folder, name):
    schema = json.loads((folder / f"{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def damaged(point):
    """Points that must be refused: each differs from a good one in one thing."""
    for key in ("id", "valid", "record", "outside"):
        bad = copy.deepcopy(point)
        del bad[key]
        yield f"without {key}", bad
    for key, value in (("version", 2), ("status", "fine"), ("id", "x"), ("elapsed_ns", -1), ("invalid_because", ["a"])):
        yield f"{key} = {value}", {**point, key: value}
    bad = copy.deepcopy(point)
    bad["counters"]["page-faults"] = 0
    yield "a bare 0 as a counter", bad


def main():
    trine, drivers, schemas = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    with tempfile.TemporaryDirectory() as tmp:
        sweep = pathlib.Path(tmp, "s.ini")
        sweep.write_text(SWEEP)
        done = subprocess.run([trine, "run", "--profile", sweep, "--out", tmp + "/out", "--backends", "fake", "--quiet"],
                              env={**os.environ, "TRINE_DRIVERS": drivers}, capture_output=True, text=True, timeout=60)
        assert done.returncode == 4, (done.returncode, done.stderr)  # crash and error are failures
        (run,) = pathlib.Path(tmp, "out").glob("*/*")
        for name in ("manifest", "env"):
            validator(schemas, name).validate(json.loads((run / f"{name}.json").read_text()))
        points = [json.loads(line) for line in (run / "points.jsonl").read_text().splitlines()]
    check = validator(schemas, "point")
    for point in points:
        check.validate(point)
    statuses = {p["status"] for p in points}
    assert {"ok", "failed", "skipped", "not_applicable"} <= statuses, statuses
    good = next(p for p in points if p["status"] == "ok" and p["valid"])
    for what, bad in damaged(good):
        assert not check.is_valid(bad), f"the schema accepts a point {what}"
    print(f"{len(points)} points, a manifest and an env are valid")


main()
