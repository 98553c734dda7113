# Everything that a newcomer needs: `make demo` shows the system working, `make test` passes the tests.
GO ?= go

.PHONY: build test demo

build:
	$(GO) build ./...

test:
	$(GO) test ./...

demo:
	GO="$(GO)" sh examples/demo.sh
