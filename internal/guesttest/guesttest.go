// Package guesttest has calls of the sample guests that are small enough to be checked row by row, for tests of circuits.
package guesttest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/guests"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/wasm"
)

// Work is a call of a guest.
type Work struct {
	Name    string
	Program *machine.Program
	Streams [][]byte
}

// Works are calls of all guests that compute with integers. They are the same each time.
func Works(t testing.TB) []Work {
	t.Helper()
	return works(t, sizes{fib: 12, loop: 2000, sort: 150, bytes: 130, records: 30, matrix: 8, sum: 4000})
}

// Medium are the same calls, of about a hundred thousand instructions each.
func Medium(t testing.TB) []Work {
	t.Helper()
	return works(t, sizes{fib: 18, loop: 25_000, sort: 400, bytes: 700, records: 32, matrix: 16, sum: 32_000})
}

// Long are the same calls, of about a million instructions each.
func Long(t testing.TB) []Work {
	t.Helper()
	return works(t, sizes{fib: 22, loop: 200_000, sort: 3000, bytes: 7000, records: 400, matrix: 36, sum: 320_000})
}

// sizes are the sizes of the calls: of numbers, or of input.
type sizes struct{ fib, loop, sort, bytes, records, matrix, sum int }

func works(t testing.TB, size sizes) (all []Work) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	some := func(n int) datamodel.Node {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return basicnode.NewBytes(b)
	}
	var json bytes.Buffer
	json.WriteString(`[{"name":"a\u00e9\n","list":[1,-2.5e3,true,null]}`)
	for i := range size.records {
		fmt.Fprintf(&json, `,{"id":%d,"text":"entry number %d","flags":[%t,false]}`, i, rng.Uint32N(1000), i%2 == 0)
	}
	json.WriteString("]")
	n := func(v int) datamodel.Node { return basicnode.NewInt(int64(v)) }
	for _, w := range []struct {
		guest, fun string
		args       []datamodel.Node
	}{
		{"fib", "fib", []datamodel.Node{n(size.fib)}}, {"fib", "fib_loop", []datamodel.Node{n(size.loop)}},
		{"sort", "sort_random", []datamodel.Node{n(size.sort), n(1)}},
		{"sha256", "sha256", []datamodel.Node{some(size.bytes)}},
		{"json", "json_check", []datamodel.Node{basicnode.NewBytes(json.Bytes())}},
		{"matrix", "matrix_random", []datamodel.Node{n(size.matrix), n(1)}},
		{"threshold", "sum_at_least", []datamodel.Node{some(size.sum), n(1)}},
	} {
		p, streams := Call(t, w.guest, w.fun, w.args...)
		all = append(all, Work{w.guest + " " + w.fun, p, streams})
	}
	return all
}

// Call makes the program of a guest's call, and its input.
func Call(t testing.TB, module, fun string, args ...datamodel.Node) (*machine.Program, [][]byte) {
	t.Helper()
	fail := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	b, err := guests.Module(module)
	fail(err)
	m, err := wasm.Load(b)
	fail(err)
	e, err := link.Resolve(m, fun, args, "")
	fail(err)
	streams, err := link.Streams(e, args, 0, 0)
	fail(err)
	l, err := link.Link(m, e)
	fail(err)
	p, err := machine.Lower(l)
	fail(err)
	return p, streams
}
