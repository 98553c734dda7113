# Everything that a newcomer needs: `make demo` shows the system working, `make test` passes the tests.
GO ?= go

.PHONY: build test demo console page

build:
	$(GO) build ./...

test:
	$(GO) test -timeout 30m ./...

demo:
	GO="$(GO)" sh examples/demo.sh

# The program with everything that its console offers: the verifier for browsers is built first, since git does not keep it.
console:
	GO="$(GO)" console/verifier.sh
	$(GO) build -o bin/trilemma ./cmd/trilemma

# The console's page, of its sources.
page:
	cd console/page && npm ci --ignore-scripts --no-audit --no-fund && npm run build
