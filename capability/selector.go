package capability

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"
)

const maxSelector = 1024

// selector picks one value out of an invocation's arguments (UCAN Delegation 1.0, "Selectors").
type selector struct {
	text     string
	segments []segment
}

type segmentKind uint8

const (
	segKey    segmentKind = iota // .foo ["foo"]
	segIndex                     // [3] [-1]
	segSlice                     // [1:3] [:3] [1:]
	segValues                    // []
)

type segment struct {
	kind     segmentKind
	key      string
	index    int64
	from, to *int64 // nil: open
	optional bool   // ?
}

// parseSelector reads a selector. It begins with a dot; two dots never follow each other.
func parseSelector(text string) (selector, error) {
	s := selector{text: text}
	if len(text) > maxSelector || !strings.HasPrefix(text, ".") {
		return s, fmt.Errorf("selector %.64q does not start with a dot, or is longer than %d bytes", text, maxSelector)
	}
	dot := false // the character before is a dot
	for rest := text; rest != ""; {
		at := len(text) - len(rest)
		var seg segment
		var err error
		switch r, _ := utf8.DecodeRuneInString(rest); {
		case r == '.' && !dot:
			dot, rest = true, rest[1:]
			continue
		case r == '?' && (!dot || text[:at] == "."):
			if len(s.segments) > 0 {
				s.segments[len(s.segments)-1].optional = true
			}
			dot, rest = false, rest[1:]
			continue
		case r == '[':
			seg, rest, err = parseBracket(rest[1:])
		case dot && (r == '_' || unicode.IsLetter(r)):
			n := strings.IndexFunc(rest, func(r rune) bool {
				return !unicode.IsLetter(r) && (r < '0' || r > '9') && !strings.ContainsRune("_-$", r)
			})
			if n < 0 {
				n = len(rest)
			}
			seg, rest = segment{kind: segKey, key: rest[:n]}, rest[n:]
		default:
			err = fmt.Errorf("%q is unexpected", r)
		}
		if err != nil {
			return s, fmt.Errorf("selector %q, character %d: %w", text, at, err)
		}
		dot = false
		s.segments = append(s.segments, seg)
	}
	return s, nil
}

// parseBracket reads what follows an opening bracket: a quoted key, an index, a slice or nothing.
func parseBracket(s string) (seg segment, rest string, err error) {
	if strings.HasPrefix(s, `"`) {
		dec := json.NewDecoder(strings.NewReader(s))
		if err := dec.Decode(&seg.key); err != nil {
			return seg, "", errors.New("a quoted key does not end")
		}
		rest, ok := strings.CutPrefix(s[dec.InputOffset():], "]")
		if !ok {
			return seg, "", errors.New("a quoted key is not followed by ]")
		}
		return seg, rest, nil
	}
	inner, rest, ok := strings.Cut(s, "]")
	if !ok {
		return seg, "", errors.New("[ is not closed")
	}
	if inner == "" {
		seg.kind = segValues
		return seg, rest, nil
	}
	from, to, isSlice := strings.Cut(inner, ":")
	if !isSlice {
		seg.kind = segIndex
		seg.index, err = parseIndex(inner)
		return seg, rest, err
	}
	seg.kind = segSlice
	for _, end := range []struct {
		text string
		into **int64
	}{{from, &seg.from}, {to, &seg.to}} {
		if end.text != "" {
			i, err := parseIndex(end.text)
			if err != nil {
				return seg, "", err
			}
			*end.into = &i
		}
	}
	if seg.from == nil && seg.to == nil {
		return seg, "", errors.New("a slice has no ends")
	}
	return seg, rest, nil
}

func parseIndex(s string) (int64, error) {
	i, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strings.HasPrefix(s, "+") || i < -maxInteger || i > maxInteger {
		return 0, fmt.Errorf("%.32q is not an index", s)
	}
	return i, nil
}

// resolve walks from n. It reports false if there is no value at the selector's path; a missing key of a map is null.
func (s selector) resolve(b *budget, n datamodel.Node) (datamodel.Node, bool) {
	for _, seg := range s.segments {
		next, ok := seg.step(b, n)
		switch {
		case ok:
			n = next
		case seg.optional:
			n = datamodel.Null
		default:
			return nil, false
		}
	}
	return n, true
}

func (seg segment) step(b *budget, n datamodel.Node) (datamodel.Node, bool) {
	b.spend(1)
	switch seg.kind {
	case segKey:
		if n.Kind() != datamodel.Kind_Map {
			return nil, false
		}
		v, err := n.LookupByString(seg.key)
		if errors.As(err, &datamodel.ErrNotExists{}) {
			return datamodel.Null, true
		}
		return v, err == nil
	case segValues:
		switch n.Kind() {
		case datamodel.Kind_List:
			return n, true
		case datamodel.Kind_Map:
			vs, err := values(b, n)
			if err != nil {
				return nil, false
			}
			return list(vs)
		}
		return nil, false
	}
	return seg.elements(b, n)
}

// elements takes one element or a run of them from a list or from bytes.
func (seg segment) elements(b *budget, n datamodel.Node) (datamodel.Node, bool) {
	var data []byte
	length := n.Length()
	switch n.Kind() {
	case datamodel.Kind_Bytes:
		var err error
		if data, err = n.AsBytes(); err != nil {
			return nil, false
		}
		length = int64(len(data))
	case datamodel.Kind_List:
	default:
		return nil, false
	}
	if seg.kind == segIndex {
		i := seg.index
		if i < 0 {
			i += length
		}
		switch {
		case i < 0 || i >= length:
			return nil, false
		case data != nil:
			return basicnode.NewInt(int64(data[i])), true
		}
		v, err := n.LookupByIndex(i)
		return v, err == nil
	}
	from, to := clamp(seg.from, 0, length), clamp(seg.to, length, length)
	to = max(from, to)
	b.spend(to - from)
	if n.Kind() == datamodel.Kind_Bytes {
		return basicnode.NewBytes(data[from:to]), true
	}
	var vs []datamodel.Node
	for i := from; i < to; i++ {
		v, err := n.LookupByIndex(i)
		if err != nil {
			return nil, false
		}
		vs = append(vs, v)
	}
	return list(vs)
}

// clamp turns the end of a slice into an index from 0 to length; negative ends count from the back.
func clamp(end *int64, open, length int64) int64 {
	if end == nil {
		return open
	}
	i := *end
	if i < 0 {
		i += length
	}
	return min(max(i, 0), length)
}

func list(vs []datamodel.Node) (datamodel.Node, bool) {
	n, err := qp.BuildList(basicnode.Prototype.Any, int64(len(vs)), func(la datamodel.ListAssembler) {
		for _, v := range vs {
			qp.ListEntry(la, qp.Node(v))
		}
	})
	return n, err == nil
}

// values returns the elements of a list or the values of a map, these in the order of DAG-CBOR's keys, so that the same
// arguments always give the same list.
func values(b *budget, n datamodel.Node) ([]datamodel.Node, error) {
	b.spend(n.Length())
	if b.err != nil {
		return nil, b.err
	}
	type entry struct {
		key   string
		value datamodel.Node
	}
	entries := make([]entry, 0, n.Length())
	if n.Kind() == datamodel.Kind_List {
		for it := n.ListIterator(); !it.Done(); {
			_, v, err := it.Next()
			if err != nil {
				return nil, err
			}
			entries = append(entries, entry{"", v})
		}
	} else {
		for it := n.MapIterator(); !it.Done(); {
			k, v, err := it.Next()
			if err != nil {
				return nil, err
			}
			key, err := k.AsString()
			if err != nil {
				return nil, err
			}
			entries = append(entries, entry{key, v})
		}
		slices.SortFunc(entries, func(x, y entry) int {
			return cmp.Or(cmp.Compare(len(x.key), len(y.key)), strings.Compare(x.key, y.key))
		})
	}
	vs := make([]datamodel.Node, len(entries))
	for i, e := range entries {
		vs[i] = e.value
	}
	return vs, nil
}
