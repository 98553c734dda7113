package wasm

// step checks the current instruction.
func (b *body) step() error {
	in := &b.in
	if o := &operators[slot(in.Op)]; o.ok {
		return b.operator(o)
	}
	switch in.Op {
	case OpLocalGet, OpLocalSet, OpLocalTee:
		t, ok := b.locals.at(in.Index)
		if !ok {
			return b.failf("unknown local %d of %d", in.Index, b.locals.n)
		}
		if in.Op != OpLocalGet {
			if _, err := b.pop(t); err != nil {
				return err
			}
		}
		if in.Op != OpLocalSet {
			b.stack = append(b.stack, t)
		}
		return nil
	case OpGlobalGet, OpGlobalSet:
		return b.global()
	case OpBlock, OpLoop, OpIf, OpElse, OpEnd:
		return b.structure()
	case OpBr, OpBrIf, OpBrTable, OpReturn, OpUnreachable:
		return b.branch()
	case OpCall, OpCallIndirect:
		return b.call()
	case OpDrop:
		_, err := b.pop(unknown)
		return err
	case OpSelect, OpSelectT:
		return b.choose()
	default:
		return b.reference()
	}
}

// operator checks an instruction of fixed type.
func (b *body) operator(o *operator) error {
	in := &b.in
	if o.memory {
		if b.memories == 0 {
			return b.failf("unknown memory 0")
		}
		if in.Op <= OpI64Store32 && in.Align > uint32(o.align) {
			return b.failf("alignment 2^%d must not be larger than natural, 2^%d", in.Align, o.align)
		}
	}
	if in.Op >= OpMemoryInit {
		if err := b.segment(); err != nil {
			return err
		}
	}
	for i := int(o.n) - 1; i >= 0; i-- {
		if n := len(b.stack); n > b.top.height && b.stack[n-1] == o.pop[i] {
			b.stack = b.stack[:n-1]
		} else if _, err := b.pop(o.pop[i]); err != nil {
			return err
		}
	}
	if o.push[0] != 0 {
		b.stack = append(b.stack, o.push[0])
	}
	return nil
}

// segment checks the indices of bulk operations.
func (b *body) segment() error {
	in := &b.in
	switch in.Op {
	case OpMemoryInit, OpDataDrop:
		if b.m.DataCount == nil {
			err := b.failf("data count section required").(*Error)
			err.Kind = Malformed
			return err
		}
		if in.Index >= *b.m.DataCount {
			return b.failf("unknown data segment %d of %d", in.Index, *b.m.DataCount)
		}
	case OpElemDrop, OpTableInit:
		if uint64(in.Index) >= uint64(len(b.m.Elems)) {
			return b.failf("unknown element segment %d of %d", in.Index, len(b.m.Elems))
		}
		if in.Op == OpElemDrop {
			return nil
		}
		t, err := b.table(in.Index2)
		if err == nil && b.m.Elems[in.Index].Type != t {
			err = b.failf("type mismatch: segment %d is of %s, table %d of %s", in.Index, b.m.Elems[in.Index].Type, in.Index2, t)
		}
		return err
	case OpTableCopy:
		to, err := b.table(in.Index)
		if err != nil {
			return err
		}
		from, err := b.table(in.Index2)
		if err == nil && from != to {
			err = b.failf("type mismatch: table %d is of %s, table %d of %s", in.Index, to, in.Index2, from)
		}
		return err
	case OpTableSize:
		_, err := b.table(in.Index)
		return err
	}
	return nil
}

func (b *body) table(i uint32) (ValueType, error) {
	if uint64(i) >= uint64(len(b.tables)) {
		return 0, b.failf("unknown table %d of %d", i, len(b.tables))
	}
	return b.tables[i].Elem, nil
}

func (b *body) global() error {
	i := b.in.Index
	if uint64(i) >= uint64(len(b.globals)) {
		return b.failf("unknown global %d of %d", i, len(b.globals))
	}
	g := b.globals[i]
	if b.in.Op == OpGlobalGet {
		b.stack = append(b.stack, g.Type)
		return nil
	}
	if !g.Mutable {
		return b.failf("global %d is immutable", i)
	}
	_, err := b.pop(g.Type)
	return err
}

// structure checks the instructions that open and close frames.
func (b *body) structure() error {
	in := &b.in
	switch in.Op {
	case OpBlock, OpLoop, OpIf:
		t, err := b.signature(in.Block)
		if err != nil {
			return err
		}
		if in.Op == OpIf {
			if _, err := b.pop(I32); err != nil {
				return err
			}
		}
		if err := b.popAll(t.Params); err != nil {
			return err
		}
		if len(b.frames) > MaxBlocks {
			return tooMuch(in.Offset, "has more than %d nested blocks", MaxBlocks)
		}
		b.push(in.Op, t.Params, t.Results)
		return nil
	}
	f := *b.top
	if in.Op == OpElse && f.op != OpIf {
		err := b.failf("not within an if").(*Error)
		err.Kind = Malformed
		return err
	}
	if err := b.popAll(f.results); err != nil {
		return err
	}
	if len(b.stack) != f.height {
		return b.failf("type mismatch: values remaining on stack at end of block: %s, expected %s",
			typeList(append(b.stack[f.height:], f.results...)), typeList(f.results))
	}
	b.frames = b.frames[:len(b.frames)-1]
	if in.Op == OpElse {
		b.push(OpElse, f.params, f.results)
		return nil
	}
	if f.op == OpIf && string(f.params) != string(f.results) {
		return b.failf("type mismatch: if without else must leave what it takes: expected %s, found %s", typeList(f.results), typeList(f.params))
	}
	if len(b.frames) > 0 {
		b.top = &b.frames[len(b.frames)-1]
	}
	b.stack = append(b.stack, f.results...)
	return nil
}

func (b *body) branch() error {
	in := &b.in
	switch in.Op {
	case OpBr, OpBrIf:
		if in.Op == OpBrIf {
			if _, err := b.pop(I32); err != nil {
				return err
			}
		}
		f, err := b.label(in.Index)
		if err != nil {
			return err
		}
		if err := b.popAll(f.label()); err != nil {
			return err
		}
		if in.Op == OpBrIf {
			b.stack = append(b.stack, f.label()...)
			return nil
		}
	case OpBrTable:
		if err := b.brTable(); err != nil {
			return err
		}
	case OpReturn:
		if err := b.popAll(b.frames[0].results); err != nil {
			return err
		}
	}
	b.deadRest()
	return nil
}

func (b *body) brTable() error {
	if _, err := b.pop(I32); err != nil {
		return err
	}
	targets := b.in.Targets
	if len(targets) > MaxBrTable+1 {
		return tooMuch(b.in.Offset, "has a br_table of %d labels (at most %d)", len(targets)-1, MaxBrTable)
	}
	last, err := b.label(targets[len(targets)-1])
	if err != nil {
		return err
	}
	b.brTables++
	b.carried += uint64(len(targets)) * uint64(len(last.label()))
	for _, l := range targets {
		f, err := b.label(l)
		if err != nil {
			return err
		}
		if f.checked == b.brTables {
			continue
		}
		f.checked = b.brTables
		if len(f.label()) != len(last.label()) {
			return b.failf("type mismatch: label %d carries %s, the default %s", l, typeList(f.label()), typeList(last.label()))
		}
		if err := b.expect(f.label()); err != nil {
			return err
		}
	}
	return nil
}

func (b *body) call() error {
	in := &b.in
	var t FuncType
	if in.Op == OpCall {
		if uint64(in.Index) >= uint64(len(b.funcs)) {
			return b.failf("unknown function %d of %d", in.Index, len(b.funcs))
		}
		t = b.m.Types[b.funcs[in.Index]]
	} else {
		elem, err := b.table(in.Index2)
		if err != nil {
			return err
		}
		if elem != FuncRef {
			return b.failf("type mismatch: table %d must be of funcref, found %s", in.Index2, elem)
		}
		if uint64(in.Index) >= uint64(len(b.m.Types)) {
			return b.failf("unknown type %d of %d", in.Index, len(b.m.Types))
		}
		t = b.m.Types[in.Index]
		if _, err := b.pop(I32); err != nil {
			return err
		}
	}
	if err := b.popAll(t.Params); err != nil {
		return err
	}
	b.stack = append(b.stack, t.Results...)
	b.carried += uint64(len(t.Results))
	return nil
}

// choose checks both forms of select.
func (b *body) choose() error {
	if _, err := b.pop(I32); err != nil {
		return err
	}
	want := unknown
	if b.in.Op == OpSelectT {
		if n := len(b.in.Types); n != 1 {
			return b.failf("invalid result arity: %d types, want 1", n)
		}
		want = b.in.Types[0]
	}
	first, err := b.pop(want)
	if err != nil {
		return err
	}
	second, err := b.pop(first)
	if err != nil {
		return err
	}
	if want == unknown && (first.IsRef() || second.IsRef()) {
		return b.failf("type mismatch: references need a select with a type")
	}
	b.stack = append(b.stack, second)
	return nil
}

// reference checks the instructions on references and tables.
func (b *body) reference() error {
	in := &b.in
	switch in.Op {
	case OpRefNull:
		b.stack = append(b.stack, ValueType(in.Index))
		return nil
	case OpRefIsNull:
		t, err := b.pop(unknown)
		if err != nil {
			return err
		}
		if t != unknown && !t.IsRef() {
			return b.failf("type mismatch: expected a reference, found %s", t)
		}
		b.stack = append(b.stack, I32)
		return nil
	case OpRefFunc:
		if uint64(in.Index) >= uint64(len(b.funcs)) {
			return b.failf("unknown function %d of %d", in.Index, len(b.funcs))
		}
		if !b.declared[in.Index] {
			return b.failf("undeclared function reference %d", in.Index)
		}
		b.stack = append(b.stack, FuncRef)
		return nil
	}
	t, err := b.table(in.Index)
	if err != nil {
		return err
	}
	var pops [3]ValueType
	n, result := 0, unknown
	switch in.Op {
	case OpTableGet:
		pops, n, result = [3]ValueType{I32}, 1, t
	case OpTableSet:
		pops, n = [3]ValueType{I32, t}, 2
	case OpTableGrow:
		pops, n, result = [3]ValueType{t, I32}, 2, I32
	default: // OpTableFill
		pops, n = [3]ValueType{I32, t, I32}, 3
	}
	if err := b.popAll(pops[:n]); err != nil {
		return err
	}
	if result != unknown {
		b.stack = append(b.stack, result)
	}
	return nil
}
