package trilemma

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/trilemma-dev/trilemma/"

// layers is the order of the packages: each may import only packages of a lower layer. A package that is not listed
// fails the test, so that a new one is given its place.
var layers = map[string]int{
	"block": 0,
	"wasm":  1, "workflow": 1, "capability": 1,
	"receipts": 2, "link": 2, "store": 2,
	"machine": 3, "runtime": 3,
	"circuits": 4, "executor": 4, "spotcheck": 4,
	"prover": 5, "verifier": 5,
	"cluster": 6, "httpapi": 6, "lab": 6, "client": 6, "console": 6,
	"cmd": 7,
}

// unlayered packages are outside of the product: samples and their tests.
var unlayered = []string{"guests", "examples", "internal"}

// only says which packages may import what directly: the key is an import path's prefix.
var only = map[string][]string{
	"github.com/tetratelabs/wazero":     {"runtime"},
	"github.com/consensys/gnark/":       {"circuits", "prover", "verifier"},
	"github.com/gin-gonic/gin":          {"httpapi", "cluster", "lab", "client", "console", "cmd"},
	"github.com/nats-io/":               {"httpapi", "cluster", "lab", "client", "console", "cmd"},
	"github.com/spf13/cobra":            {"httpapi", "cluster", "lab", "client", "console", "cmd"},
	"github.com/prometheus/":            {"httpapi", "cluster", "lab", "client", "console", "cmd"},
	module + "prover":                   {"cluster", "httpapi", "lab", "cmd", "prover"},
	module + "store":                    {"executor", "cluster", "httpapi", "lab", "cmd", "store"},
	"github.com/schollz/progressbar/v3": {"cmd"},
	"gonum.org/":                        {"lab"},
	// One package makes and checks every signature.
	"crypto/ed25519":                 {"capability"},
	"crypto/ecdsa":                   {"capability"},
	"github.com/MetaMask/go-did-it/": {"capability"},
	"github.com/ucan-wg/":            {"capability"},
}

func room(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, module), "/")
	return first
}

// TestLayers checks the import rules of the architecture with go list.
func TestLayers(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}: {{join .Imports " "}}`, "./...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		pkg, imports, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || !strings.HasPrefix(pkg, module) || slices.Contains(unlayered, room(pkg)) {
			continue
		}
		seen++
		from := room(pkg)
		layer, ok := layers[from]
		if !ok {
			t.Errorf("package %s has no layer: give %q its place in layers_test.go", pkg, from)
			continue
		}
		for _, imp := range strings.Fields(imports) {
			for prefix, allowed := range only {
				if strings.HasPrefix(imp+"/", prefix) && !slices.Contains(allowed, from) {
					t.Errorf("%s imports %s, which only %v may", pkg, imp, allowed)
				}
			}
			if to := room(imp); strings.HasPrefix(imp, module) && to != from && !slices.Contains(unlayered, to) && layers[to] >= layer {
				t.Errorf("%s (layer %d) imports %s (layer %d): imports point downward only", pkg, layer, imp, layers[to])
			}
		}
	}
	if seen == 0 {
		t.Fatal("go list named no packages of the module")
	}
}

// TestVerifierStandsAlone checks what the verifier rests on, all the way down, on this platform and in a browser: no keys to
// prove with, no store and no network. That it builds for a browser is checked too.
func TestVerifierStandsAlone(t *testing.T) {
	for _, env := range [][]string{nil, {"GOOS=js", "GOARCH=wasm"}} {
		list := exec.Command("go", "list", "-deps", "./verifier")
		list.Env = append(os.Environ(), env...)
		out, err := list.Output()
		if err != nil {
			t.Fatalf("%v go list: %v", env, err)
		}
		deps := strings.Fields(string(out))
		if !slices.Contains(deps, module+"receipts") {
			t.Fatalf("%v go list gave no dependencies: %v", env, deps)
		}
		for _, dep := range deps {
			for _, not := range []string{module + "prover", module + "store", module + "httpapi", module + "cluster", module + "executor",
				module + "runtime", "net/http", "github.com/tetratelabs/wazero"} {
				if dep == not || strings.HasPrefix(dep, not+"/") {
					t.Errorf("%v verifier rests on %s", env, dep)
				}
			}
		}
	}
	if testing.Short() {
		t.Skip("building for a browser takes a while")
	}
	build := exec.Command("go", "build", "./verifier")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("verifier does not build for a browser: %v\n%s", err, out)
	}
}
