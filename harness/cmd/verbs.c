/* verbs: the table of what trine can do; a new verb is one entry and its function. */
#include "cmd/cmd.h"

#define RUN_OPTIONS                                                                                          \
    "  --profile NAME     smoke, quick, full, gate, peers, or the path of a sweep file (default quick)\n"    \
    "  --only NAMES       these experiments of the profile alone\n"                                          \
    "  --backends NAMES   these backends alone\n"                                                            \
    "  --seed N           orders the points and seeds the drivers (default: from the clock, and recorded)\n" \
    "  --reps N           processes a point (default: each experiment's own)\n"                              \
    "  --driver NAME=PATH a driver beside those that are found; may be repeated\n"

const struct verb verbs[] = {
    {"run", "[--profile NAME|FILE] [options]", "measure a profile and report it",
     RUN_OPTIONS
     "  --ab OLD NEW       two builds or installs of trine: their drivers, interleaved as trine@a and trine@b\n"
     "  --out DIR          where results go (default ./results)\n"
     "  --budget TIME      start no point after this time (90s, 5m, 2h); 0: no limit\n"
     "  --reruns N         run an invalid point again up to N times (default: the profile's, else 3)\n"
     "  --quiet            no progress on stderr (a terminal alone gets any)\n"
     "\nExit 3 when every measured point is invalid, or the budget too short for any.\n"
     "\nEach point runs in a process of its own; what is measured is on the disk before the next one starts, "
     "so an\n"
     "interrupted run loses nothing: see trine resume.\n"
     "\nExamples:\n"
     "  trine run --profile smoke\n"
     "  trine run --profile quick --backends trine,pthread --seed 7\n"
     "  trine run --profile mine.ini --only switch --out /tmp/results\n"
     "  trine run --ab build/old build/new --backends trine,pthread --reps 10\n",
     cmd_run},
    {"plan", "[--profile NAME|FILE] [options]",
     "show the points of a profile and their time; runs nothing",
     RUN_OPTIONS
     "  --points           every point on a line of its own\n"
     "  --json             the whole plan as JSON\n"
     "\nA sweep file is INI. [profile] takes title, budget, reruns, calibrate (1: limits.json first); each [experiment NAME] takes\n"
     "  workload    which one (required)              backends   names, or all (default all)\n"
     "  procs       1 n/2 n 2n (n: CPUs; to 1024)     tasks      1 100 10k, or default\n"
     "  param.KEY   values of a workload's parameter  pin        none compact scatter cores smt llc numa "
     "reverse\n"
     "  reps        processes a point (default 3)     counters   hardware counters, as libpfm4 names them\n"
     "  warmup_ms   at most (default 200)             measure_ms (default 500)     timeout_s (default 30)\n"
     "  until       2 %: with reps = 3..10, repeat until the 95 % interval is +-2 % or the repetitions are used up\n"
     "  anchor      1: repeat it evenly through the run, to show drift\n"
     "  samples     batches a process, exactly             quota      CPUs of a cgroup for each process\n"
     "  throttled   1: throttling by a quota is meant      title, doc for the report\n"
     "  ready_mib   memory touched before each process, so that all find as much of it at hand\n"
     "Lists are separated by blanks or commas; every combination is a point.\n"
     "\nExamples:\n"
     "  trine plan --profile full\n"
     "  trine plan --profile mine.ini --points\n",
     cmd_plan},
    {"list", "[backends|workloads|parameters|profiles] [--json] [--driver NAME=PATH]", "show what was found",
     "  --driver NAME=PATH a driver beside those that are found; may be repeated\n"
     "  --json             as JSON\n"
     "\nExamples:\n  trine list\n  trine list parameters\n",
     cmd_list},
    {"resume", "RUN [options]", "go on with a run that was interrupted",
     "  --budget TIME      start no point after this time\n"
     "  --reruns N         run an invalid point again up to N times\n"
     "  --driver NAME=PATH a driver beside those that are found; may be repeated\n"
     "  --quiet            no progress on stderr (a terminal alone gets any)\n"
     "\nThe plan is the run's own: what has been measured is not measured again.\n"
     "\nExample:\n  trine resume results/amd-epyc-2c-1a2b3c4d/20261121T040000Z-abc1234-full\n",
     cmd_resume},
    {"report", "RUN", "write the report of a run again and print its main figures",
     "Into the run's folder: report.html, one file that needs no network; compare.html, its builds or backends side by\n"
     "side; figures/, for each figure its data, a gnuplot script that draws it again, and the SVG.\n"
     "The history is that of the results folder in which the run stands.\n"
     "\nExample:\n  trine report results/amd-epyc-2c-1a2b3c4d/20261121T040000Z-abc1234-quick\n", cmd_report},
    {"claims", "[ID...] [options]", "measure the claims about goroutines and print the ledger of verdicts",
     "  --full             at the claimed size, or as near as told; ten processes a point, with the negative controls\n"
     "  --controls         the negative controls in the quick form too\n"
     "  --backends NAMES   verdicts on these backends alone; what they are compared with is measured too\n"
     "  --seed N           orders the points and seeds the drivers\n"
     "  --driver NAME=PATH a driver beside those that are found; may be repeated\n"
     "  --out DIR          where results go (default ./results)\n"
     "  --budget TIME      start no point after this time (default 9m; --full: no limit); 0: no limit\n"
     "  --reruns N         run an invalid point again up to N times (default 1; --full: 3)\n"
     "  --run RUN          judge a run that stands on the disk, without IDs the claims that it was made for;\n"
     "                     measures nothing, and keeps what its claims.json says of others\n"
     "  --claims DIR       records from this folder instead of those that come with trine\n"
     "  --list             the claims; measures nothing      --plan  how many points and how long\n"
     "  --document         the page of all claims (docs/claims.md)\n"
     "  --quiet            no progress on stderr (a terminal alone gets any)\n"
     "\nExits 0 whatever the verdicts are. claims.json is written into the run's folder.\n"
     "\nExamples:\n  trine claims\n  trine claims switch-user runq-256\n  trine claims --full --out /tmp/results\n",
     cmd_claims},
    {"peers", "RUN [options]", "show a run of profile peers as ratios to Go, C++, tokio and the machine's limits",
     "  --rows FILE        the rows and their targets (default: those that come with trine)\n"
     "  --json, --markdown instead of a table for the terminal\n"
     "\nmet and not met hold over the whole 95 % interval of the ratio; else it is open. A row counts points of the very\n"
     "cells of profile peers alone. peers.json is written into the run's folder.\n"
     "\nExamples:\n  trine run --profile peers\n"
     "  trine peers results/m/20261121T040000Z-abc1234-peers --markdown\n",
     cmd_peers},
    {"compare", "RUN [RUN…] [options]", "put runs, builds, backends or machines side by side",
     "  RUN                a run's folder, or a name in results/reference. One run alone: its two builds (trine run\n"
     "                     --ab), else its backends\n"
     "  --base NAME        of one run's backends, the one that the others are told against (default trine)\n"
     "  --machines         the runs are of different machines, and that is the question\n"
     "  --limit NAME       figures in ns also as multiples of their own machine's clock, swap, syscall, line, futex,\n"
     "                     wake or thread (limits.json of the run; default: futex, thread or clock, as every side has)\n"
     "  --only NAMES       these experiments, backends or metrics\n"
     "  --sort KEY         name, ratio, median or verdict\n"
     "  --json, --markdown instead of a table for the terminal\n"
     "  --html FILE        also a page with small multiples, one file without network\n"
     "  --force            go on where schema, machine, profile or clock source differ; it is marked\n"
     "\nExamples:\n"
     "  trine compare results/m/20261121T040000Z-abc1234-quick\n"
     "  trine compare synthetic-base synthetic-fast --machines --sort ratio\n",
     cmd_compare},
    {"gate", "[--baseline BASE] RUN [options]", "judge a run against a baseline: exit 0 pass, 1 regression, 3 inconclusive",
     "  --baseline BASE    a run's folder, or a name in results/reference. Without it RUN holds two builds (trine run\n"
     "                     --ab OLD NEW): the old one is the baseline\n"
     "  --backends NAMES   what is gated (default trine)\n"
     "  --canary NAMES     backends that the change cannot touch: when one moves, the machine has changed (default\n"
     "                     pthread, where it was measured; none: no canaries)\n"
     "  --only NAMES       these experiments or metrics\n"
     "  --accept FILE      regressions that are taken for a reason until a date (docs/gate.md)\n"
     "  --rerun            when inconclusive, measure once more with twice the repetitions and judge for good\n"
     "  --markdown FILE    a summary for a pull request (-: stdout)\n"
     "  --junit FILE       the same as JUnit; inconclusive is skipped\n"
     "  --json             the verdicts as JSON on stdout\n"
     "  --force            go on where schema, machine, profile or clock source differ; it is marked\n"
     "\nA figure fails when it is slower by more than 5 % (p99: 10 %) with p < .05 after Holm; passes when the upper\n"
     "bound of the slowdown is below 15 % (25 %); else it is inconclusive. Counts per operation that are steady over\n"
     "the baseline's processes may not grow.\n"
     "\nExamples:\n"
     "  trine run --ab build/old build/new --profile gate --backends trine && trine gate results/m/20261121T040000Z-abc-gate\n"
     "  trine gate --baseline results/m/main results/m/branch --accept accept.json --markdown summary.md\n",
     cmd_gate},
    {"history", "[--plot WORD] [options]", "show every figure over all runs, and where its level changed",
     "  --results DIR      where the runs are (default ./results); new ones are taken in at each call\n"
     "  --db FILE          the history (default DIR/history.sqlite); it can be deleted at any time\n"
     "  --add RUN          take in a run from elsewhere; may be repeated\n"
     "  --plot WORD        the figures whose name holds WORD as curves\n"
     "  --canary NAMES     backends that no change of trine can move (default pthread; none): a change that they make too is\n"
     "                     the machine's\n"
     "  --rebuild          forget the file and read every run again\n"
     "  --json             series, runs and changes as JSON\n"
     "\nA change is one of level: p <= .001 by permutation, above 5 %, at least five runs on each side. A machine and its\n"
     "processor model, and a profile, make a series of their own.\n"
     "A run counts once: a results folder may be moved, copied or restored elsewhere, its history.sqlite with it or not.\n"
     "\nExamples:\n  trine history\n  trine history --plot yield_ns\n",
     cmd_history},
    {"export", "--to FORMAT RUN [--only NAMES]", "print a run in the format of another tool",
     "  --to FORMAT        gobench      Go's benchmark text (benchstat)      gbench     google-benchmark's JSON\n"
     "                     csv          one row a process and figure         junit      JUnit XML\n"
     "                     gha          github-action-benchmark, less is better; gha-bigger: more is better\n"
     "                     openmetrics  OpenMetrics text                     hgrm       latency distributions\n"
     "  --only NAMES       these experiments or backends\n"
     "\nExamples:\n"
     "  trine export --to gobench results/m/20261121T040000Z-abc1234-quick >new.txt && benchstat old.txt new.txt\n"
     "  trine export --to hgrm --only latency results/m/20261121T040000Z-abc1234-quick\n",
     cmd_export},
    {"env", "[--json]", "show this machine's fingerprint",
     "  --json             as env.json of a run\n"
     "\nExamples:\n  trine env\n  trine env --json\n",
     cmd_env},
    {"doctor", "[--all] [--json]", "say what on this machine spoils measurements, and what to do",
     "  --all              what is in order too\n"
     "  --json             every finding, as JSON\n"
     "\nEach name has a section in docs/warnings.md. Exit 0 whatever is found, 3 when nothing can be measured.\n"
     "\nExamples:\n  trine doctor\n  trine doctor --all\n",
     cmd_doctor},
    {"calibrate", "[--quick] [--json] [--out FILE]", "measure the clock, the caches and the machine's limits",
     "  --quick            less exact, in a quarter of the time\n"
     "  --out FILE         write it as JSON too (limits.json of a run)\n"
     "  --json             print it as JSON\n"
     "\nExit 3 when the clock cannot be trusted over the CPUs.\n"
     "\nExample:\n  trine calibrate\n",
     cmd_calibrate},
    {"selftest", "[--quick] [--only NAMES] [options]", "put known faults in and see whether the instrument finds them",
     "  --quick            shorter points, without the slowest trial\n"
     "  --only NAMES       these trials alone\n"
     "  --list             the trials\n"
     "  --backend NAME     measure this backend's driver (default trine)\n"
     "  --driver NAME=PATH a driver beside those that are found; may be repeated\n"
     "  --aa               instead: A against A, 40 metrics, 20 runs (some 20 minutes; --quick: 10 and 3)\n"
     "  --runs N           so many runs of A against A\n"
     "  --verbose          predictions and findings on stderr as they come (default on a terminal)\n"
     "  --json             the trials as JSON\n"
     "\nExit 3 with `instrument broken` when a fault was not seen as predicted, with `machine too noisy to judge` when "
     "a\n"
     "control without a fault was not silent.\n"
     "\nExamples:\n  trine selftest --quick\n  trine selftest --only stall,closed-loop --verbose\n",
     cmd_selftest},
};
const size_t nverbs = sizeof verbs / sizeof *verbs;
