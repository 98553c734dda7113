#!/bin/sh
# Builds the surveys in testdata anew, each with its own toolchain; names one or more, or all: c rust zig assemblyscript.
# With the versions in docs/modules.md the bytes are the ones that are kept. AssemblyScript needs fetch.sh first.
set -eu
cd "$(dirname "$0")/survey"
out=../testdata lib=/usr/lib/wasm32-wasi
for l in ${*:-c rust zig assemblyscript}; do
  case $l in
  c) # Compiled and linked apart, for the reason in ../build.sh.
    clang --target=wasm32-wasi -O2 -c -o $out/survey-c.o survey.c
    wasm-ld -s -o $out/survey-c.wasm $lib/crt1-command.o $out/survey-c.o -L$lib -lc \
      "$(clang --target=wasm32-wasi -print-libgcc-file-name)"
    rm $out/survey-c.o ;;
  rust) "${RUSTC:-rustc}" --edition 2021 --target wasm32-wasi -C opt-level=z -C lto -C panic=abort -C strip=symbols -C linker=wasm-ld \
    -o $out/survey-rust.wasm survey.rs ;;
  zig) ${ZIG:-zig} build-exe -target wasm32-wasi -O ReleaseSmall -fstrip -femit-bin=$out/survey-zig.wasm survey.zig &&
    rm -f $out/survey-zig.wasm.o ;;
  assemblyscript) (cd $out && node_modules/.bin/asc ../survey/survey.ts --config node_modules/@assemblyscript/wasi-shim/asconfig.json -O2 --noAssert \
    -o survey-assemblyscript.wasm) ;;
  *) echo "build.sh: no survey in $l" >&2 && exit 2 ;;
  esac
  chmod 644 $out/survey-$l.wasm
done
