#!/usr/bin/env python3
"""The shape of trine's scheduler against that of Go: the same scenarios on both, compared as counts, orders and wide ratios.

usage: test_shape.py TRINE_DRIVER GO_DRIVER

Each scenario names what is read, the range in which Go must lie (else the scenario does not show what it should), how far
trine may lie from Go, and why so far. No duration is held against a constant: where time matters it is a ratio of two runs on
the same machine. A scenario that misses is measured up to three times: a busy machine may stretch one run, and never makes a
wrong scheduler right.
"""
import dataclasses
import json
import subprocess
import sys
import unittest

DRIVERS = {"trine": sys.argv[1], "go": sys.argv[2]}
ATTEMPTS, TIMEOUT_S = 3, 30


class Ended(Exception):
    """The driver was ended instead of giving a record."""


def record(backend, workload, procs, tasks, samples, **params):
    command = [DRIVERS[backend], "--workload", workload, "--procs", str(procs), "--tasks", str(tasks), "--warmup-ms", "0",
               "--measure-ms", "1", "--min-samples", str(samples), "--max-samples", str(samples)]
    for key, value in params.items():
        command += ["--param", f"{key.replace('rt_', 'rt.')}={value}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    if done.returncode:
        raise Ended(done.stderr)
    return json.loads(done.stdout)


def median(r):
    ordered = sorted(r["samples"])
    return ordered[len(ordered) // 2]


def metric(r, name):
    value = r["metrics"][name]
    return value["value"] if isinstance(value, dict) else value


def place_of_first(tasks):
    return lambda b: median(record(b, "queue", 1, tasks, 5))


def tick_gap(b):
    return metric(record(b, "queue", 1, 386, 5), "tick_gap")


def queue_before_network(b):
    return metric(record(b, "queue", 1, 200, 5, net=1), "net_at_percent")


def order_of_wakes(b):
    return metric(record(b, "queue", 1, 200, 5, woken=1), "in_order_percent")


def ran_before_the_hog(b):
    return median(record(b, "requeue", 1, 250, 3))


def delay_behind_a_hog(b):
    """As a share of the delay without preemption, which is the whole hog."""
    preempted = median(record(b, "hol", 1, 2, 3, hog_ms=150))
    return preempted / median(record(b, "hol", 1, 2, 3, hog_ms=150, rt_ablate="no_preempt"))


def threads(via, tasks):
    return lambda b: metric(record(b, "block", 2, tasks, 2, via=via), "threads")


def threads_made_again(b):
    return metric(record(b, "block", 2, 20, 8, via="block"), "threads_made_total")


def threads_beside_hogs(b):
    return metric(record(b, "waiters", 4, 20, 1, via="block", hogs=4, hold_us=300000), "threads")


def progress_beside_blocked(b):
    """How long computing takes beside blocked calls, in durations of those calls."""
    return median(record(b, "progress", 2, 100, 3, hold_ms=400)) / 400e6


def jobs_before_the_deadlock(b):
    r = record(b, "pooldead", 4, 50, 1, settle_ms=100)
    return metric(r, "capacity") if metric(r, "reported") == 1 and metric(r, "finished") == 0 else -1


def ended_at_the_cap(b):
    try:
        record(b, "waiters", 2, 200, 1, via="block", hold_us=500000, rt_maxthreads=100)
    except Ended as e:
        return 100 if "100-thread limit" in str(e) else -1
    return 0


@dataclasses.dataclass
class Scenario:
    name: str
    read: object
    go: tuple  # where Go must lie
    less: float  # trine may lie so far below Go ...
    more: float  # ... and so far above
    why: str


SCENARIOS = [
    Scenario("a full local queue: place of the first of 257", place_of_first(257), (1, 1), 0, 0,
             "256 places and that of the newest: a count of the source"),
    Scenario("overflow: place of the first of 258", place_of_first(258), (2, 61), 59, 59,
             "half of the queue has gone to the global one, whose turn comes within 61 schedules; where the tick stands is chance"),
    Scenario("the global queue's turn, in schedules", tick_gap, (61, 61), 0, 0, "a count of the source"),
    Scenario("queued goroutines before one made ready by the network, %", queue_before_network, (99, 100), 1, 1,
             "one of 200 may run in between when the slice ends"),
    Scenario("wake-ups in the order of waiting, %", order_of_wakes, (98, 100), 2, 2,
             "the last one woken takes the place of the newest and runs first; all others in order"),
    Scenario("others that run before a preempted hog is back", ran_before_the_hog, (1, 62), 61, 61,
             "it waits in the global queue for a tick of 61; where the tick stands is chance"),
    Scenario("delay behind a hog, of that without preemption", delay_behind_a_hog, (0, 0.7), 0.7, 0.4,
             "a slice of 10 ms and the monitor's period of 10 ms against 150 ms; a busy machine stretches both"),
    Scenario("threads of 200 goroutines in blocking calls", threads("block", 200), (200, 210), 6, 6,
             "monitor, spinning and spare threads differ by chance and by design"),
    Scenario("threads of 200 goroutines on the network", threads("net", 200), (2, 10), 8, 8,
             "the same few; threads of tasks would be 200"),
    Scenario("threads made for eight rounds of 20 blocking calls", threads_made_again, (20, 30), 10, 10,
             "20 and the few beside; without reuse 160"),
    Scenario("threads of 20 blocked and 4 computing goroutines at 4 Ps", threads_beside_hogs, (24, 30), 4, 10,
             "trine leaves a preempted goroutine on its thread, for C code cannot be moved: 4 hogs, the main one and the maker "
             "of threads may hold one each that Go does not need"),
    Scenario("computing beside blocked calls, of their duration", progress_beside_blocked, (0, 0.95), 0.95, 0.6,
             "ideally 0.03; without hand-off 1 and more"),
    Scenario("jobs taken before a pool deadlocks, and it is reported", jobs_before_the_deadlock, (13, 13), 0, 0,
             "4 queued, 3 in workers, 6 results"),
    Scenario("threads at which the cap ends the program", ended_at_the_cap, (100, 100), 0, 0, "the cap that is set"),
]


class Shape(unittest.TestCase):
    def test_scenarios(self):
        for s in SCENARIOS:
            with self.subTest(s.name):
                self.assertTrue(any(self.agrees(s) for _ in range(ATTEMPTS)), f"{s.name}: trine and Go {self.seen}; {s.why}")

    def test_a_changed_scheduler_has_another_shape(self):
        """The scenarios tell: with a part of the scheduler taken away they come out otherwise."""
        self.assertEqual(median(record("trine", "queue", 1, 257, 5, rt_ablate="global_only")), 0)
        stranded = median(record("trine", "progress", 2, 100, 2, hold_ms=200, rt_ablate="no_handoff")) / 200e6
        self.assertGreater(stranded, 0.95)

    def agrees(self, s):
        try:
            trine, go = s.read("trine"), s.read("go")
        except (subprocess.TimeoutExpired, Ended) as e:
            self.seen = str(e)
            return False
        self.seen = f"{trine:g} and {go:g}"
        agree = s.go[0] <= go <= s.go[1] and go - s.less <= trine <= go + s.more
        print(f"{s.name}: trine {trine:g}, Go {go:g}: {'same shape' if agree else 'differs'}", flush=True)
        return agree


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
