#!/bin/sh
# The programs named, under Valgrind: reads of what was never written, uses of what was freed. Usage: valgrind.sh PROGRAM...
# A reduced set: Valgrind runs one thread at a time, some thirty times slower, and knows of no signal-driven preemption.
# Fair: else a thread that looks for work without a system call keeps the one turn from the one that has it.
set -u
command -v valgrind >/dev/null || { echo "SKIP: valgrind is not installed (./run_all.sh packages dev)"; exit 77; }
echo '#include <valgrind/memcheck.h>' | ${CC:-cc} -E - >/dev/null 2>&1 ||
    { echo "SKIP: valgrind's header is not installed, so the runtime cannot name its stacks"; exit 77; }
failed=0
for program in "$@"; do
    if valgrind -q --fair-sched=yes --error-exitcode=99 "$program" >"$program.valgrind" 2>&1; then
        echo "ok     $(basename "$program")"
    else
        echo "FAILED $(basename "$program")"
        grep -e '^==' -e FAILED -e CHECK "$program.valgrind" | head -n 60
        failed=1
    fi
done
exit $failed
