#!/usr/bin/env bash
# Builds guests/wasm/*.wasm from guests/c/*.c. With Debian 12's clang and lld (14.0.6) the files are the same, byte for byte.
set -euo pipefail
cd "$(dirname "$0")"
object=$(mktemp --suffix .o)
trap 'rm -f "$object"' EXIT

# Compiled and linked apart: where binaryen is installed, clang would let it rewrite what it links.
for source in c/*.c; do
  name=$(basename "$source" .c)
  # No C library: integers, memory and nothing else.
  clang --target=wasm32-unknown-unknown -std=c11 -O2 -Wall -Wextra -Werror -Wno-logical-op-parentheses \
    -ffreestanding -fvisibility=hidden -mbulk-memory -msign-ext -c "$source" -o "$object"
  # The stack lies below the data, so that an overflow traps. Names of functions stay.
  wasm-ld --no-entry --stack-first -z stack-size=16384 "$object" -o "wasm/$name.wasm"
  chmod 644 "wasm/$name.wasm"
done
