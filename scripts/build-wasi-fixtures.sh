#!/bin/sh
# Builds the test programs of the WASI runtime from their C sources. The builds are committed, so that tests need no
# compiler; run this after a change. Needs Debian's clang, lld, wasi-libc and libclang-rt-dev-wasm32.
set -eu
cd "$(dirname "$0")/../test/fixtures"
flags='--target=wasm32-wasi -Os -Wall -Wextra -Werror -Wl,--strip-all'
for source in wasi/*.c; do
  clang $flags -o "${source%.c}.wasm" "$source"
done
# Of this one the speed matters.
clang $flags -O2 -o wasi/compute.wasm wasi/compute.c
# Many programs in one; endless recursion is what one of them is for.
clang $flags -Wno-infinite-recursion -o hostile/hostile.wasm hostile/*.c
ls -l -- */*.wasm
