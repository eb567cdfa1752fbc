#!/usr/bin/env python3
"""The runtime's test programs again and again, each time with another seed and more rounds, until the time is up.

usage: stress.py --seconds S [--seed N] [--factor F] [--jobs J] PROGRAM...

Printed first: the bound and the seed of the first round (by default from the clock). Round r has seed + r: it decides the order
of the programs, so that a short bound does not always leave out the same ones, and in the chaos build every yield of the runtime ($TRINE_CHAOS_SEED); $TRINE_STRESS multiplies the rounds within a program by 1 to F in turn.
A failure is printed with the command that repeats it and the end of what was said. Exit: 0 none, 1 some, 2 usage."""
import argparse
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

LIMIT_S = 600   # of one program; ten times what the slowest takes with the largest factor


def once(program, seed, factor, left):
    """(whether it was cut off by the bound, exit status, text)"""
    env = dict(os.environ, TRINE_CHAOS_SEED=str(seed), TRINE_STRESS=str(factor))
    child = subprocess.Popen([program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, start_new_session=True)
    try:
        out, _ = child.communicate(timeout=min(left, LIMIT_S))
        return False, child.returncode, out
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)   # with the children that it forked
        out, _ = child.communicate()
        return left <= LIMIT_S, 'hung', out


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('--seconds', type=float, required=True)
    parser.add_argument('--seed', type=int, default=int(time.time()) % 1000000)
    parser.add_argument('--factor', type=int, default=3)
    parser.add_argument('--jobs', type=int, default=1)
    parser.add_argument('programs', nargs='+')
    args = parser.parse_args()
    end, runs, failures, cut = time.monotonic() + args.seconds, 0, 0, 0
    print(f'stress: {args.seconds:.0f} s, {len(args.programs)} programs, seed {args.seed}, up to {args.factor} times the rounds',
          flush=True)

    def turn(n):
        round_, at = divmod(n, len(args.programs))
        seed, factor = args.seed + round_, 1 + round_ % args.factor
        program = random.Random(seed).sample(args.programs, len(args.programs))[at]
        left = end - time.monotonic()
        return (program, seed, factor, *once(program, seed, factor, left)) if left > 0 else None

    with ThreadPoolExecutor(args.jobs) as pool:
        n = 0
        while time.monotonic() < end:
            for result in pool.map(turn, range(n, n + args.jobs)):
                if result is None or result[3]:
                    cut += result is not None
                    continue
                program, seed, factor, _, status, out = result
                runs += 1
                if status not in (0, 77):
                    failures += 1
                    print(f'FAIL ({status}): TRINE_CHAOS_SEED={seed} TRINE_STRESS={factor} {program}')
                    print('\n'.join('    ' + line for line in out.decode(errors='replace').splitlines()[-40:]), flush=True)
            n += args.jobs
    print(f'stress: {runs} runs, {n // len(args.programs)} whole rounds, {cut} cut off by the bound, {failures} failures')
    return 1 if failures or not runs else 0


if __name__ == '__main__':
    sys.exit(main())
