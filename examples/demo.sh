#!/bin/sh
# make demo: a picture goes through four tasks of one module, each task gets a signed receipt, and a second process checks
# them. Needs Go and nothing else; all that it makes is in bin, demo-out and examples/image.wasm.
set -eu
cd "$(dirname "$0")/.."
go=${GO:-go}
out=demo-out
mkdir -p "$out"
if [ ! -w "${HOME:-}" ]; then
  # Where the Go tool keeps its caches; the dot hides them from ./... and the flag lets rm -r remove them.
  export HOME="$PWD/$out/.home" GOFLAGS="${GOFLAGS:-} -modcacherw"
fi
export TRILEMMA_HOME="${TRILEMMA_HOME:-$out/state}"
files=$TRILEMMA_HOME/files # beside the journal that says what was written, since an effect is never repeated
mkdir -p "$files"

say() { printf '\n== %s\n' "$*"; }
try() { printf '$ %s\n' "$*" && "$@"; }

say "Build trilemma, and a module of pictures, which Go's own compiler makes of guests/image (a minute or two the first time)"
try "$go" build -buildvcs=false -o bin/trilemma ./cmd/trilemma
GO=$go sh examples/prepare.sh image

say "Run the workflow: crop, grey, blur, encode, then save. Each task gets a signed receipt"
try bin/trilemma run examples/image.json --files "$files" -o "$out/image.car" 2>&1
cp "$files/picture.png" "$out/picture.png"
printf '\npicture: %s, made of examples/picture.png\n' "$out/picture.png"

say "Verify the bundle in another process: what the modules compute is computed again and compared"
signer=$(bin/trilemma keys | cut -d ' ' -f 1)
try bin/trilemma verify "$out/image.car" --mode rerun --executor "$signer"

say "Look further"
printf '%s\n' "bin/trilemma inspect $out/image.car" "bin/trilemma verify $out/image.car --json"
