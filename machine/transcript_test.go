package machine_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/guests"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/wasm"
)

// limits are plenty.
var limits = link.Limits{Fuel: 1 << 40, Memory: link.DefaultPages, Output: link.DefaultOutput}

// guest links a sample for a call.
func guest(t testing.TB, module, fun, result string, args ...datamodel.Node) (*link.Linked, [][]byte) {
	t.Helper()
	b, err := guests.Module(module)
	if err != nil {
		t.Fatal(err)
	}
	m, err := wasm.Decode(b)
	if err == nil {
		err = wasm.Validate(m)
	}
	if err != nil {
		t.Fatal(err)
	}
	e, err := link.Resolve(m, fun, args, result)
	if err != nil {
		t.Fatal(err)
	}
	streams, err := link.Streams(e, args, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.Link(m, e)
	if err != nil {
		t.Fatal(err)
	}
	return l, streams
}

// roots traces a run in segments of some length.
func roots(t testing.TB, l *link.Linked, streams [][]byte, segment uint64) ([]machine.Digest, machine.Trace) {
	t.Helper()
	var e machine.Engine
	var all []machine.Digest
	tr, err := e.Trace(t.Context(), l, streams, limits, segment, func(d machine.Digest) error {
		all = append(all, d)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, tr
}

// TestRootsDependOnStatesOnly: what is hashed again between two roots is decided by what was touched. If that missed anything, roots
// would depend on where the run was cut before.
func TestRootsDependOnStatesOnly(t *testing.T) {
	for name, c := range map[string]struct {
		fun, result string
		args        []datamodel.Node
	}{
		"sort":   {"sort_random", "", []datamodel.Node{basicnode.NewInt(3000), basicnode.NewInt(1)}},
		"fib":    {"fib", "", []datamodel.Node{basicnode.NewInt(16)}},
		"sha256": {"sha256", "bytes", []datamodel.Node{basicnode.NewBytes(make([]byte, 20000))}},
		"json":   {"tokenize", "bytes", []datamodel.Node{basicnode.NewString(`{"a": [1, 2, {"b": null}], "c": "d"}`)}},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := guests.Module(name)
			if err != nil {
				t.Fatal(err)
			}
			if m, err := wasm.Decode(b); err != nil || m.Export(c.fun) == nil {
				t.Skipf("no function %s", c.fun)
			}
			l, streams := guest(t, name, c.fun, c.result, c.args...)
			fine, tr := roots(t, l, streams, 64)
			if tr.Result.Outcome.Kind != link.OK {
				t.Fatalf("%+v", tr.Result.Outcome)
			}
			for _, every := range []int{3, 16, 1000} {
				coarse, _ := roots(t, l, streams, 64*uint64(every))
				for i, d := range coarse {
					if at := min(i*every, len(fine)-1); fine[at] != d {
						t.Fatalf("root after %d steps differs between segments of 64 and %d steps", at*64, 64*every)
					}
				}
			}
			seen := make(map[machine.Digest]bool)
			for i, d := range fine {
				if seen[d] {
					t.Fatalf("root %d came before", i)
				}
				seen[d] = true
			}
		})
	}
}

// blocks is a store of a test.
type blocks map[cid.Cid][]byte

func (b blocks) put(x block.Block) error { b[x.CID] = x.Data; return nil }

func (b blocks) get(c cid.Cid) (block.Block, bool) {
	d, ok := b[c]
	return block.Block{CID: c, Data: d}, ok
}

func TestTranscript(t *testing.T) {
	l, streams := guest(t, "fib", "fib", "", basicnode.NewInt(24))
	var e machine.Engine
	kept := blocks{}
	res, tr, err := e.Record(t.Context(), l, streams, limits, kept.put)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := e.Run(t.Context(), l, streams, limits)
	if err != nil || plain.Fuel != res.Fuel || plain.Outcome != res.Outcome || !slices.Equal(plain.Streams[0], res.Streams[0]) {
		t.Fatalf("recording changed the result: %+v %+v %v", plain, res, err)
	}
	b, err := tr.Block()
	if err != nil {
		t.Fatal(err)
	}
	again, err := machine.ReadTranscript(b.Data)
	if err != nil {
		t.Fatal(err)
	}
	if again.End() != res.Outcome || again.Used != int64(res.Fuel) || machine.Digest(again.Outputs[0].Digest) != machine.TapeOf(res.Streams[0]).Digest {
		t.Errorf("%+v", again)
	}
	all, err := again.ReadRoots(kept.get)
	if err != nil || uint64(len(all)) != again.Segments()+1 || again.Segments() < 2 {
		t.Fatalf("%d roots of %d segments: %v", len(all), again.Segments(), err)
	}
	for c := range kept {
		kept[c] = slices.Clone(kept[c])
		kept[c][40] ^= 1
	}
	if _, err := again.ReadRoots(kept.get); !errors.Is(err, machine.ErrTranscript) {
		t.Errorf("altered roots: %v", err)
	}
	if _, err := again.ReadRoots(blocks{}.get); !errors.Is(err, machine.ErrMissing) {
		t.Errorf("missing roots: %v", err)
	}
}

// TestHaltedStays: a machine that has ended takes no more steps.
func TestHaltedStays(t *testing.T) {
	l, streams := guest(t, "fib", "fib", "", basicnode.NewInt(10))
	p, err := machine.Lower(l)
	if err != nil {
		t.Fatal(err)
	}
	m := machine.New(p, streams, limits)
	c := machine.NewCommitment(m)
	for !m.Ended() {
		if _, err := m.Run(1); err != nil {
			t.Fatal(err)
		}
	}
	root := c.Root()
	if n, err := m.Run(100); n != 0 || err != nil || c.Root() != root {
		t.Errorf("took %d steps more (%v)", n, err)
	}
}

func TestContextStopsRun(t *testing.T) {
	l, streams := guest(t, "fib", "fib", "", basicnode.NewInt(40))
	var e machine.Engine
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Run(ctx, l, streams, limits); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestPaged: pages of the profile's size give the profile's roots, others roots of their own that depend on states only too.
func TestPaged(t *testing.T) {
	l, streams := guest(t, "sort", "sort_random", "", basicnode.NewInt(3000), basicnode.NewInt(1))
	p, err := machine.Lower(l)
	if err != nil {
		t.Fatal(err)
	}
	trace := func(size int, segment uint64) (roots []machine.Digest) {
		m := machine.New(p, streams, limits)
		c, err := machine.Paged(m, size)
		if err != nil {
			t.Fatal(err)
		}
		for roots = append(roots, c.Root()); !m.Ended(); roots = append(roots, c.Root()) {
			if _, err := m.Run(segment); err != nil {
				t.Fatal(err)
			}
		}
		return roots
	}
	want, _ := roots(t, l, streams, 1000)
	if !slices.Equal(trace(machine.PageSize, 1000), want) {
		t.Error("pages of the profile's size give other roots")
	}
	for size := machine.PageSize; size <= 1<<16; size *= 2 {
		fine, coarse := trace(size, 1000), trace(size, 5000)
		if size != machine.PageSize && slices.Contains(want, fine[0]) {
			t.Errorf("pages of %d bytes give the profile's roots", size)
		}
		for i, d := range coarse {
			if fine[min(5*i, len(fine)-1)] != d {
				t.Errorf("pages of %d bytes: root after %d steps depends on earlier cuts", size, 5000*i)
			}
		}
	}
	for _, size := range []int{0, machine.PageSize / 2, 3000, 1 << 17} {
		if _, err := machine.Paged(machine.New(p, streams, limits), size); err == nil {
			t.Errorf("pages of %d bytes are taken", size)
		}
	}
}

// TestTouched looks at what single stores touch.
func TestTouched(t *testing.T) {
	store := func(at uint64) wasm.Instr { return wasm.Instr{Op: wasm.OpI32Const, Const: at} }
	var body []byte
	for _, at := range []uint64{0, 2 * 1024, 3 * 1024} {
		for _, in := range []wasm.Instr{store(at), {Op: wasm.OpI32Const, Const: 1}, {Op: wasm.OpI32Store8}} {
			body = wasm.AppendInstr(body, in)
		}
	}
	body = wasm.AppendInstr(body, wasm.Instr{Op: wasm.OpEnd})
	m := &wasm.Module{Types: []wasm.FuncType{{}}, Funcs: []uint32{0}, Code: []wasm.Code{{Body: body}},
		Memories: []wasm.Limits{{Min: 1}}, Exports: []wasm.Export{{Name: "f", Kind: wasm.ExternFunc}}}
	if err := wasm.Validate(m); err != nil {
		t.Fatal(err)
	}
	l, err := link.Link(m, link.Entry{Func: "f"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := machine.Lower(l)
	if err != nil {
		t.Fatal(err)
	}
	// One page of registers, whose tree has 2²³ bytes, and of memory, whose tree has 2³⁰, what the stores touch.
	for size, want := range map[int][2]int{
		1 << 10: {1 + 3, 13 + 1 + 18}, // 0, 2 and 3: 1 is missing, and then what is beside all four
		1 << 11: {1 + 2, 12 + 18},     // 0 and 1 are siblings
		1 << 12: {1 + 1, 11 + 18},
	} {
		m := machine.New(p, params(), limits)
		c, err := machine.Paged(m, size)
		if err != nil {
			t.Fatal(err)
		}
		c.Root()
		if _, err := m.Run(1000); err != nil || !m.Ended() {
			t.Fatal("the run did not end", err)
		}
		if pages, hashes := c.Touched(); pages != want[0] || hashes != want[1] {
			t.Errorf("pages of %d bytes: %d touched with %d hashes, want %d", size, pages, hashes, want)
		}
		c.Root()
		if pages, _ := c.Touched(); pages != 1 {
			t.Errorf("pages of %d bytes: %d touched since the last root", size, pages)
		}
	}
}
