#!/usr/bin/env bash
# Builds guests/wasm/*.wasm from the C sources. With Debian 12's clang and lld (14.0.6) and wasi-libc the files are the same, byte
# for byte.
set -euo pipefail
cd "$(dirname "$0")"
object=$(mktemp --suffix .o)
trap 'rm -f "$object"' EXIT

# Compiled and linked apart: where binaryen is installed, clang would let it rewrite what it links.
compile() { clang -std=c11 -O2 -Wall -Wextra -Werror -Wno-logical-op-parentheses -mbulk-memory -msign-ext -c "$1" -o "$object" "${@:2}"; }

# The stack lies below the data, so that an overflow traps.
link() {
  wasm-ld --stack-first -z stack-size=16384 -o "wasm/$1.wasm" "${@:2}"
  chmod 644 "wasm/$1.wasm"
}

# Functions: no C library. Their names stay, for reports.
for source in c/*.c; do
  compile "$source" --target=wasm32-unknown-unknown -ffreestanding -fvisibility=hidden
  link "$(basename "$source" .c)" --no-entry "$object"
done

# WASI commands: printf and scanf without floats. The C library comes with debug information, which is left out.
lib=/usr/lib/wasm32-wasi
for source in wasi/*.c; do
  compile "$source" --target=wasm32-wasi
  link "$(basename "$source" .c)" --strip-debug "$lib/crt1-command.o" "$object" -L"$lib" -lc-printscan-no-floating-point -lc
done
