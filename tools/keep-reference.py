#!/usr/bin/env python3
"""Keeps a run as a reference: results/reference/NAME, small enough to commit.

usage: keep-reference.py RUN NAME

Everything that was measured is kept as it is, invalid points and earlier attempts too, but for two things: the histograms'
buckets (their percentiles stand in the points' metrics) and what the report drew, which `trine report` draws again. Paths
lose the folder that the run was made in.
"""
import json
import pathlib
import sys


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.split("\n\n")[1])
    run, name = pathlib.Path(sys.argv[1]), sys.argv[2]
    top = pathlib.Path(__file__).resolve().parent.parent
    out = top / "results/reference" / name
    points = run / "points.jsonl"
    if not points.exists():
        sys.exit(f"keep-reference.py: {run} is no run: it has no points.jsonl")
    out.mkdir(parents=True)
    for file in ("manifest.json", "env.json", "limits.json"):
        if (run / file).exists():
            (out / file).write_text((run / file).read_text().replace(f"{top}/", ""))
    with open(out / "points.jsonl", "w") as kept:
        for line in points.read_text().splitlines():
            point = json.loads(line.replace(f"{top}/", ""))
            if "record" in point and point["record"]:
                point["record"]["histograms"] = {}
            kept.write(json.dumps(point, separators=(",", ":")) + "\n")


main()
