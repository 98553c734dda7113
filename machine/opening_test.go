package machine_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// opened opens every segment of a run.
func opened(t testing.TB, l *link.Linked, streams [][]byte, segment uint64) ([]*machine.Opening, []machine.Digest, machine.Trace) {
	t.Helper()
	all, tr := roots(t, l, streams, segment)
	var numbers []uint64
	for i := range len(all) - 1 {
		numbers = append(numbers, uint64(i))
	}
	var e machine.Engine
	os, err := e.OpenEvery(t.Context(), l, streams, limits, segment, numbers)
	if err != nil {
		t.Fatal(err)
	}
	return os, all, tr
}

// stepsOf is how many steps a segment has.
func stepsOf(i int, segment uint64, tr machine.Trace) uint64 {
	return min(segment, tr.Steps-uint64(i)*segment)
}

// samples are calls of the guests, short.
var samples = map[string]struct {
	module, fun, result string
	args                []datamodel.Node
}{
	"sort":    {"sort", "sort_random", "", []datamodel.Node{basicnode.NewInt(400), basicnode.NewInt(1)}},
	"fib":     {"fib", "fib", "", []datamodel.Node{basicnode.NewInt(12)}},
	"sha256":  {"sha256", "sha256", "bytes", []datamodel.Node{basicnode.NewBytes(make([]byte, 9000))}},
	"unicode": {"sha256", "sha256", "bytes", []datamodel.Node{basicnode.NewString("é")}},
}

// TestReplay opens every segment of short runs and replays it from its opening alone, as it comes back from its encoding.
func TestReplay(t *testing.T) {
	for name, c := range samples {
		t.Run(name, func(t *testing.T) {
			l, streams := guest(t, c.module, c.fun, c.result, c.args...)
			const segment = 500
			os, all, tr := opened(t, l, streams, segment)
			for i, o := range os {
				b, err := o.Block()
				if err != nil {
					t.Fatal(err)
				}
				again, err := machine.ReadOpening(b.Data)
				if err != nil {
					t.Fatal(err)
				}
				r, err := again.Replay(limits, stepsOf(i, segment, tr))
				if err != nil {
					t.Fatalf("segment %d: %v", i, err)
				}
				if r.Before != all[i] || r.After != all[i+1] || r.Program != tr.Program || r.Inputs != tr.Inputs {
					t.Fatalf("segment %d leads elsewhere", i)
				}
				if last := i == len(os)-1; last != (r.End.Kind == link.OK) {
					t.Errorf("segment %d ends in %q", i, r.End.Kind)
				}
				past, err := again.Replay(limits, stepsOf(i, segment, tr)+1)
				if i == len(os)-1 && (!errors.Is(err, machine.ErrOpening) || !errors.Is(err, machine.ErrEarly) || past != r) {
					t.Errorf("a step past the end: %v", err)
				}
			}
		})
	}
}

// spaces are the pages of an opening that the segment reads or writes.
func spaces(o *machine.Opening) map[string]*machine.Pages {
	m := map[string]*machine.Pages{"memory": &o.Memory, "globals": &o.Globals, "registers": &o.Registers, "tables": &o.Tables,
		"code": &o.Code, "data": &o.Data, "elements": &o.Elements}
	for i := range o.Inputs {
		m[string(rune('0'+i))] = &o.Inputs[i].Pages
	}
	return m
}

// TestOpeningsAreTight takes every page of an opening away, and changes it, in turn: the replay is refused.
func TestOpeningsAreTight(t *testing.T) {
	l, streams := guest(t, "sha256", "sha256", "bytes", basicnode.NewBytes(make([]byte, 9000)))
	const segment = 2000
	os, all, tr := opened(t, l, streams, segment)
	tried := make(map[string]int)
	for i, o := range os {
		for name := range spaces(o) {
			for k := range spaces(o)[name].Index {
				b, err := o.Block()
				if err != nil {
					t.Fatal(err)
				}
				less, err := machine.ReadOpening(b.Data)
				if err != nil {
					t.Fatal(err)
				}
				p := spaces(less)[name]
				p.Index, p.Pages = slices.Delete(p.Index, k, k+1), slices.Delete(p.Pages, k, k+1)
				if len(p.Index) == 0 {
					p.Path = nil
				}
				if _, err := less.Replay(limits, stepsOf(i, segment, tr)); err == nil {
					t.Errorf("segment %d replays without page %d of %s", i, k, name)
				}
				other, err := machine.ReadOpening(b.Data)
				if err != nil {
					t.Fatal(err)
				}
				p = spaces(other)[name]
				p.Pages[k] = append(slices.Clone(p.Pages[k]), 1)
				if r, err := other.Replay(limits, stepsOf(i, segment, tr)); err == nil && r.Before == all[i] && r.Program == tr.Program && r.Inputs == tr.Inputs {
					t.Errorf("segment %d replays with another page %d of %s", i, k, name)
				}
				tried[name]++
			}
		}
	}
	for _, name := range []string{"memory", "globals", "registers", "code", "4"} {
		if tried[name] == 0 {
			t.Errorf("no page of %s was tried", name)
		}
	}
	t.Log(tried)
}

// TestEnds checks the ends of a transcript by hashes alone.
func TestEnds(t *testing.T) {
	l, streams := guest(t, "fib", "fib", "", basicnode.NewInt(20))
	var e machine.Engine
	kept := blocks{}
	_, tr, err := e.Record(t.Context(), l, streams, limits, kept.put)
	if err != nil {
		t.Fatal(err)
	}
	all, err := tr.ReadRoots(kept.get)
	if err != nil {
		t.Fatal(err)
	}
	first, last := all[0], all[len(all)-1]
	if err := tr.CheckEnds(first, last); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(*machine.Transcript){
		"fuel limit":   func(t *machine.Transcript) { t.Fuel++ },
		"fuel":         func(t *machine.Transcript) { t.Used++ },
		"outcome":      func(t *machine.Transcript) { t.Outcome = "fuel" },
		"output":       func(t *machine.Transcript) { t.Outputs = slices.Clone(t.Outputs); t.Outputs[0].Size-- },
		"header":       func(t *machine.Transcript) { t.Header = slices.Clone(t.Header); t.Header[9] ^= 1 },
		"short header": func(t *machine.Transcript) { t.Header = t.Header[:20] },
		"final state":  func(t *machine.Transcript) { t.Final = slices.Clone(t.Final); t.Final[1] ^= 1 },
		"no state":     func(t *machine.Transcript) { t.Final = nil },
		"program":      func(t *machine.Transcript) { t.Program = make([]byte, 32) },
	} {
		forged := *tr
		edit(&forged)
		if err := forged.CheckEnds(first, last); !errors.Is(err, machine.ErrTranscript) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := tr.CheckEnds(last, last); !errors.Is(err, machine.ErrTranscript) {
		t.Errorf("another beginning: %v", err)
	}
	if err := tr.CheckEnds(first, first); !errors.Is(err, machine.ErrTranscript) {
		t.Errorf("another end: %v", err)
	}
}

// FuzzReplay: no opening, however broken, panics or replays to other roots than its own state says.
func FuzzReplay(f *testing.F) {
	l, streams := guest(f, "sha256", "sha256", "bytes", basicnode.NewBytes(make([]byte, 300)))
	os, _, _ := opened(f, l, streams, 1500)
	for _, o := range os {
		b, err := o.Block()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b.Data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := machine.ReadOpening(data)
		if err != nil {
			return
		}
		b, err := o.Block()
		if err != nil || !slices.Equal(b.Data, data) {
			t.Fatalf("it is not written back as it was read: %v", err)
		}
		if _, err := o.Replay(link.Limits{Fuel: 1 << 30, Memory: 16, Output: 1 << 16}, 1500); err != nil && !errors.Is(err, machine.ErrOpening) {
			t.Fatal(err)
		}
	})
}
