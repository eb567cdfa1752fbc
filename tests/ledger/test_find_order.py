#!/usr/bin/env python3
"""The order in which a P finds work, read from the runtime's own trace: what find-order, tick-61 and runq-256 infer from outside.

usage: test_find_order.py DRIVER_TRINE

386 goroutines are made on one P without a break: the last one stands in the slot for the newest, 256 in the local queue, 129
were displaced into the global one. Batches in which a slice ended are left out: the trace shows them."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

DRIVER = sys.argv[1]
TASKS, DISPLACED, TICK, BATCHES = 386, 129, 61, 8


def traced(*arguments):
    """The events of P0, in order: ("starts", goid), ("ends", goid, how), (other, number)."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "trace.json"
        command = [DRIVER, "--workload", "queue", "--procs", "1", "--warmup-ms", "0", "--min-samples", str(BATCHES),
                   "--max-samples", str(BATCHES), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, "TRINE_TRACE": str(file)})
        assert done.returncode == 0, done.stderr
        events = json.loads(file.read_text())
    told = []
    for e in events:
        if e["ph"] == "B":
            told.append(("starts", int(e["name"][1:])))
        elif e["ph"] == "E":
            told.append(("ends", e["args"]["goid"], e["args"]["end"]))
        elif e["ph"] != "M":
            told.append((e["name"], e.get("args")))
    return told


def batches(events):
    """What lies between two runs of the main goroutine, if each goroutine ran once and to its end."""
    batch, whole = [], []
    for e in events:
        if e[0] == "starts" and e[1] == 1:
            if batch and all(b[0] != "ends" or b[2] == "exit" for b in batch):
                whole.append(batch)
            batch = []
        elif e[1] != 1:
            batch.append(e)
    return whole


class FindOrder(unittest.TestCase):
    def test_one_p_finds_newest_tick_local_global(self):
        orders = [[e[1] for e in b if e[0] == "starts"] for b in batches(traced("--tasks", str(TASKS)))]
        orders = [o for o in orders if len(o) == TASKS and len(set(o)) == TASKS]
        self.assertGreaterEqual(len(orders), 1, "a slice ended in every batch")
        for order in orders:
            made = sorted(order)                              # ids are given in the order of making, and never again
            self.assertEqual(order[0], made[-1], "the newest runs first")
            late = set(made[:128]) | {made[256]}              # displaced: half of the full queue, and the one that overflowed it
            self.assertNotIn(order[1], late, "then the head of the local queue")
            local = [g for g in order[1:] if g not in late]
            self.assertEqual(local, sorted(local), "the local queue in the order of making")
            last_local = order.index(local[-1])
            ticks = [i for i, g in enumerate(order[:last_local]) if g in late]
            self.assertGreaterEqual(len(ticks), 3)
            self.assertEqual({b - a for a, b in zip(ticks, ticks[1:])}, {TICK}, "one of the global queue in 61")
            self.assertEqual(len(late), DISPLACED)
            ran_late = [g for g in order if g in late]
            self.assertEqual(ran_late, sorted(ran_late), "the global queue in the order of making")
            self.assertTrue(all(g in late for g in order[last_local + 1:]), "the rest of the global queue comes last")

    def test_the_network_comes_behind_the_queues(self):
        seen = 0
        for batch in batches(traced("--tasks", "200", "--param", "net=1")):
            polls = [i for i, e in enumerate(batch) if e[0] not in ("starts", "ends")]
            starts = [i for i, e in enumerate(batch) if e[0] == "starts"]
            if len(starts) != 201 or not polls:
                continue
            seen += 1
            self.assertEqual([i for i in starts if i > polls[-1]], starts[-1:], "what the network made ready runs behind all others")
        self.assertGreaterEqual(seen, 1, "no batch shows the poll")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
