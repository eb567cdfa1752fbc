#!/usr/bin/env python3
"""Writes golden/stats.txt with SciPy (Debian's python3-scipy): what the statistics library must answer.

One record a line: the function's name, then its input, then its answers. Arrays are written as their length and
their values. The bootstrap's resamples are drawn by SplitMix64 as in the library, but everything after that is
NumPy's and SciPy's; scipy.stats.bootstrap with its own resamples must agree to within sampling error.
"""
import math
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy import stats

rng = np.random.default_rng(61)
lines = []


def array(x):
    return f"{len(x)} " + " ".join(repr(float(v)) for v in x)


def emit(name, *fields):
    lines.append(" ".join([name] + [f if isinstance(f, str) else repr(float(f)) for f in fields]))


def samples():
    yield np.array([3.0])
    yield np.array([2.0, 1.0])
    yield np.array([5.0, 5.0, 5.0, 5.0])
    for n in (6, 7, 10, 25, 101):
        yield rng.lognormal(5, 0.3, n)
    yield rng.integers(0, 6, 40).astype(float)
    yield -rng.exponential(10, 33)


def order():
    for x in samples():
        emit("median", array(x), np.median(x))
        emit("mad", array(x), stats.median_abs_deviation(x))
        for q in (0, 0.1, 0.25, 0.5, 0.9, 0.99, 1):
            emit("quantile", array(x), q, np.quantile(x, q))
        for q, level in ((0.5, 0.95), (0.5, 0.9), (0.9, 0.95), (0.99, 0.95)):
            interval = quantile_interval(x, q, level)
            emit("quantile_interval", array(x), q, level, *interval)


def quantile_interval(x, q, level):
    """Ranks from the binomial's quantile function; nan where none reach the level."""
    n, tail = len(x), (1 - level) / 2
    dist = stats.binom(n, q)
    low = max([r for r in range(0, n + 1) if dist.cdf(r - 1) <= tail], default=0)
    high = min([r for r in range(1, n + 2) if dist.sf(r - 1) <= tail], default=n + 1)
    if low < 1 or high > n:
        return math.nan, math.nan, math.nan
    s = np.sort(x)
    return s[low - 1], s[high - 1], dist.cdf(high - 1) - dist.cdf(low - 1)


def pairs():
    yield rng.normal(100, 5, 3), rng.normal(100, 5, 3)
    yield rng.normal(100, 5, 6), rng.normal(112, 5, 7)
    yield rng.normal(100, 5, 10), rng.normal(106, 5, 10)
    yield rng.normal(100, 5, 10), rng.normal(100, 5, 10)
    yield np.arange(1.0, 11), np.arange(11.0, 21)
    yield rng.lognormal(5, 0.2, 20), rng.lognormal(5.1, 0.2, 20)
    yield rng.lognormal(5, 0.2, 40), rng.lognormal(5.03, 0.2, 40)


def two_samples():
    for x, y in pairs():
        r = stats.mannwhitneyu(x, y, method="exact")
        emit("mwu", array(x), array(y), r.statistic, r.pvalue)
        emit_shift(x, y)
    tied = [
        (np.array([1.0, 2, 2, 3, 3]), np.array([2.0, 3, 3, 4, 4])),
        (np.array([1.0, 1, 1, 1]), np.array([1.0, 1, 1, 2])),
        (np.array([7.0, 7, 7]), np.array([7.0, 7, 7])),
        (rng.integers(10, 15, 7).astype(float), rng.integers(11, 17, 6).astype(float)),
        (rng.integers(10, 20, 8).astype(float), rng.integers(13, 20, 8).astype(float)),
    ]
    for x, y in tied:
        emit("mwu", array(x), array(y), *tied_exact(x, y))
    for n, m in ((60, 70), (200, 150)):
        x, y = rng.normal(100, 5, n), rng.normal(101, 5, m)
        r = stats.mannwhitneyu(x, y, method="asymptotic", use_continuity=True)
        emit("mwu", array(x), array(y), r.statistic, r.pvalue)
        emit_shift(x, y)
        x, y = np.round(x), np.round(y)
        r = stats.mannwhitneyu(x, y, method="asymptotic", use_continuity=True)
        emit("mwu", array(x), array(y), r.statistic, r.pvalue)
    for n, m in ((1, 1), (3, 3), (4, 4), (5, 5), (10, 10), (10, 20)):
        emit("least_p", str(n), str(m), min(1, 2 / math.comb(n + m, n)))


def tied_exact(x, y):
    """Every regrouping of the pooled values, by brute force; checked against SciPy's permutation test."""
    def u_of(a, b):
        return float(np.sum(a[:, None] > b[None, :]) + np.sum(a[:, None] == b[None, :]) / 2)

    pooled, seen = np.concatenate([x, y]), u_of(x, y)
    us = []
    for chosen in combinations(range(len(pooled)), len(x)):
        mask = np.zeros(len(pooled), bool)
        mask[list(chosen)] = True
        us.append(u_of(pooled[mask], pooled[~mask]))
    us = np.array(us)
    p = min(1, 2 * min(np.mean(us <= seen), np.mean(us >= seen)))
    r = stats.permutation_test((x, y), u_of, permutation_type="independent", n_resamples=np.inf, vectorized=False)
    assert abs(r.pvalue - p) < 1e-9, (r.pvalue, p)
    return seen, p


def u_counts(n, m):
    """How many arrangements have each U, by the recurrence on the largest rank."""
    table = {}
    for i in range(n + 1):
        for j in range(m + 1):
            if i == 0 or j == 0:
                table[i, j] = [1]
                continue
            counts = [0] * (i * j + 1)
            for u, w in enumerate(table[i - 1, j]):
                counts[u + j] += w
            for u, w in enumerate(table[i, j - 1]):
                counts[u] += w
            table[i, j] = counts
    return table[n, m]


def emit_shift(x, y):
    level, n, m = 0.95, len(x), len(y)
    tail = (1 - level) / 2
    for name, a, b, back in (("shift", x, y, lambda v: v), ("ratio", np.log(x), np.log(y), np.exp)):
        d = np.sort((b[None, :] - a[:, None]).ravel())
        if n + m <= 80:
            cdf = np.cumsum([float(w) for w in u_counts(n, m)]) / math.comb(n + m, n)
            c = max([k for k in range(1, n * m // 2 + 1) if cdf[k - 1] <= tail], default=0)
            level_here = 1 - 2 * cdf[c - 1] if c else 1.0
        else:
            normal = stats.norm(n * m / 2, math.sqrt(n * m * (n + m + 1) / 12))
            c = max([k for k in range(1, n * m // 2 + 1) if normal.cdf(k - 0.5) <= tail])
            level_here = 1 - 2 * normal.cdf(c - 0.5)
        low, high = (d[c - 1], d[n * m - c]) if c else (-math.inf, math.inf)
        emit(name, array(x), array(y), level, back(np.median(d)), back(low), back(high), level_here)


def splitmix(seed):
    mask = 2**64 - 1
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        z = seed
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & mask
        yield z ^ z >> 31


def bootstraps():
    for x, q in ((rng.lognormal(5, 0.3, 15), 0.5), (rng.normal(50, 4, 40), 0.5), (rng.exponential(9, 200), 0.9)):
        n, rounds, seed, level = len(x), 2000, 61, 0.95
        tail = (1 - level) / 2
        draws = splitmix(seed)
        s = np.sort(x)
        idx = np.array([[(next(draws) >> 32) * n >> 32 for _ in range(n)] for _ in range(rounds)])
        reps = np.quantile(s[idx], q, axis=1)
        emit("bootstrap", array(x), q, level, str(rounds), str(seed), "0", np.quantile(reps, tail),
             np.quantile(reps, 1 - tail))
        estimate = np.quantile(x, q)
        z0 = stats.norm.ppf(np.mean(np.where(reps < estimate, 1, np.where(reps == estimate, 0.5, 0))))
        jack = np.array([np.quantile(np.delete(s, i), q) for i in range(n)])
        dev = jack.mean() - jack
        accel = np.sum(dev**3) / (6 * np.sum(dev**2) ** 1.5)
        z = stats.norm.ppf(np.array([tail, 1 - tail]))
        levels = stats.norm.cdf(z0 + (z0 + z) / (1 - accel * (z0 + z)))
        low, high = np.quantile(reps, levels)
        emit("bootstrap", array(x), q, level, str(rounds), str(seed), "1", low, high)
        ref = stats.bootstrap((x,), lambda v, axis: np.quantile(v, q, axis=axis), n_resamples=9999,
                              method="BCa", random_state=1).confidence_interval
        width = ref.high - ref.low
        assert abs(ref.low - low) < 0.2 * width and abs(ref.high - high) < 0.2 * width, (ref, low, high)


def families():
    for p in ([0.01], [0.04, 0.01, 0.03], [0.2, 0.001, 0.001, 0.9], list(rng.uniform(0, 0.2, 12))):
        order = np.argsort(p, kind="stable")
        adjusted, running = np.empty(len(p)), 0.0
        for rank, i in enumerate(order):
            running = max(running, min(1.0, p[i] * (len(p) - rank)))
            adjusted[i] = running
        emit("holm", array(p), array(adjusted))
    for z in (-8, -3, -1.96, -0.5, 0, 0.1, 1, 2.5, 6):
        emit("normal", z, stats.norm.cdf(z))
    for p in (1e-12, 1e-4, 0.025, 0.3, 0.5, 0.9, 0.975, 0.99999):
        emit("normal_quantile", p, stats.norm.ppf(p))


def changes():
    """Series with changes put in by hand; each line ends with the expected indices."""
    def level(*parts):
        return np.concatenate([rng.normal(v, 0.01 * v, n) for v, n in parts])

    for x, at in ((level((100, 40)), []), (level((100, 20), (110, 20)), [20]),
                  (level((100, 15), (120, 20), (100, 15)), [15, 35]), (level((100, 30), (102, 30)), []),
                  (level((100, 6)), []), (np.full(30, 7.0), []),
                  (level((200, 25), (180, 25), (160, 25)), [25, 50])):
        emit("change", array(x), array(at))


order()
two_samples()
bootstraps()
families()
changes()
(Path(__file__).parent / "golden" / "stats.txt").write_text("\n".join(lines) + "\n")
