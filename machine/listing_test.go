package machine_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trilemma-dev/trilemma/guests"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/link/linktest"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/wasm"
)

// sample is the module of the listing's tests, linked for run(n), and its program.
func sample(t testing.TB) (*wasm.Module, *machine.Program) {
	t.Helper()
	m := linktest.Wat(t, filepath.Join("testdata", "listing.wat"), *update)
	l, err := link.Link(m, link.Entry{Func: "run", Params: []link.Kind{link.I32}, Results: []link.Kind{link.I32}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := machine.Lower(l)
	if err != nil {
		t.Fatal(err)
	}
	return m, p
}

// TestListing compares the listing of a small module with a golden file.
func TestListing(t *testing.T) {
	m, p := sample(t)
	var b strings.Builder
	for i := range p.Functions() {
		l, err := p.List(i, m)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %d %q %s frame %d\n", l.Origin.Kind, l.Origin.Func, l.Origin.Name, l.Type, l.Frame)
		for _, line := range l.Lines {
			mark := " "
			if line.Target {
				mark = ">"
			}
			fmt.Fprintf(&b, "%s%4d %3d  %-44s", mark, line.PC, line.Instr.W, line.Instr.String())
			for _, s := range line.Wasm {
				fmt.Fprintf(&b, " |%#x %s", s.Offset, s.Text)
			}
			b.WriteByte('\n')
		}
	}
	golden := filepath.Join("testdata", "listing.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("(-golden +got):\n%s", diff)
	}
}

// TestListingsAreWhole lists the sample guests: every instruction of the program stands in one place, every Wasm instruction too, in its order
// and where the guest's file has it; and two instructions that differ in more than their weight never look the same.
func TestListingsAreWhole(t *testing.T) {
	names, err := guests.Names()
	if err != nil {
		t.Fatal(err)
	}
	looks := map[string]machine.Instr{}
	for _, name := range names {
		data, err := guests.Module(name)
		if err != nil {
			t.Fatal(err)
		}
		m := linktest.Parse(t, data)
		for _, x := range m.Exports {
			if x.Kind != wasm.ExternFunc || strings.HasPrefix(x.Name, "cabi_") || x.Name == "_initialize" {
				continue
			}
			l, err := link.Link(m, numbers(t, m, x))
			if err != nil {
				t.Fatal(err)
			}
			p, err := machine.Lower(l)
			if err != nil {
				t.Fatal(err)
			}
			pc := uint32(2)
			for i := range p.Functions() {
				list, err := p.List(i, m)
				if err != nil {
					t.Fatal(err)
				}
				next := uint32(0)
				for _, line := range list.Lines {
					if line.PC != pc {
						t.Fatalf("%s: instruction %d stands where %d should", name, line.PC, pc)
					}
					pc++
					in := line.Instr
					in.W = 0
					if old, ok := looks[in.String()]; ok && old != in {
						t.Errorf("%+v and %+v both look like %q", old, in, in.String())
					}
					looks[in.String()] = in
					for _, s := range line.Wasm {
						if s.Ordinal != next {
							t.Fatalf("%s: Wasm instruction %d stands where %d should", name, s.Ordinal, next)
						}
						next++
						if list.Origin.Kind != link.FromGuest {
							continue
						}
						in, err := wasm.NewReader(data[s.Offset:], s.Offset).Next()
						if err != nil || in.String() != s.Text {
							t.Fatalf("%s: at byte %#x stands %s, not %s (%v)", name, s.Offset, in.String(), s.Text, err)
						}
					}
				}
				if !bytes.Equal(l.Module.Code[i].Body[len(l.Module.Code[i].Body)-1:], []byte{byte(wasm.OpEnd)}) || next == 0 {
					t.Errorf("%s: function %d has %d Wasm instructions", name, i, next)
				}
			}
			if int(pc) != len(p.Code) {
				t.Errorf("%s: %d instructions are listed of %d", name, pc, len(p.Code))
			}
		}
	}
	if len(looks) < 1000 {
		t.Errorf("only %d instructions that differ", len(looks))
	}
}

// numbers is the entry that calls an export with plain numbers.
func numbers(t testing.TB, m *wasm.Module, x wasm.Export) (e link.Entry) {
	if x.Name == "_start" {
		return e
	}
	sig, ok := m.TypeOfFunc(x.Index)
	if !ok {
		t.Fatal(x)
	}
	e.Func = x.Name
	for _, p := range sig.Params {
		e.Params = append(e.Params, link.Kind(p.String()))
	}
	for _, r := range sig.Results {
		e.Results = append(e.Results, link.Kind(r.String()))
	}
	return e
}

// TestOperations checks that each operation has a name and a class.
func TestOperations(t *testing.T) {
	seen := map[machine.Class]int{}
	for op := machine.OpTrap; op <= machine.OpF64PromoteF32; op++ {
		if strings.HasPrefix(op.String(), "op(") {
			if c := op.Class(); c != machine.ClassNone {
				t.Errorf("%v, of no program, is of class %s", op, c)
			}
			continue
		}
		seen[op.Class()]++
		if op.IsFloat() != (op.Class() == machine.ClassFloat) {
			t.Errorf("%s is of class %s", op, op.Class())
		}
	}
	for c := range machine.ClassNone {
		if seen[c] == 0 {
			t.Errorf("no operation is of class %s", c)
		}
	}
	if seen[machine.ClassNone] > 0 {
		t.Errorf("%d operations have no class", seen[machine.ClassNone])
	}
}

// TestListOfAnotherModule checks that a program is not shown beside a module that it was not made from.
func TestListOfAnotherModule(t *testing.T) {
	_, p := sample(t)
	b, err := guests.Module("threshold")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.List(0, linktest.Parse(t, b)); err == nil {
		t.Error("another module was taken for the one that was linked")
	}
}
