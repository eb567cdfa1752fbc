#!/bin/sh
# Installs a build into an empty prefix and uses it as a stranger would. Usage: test_prefix.sh CMAKE BUILD CC PKG_CONFIG SANITIZE
set -eu
cmake=$1 build=$2 cc=$3 pkg_config=$4 sanitize=$5
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
mv "$work/first" "$work/second"      # the .pc file must not remember where it was installed
export PKG_CONFIG_PATH="$work/second/lib/pkgconfig"
# shellcheck disable=SC2046,SC2086  # the flags are words
"$cc" -std=c17 -Wall -Wextra -Werror $flags "$work/user.c" -o "$work/user" $("$pkg_config" --cflags --libs trine)
said=$("$work/user") || fail "the program failed with status $?"
[ "$said" = "hello from a goroutine" ] || fail "the program said '$said'"
version=$("$pkg_config" --modversion trine)
header=$(sed -n 's/^#define TRINE_VERSION "\(.*\)"/\1/p' "$work/second/include/trine.h")
[ "$version" = "$header" ] || fail "trine.pc says version $version, trine.h $header"
echo "installed $version, compiled and ran"
