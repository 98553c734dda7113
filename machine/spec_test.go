package machine_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/runtime"
	"github.com/trilemma-dev/trilemma/wasm"
)

var update = flag.Bool("update", false, "rewrite golden files and rebuild modules")

// value is an argument or a result in a script.
type value struct {
	Type  string
	Value any // a string; a list for vectors
}

func (v value) text() string { s, _ := v.Value.(string); return s }

// command is one line of a script of the official suite; wabt's wast2json writes them.
type command struct {
	Type, Name, Filename, Text, As string
	Line                           int
	ModuleType                     string `json:"module_type"`
	Action                         struct {
		Type, Module, Field string
		Args                []value
	}
	Expected []value
}

// script is the actions of one module, in order.
type script struct {
	module  *wasm.Module
	actions []command
	skip    string // why none of them can run
	imports []string
	shared  bool // from action cut on another module shares its state
	cut     int
}

// TestOfficialSuite runs every assertion of the official suite about what a module does, on the machine and natively. The counts, and
// why any was left out, are golden.
//
// A script's actions share an instance; a task starts from an empty one. So each module gets a function t(k), which does the actions up to batch k and
// returns what those of that batch give. Actions that are to trap change nothing before they do, are left out of those before, and are batches of their own.
func TestOfficialSuite(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatalf("the official suite lies in wazero's module, which go list does not find: %v", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "internal/integration_test/spectest")
	native := newNative(t)
	counts := make(map[string]int)
	for _, version := range []string{"v1", "v2"} {
		files, err := filepath.Glob(filepath.Join(dir, version, "testdata", "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no scripts: %v", err)
		}
		for _, f := range files {
			name := version + "/" + strings.TrimSuffix(filepath.Base(f), ".json")
			t.Run(name, func(t *testing.T) {
				for i, s := range readScript(t, f) {
					s.run(t, native, fmt.Sprintf("%s module %d", name, i), counts)
				}
			})
		}
	}
	golden(t, "testdata/suite.golden", counts)
}

func newNative(t testing.TB) *runtime.Engine {
	t.Helper()
	if !runtime.Supported() {
		t.Skip("wazero has no compiler here to compare with")
	}
	e, err := runtime.New(t.Context(), runtime.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	return e
}

// golden compares counts with a file of lines.
func golden(t *testing.T, path string, counts map[string]int) {
	t.Helper()
	var lines []string
	for k, n := range counts {
		lines = append(lines, fmt.Sprintf("%6d %s\n", n, k))
	}
	sort.Slice(lines, func(i, k int) bool { return lines[i][7:] < lines[k][7:] })
	got := strings.Join(lines, "")
	t.Logf("\n%s", got)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("%s differs (%v); run the test with -update and read what changed", path, err)
	}
}

// readScript collects a script's actions by module.
func readScript(t *testing.T, path string) []*script {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Commands []command }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	var all []*script
	var current *script
	named, registered := make(map[string]*script), make(map[string]*script)
	for _, c := range file.Commands {
		switch c.Type {
		case "module", "assert_uninstantiable":
			s := &script{}
			if c.ModuleType == "text" {
				s.skip = "text format"
			} else {
				s.load(filepath.Join(filepath.Dir(path), c.Filename))
			}
			all = append(all, s)
			for _, from := range s.imports {
				if r := registered[from]; r != nil && r.skip == "" {
					r.share()
				}
			}
			if c.Type == "assert_uninstantiable" {
				s.actions = append(s.actions, c)
				continue
			}
			current = s
			if c.Name != "" {
				named[c.Name] = s
			}
		case "register":
			if named[c.Name] != nil {
				current = named[c.Name]
			}
			registered[c.As] = current
		case "action", "assert_return", "assert_trap", "assert_exhaustion":
			s := current
			if c.Action.Module != "" {
				s = named[c.Action.Module]
			}
			if s == nil {
				t.Fatalf("%s:%d: an action of no module", path, c.Line)
			}
			s.actions = append(s.actions, c)
		}
	}
	return all
}

// share notes that a module which comes now imports from s.
func (s *script) share() {
	if !s.shared {
		s.shared, s.cut = true, len(s.actions)
	}
}

func (s *script) load(path string) {
	b, err := os.ReadFile(path)
	if err != nil {
		s.skip = err.Error()
		return
	}
	m, err := wasm.Decode(b)
	if err == nil {
		err = wasm.Validate(m)
	}
	if err == nil {
		err = wasm.CheckProfile(m)
	}
	if m != nil {
		for _, im := range m.Imports {
			s.imports = append(s.imports, im.Module)
		}
	}
	switch {
	case err != nil:
		var e *wasm.Error
		s.skip = "outside of the profile"
		if ok := asError(err, &e); ok && e.Feature != "" {
			s.skip += ": " + e.Feature
		}
	case len(m.Imports) > 0:
		s.skip = "imports functions of the test host or of another module"
	default:
		s.module = m
	}
}

func asError(err error, e **wasm.Error) (ok bool) {
	*e, ok = err.(*wasm.Error)
	return ok
}

// run checks a module's assertions.
func (s *script) run(t *testing.T, native *runtime.Engine, name string, counts map[string]int) {
	if s.skip == "" {
		s.skip = unsuitable(s.module)
	}
	var todo []command
	for i, c := range s.actions {
		if s.skip == "" && s.shared && i >= s.cut {
			s.skip = "comes after another module has changed the state"
		}
		if s.skip == "" && s.takesHost(&c) {
			s.skip = "takes a reference of the host, or comes after"
		}
		reason := s.skip
		if reason == "" {
			reason = s.outside(&c)
		}
		switch {
		case c.Type == "action" && reason == "":
			todo = append(todo, c)
		case c.Type == "action":
		case reason != "":
			counts["skipped: "+reason]++
		default:
			counts["ran: "+c.Type]++
			todo = append(todo, c)
		}
	}
	if len(todo) == 0 {
		return
	}
	all := s.batches(todo)
	width := s.addDriver(all)
	if err := wasm.Validate(s.module); err != nil {
		t.Fatalf("%s: driver: %v", name, err)
	}
	results := make([]link.Kind, width)
	for i := range results {
		results[i] = link.I64
	}
	l, err := link.Link(s.module, link.Entry{Func: driver, Params: []link.Kind{link.I32}, Results: results})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var e machine.Engine
	lim := link.Limits{Fuel: 1 << 34, Memory: link.DefaultPages, Output: link.DefaultOutput}
	for k, b := range all {
		at := fmt.Sprintf("%s from line %d", name, b.commands[0].Line)
		got, err := e.Run(t.Context(), l, params(uint64(k)), lim)
		if err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		out := got.Streams[link.OutResult]
		for _, c := range b.commands {
			if msg := s.judge(&c, got, out); msg != "" {
				t.Errorf("%s line %d: %s", name, c.Line, msg)
				break
			}
			out = out[min(8*len(s.results(&c)), len(out)):]
		}
		compare(t, at, native, l, params(uint64(k)), lim, got)
	}
}

// compare runs the same natively.
func compare(t *testing.T, at string, native *runtime.Engine, l *link.Linked, streams [][]byte, lim link.Limits, got link.Result) {
	t.Helper()
	want, err := native.Run(t.Context(), l, streams, lim)
	if err != nil {
		t.Fatalf("%s: native: %v", at, err)
	}
	if got.Outcome != want.Outcome || got.Fuel != want.Fuel {
		t.Errorf("%s: machine %+v with fuel %d, native %+v with fuel %d", at, got.Outcome, got.Fuel, want.Outcome, want.Fuel)
	}
	for i := range got.Streams {
		if !slices.Equal(got.Streams[i], want.Streams[i]) {
			t.Errorf("%s: output %d: machine %x, native %x", at, i, got.Streams[i], want.Streams[i])
		}
	}
}

var trapTexts = map[string]link.TrapKind{
	"unreachable": link.TrapUnreachable, "integer divide by zero": link.TrapDivideByZero, "integer overflow": link.TrapOverflow,
	"invalid conversion to integer": link.TrapConversion, "out of bounds memory access": link.TrapMemory, "out of bounds table access": link.TrapTable,
	"undefined element": link.TrapTable, "uninitialized element": link.TrapTable, "undefined": link.TrapTable, "uninitialized": link.TrapTable,
	"indirect call type mismatch": link.TrapSignature,
}

// judge says what is wrong with the result of a run, whose output from the command's own on is out.
func (s *script) judge(c *command, r link.Result, out []byte) string {
	switch c.Type {
	case "assert_exhaustion":
		if r.Outcome.Kind != link.TooDeep {
			return fmt.Sprintf("ended in %v, want depth", r.Outcome)
		}
	case "assert_trap", "assert_uninstantiable":
		want, ok := trapTexts[strings.TrimRight(c.Text, " 0123456789")] // "uninitialized element 2"
		if !ok {
			return fmt.Sprintf("unknown trap %q", c.Text)
		}
		if r.Outcome != (link.Outcome{Kind: link.Trap, Trap: want}) {
			return fmt.Sprintf("ended in %v, want trap: %s", r.Outcome, want)
		}
	default:
		if r.Outcome.Kind != link.OK {
			return fmt.Sprintf("ended in %v", r.Outcome)
		}
		if len(c.Expected) > len(s.results(c)) || len(out) < 8*len(c.Expected) {
			return fmt.Sprintf("wants %d results", len(c.Expected))
		}
		for i, want := range c.Expected {
			if got := le64(out[8*i:]); !want.is(got) {
				return fmt.Sprintf("result %d is %#x, want %s %s", i, got, want.Type, want.text())
			}
		}
	}
	return ""
}

// is reports whether a cell holds the value that is expected.
func (v value) is(cell uint64) bool {
	switch v.text() {
	case "nan:canonical":
		return v.Type == "f32" && cell&0x7fffffff == 0x7fc00000 || v.Type == "f64" && cell&(1<<63-1) == 0x7ff8000000000000
	case "nan:arithmetic":
		return v.Type == "f32" && cell&0x7fc00000 == 0x7fc00000 || v.Type == "f64" && cell&0x7ff8000000000000 == 0x7ff8000000000000
	case "null": // of a reference the driver returns whether it is null
		return cell == 1
	}
	if v.Type == "funcref" || v.Type == "externref" {
		return cell == 0
	}
	want, err := v.bits()
	return err == nil && cell == want
}

func (v value) bits() (uint64, error) {
	if n, err := strconv.ParseUint(v.text(), 10, 64); err == nil {
		return n, nil
	}
	switch v.text() {
	case "nan:canonical", "nan:arithmetic":
		if v.Type == "f32" {
			return 0x7fc00000, nil
		}
		return math.Float64bits(math.NaN()) &^ 1, nil
	}
	return 0, fmt.Errorf("%s %s is no number", v.Type, v.text())
}
