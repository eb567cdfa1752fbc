#!/usr/bin/env python3
"""What the event trace costs can be measured: rt.trace is a parameter of the trine driver, whose record counts the trace's
events (none without it), trine-micro gives ns an event, and the record that tools/trace-cost.sh judges by is whole.
test_trace.py DRIVER_TRINE TRINE_MICRO TRINE OWN_CLAIMS"""
import json
import subprocess
import sys


def run(*args):
    return subprocess.run(args, capture_output=True, text=True, timeout=100, check=False)


def counts(driver, *params):
    result = run(driver, '--workload', 'mix', '--procs', '2', '--tasks', '20', *params, '--warmup-ms', '0', '--measure-ms', '20',
                 '--min-samples', '1')
    record = json.loads(result.stdout)
    return record['runtime'] if record['status'] == 'ok' else {}


def main():
    driver, micro, trine, own = sys.argv[1:]
    failures = []

    def check(what, ok):
        if not ok:
            failures.append(what)

    off, default = counts(driver, '--param', 'rt.trace=off'), counts(driver)
    on = counts(driver, '--param', 'rt.trace=on')
    check(f'events without the trace: {off.get("trace_events")}, {default.get("trace_events")}',
          off.get('trace_events') == 0 and default.get('trace_events') == 0)
    check(f'{on.get("trace_events")} events, {on.get("trace_dropped")} dropped, for {on.get("switches")} switches',
          on.get('trace_events', 0) + on.get('trace_dropped', 0) >= on.get('switches', 1) > 0 and on.get('trace_events', 0) > 0)
    check('rt.trace=yes is no usage error', run(driver, '--workload', 'mix', '--param', 'rt.trace=yes').returncode == 2)

    result = run(micro, '--benchmark_filter=^trine/trace_event/', '--benchmark_min_time=0.005', '--benchmark_format=json')
    figures = json.loads(result.stdout)['benchmarks'] if result.returncode == 0 else []
    check(f'trine-micro: {result.stderr[-200:]}', len(figures) == 1)
    for b in figures:   # each yield is a goroutine's end and another's beginning; the partner yields as often
        check(f'{b["name"]}: {b.get("error_message")}', b.get('error_occurred') or ('ns_per_event' in b and b['events_per_yield'] >= 3.9))

    plan = run(trine, 'claims', 'trace-mix', '--claims', own, '--plan', '--backends', 'trine')
    check(f'trine claims --claims {own}: {plan.stdout[-200:]}{plan.stderr[-200:]}', plan.returncode == 0)
    for f in failures:
        print('FAIL', f)
    print(f'{on.get("trace_events")} events of {on.get("switches")} switches, {len(failures)} failures')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
