package lab

import (
	"fmt"
	"strings"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/guests"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/wasm"
)

// Work is one call of a guest, ready to run.
type Work struct {
	Guest   string
	Call    string // for people: inputs that are long stand there by their size
	Linked  *link.Linked
	Streams [][]byte
	Limits  link.Limits // more than it needs
}

// Size is how much work there is.
type Size int

// The sizes: tens of milliseconds for a measurement, of native code or interpreted, or just enough to see it work.
const (
	Full Size = iota
	Small
	Tiny
)

// Works returns the calls that benchmarks run: one or two of every guest. They are the same every time.
func Works(size Size) ([]*Work, error) {
	n := func(full, small, tiny int) int { return []int{full, small, tiny}[size] }
	random, text := noise(n(8_000_000, 4_000_000, 800)), prose(n(1_500_000, 200_000, 1500))
	doc, table := records(n(12_000, 1500, 12)), counts(n(60_000, 8000, 60))
	calls := []struct {
		guest, fun, result string
		params             []any // int, or []byte
	}{
		{"fib", "fib", "", []any{n(35, 29, 10)}},
		{"fib", "fib_loop", "", []any{n(50_000_000, 3_000_000, 1000)}},
		{"json", "json_check", "", []any{doc}},
		{"matrix", "matrix_random", "", []any{n(300, 110, 8), 1}},
		{"sha256", "sha256", "bytes", []any{random[:n(8_000_000, 400_000, 800)]}},
		{"sha256", "sha256_chain", "bytes", []any{[]byte{}, n(100_000, 8000, 10)}},
		{"sort", "sort_random", "", []any{n(500_000, 200_000, 500), 1}},
		{"threshold", "sum_at_least", "", []any{random, 1}},
		{"wc", "", "", []any{text}},
		{"words", "words_count", "bytes", []any{text, 0, 1}},
		{"words", "words_top", "bytes", []any{table, 20}},
	}
	works := make([]*Work, len(calls))
	for i, c := range calls {
		var err error
		if works[i], err = newWork(c.guest, c.fun, c.result, c.params); err != nil {
			return nil, fmt.Errorf("lab: %s: %w", c.guest, err)
		}
	}
	return works, nil
}

// newWork links a call of a guest: of its export fun, or of a command, whose one parameter is its standard input.
func newWork(guest, fun, result string, params []any) (*Work, error) {
	m, err := load(guest)
	if err != nil {
		return nil, err
	}
	w := &Work{Guest: guest, Call: fun, Limits: link.Limits{Fuel: 1 << 40, Memory: link.DefaultPages, Output: link.DefaultOutput}}
	var nodes []datamodel.Node
	var shown []string
	for _, p := range params {
		switch p := p.(type) {
		case int:
			nodes, shown = append(nodes, basicnode.NewInt(int64(p))), append(shown, fmt.Sprint(p))
		case []byte:
			nodes, shown = append(nodes, basicnode.NewBytes(p)), append(shown, fmt.Sprintf("%d bytes", len(p)))
		default:
			return nil, fmt.Errorf("a parameter of type %T", p)
		}
	}
	w.Call += "(" + strings.Join(shown, ", ") + ")"
	entry := link.Entry{}
	if fun == "" {
		stdin, err := nodes[0].AsBytes()
		if err != nil {
			return nil, err
		}
		if w.Streams, err = link.CommandStreams(nil, nil, stdin, 0, 0); err != nil {
			return nil, err
		}
	} else {
		if entry, err = link.Resolve(m, fun, nodes, result); err != nil {
			return nil, err
		}
		if w.Streams, err = link.Streams(entry, nodes, 0, 0); err != nil {
			return nil, err
		}
	}
	w.Linked, err = link.Link(m, entry)
	return w, err
}

// load decodes a guest.
func load(guest string) (*wasm.Module, error) {
	b, err := guests.Module(guest)
	if err != nil {
		return nil, err
	}
	return wasm.Load(b)
}
