package capability

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/big"

	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
)

// maxSteps bounds the work of matching one chain's policies: statements, selections and compared bytes. Far more than any
// honest policy needs, and some tens of milliseconds.
const maxSteps = 1 << 20

var errBudget = errors.New("matching takes too long")

// budget is the work that is left.
type budget struct {
	left int64
	err  error // errBudget once it is spent
}

func (b *budget) spend(n int64) {
	if b.left -= n; b.left < 0 {
		b.left, b.err = 0, errBudget
	}
}

// truth is what is known of a statement. A statement whose selector finds no value is unknown, and so is its negation:
// only what is certainly true allows anything.
type truth int8

const (
	unknown truth = iota
	no
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func (t truth) not() truth {
	switch t {
	case yes:
		return no
	case no:
		return yes
	}
	return unknown
}

// Match checks that args satisfy the policy; the error is [ErrPolicy] and names the statement that does not hold, but
// nothing of the arguments.
func (p Policy) Match(args datamodel.Node) error {
	return p.match(&budget{left: maxSteps}, args)
}

func (p Policy) match(b *budget, args datamodel.Node) error {
	for i := range p.statements {
		t := p.statements[i].eval(b, args)
		switch {
		case b.err != nil:
			return fmt.Errorf("%w: %w", ErrPolicy, b.err)
		case t == unknown:
			return fmt.Errorf("%w: %.200s finds no value to look at", ErrPolicy, inJSON(p.statements[i].node))
		case t == no:
			return fmt.Errorf("%w: %.200s does not hold", ErrPolicy, inJSON(p.statements[i].node))
		}
	}
	return nil
}

// eval evaluates a statement in Kleene's logic of three values.
func (s *statement) eval(b *budget, n datamodel.Node) truth {
	b.spend(1)
	if b.err != nil {
		return unknown
	}
	switch s.op {
	case "not":
		return s.inner[0].eval(b, n).not()
	case "and":
		return conjunction(len(s.inner), func(i int) truth { return s.inner[i].eval(b, n) })
	case "or":
		if len(s.inner) == 0 {
			return yes // so the specification
		}
		return disjunction(len(s.inner), func(i int) truth { return s.inner[i].eval(b, n) })
	}
	v, ok := s.sel.resolve(b, n)
	if !ok {
		return unknown
	}
	switch s.op {
	case "==":
		return truthOf(equal(b, v, s.value))
	case "!=":
		return truthOf(!equal(b, v, s.value))
	case "like":
		str, err := v.AsString()
		return truthOf(err == nil && s.glob.match(b, str))
	case "all", "any":
		if v.Kind() != datamodel.Kind_List && v.Kind() != datamodel.Kind_Map {
			return no
		}
		vs, err := values(b, v)
		if err != nil {
			return unknown
		}
		each := func(i int) truth { return s.inner[0].eval(b, vs[i]) }
		if s.op == "all" {
			return conjunction(len(vs), each)
		}
		return disjunction(len(vs), each)
	}
	order, ok := compareNumbers(v, s.value)
	if !ok {
		return no
	}
	switch s.op {
	case "<":
		return truthOf(order < 0)
	case "<=":
		return truthOf(order <= 0)
	case ">":
		return truthOf(order > 0)
	case ">=":
		return truthOf(order >= 0)
	}
	return unknown
}

// conjunction is no if one is, else unknown if one is.
func conjunction(n int, at func(i int) truth) truth {
	out := yes
	for i := range n {
		switch at(i) {
		case no:
			return no
		case unknown:
			out = unknown
		}
	}
	return out
}

// disjunction is the dual of conjunction; of nothing it is no.
func disjunction(n int, at func(i int) truth) truth {
	return conjunction(n, func(i int) truth { return at(i).not() }).not()
}

// equal compares deeply; numbers by their value, so that 1 equals 1.0 at any depth.
func equal(b *budget, x, y datamodel.Node) bool {
	b.spend(1)
	if b.err != nil {
		return false
	}
	if order, ok := compareNumbers(x, y); ok {
		return order == 0
	}
	if x.Kind() != y.Kind() || x.Length() != y.Length() {
		return false
	}
	switch x.Kind() {
	case datamodel.Kind_Null:
		return true
	case datamodel.Kind_Bool:
		p, err := x.AsBool()
		q, err2 := y.AsBool()
		return err == nil && err2 == nil && p == q
	case datamodel.Kind_String:
		p, err := x.AsString()
		q, err2 := y.AsString()
		b.spend(int64(len(p)) / 64)
		return err == nil && err2 == nil && p == q
	case datamodel.Kind_Bytes:
		p, err := x.AsBytes()
		q, err2 := y.AsBytes()
		b.spend(int64(len(p)) / 64)
		return err == nil && err2 == nil && bytes.Equal(p, q)
	case datamodel.Kind_Link:
		p, ok := block.Link(x)
		q, ok2 := block.Link(y)
		return ok && ok2 && p.Equals(q)
	case datamodel.Kind_List:
		for i := range x.Length() {
			p, err := x.LookupByIndex(i)
			q, err2 := y.LookupByIndex(i)
			if err != nil || err2 != nil || !equal(b, p, q) {
				return false
			}
		}
		return true
	case datamodel.Kind_Map:
		for it := x.MapIterator(); !it.Done(); {
			k, p, err := it.Next()
			if err != nil {
				return false
			}
			q, err := y.LookupByNode(k)
			if err != nil || !equal(b, p, q) {
				return false
			}
		}
		return true
	}
	return false
}

// compareNumbers orders two numbers exactly, whatever their kinds. It reports false unless both are finite numbers.
func compareNumbers(x, y datamodel.Node) (order int, ok bool) {
	if x.Kind() == datamodel.Kind_Int && y.Kind() == datamodel.Kind_Int {
		i, err := x.AsInt()
		j, err2 := y.AsInt()
		if err == nil && err2 == nil {
			return cmp.Compare(i, j), true
		}
	}
	p, ok := number(x)
	if !ok {
		return 0, false
	}
	q, ok := number(y)
	if !ok {
		return 0, false
	}
	return p.Cmp(q), true
}

// number is a number without rounding: 64 bits hold every integer of the data model, 53 every float.
func number(n datamodel.Node) (*big.Float, bool) {
	switch n.Kind() {
	case datamodel.Kind_Int:
		if u, ok := n.(datamodel.UintNode); ok {
			v, err := u.AsUint()
			if err == nil {
				return new(big.Float).SetUint64(v), true
			}
		}
		v, err := n.AsInt()
		return new(big.Float).SetInt64(v), err == nil
	case datamodel.Kind_Float:
		v, err := n.AsFloat()
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, false
		}
		return new(big.Float).SetFloat64(v), true
	}
	return nil, false
}
