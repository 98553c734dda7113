#!/bin/sh
# Makes what the examples need and what is too large to be kept, or what is named of it: the picture module (image), which Go's
# own compiler makes of guests/image, and Newton's "Opticks" (book), which comes with Go for its tests.
set -eu
cd "$(dirname "$0")/.."
go=${GO:-go}
for what in ${*:-image book}; do
  case $what in
  image) set -- env GOOS=wasip1 GOARCH=wasm "$go" build -buildvcs=false -trimpath -ldflags=-s -o examples/image.wasm ./guests/image ;;
  book) set -- cp "$("$go" env GOROOT)/src/testdata/Isaac.Newton-Opticks.txt" examples/opticks.txt ;;
  *) echo "prepare.sh: what is $what?" >&2 && exit 2 ;;
  esac
  echo "\$ $*"
  "$@"
done
