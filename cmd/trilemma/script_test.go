package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/trilemma-dev/trilemma/link/linktest"
)

var update = flag.Bool("update", false, "assemble the modules of the tests anew")

// guestModules are samples that scripts find in their directory too.
var guestModules = []string{filepath.Join("..", "..", "guests", "wasm", "threshold.wasm"), filepath.Join("..", "..", "guests", "wasm", "sha256.wasm")}

// TestMain lets the test's binary be the program: scripts run real processes.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"trilemma": main})
}

// modules are where the modules come from that scripts find in their directory.
var modules = []string{"testdata", filepath.Join("..", "..", "runtime", "testdata"), filepath.Join("..", "..", "machine", "testdata"), filepath.Join("..", "..", "docs", "examples")}

// TestModules checks that every binary is what its text says.
func TestModules(t *testing.T) {
	for _, dir := range modules {
		files, err := filepath.Glob(filepath.Join(dir, "*.wat"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", dir, files, err)
		}
		for _, f := range files {
			linktest.Binary(t, f, *update && dir == modules[0])
		}
	}
}

// TestScripts runs testdata/script. Each script has an empty home and a copy of the modules.
func TestScripts(t *testing.T) { testscript.Run(t, scriptParams("")) }

// scriptParams are those of the scripts; remote is the URL of a service that does the work, or empty.
func scriptParams(remote string) testscript.Params {
	return testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("TRILEMMA_HOME", "")
			env.Setenv("XDG_DATA_HOME", "")
			env.Setenv("TRILEMMA_REMOTE", remote)
			env.Setenv("ESC", "\x1b")
			env.Values[theService{}] = &served{}
			for _, dir := range modules {
				files, err := filepath.Glob(filepath.Join(dir, "*.wasm"))
				if err != nil {
					return err
				}
				for _, f := range append(files, guestModules...) {
					data, err := os.ReadFile(f)
					if err != nil {
						return err
					}
					if err := os.WriteFile(filepath.Join(env.WorkDir, filepath.Base(f)), data, 0o644); err != nil {
						return err
					}
				}
			}
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "root": // who may read and write everything
				return os.Geteuid() == 0, nil
			case "remote":
				return remote != "", nil
			case "long": // minutes of two cores are no matter
				return os.Getenv("TRILEMMA_TEST_LONG") != "", nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "json": jsonCmd, "flip": flip, "cut": cut, "sized": sized, "forge": forge, "claim": claim, "parts": partsCmd, "untold": untold, "private": private,
			"env-did": envDID, "env-json": envJSON, "serve": serveCmd, "served": servedCmd, "unasked": unaskedCmd,
		},
	}
}

func argc(ts *testscript.TestScript, neg bool, args []string, n int, usage string) {
	if neg || len(args) < n {
		ts.Fatalf("usage: %s", usage)
	}
}

// exits runs the program and compares its exit status: exits STATUS ARG...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	argc(ts, neg, args, 1, "exits STATUS ARG...")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec("trilemma", args[1:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// lookup finds a value in a JSON object by a path of keys and indices with dots between.
func lookup(ts *testscript.TestScript, file, path string) (text string, found bool) {
	dec := json.NewDecoder(strings.NewReader(ts.ReadFile(file)))
	dec.UseNumber()
	var v any
	ts.Check(dec.Decode(&v))
	if dec.More() {
		ts.Fatalf("more than one JSON object")
	}
	for key := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v, found = at[key]
		case []any:
			i, err := strconv.Atoi(key)
			ts.Check(err)
			if found = i < len(at); found {
				v = at[i]
			}
		default:
			found = false
		}
		if !found {
			return "", false
		}
	}
	if s, ok := v.(string); ok {
		return s, true
	}
	data, err := json.Marshal(v)
	ts.Check(err)
	return string(data), true
}

// jsonCmd looks a value up in the JSON object that was printed last: json PATH WANT. WANT is the value as text, or "?" for
// any value that is there, or "none" for no such value.
func jsonCmd(ts *testscript.TestScript, neg bool, args []string) {
	argc(ts, neg, args, 2, "json PATH WANT")
	got, found := lookup(ts, "stdout", args[0])
	switch want := args[1]; {
	case want == "none" && !found, want == "?" && found:
	case !found:
		ts.Fatalf("%s is not there", args[0])
	case got != want:
		ts.Fatalf("%s is %s, want %s", args[0], got, want)
	}
}

// envJSON sets a variable to a value of a JSON file: env-json VAR FILE PATH.
func envJSON(ts *testscript.TestScript, neg bool, args []string) {
	argc(ts, neg, args, 3, "env-json VAR FILE PATH")
	v, found := lookup(ts, args[1], args[2])
	if !found {
		ts.Fatalf("%s is not there", args[2])
	}
	ts.Setenv(args[0], v)
}

// envDID sets DID to the first word of a file, which is what keys prints: env-did FILE.
func envDID(ts *testscript.TestScript, neg bool, args []string) {
	argc(ts, neg, args, 1, "env-did FILE")
	did, _, _ := strings.Cut(ts.ReadFile(args[0]), " ")
	ts.Setenv("DID", did)
}

// flip changes the lowest bit of a byte: flip FILE OFFSET. An offset below 0 counts from the end.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	argc(ts, neg, args, 2, "flip FILE OFFSET")
	data := []byte(ts.ReadFile(args[0]))
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	if at < 0 {
		at += len(data)
	}
	data[at] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
}

// cut makes a file with the first bytes of another: cut FROM TO SIZE. A size below 0 counts from the end.
func cut(ts *testscript.TestScript, neg bool, args []string) {
	argc(ts, neg, args, 3, "cut FROM TO SIZE")
	data := []byte(ts.ReadFile(args[0]))
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	if n < 0 {
		n += len(data)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data[:n], 0o644))
}

// sized gives a file a size, filling it with zeros that take no room on the disk: sized FILE BYTES.
func sized(ts *testscript.TestScript, neg bool, args []string) {
	argc(ts, neg, args, 2, "sized FILE BYTES")
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY|os.O_CREATE, 0o644)
	ts.Check(err)
	ts.Check(errors.Join(f.Truncate(n), f.Close()))
}

// partsCmd fails if a directory holds the beginning of a file: parts DIR.
func partsCmd(ts *testscript.TestScript, neg bool, args []string) {
	argc(ts, neg, args, 1, "parts DIR")
	files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), ".*.part"))
	ts.Check(err)
	if len(files) > 0 {
		ts.Fatalf("left over: %v", files)
	}
}
