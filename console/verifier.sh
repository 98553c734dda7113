#!/bin/sh
# Builds what the console offers and git does not keep: the verifier for browsers, the file of the Go distribution that starts it, and the module of the
# picture example. The result depends on the sources and the Go version alone.
set -eu
cd "$(dirname "$0")/.."
go=${GO:-go}
out=console/built
GOOS=js GOARCH=wasm $go build -buildvcs=false -trimpath -ldflags='-s -w' -o "$out/verifier.wasm" ./console/browser
cp "$($go env GOROOT)/lib/wasm/wasm_exec.js" "$out/wasm_exec.js"
mkdir -p "$out/samples/examples"
GO=$go sh examples/prepare.sh image >/dev/null
cp examples/image.wasm "$out/samples/examples/image.wasm"
chmod u+w "$out/wasm_exec.js" "$out/samples/examples/image.wasm"
gzip -9nf "$out/verifier.wasm" "$out/wasm_exec.js" "$out/samples/examples/image.wasm"
