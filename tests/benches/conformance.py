#!/usr/bin/env python3
"""The conformance test of the driver protocol: conformance.py DRIVER [WORKLOAD]

Takes any driver: reads its description, runs every workload (or the one named) briefly, validates each record against docs/protocol.md,
and gives it bad input of every kind. Prints one line a check; exit 0 when all hold, 1 otherwise."""
import json
import math
import statistics
import subprocess
import sys

PROTOCOL = 1
WARMUPS = 3     # runs whose warm-up is judged again here
BRIEF = ["--warmup-ms", "5", "--measure-ms", "20", "--min-samples", "2", "--max-samples", "3"]
# What keeps a workload's default size from making this test long; only where the description declares it.
SMALL = {"resume": "local", "sleep_us": "2000", "hog_ms": "2", "work_us": "500", "heavy_us": "100", "settle_ms": "2", "gap_us": "200",
         "period_ms": "20"}
SMALL_TASKS = 20
LIMIT_S = 60


class Checks:
    def __init__(self):
        self.failed = self.made = 0

    def that(self, condition, what):
        self.made += 1
        if not condition:
            self.failed += 1
            print(f"FAIL {what}")
        return condition


def run(driver, *args):
    return subprocess.run([driver, *args], capture_output=True, text=True, timeout=LIMIT_S, check=False)


def number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def parse(c, out, what):
    try:
        c.that(out.endswith("\n") and out.count("\n") == 1, f"{what}: stdout is one line ended by a newline")
        return json.loads(out)
    except json.JSONDecodeError as error:
        c.that(False, f"{what}: stdout is not one JSON value: {error}")
        return None


def check_param(c, param, what):
    c.that(isinstance(param.get("name"), str) and param["name"], f"{what}: has a name")
    c.that(param.get("type") in ("int", "real", "text", "choice"), f"{what}: type is one of the four")
    c.that(isinstance(param.get("default"), str), f"{what}: default is text")
    c.that(isinstance(param.get("doc"), str) and param["doc"], f"{what}: is documented")
    if param.get("type") in ("int", "real"):
        c.that(param.get("min", 1) <= float(param["default"]) <= param.get("max", 0), f"{what}: default is in range")
    if param.get("type") == "choice":
        c.that(param["default"] in param.get("choices", []), f"{what}: default is one of the choices")


def check_description(c, driver):
    result = run(driver, "--describe")
    c.that(result.returncode == 0, "--describe exits 0")
    d = parse(c, result.stdout, "--describe")
    if d is None:
        return None
    c.that(d.get("schema") == "trine-driver" and d.get("protocol") == PROTOCOL, "--describe: schema and protocol")
    c.that(all(isinstance(d.get(k), str) and d[k] for k in ("backend", "backend_version")), "--describe: backend")
    c.that(isinstance(d.get("workloads"), list) and d["workloads"], "--describe: has workloads")
    for p in d.get("rt_params", []):
        check_param(c, p, f"rt parameter {p.get('name')}")
        c.that(p["name"].startswith("rt."), f"rt parameter {p['name']}: begins with rt.")
    for w in d["workloads"]:
        what = f"workload {w.get('name')}"
        for key in ("name", "doc", "metric", "unit"):
            c.that(isinstance(w.get(key), str) and w[key], f"{what}: {key}")
        c.that(w.get("better") in ("lower", "higher"), f"{what}: better")
        c.that(isinstance(w.get("tasks"), int) and w["tasks"] > 0, f"{what}: tasks")
        c.that(isinstance(w.get("applicable"), bool), f"{what}: applicable")
        c.that(w.get("applicable") or w.get("reason"), f"{what}: a reason when it is not applicable")
        for p in w["params"]:
            check_param(c, p, f"{what}, parameter {p.get('name')}")
    names = [w["name"] for w in d["workloads"]]
    c.that(len(names) == len(set(names)), "--describe: names are unique")
    return d


def check_histogram(c, name, h, what):
    what = f"{what}: histogram {name}"
    if "unavailable" in h:
        return
    lowests = [b[0] for b in h["buckets"]]
    c.that(sum(b[1] for b in h["buckets"]) == h["count"], f"{what}: buckets add up to count")
    c.that(lowests == sorted(set(lowests)) and all(b[1] > 0 for b in h["buckets"]), f"{what}: rising, none empty")
    if "intervals" in h:
        c.that(sum(b[1] for i in h["intervals"] for b in i["buckets"]) == h["count"], f"{what}: intervals add up to count")
        edges = [i["start_ns"] for i in h["intervals"]] + [h["intervals"][-1]["end_ns"]] if h["intervals"] else []
        c.that(edges == sorted(set(edges)), f"{what}: intervals follow each other")
    if h["count"]:
        c.that(h["min"] <= h["mean"] <= h["max"], f"{what}: min, mean and max in order")
        c.that(lowests[0] <= h["min"] and lowests[-1] <= h["max"], f"{what}: extremes lie in the buckets")


def check_measured(c, r, what):
    c.that(r["samples"] and all(number(s) for s in r["samples"]), f"{what}: samples are numbers, and there are some")
    positive = r["metric"]["unit"] in ("ns", "us", "ms", "s") and not r["metric"].get("signed")
    c.that(not positive or min(r["samples"]) >= 0, f"{what}: no time is below 0")
    counts = r["counts"]
    c.that(counts["operations"] > 0 and counts["operations"] == counts["expected_operations"], f"{what}: operations")
    c.that(counts["elapsed_ns"] > 0, f"{what}: elapsed_ns")
    named = {check["name"]: check for check in r["checks"]}
    c.that(named.get("operations", {}).get("ok") is True, f"{what}: the check of operations is there and holds")
    for name, m in r["metrics"].items():
        ok = number(m.get("value")) and m.get("unit") and m.get("better") in ("lower", "higher")
        c.that(ok or m.get("unavailable"), f"{what}: metric {name} has a value or says why not")
    for name, h in r["histograms"].items():
        check_histogram(c, name, h, what)
    c.that(all(isinstance(v, int) and v >= 0 for v in r["runtime"].values()), f"{what}: runtime counts")
    measure = [p for p in r["phases"] if p["name"] == "measure"]
    c.that(len(measure) == 1 and measure[0]["start_ns"] < measure[0]["end_ns"], f"{what}: one measure phase")
    c.that(r["clock"]["overhead_ns"] > 0 and r["clock"]["source"], f"{what}: clock")


def thirds(samples):
    """Drift between the medians of thirds, two standard errors of it, and Mann and Kendall's z: benches/driver/warmup.h."""
    width = len(samples) // 3
    seen = samples[len(samples) - 3 * width:]
    medians = [statistics.median(seen[i * width:(i + 1) * width]) for i in range(3)]
    off = sorted(x / medians[i // width] - 1 for i, x in enumerate(seen))
    at = [p * (len(off) - 1) for p in (0.25, 0.75)]
    low, high = (off[int(a)] + (off[min(int(a) + 1, len(off) - 1)] - off[int(a)]) * (a - int(a)) for a in at)
    noise = 2 * 1.2533 * (high - low) / 1.349 * math.sqrt(width / (width - 1)) * math.sqrt(2 / width)
    n, rises = len(seen), sum((b > a) - (b < a) for i, a in enumerate(seen) for b in seen[i + 1:])
    one_way = sorted(medians) in (medians, medians[::-1]) and len(set(medians)) == 3
    return (max(medians) - min(medians)) / min(medians), noise, rises / math.sqrt(n * (n - 1) * (2 * n + 5) / 18), one_way


def check_warmup(c, driver, w):
    """A driver that says whether its measured batches drifted says what the rule says of its own samples."""
    name, small = w["name"], [f"--param={p['name']}={SMALL[p['name']]}" for p in w["params"] if p["name"] in SMALL]
    small = [part for given in small for part in given.split("=", 1)]
    for seed in range(1, WARMUPS + 1):
        result = run(driver, "--workload", name, "--procs", "2", "--seed", str(seed), "--warmup-ms", "20", "--measure-ms", "40",
                     "--min-samples", "12", "--max-samples", "21", "--tasks", "2", *small)
        r = parse(c, result.stdout, f"{name}: warm-up")
        if r is None or "drifting" not in r.get("warmup", {}):
            return
        if min(r["samples"]) <= 0:      # a share of nothing is not judged
            continue
        told, (drift, noise, z, one_way) = r["warmup"], thirds(r["samples"])
        near = drift <= 0.03
        drifts = not near and one_way and abs(z) > 3
        settled = not drifts and (near or (drift <= noise and abs(z) <= 1.96)) and noise <= 0.10
        c.that(told["drifting"] == drifts, f"{name}: drifting as its samples say")
        c.that(not drifts or not told["steady"], f"{name}: what drifts is not steady")
        c.that(not settled or told["steady"], f"{name}: what is settled is steady")
        own = all(math.isclose(told.get(k, -1), v, rel_tol=1e-3, abs_tol=1e-6) for k, v in (("drift", drift), ("noise", noise)))
        c.that(own or not (drifts or settled), f"{name}: drift and noise are those of its samples")


def check_record(c, d, w, args, result):
    what = w["name"]
    if not c.that(result.returncode == 0, f"{what}: exits 0 (got {result.returncode}: {result.stderr.strip()})"):
        return
    r = parse(c, result.stdout, what)
    if r is None:
        return
    c.that(r.get("schema") == "trine-record" and r.get("protocol") == PROTOCOL, f"{what}: schema and protocol")
    c.that(r["backend"] == d["backend"] and r["workload"] == what, f"{what}: names backend and workload")
    c.that(r["procs"] == 2 and r["seed"] == 7 and r["procs_meaning"], f"{what}: procs and seed as given")
    metric = {"name": w["metric"], "unit": w["unit"], "better": w["better"], **({"signed": True} if w.get("signed") else {})}
    c.that(r["metric"] == metric, f"{what}: metric as described")
    c.that(all(isinstance(v, str) for v in r["params"].values()), f"{what}: params are text")
    given = dict(a.split("=", 1) for a in args if "=" in a)
    c.that(all(r["params"].get(k) == v for k, v in given.items()), f"{what}: params as given")
    c.that({p["name"] for p in w["params"]} <= set(r["params"]), f"{what}: all params are recorded")
    c.that(r["status"] in ("ok", "not_applicable"), f"{what}: status")
    # The description is of the defaults, which are no smaller than this; placement alone needs an option besides.
    c.that(r["status"] == "ok" or not w["applicable"] or what == "placement", f"{what}: not applicable though described so")
    if r["status"] == "ok":
        check_measured(c, r, what)
    else:
        c.that(r["reason"], f"{what}: says why it is not applicable")


def check_workload(c, driver, d, w):
    args = ["--workload", w["name"], "--procs", "2", "--seed", "7", *BRIEF]
    for p in w["params"]:
        if p["name"] in SMALL:
            args += ["--param", f"{p['name']}={SMALL[p['name']]}"]
    if w["tasks"] > 100 and w["name"] != "steal":
        args += ["--tasks", str(SMALL_TASKS)]
    if w["name"] == "latency":      # a p99 needs a thousand requests and more
        args += ["--param", "service_us=5", "--measure-ms", "100"]
    try:
        check_record(c, d, w, args, run(driver, *args))
    except subprocess.TimeoutExpired:
        c.that(False, f"{w['name']}: ended within {LIMIT_S} s")


def check_bad_input(c, driver, d):
    first = d["workloads"][0]
    good = ["--workload", first["name"]]
    bad = [[], ["--workload", "no-such-workload"], ["--workload"], [*good, "--no-such-option", "1"],
           [*good, "--procs", "0"], [*good, "--procs", "two"], [*good, "--tasks", "-1"], [*good, "--seed", "1.5"],
           [*good, "--param", "no_such_param=1"], [*good, "--param", "rt.no_such=1"], [*good, "--param", "nothing"],
           [*good, "--cpus", "a,b"], [*good, "--min-samples", "5", "--max-samples", "2"]]
    for w in d["workloads"]:
        for p in w["params"]:
            use = ["--workload", w["name"], "--param"]
            if p["type"] in ("int", "real"):
                bad += [[*use, f"{p['name']}={p['max'] + 1}"], [*use, f"{p['name']}=x"], [*use, f"{p['name']}="]]
            elif p["type"] == "choice":
                bad.append([*use, f"{p['name']}=no-such-choice"])
    for args in bad:
        what = "bad input " + " ".join(args)
        result = run(driver, *args)
        c.that(result.returncode == 2, f"{what}: exits 2 (got {result.returncode})")
        c.that(result.stdout == "", f"{what}: prints nothing on stdout")
        c.that(result.stderr.count("\n") == 1, f"{what}: prints one line on stderr")
    near = first["name"][:-1]
    c.that(first["name"] in run(driver, "--workload", near).stderr, f"'{near}': the nearest name is offered")


def main():
    if len(sys.argv) not in (2, 3):
        print("usage: conformance.py DRIVER [WORKLOAD]", file=sys.stderr)
        return 2
    c = Checks()
    d = check_description(c, sys.argv[1])
    if d is not None:
        if len(sys.argv) == 3:
            d["workloads"] = [w for w in d["workloads"] if w["name"] == sys.argv[2]]
        c.that(d["workloads"], "the workload asked for is there")
    if d is not None and d["workloads"]:
        for w in d["workloads"]:
            check_workload(c, sys.argv[1], d, w)
        for w in d["workloads"]:
            if w["applicable"] and w["name"] in ("yield", "pingpong", "sleepers"):
                check_warmup(c, sys.argv[1], w)
        check_bad_input(c, sys.argv[1], d)
    print(f"{c.made - c.failed} of {c.made} checks hold")
    return 1 if c.failed or d is None else 0


if __name__ == "__main__":
    sys.exit(main())
