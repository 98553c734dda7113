package wasm

import "sort"

// localTypes finds the type of a local without writing out long runs of them: hostile bodies claim fifty thousand locals
// in three bytes.
type localTypes struct {
	params []ValueType
	near   []ValueType // the first locals, parameters included
	groups []LocalGroup
	ends   []uint32 // of each group, in the index space of locals
	n      uint32
}

const nearLocals = 128

func (l *localTypes) set(c *Code, params []ValueType) error {
	l.params, l.groups, l.ends, l.near = params, c.Locals, l.ends[:0], l.near[:0]
	n := uint64(len(params))
	for _, g := range c.Locals {
		n += uint64(g.Count)
		l.ends = append(l.ends, uint32(n))
		if n-uint64(len(params)) > MaxLocals {
			return tooMuch(c.Offset, "has more than %d locals", MaxLocals)
		}
	}
	l.n = uint32(n)
	l.near = append(l.near, params[:min(len(params), nearLocals)]...)
	for _, g := range c.Locals {
		for k := uint32(0); k < g.Count && len(l.near) < nearLocals; k++ {
			l.near = append(l.near, g.Type)
		}
	}
	return nil
}

func (l *localTypes) at(i uint32) (ValueType, bool) {
	switch {
	case uint64(i) < uint64(len(l.near)):
		return l.near[i], true
	case uint64(i) < uint64(len(l.params)):
		return l.params[i], true
	case i >= l.n:
		return 0, false
	}
	g := sort.Search(len(l.ends), func(g int) bool { return i < l.ends[g] })
	return l.groups[g].Type, true
}
