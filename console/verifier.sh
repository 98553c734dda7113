#!/bin/sh
# Builds what the console offers and git does not keep: the verifier for browsers, the file of the Go distribution that starts it, and the module of the
# picture example. The result depends on the sources and the Go version alone. What is there already is left as it is, and what is not is put there at once:
# somebody may be building a program with it.
set -eu
cd "$(dirname "$0")/.."
go=${GO:-go}
tmp=$(mktemp -d console/.built.XXXXXX)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/samples/examples"
GOOS=js GOARCH=wasm $go build -buildvcs=false -trimpath -ldflags='-s -w' -o "$tmp/verifier.wasm" ./console/browser
cp "$($go env GOROOT)/lib/wasm/wasm_exec.js" "$tmp/wasm_exec.js"
GO=$go sh examples/prepare.sh image >/dev/null
cp examples/image.wasm "$tmp/samples/examples/image.wasm"
for name in verifier.wasm wasm_exec.js samples/examples/image.wasm; do
  gzip -9n <"$tmp/$name" >"$tmp/$name.gz"
  cmp -s "$tmp/$name.gz" "console/built/$name.gz" && continue
  mkdir -p "$(dirname "console/built/$name.gz")"
  mv "$tmp/$name.gz" "console/built/$name.gz"
done
