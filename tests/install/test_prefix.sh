#!/bin/sh
# Installs a build into an empty prefix and uses it as a stranger would, from C and, where there is a compiler, from C++.
# Usage: test_prefix.sh CMAKE BUILD CC CXX PKG_CONFIG SANITIZE
set -eu
cmake=$1 build=$2 cc=$3 cxx=$4 pkg_config=$5 sanitize=$6
case $sanitize in
address) flags=-fsanitize=address,undefined ;;
thread) flags=-fsanitize=thread ;;
*) flags= ;;
esac
fail() { echo "FAIL: $*" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$cmake" --install "$build" --prefix "$work/first" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "cmake --install"; }
for file in include/trine.h lib/libtrine.a lib/pkgconfig/trine.pc; do
    [ -f "$work/first/$file" ] || fail "not installed: $file"
done
grep -q "^#include \"" "$work/first/include/trine.h" && fail "trine.h includes a header that is not installed"

cat >"$work/user.c" <<'C'
#include <trine.h>
#include <stdio.h>
static void greet(void *arg)
{
    puts("hello from a goroutine");
    trine_wg_done(arg);
}
static void start(void *arg)
{
    trine_wg wg = {0};
    (void)arg;
    trine_wg_add(&wg, 1);
    if (trine_go(greet, &wg) == 0) trine_wg_wait(&wg);
}
int main(void) { return trine_run(NULL, start, NULL) == 0 ? 0 : 1; }
C
cat >"$work/user.cc" <<'CC'
#include <trine.h>
#include <cstdio>
static void tell(void *arg)
{
    int x = 7;
    trine_case c = {static_cast<trine_chan *>(arg), TRINE_SEND, &x, false};
    trine_select(&c, 1);
}
static void start(void *)
{
    trine_chan *full = trine_chan_make(sizeof(int), 1), *chan = trine_chan_make(sizeof(int), 0);
    trine_timer timer = trine_timer();
    int x = 0;
    trine_chan_send(full, &x);
    trine_timer_start(&timer, 1000, tell, chan);
    trine_case cases[2];
    cases[0].chan = full;
    cases[0].op = TRINE_SEND;
    cases[0].elem = &x;
    cases[1].chan = chan;
    cases[1].op = TRINE_RECV;
    cases[1].elem = &x;
    int which = trine_select(cases, 2);
    trine_timer_stop(&timer);
    if (which == 1 && cases[1].ok && x == 7) std::puts("hello from a goroutine");
    trine_chan_free(full);
    trine_chan_free(chan);
}
int main() { return trine_run(NULL, start, NULL) == 0 ? 0 : 1; }
CC
mv "$work/first" "$work/second"      # the .pc file must not remember where it was installed
export PKG_CONFIG_PATH="$work/second/lib/pkgconfig"
# compile_and_run COMPILER STANDARD SOURCE
compile_and_run() {
    # shellcheck disable=SC2046,SC2086  # the flags are words
    "$1" -std="$2" -pedantic -Wall -Wextra -Werror $flags "$work/$3" -o "$work/user" $("$pkg_config" --cflags --libs trine) ||
        fail "$3 does not compile as $2"
    said=$("$work/user") || fail "$3 as $2 failed with status $?"
    [ "$said" = "hello from a goroutine" ] || fail "$3 as $2 said '$said'"
}
for standard in c99 c17; do compile_and_run "$cc" "$standard" user.c; done
if [ -x "$cxx" ]; then
    for standard in c++98 c++11 c++17; do compile_and_run "$cxx" "$standard" user.cc; done
fi
version=$("$pkg_config" --modversion trine)
header=$(sed -n 's/^#define TRINE_VERSION "\(.*\)"/\1/p' "$work/second/include/trine.h")
[ "$version" = "$header" ] || fail "trine.pc says version $version, trine.h $header"
echo "installed $version, compiled and ran"
