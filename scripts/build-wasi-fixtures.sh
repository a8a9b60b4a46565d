#!/bin/sh
# Builds the test programs of the WASI runtime from their C sources. The builds are committed, so that tests need no
# compiler; run this after a change. Needs Debian's clang, lld, wasi-libc and libclang-rt-dev-wasm32.
set -eu
cd "$(dirname "$0")/../test/fixtures/wasi"
for source in *.c; do
  clang --target=wasm32-wasi -Os -Wall -Wextra -Werror -Wl,--strip-all -o "${source%.c}.wasm" "$source"
done
ls -l -- *.wasm
