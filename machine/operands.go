package machine

// push puts an operand on the stack that lies in its home, computed by the instruction source alone, or −1.
func (lo *lowerer) push(source int) {
	lo.f.stack = append(lo.f.stack, entry{kind: held, source: int32(source)})
}

func (lo *lowerer) pushConst(v uint64) {
	lo.f.loose = append(lo.f.loose, int32(len(lo.f.stack)))
	lo.f.stack = append(lo.f.stack, entry{kind: konst, val: v})
}

// pushLocal puts a local on the stack without copying it.
func (lo *lowerer) pushLocal(l uint32) {
	f := &lo.f
	f.loose = append(f.loose, int32(len(f.stack)))
	f.stack = append(f.stack, entry{kind: local, val: uint64(l), older: f.newest[l]})
	f.newest[l] = int32(len(f.stack))
}

// pop takes the highest operand.
func (lo *lowerer) pop() entry {
	f := &lo.f
	last := len(f.stack) - 1
	e := f.stack[last]
	f.stack = f.stack[:last]
	f.settled = min(f.settled, last)
	if n := len(f.loose); n > 0 && int(f.loose[n-1]) >= last {
		f.loose = f.loose[:n-1]
	}
	if e.kind == local {
		f.newest[e.val] = e.older
	}
	return e
}

// homed reports whether the n highest operands are held, in constant time on average.
func (lo *lowerer) homed(n int) bool {
	f := &lo.f
	for k := len(f.loose); k > 0; k-- {
		if i := int(f.loose[k-1]); f.stack[i].kind != held {
			return i < len(f.stack)-n
		}
		f.loose = f.loose[:k-1]
	}
	return true
}

// cut pops down to a height.
func (lo *lowerer) cut(height int) {
	f := &lo.f
	if n := len(f.stack) - height; n > 0 && lo.homed(n) {
		f.stack, f.settled = f.stack[:height], min(f.settled, height)
	}
	for len(lo.f.stack) > height {
		lo.pop()
	}
}

// copyLocal puts all operands that stand for local l into their homes, before l is written.
func (lo *lowerer) copyLocal(l uint32) {
	f := &lo.f
	for i := f.newest[l]; i != 0; {
		e := &f.stack[i-1]
		lo.move(lo.home(int(i)-1), lo.cell(l))
		i = e.older
		*e = entry{kind: held, source: -1}
	}
	f.newest[l] = 0
}

// settle puts all operands that stand for locals into their homes, before paths part that may write locals.
func (lo *lowerer) settle() {
	f := &lo.f
	for i := len(f.stack) - 1; i >= f.settled; i-- {
		if f.stack[i].kind == local {
			lo.settleAt(i)
		}
	}
	f.settled = len(f.stack)
}

// settleAt puts operand i into its home. No higher operand may stand for the same local.
func (lo *lowerer) settleAt(i int) {
	e := &lo.f.stack[i]
	if e.kind == held {
		return
	}
	if e.kind == local {
		lo.f.newest[e.val] = e.older
	}
	lo.copyTo(lo.home(i), *e, i)
	*e = entry{kind: held, source: -1}
}

// settleTop puts the n highest operands into their homes, whatever they are.
func (lo *lowerer) settleTop(n int) {
	if lo.homed(n) {
		return
	}
	for i := len(lo.f.stack) - 1; n > 0; i, n = i-1, n-1 {
		lo.settleAt(i)
	}
}

// copyTo copies operand e of height h to a cell.
func (lo *lowerer) copyTo(to uint32, e entry, h int) {
	switch e.kind {
	case held:
		lo.move(to, lo.home(h))
	case konst:
		lo.set(to, e.val)
	case local:
		lo.move(to, lo.cell(uint32(e.val)))
	}
}

// operand returns a cell within reach that holds e, which was popped from height h. scratch, 0 to 2, is the cell to use for what is out
// of reach.
func (lo *lowerer) operand(e entry, h, scratch int) uint16 {
	c := lo.home(h)
	if e.kind == local {
		c = lo.cell(uint32(e.val))
	}
	near := c
	if c >= reach {
		near = lo.f.link + 1 + uint32(scratch)
	}
	switch {
	case e.kind == konst:
		lo.set(near, e.val)
	case near != c:
		lo.move(near, c)
	}
	return uint16(near)
}

// result emits an instruction that computes a new operand.
func (lo *lowerer) result(in Instr) {
	d := lo.home(len(lo.f.stack))
	if d < reach {
		in.D = uint16(d)
		lo.push(lo.emit(in))
		return
	}
	in.D = uint16(lo.f.link + 1)
	lo.emit(in)
	lo.move(d, lo.f.link+1)
	lo.push(-1)
}

// writeLocal pops an operand into local l. With tee the operand stays.
func (lo *lowerer) writeLocal(l uint32, tee bool) {
	f := &lo.f
	e := lo.pop()
	h := len(f.stack)
	c := lo.cell(l)
	in := lo.last(e.source)
	switch {
	case e.kind == held && in != nil && c < reach && f.newest[l] == 0:
		in.D = uint16(c)
	case e.kind == held && in != nil && c < reach && f.weight == 0:
		in := lo.retract()
		lo.copyLocal(l)
		in.D = uint16(c)
		lo.emit(in)
	default:
		if e.kind == local && uint32(e.val) == l {
			break // it holds what it is given
		}
		lo.copyLocal(l)
		lo.copyTo(c, e, h)
		if tee {
			e.source = -1
			lo.again(e)
		}
		return
	}
	if tee {
		lo.pushLocal(l)
	}
}

// again pushes an operand that was popped from the same height.
func (lo *lowerer) again(e entry) {
	switch e.kind {
	case local:
		lo.pushLocal(uint32(e.val))
	case konst:
		lo.pushConst(e.val)
	default:
		lo.push(int(e.source))
	}
}
