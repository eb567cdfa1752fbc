#!/bin/sh
# Cross-compiles the runtime for AArch64 and runs the unit test of its switch, and its examples, under qemu-user. Usage: test_aarch64.sh CMAKE SOURCE BUILD
set -eu
cmake=$1 source=$2 build=$3
for tool in aarch64-linux-gnu-gcc qemu-aarch64; do
    command -v $tool >/dev/null || { echo "SKIP: $tool is not installed (./run_all.sh packages dev)"; exit 77; }
done
[ -e /usr/aarch64-linux-gnu/lib/libc.so.6 ] || { echo "SKIP: libc6-dev-arm64-cross is not installed"; exit 77; }
"$cmake" -S "$source" -B "$build" -G Ninja --toolchain cmake/aarch64-linux-gnu.cmake -DTRINE_RUNTIME_ONLY=ON \
    -DTRINE_TESTS=OFF -DTRINE_WERROR=ON -DCMAKE_BUILD_TYPE=Release >"$build.log" 2>&1 &&
    "$cmake" --build "$build" >>"$build.log" 2>&1 || { tail -n 40 "$build.log"; exit 1; }
aarch64-linux-gnu-gcc -O2 -Wall -Wextra -Werror -iquote "$source/runtime" -o "$build/arch_switch" \
    "$source/tests/runtime/arch_switch.c" "$source/runtime/switch_aarch64.S"
qemu-aarch64 -L /usr/aarch64-linux-gnu "$build/arch_switch"
"$source/tests/examples/test_examples.sh" "$build/examples" qemu-aarch64 -L /usr/aarch64-linux-gnu
