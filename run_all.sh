#!/usr/bin/env bash
# The door to everything: installs what is missing, builds, measures, and leaves one report. See ./run_all.sh help.
# Exit: 0 pass, 1 a test or the suite failed, 2 usage, 3 inconclusive or invalid instrument, 4 infrastructure, 130 interrupted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
logs=build/log

usage() {
    cat <<'TEXT'
usage: ./run_all.sh [smoke | quick | full | peers] [OPTION ...]   measure this machine (default: quick)
       ./run_all.sh test [--stress]                       run every test
       ./run_all.sh packages [run | test | dev]           only install a tier of packages
       ./run_all.sh help

  smoke   the whole path on a handful of points: under a minute after the build
  quick   the figures of README.md: at most five minutes on two cores after the build
  peers   trine beside Go, Boost.Fiber, oneTBB and tokio where they are found: some forty minutes, then trine peers RUN
  full    every sweep; takes what it needs, and resumes a full run that was interrupted
  test    unit tests, lint and smoke tests, then the runtime's tests in the chaos, asan and tsan builds;
          --stress adds the long ones, an hour of them. The last line is the count of tests.

Options after a profile go to 'trine run' (full resuming an interrupted run: to 'trine resume').
Each command installs the packages of its own tier (tools/packages.txt says which and why), as root or through
sudo; otherwise it prints what to install and stops with exit 4. With every package there it never calls apt.

environment:
  TRINE_NO_INSTALL=1   do not look at packages at all: build with what there is
  JOBS=N               compile and test N at a time (default: the number of CPUs)
  CI=true              a skipped test that tools/allowed-skips.txt does not list is a failure
TEXT
}

die() { local code=$1; shift; echo "run_all.sh: $*" >&2; exit "$code"; }
say() { echo "== $*"; }
trap 'echo "run_all.sh: interrupted" >&2; exit 130' INT TERM
jobs=${JOBS:-$(nproc)}
[[ $jobs =~ ^[1-9][0-9]*$ ]] || die 2 "JOBS is '$jobs': expected a number of 1 or more"

# ---- packages ----------------------------------------------------------------------------------------------------

installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }
known()     { apt-cache show --no-all-versions "$1" >/dev/null 2>&1; }

# Prints "names<TAB>why" for each line of the tiers given of which no alternative is installed.
missing_packages() {
    local tier names why name found
    while read -r tier names why; do
        [[ -z $tier || $tier == \#* || " $* " != *" $tier "* ]] && continue
        found=
        for name in ${names//|/ }; do if installed "$name"; then found=$name; break; fi; done
        [[ $found ]] || printf '%s\t%s\n' "$names" "$why"
    done < tools/packages.txt
}

# The alternative to install: the first that apt knows, else (no package lists yet) the first.
choose() {
    local name
    for name in ${1//|/ }; do if known "$name"; then echo "$name"; return; fi; done
    echo "${1%%|*}"
}

# Runs an apt command quietly; on failure its own first error is the message.
apt() {
    local log=$logs/apt-$1.log
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 ||
        die 4 "apt-get $1 failed: $(grep -m1 '^E:' "$log" || tail -n1 "$log") (all of it: $log)"
}

# ensure_packages TIER...: installs what the tiers lack, or prints what to install and stops with exit 4.
ensure_packages() {
    [[ ${TRINE_NO_INSTALL:-} ]] && return
    command -v dpkg-query >/dev/null || die 4 "this is not a Debian or Ubuntu system: install the counterparts of the" \
        "packages in tools/packages.txt (tiers: $*), then set TRINE_NO_INSTALL=1"
    local missing line names pick=()
    missing=$(missing_packages "$@")
    [[ $missing ]] || return 0
    as_root=()
    if [[ $(id -u) != 0 ]]; then
        if command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then as_root=(sudo); else as_root=(none); fi
    fi
    say "packages missing:"
    while IFS=$'\t' read -r names line; do printf '   %-22s %s\n' "$(choose "$names")" "$line"; done <<<"$missing"
    if [[ ${as_root[0]:-} == none ]]; then
        while IFS=$'\t' read -r names line; do pick+=("$(choose "$names")"); done <<<"$missing"
        echo "   apt-get install --no-install-recommends ${pick[*]}" >&2
        die 4 "not root and no sudo: run the command above as root, then this one again"
    fi
    say "apt-get update"
    apt update
    while IFS=$'\t' read -r names line; do
        line=$(choose "$names")
        if known "$line"; then pick+=("$line")
        elif [[ " $* " == *" dev "* ]]; then echo "   not in this release, left out: $names"
        else die 4 "apt knows no package '$names' (on Ubuntu: is the universe component enabled?)"; fi
    done <<<"$missing"
    ((${#pick[@]})) || return 0
    say "apt-get install ${pick[*]}"
    apt install -y --no-install-recommends "${pick[@]}"
}

# ---- build -------------------------------------------------------------------------------------------------------

# logged NAME COMMAND...: runs a command with its output in a log, shown when it fails.
logged() {
    local log=$logs/$1.log; shift
    if ! "$@" >"$log" 2>&1; then
        grep -nE '(error|Error|FAILED|warning:)' "$log" | head -n 20 >&2 || tail -n 20 "$log" >&2
        die 4 "this failed: $* (all of it: $log)"
    fi
}

# build PRESET TARGET [-DOPTION...]: configures and builds one target of a preset. Prints how long it took.
build() {
    local preset=$1 target=$2 start=$SECONDS; shift 2
    command -v cmake >/dev/null || die 4 "cmake is not installed"
    local version; version=$(cmake --version | awk 'NR == 1 {print $3}')
    [[ $(printf '3.25\n%s\n' "$version" | sort -V | head -n1) == 3.25 ]] ||
        die 4 "cmake $version is too old: 3.25 or newer is needed (Debian 12, Ubuntu 24.04)"
    # A build folder that was configured elsewhere (the tree was moved or copied) is made again.
    local cache=build/$preset/CMakeCache.txt
    [[ -f $cache ]] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$cache" && rm -rf "build/$preset"
    logged "configure-$preset" cmake --preset "$preset" "$@"
    logged "build-$preset" cmake --build --preset "$preset" -j "$jobs" --target $target
    say "built $preset in $((SECONDS - start)) s"
}

# ---- measure -----------------------------------------------------------------------------------------------------

# field NAME: the first string of that name in a manifest on stdin.
field() { sed -n "s/^ *\"$1\": *\"\(.*\)\",\{0,1\}\$/\1/p" | head -n 1; }

# unfinished PROFILE: the folder of this machine's newest run of a profile, if it was cut short and this commit began it:
# a run that two versions measured would compare them without anybody knowing.
unfinished() {
    local machine run newest='' commit
    machine=$("$trine" env --json | field machine)
    # A folder's name ends with its profile, but claims-full and x-full end with -full too: the manifest says which it is.
    while read -r run; do
        if [[ -f $run/manifest.json && $(field profile <"$run/manifest.json") == "$1" ]]; then newest=$run; fi
    done < <(find "results/${machine:-none}" -maxdepth 1 -name "*-$1" 2>/dev/null | sort)
    [[ $newest && -f $newest/manifest.json && $(field ended <"$newest/manifest.json") != complete ]] || return 0
    commit=$(git describe --always --dirty --abbrev=9 --exclude='*' 2>/dev/null || echo unknown)
    if [[ $(field commit <"$newest/manifest.json") == "$commit" ]]; then echo "$newest"
    else say "$newest was cut short, but another commit began it: starting anew" >&2; fi
}

measure() {
    local profile=$1 run='' peers=OFF; shift
    [[ $profile == peers ]] && peers=AUTO
    ensure_packages run
    build release all -DTRINE_TESTS=OFF -DTRINE_PEERS=$peers
    trine=build/release/harness/trine
    [[ -x $trine ]] || die 4 "the build made no $trine"
    [[ $profile == full ]] && run=$(unfinished full)
    if [[ $run ]]; then
        say "resuming $run"
        exec "$trine" resume "$run" "$@"
    fi
    exec "$trine" run --profile "$profile" "$@"
}

# ---- test --------------------------------------------------------------------------------------------------------

# run_tests NAME FOLDER CTEST-OPTION...: runs the tests under one folder of a build; their results go to build/test/NAME.xml.
run_tests() {
    local name=$1 folder=$2 start=$SECONDS; shift 2
    [[ -f build/$folder/CTestTestfile.cmake ]] || die 4 "build/$folder has no tests: is it configured with TRINE_TESTS=ON?"
    rm -f "build/test/$name.xml"
    mkdir -p build/test
    # ThreadSanitizer of gcc 12 cannot place its shadow under the address randomisation of newer kernels.
    local run=(ctest)
    [[ $name == tsan ]] && setarch -R true 2>/dev/null && run=(setarch -R ctest)
    # ctest's own status is not used: tools/test-summary.py reads each result, and fails when the file is missing.
    "${run[@]}" --test-dir "build/$folder" -j "$jobs" --timeout 300 --output-junit "$PWD/build/test/$name.xml" --no-tests=ignore \
        --test-output-size-passed 4194304 --test-output-size-failed 4194304 "$@" >"$logs/test-$name.log" 2>&1 || true
    say "ran $name in $((SECONDS - start)) s ($logs/test-$name.log)"
}

test_all() {
    local labels=unit stress=OFF results=() name ci=()
    case ${CI:-false} in false | 0 | no) ;; *) ci=(--ci) ;; esac
    case ${1:-} in
    '') ;;
    --stress) labels+='|stress'; stress=ON; shift ;;
    *) die 2 "unknown option '$1' of test: expected --stress" ;;
    esac
    (($# == 0)) || die 2 "test takes one option at most: --stress"
    ensure_packages run test
    command -v python3 >/dev/null || die 4 "python3 is not installed: the count of tests needs it"
    local fuzz=2 # seconds a target; CI takes the time to look further
    ((${#ci[@]})) && fuzz=30
    build dev all -DTRINE_TESTS=ON -DTRINE_FUZZ_SECONDS=$fuzz -DTRINE_STRESS_TESTS=$stress
    run_tests dev dev -L "$labels|lint|smoke"
    results+=(dev=build/test/dev.xml)
    # The other builds run a stated part: the runtime's tests, and under asan every unit test, since the parsers read foreign input.
    build asan all -DTRINE_TESTS=ON
    run_tests asan asan -L "$labels"
    results+=(asan=build/test/asan.xml)
    if [[ -d tests/runtime ]]; then
        for name in chaos tsan; do
            build $name tests/runtime/all -DTRINE_TESTS=ON -DTRINE_STRESS_TESTS="$([[ $name == chaos ]] && echo $stress || echo OFF)"
            run_tests $name $name/tests/runtime -L "$labels"
            results+=("$name=build/test/$name.xml")
        done
    fi
    python3 tools/test-summary.py --allowed tools/allowed-skips.txt "${ci[@]}" "${results[@]}"
}

writable() { mkdir -p "$logs" 2>/dev/null && [[ -w $logs ]] || die 4 "cannot write in $PWD/build"; }

case ${1:-quick} in
help | -h | --help) usage ;;
smoke | quick | full | peers) profile=${1:-quick}; (($#)) && shift; writable; measure "$profile" "$@" ;;
test) shift; writable; test_all "$@" ;;
packages)
    writable
    case ${2:-run} in
    run) ensure_packages run ;;
    test) ensure_packages run test ;;
    dev) ensure_packages run test dev ;;
    *) die 2 "unknown tier '$2': expected run, test or dev" ;;
    esac ;;
*) die 2 "unknown command '$1': expected smoke, quick, full, peers, test, packages or help" ;;
esac
