#!/bin/sh
# Runs every example and compares what it says. Usage: test_examples.sh FOLDER [EMULATOR ...]
set -u
cd "$1" || exit 1
shift
emulator=$*
status=0
# says PATTERN PROGRAM ARGUMENT...: the whole output, sorted, matches the pattern and the program succeeds.
says() {
    pattern=$1 program=$2; shift 2
    # shellcheck disable=SC2086  # the emulator is words
    output=$(timeout 50 $emulator "./$program" "$@" 2>&1) ||
        { echo "FAIL: $program $* ended with status $?: $output"; status=1; return; }
    printf '%s\n' "$output" | sort | tr '\n' ' ' | grep -Eqx "$pattern" ||
        { echo "FAIL: $program $* said '$output', expected $pattern"; status=1; }
}
# refuses PROGRAM ARGUMENT...: bad input is one line and exit status 2.
refuses() {
    program=$1; shift
    # shellcheck disable=SC2086
    output=$($emulator "./$program" "$@" 2>&1)
    code=$?
    [ $code = 2 ] && [ "$(printf '%s\n' "$output" | wc -l)" = 1 ] ||
        { echo "FAIL: $program $* ended with status $code: $output"; status=1; }
}
says 'hello from goroutine 0 hello from goroutine 1 hello from goroutine 2 ' hello
says '1000 rounds, the counter is 1000, [0-9]+ ns a round ' pingpong 1000
says '2 3 5 7 11 13 17 19 23 29 ' sieve 10
says '10000 jobs by 8 workers: 6171 needs the most steps, 261 ' workers
says 'stopped by the timer after some answers, [0-9]+ waits in vain ' timeout
says '100 connections, 1000 of 1000 messages came back ' echo
refuses pingpong 0
refuses sieve x
refuses workers 10 0
refuses echo 70000
exit $status
