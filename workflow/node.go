// Package workflow is the task graph: what a person writes becomes tasks that link to each other by content. A workflow
// that this package returns is acyclic, its awaits lead to tasks that exist, its effects come last, and every task's CIDs
// were computed from its content.
package workflow

import (
	"fmt"
	"math"
	"math/big"
	"strings"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"
)

// Limits on a document.
const (
	MaxDocument = 16 << 20 // bytes
	maxYAML     = 4 << 20  // bytes of a document in YAML, whose reader takes a hundred times as much memory
	MaxTasks    = 100_000
	MaxParams   = 64
	maxDepth    = 64
	maxValues   = 2_000_000
	maxErrors   = 20
)

// kind is the kind of a value in a document.
type kind byte

const (
	kindNull kind = iota
	kindBool
	kindInt
	kindFloat
	kindString
	kindList
	kindMap
)

func (k kind) String() string {
	return [...]string{"null", "a boolean", "an integer", "a number", "a string", "a list", "a map"}[k]
}

// value is one value of a document, in JSON or YAML, with its place.
type value struct {
	kind      kind
	line, col int
	path      string
	b         bool
	i         *big.Int
	f         float64
	s         string
	items     []*value // of a list, or the values of a map
	keys      []string // of a map, in the document's order
	keyAt     [][2]int // line and column of each key
}

// get returns the value under key, or nil.
func (v *value) get(key string) *value {
	for i, k := range v.keys {
		if k == key {
			return v.items[i]
		}
	}
	return nil
}

// scalar returns a scalar as an IPLD node.
func (v *value) scalar() (datamodel.Node, error) {
	switch v.kind {
	case kindNull:
		return datamodel.Null, nil
	case kindBool:
		return basicnode.NewBool(v.b), nil
	case kindInt:
		if v.i.IsInt64() {
			return basicnode.NewInt(v.i.Int64()), nil
		}
		if v.i.IsUint64() {
			return basicnode.NewUint(v.i.Uint64()), nil
		}
		return nil, fmt.Errorf("the integer %s has more than 64 bits", v.i)
	case kindFloat:
		if math.IsNaN(v.f) || math.IsInf(v.f, 0) {
			return nil, fmt.Errorf("a number must be finite (write \"NaN\", \"inf\" or \"-inf\" as a string)")
		}
		return basicnode.NewFloat(v.f), nil
	case kindString:
		return basicnode.NewString(v.s), nil
	}
	return nil, fmt.Errorf("a scalar is wanted, found %s", v.kind)
}

// setPaths gives every value its place in the document, such as tasks.blur.run.params[0].
func (v *value) setPaths(path string) {
	v.path = path
	for i, item := range v.items {
		switch {
		case v.kind == kindList:
			item.setPaths(fmt.Sprintf("%s[%d]", path, i))
		case path == "":
			item.setPaths(v.keys[i])
		default:
			item.setPaths(path + "." + v.keys[i])
		}
	}
}

// Error is one complaint about a document.
type Error struct {
	File      string
	Line, Col int // from 1; 0 if the complaint is about the whole
	Path      string
	Msg       string
}

// Error returns file:line:col: path: message.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Col)
	}
	b.WriteString(": ")
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Msg)
	return b.String()
}

// Errors are the complaints about a document, in its order.
type Errors []*Error

// Error returns the complaints, a line each.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// reporter collects complaints, up to a bound.
type reporter struct {
	file string
	errs Errors
	more int
}

func (r *reporter) at(v *value, format string, args ...any) {
	r.add(&Error{File: r.file, Line: v.line, Col: v.col, Path: v.path, Msg: fmt.Sprintf(format, args...)})
}

func (r *reporter) add(e *Error) {
	if len(r.errs) < maxErrors {
		r.errs = append(r.errs, e)
	} else {
		r.more++
	}
}

func (r *reporter) err() error {
	if len(r.errs) == 0 {
		return nil
	}
	if r.more > 0 {
		r.errs = append(r.errs, &Error{File: r.file, Msg: fmt.Sprintf("and %d more errors", r.more)})
		r.more = 0
	}
	return r.errs
}

// nearest returns a hint that names the candidate closest to s, or nothing if none is close.
func nearest(s string, candidates []string) string {
	best, dist := "", 1+len(s)/3
	for _, c := range candidates {
		if d := distance(s, c); d <= dist && (d < dist || best == "") {
			best, dist = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance is the optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return math.MaxInt
	}
	prev2, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, prev[j]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], prev2[j-2]+1)
			}
		}
		prev2, prev, row = prev, row, prev2
	}
	return prev[len(b)]
}
