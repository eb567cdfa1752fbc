#!/usr/bin/env python3
"""Writes golden/hist.txt: what an HDR histogram must answer, computed here from the sorted values themselves.

A value's bucket is found by arithmetic on its bit length alone, with none of the index calculations of the C code.
Format, one case after another:
  case NAME digits D values N            then N values
  stats MIN MAX MEAN STDDEV              (mean exact, deviation over the buckets' midpoints)
  buckets K                              then K lines: lowest highest count
  percentiles K                          then K lines: p value, or p none (fewer than ten samples beyond)
"""
import math
import random
from collections import Counter
from fractions import Fraction
from pathlib import Path


def bucket(value, digits):
    slots = 1 << math.ceil(math.log2(2 * 10**digits))
    width = 1
    while value // width >= slots:
        width *= 2
    lowest = value // width * width
    return lowest, lowest + width - 1


def percentile(ordered, text, digits):
    p = Fraction(text)
    rank = max(1, math.ceil(p / 100 * len(ordered)))
    beyond = len(ordered) - rank if p >= 50 else rank - 1
    if beyond < 10:
        return "none"
    return min(bucket(ordered[rank - 1], digits)[1], ordered[-1])


def main():
    rng = random.Random(61)
    cases = [
        ("one", 3, [5]),
        ("zeroes", 3, [0] * 25),
        ("edges", 3, [0, 1, 2046, 2047, 2048, 2049, 4095, 4096, 4097, 2**32, 2**63 - 1, 2**63, 2**64 - 1]),
        ("thousand", 3, list(range(1, 1001))),
        ("lognormal", 3, [int(rng.lognormvariate(9, 1.5)) for _ in range(3000)]),
        ("bimodal", 2, [rng.choice((90, 40_000_000)) + rng.randrange(50) for _ in range(500)]),
        ("coarse", 1, [rng.randrange(10**9) for _ in range(400)]),
        ("fine", 5, [rng.randrange(10**12) for _ in range(400)]),
    ]
    levels = ["0", "1", "10", "50", "75", "90", "95", "99", "99.5", "99.9", "99.99", "100"]
    out = []
    for name, digits, values in cases:
        ordered = sorted(values)
        counts = Counter(bucket(v, digits) for v in values)
        mean = Fraction(sum(values), len(values))
        mids = sum((Fraction(lo + hi, 2) - mean) ** 2 * n for (lo, hi), n in counts.items())
        out.append(f"case {name} digits {digits} values {len(values)}")
        out.append(" ".join(map(str, values)))
        out.append(f"stats {ordered[0]} {ordered[-1]} {float(mean)!r} {math.sqrt(mids / len(values))!r}")
        out.append(f"buckets {len(counts)}")
        out += [f"{lo} {hi} {n}" for (lo, hi), n in sorted(counts.items())]
        out.append(f"percentiles {len(levels)}")
        out += [f"{p} {percentile(ordered, p, digits)}" for p in levels]
    (Path(__file__).parent / "golden" / "hist.txt").write_text("\n".join(out) + "\n")


main()
