package wasm

import (
	"fmt"
	"io"
	"math"
)

// unknown is the type of a value that unreachable code pops from below its frame.
const unknown ValueType = 0

// frame is an open control instruction (spec, appendix "Validation Algorithm").
type frame struct {
	op              Opcode // block (the function too), loop, if, else
	unreachable     bool
	height          int // of the operand stack below the frame
	params, results []ValueType
	checked         uint32 // br_table: the ordinal of the last one that looked at this label
}

func (f *frame) label() []ValueType {
	if f.op == OpLoop {
		return f.params
	}
	return f.results
}

// body is the validation of one function body; it is used again for the next, for its memory.
type body struct {
	*validator
	fn       int
	locals   localTypes
	stack    []ValueType
	frames   []frame
	top      *frame // the last of frames
	highest  int
	carried  uint64
	brTables uint32
	r        Reader
	in       Instr
}

func (v *validator) bodies() error {
	b := &body{validator: v}
	for i := range v.m.Code {
		b.fn = v.importedFn + i
		if err := b.check(&v.m.Code[i], v.m.Types[v.m.Funcs[i]]); err != nil {
			return v.m.within(err, b.fn)
		}
	}
	return nil
}

// within says in which function err is.
func (m *Module) within(err error, fn int) error {
	if e, ok := err.(*Error); ok {
		e.Func, e.FuncName = fn, m.FuncNames[uint32(fn)]
	}
	return err
}

// failf reports the current instruction as invalid.
func (b *body) failf(format string, args ...any) error {
	return invalid(b.in.Offset, "%s: %s", b.in.Op, fmt.Sprintf(format, args...))
}

func (b *body) check(c *Code, t FuncType) error {
	if err := b.locals.set(c, t.Params); err != nil {
		return err
	}
	b.stack, b.frames, b.highest, b.carried = b.stack[:0], b.frames[:0], 0, 0
	b.r.c = cursor{b: c.Body, base: c.Offset}
	b.push(OpBlock, nil, t.Results)
	for {
		if err := b.r.next(&b.in); err == io.EOF {
			return malformed(b.r.c.offset(), "unexpected end of function: %d blocks are open", len(b.frames))
		} else if err != nil {
			return err
		}
		if err := b.step(); err != nil {
			return err
		}
		if h := len(b.stack); h > b.highest {
			if b.highest = h; h > MaxOperands {
				return tooMuch(b.in.Offset, "has an operand stack of more than %d values", MaxOperands)
			}
		}
		if len(b.frames) == 0 {
			break
		}
	}
	if n := b.r.c.left(); n != 0 {
		return malformed(b.r.c.offset(), "%d bytes after the end of the function", n)
	}
	c.MaxStack, c.Carried = uint32(b.highest), uint32(min(b.carried, math.MaxUint32))
	return nil
}

func (b *body) push(op Opcode, params, results []ValueType) {
	b.frames = append(b.frames, frame{op: op, height: len(b.stack), params: params, results: results})
	b.top = &b.frames[len(b.frames)-1]
	b.stack = append(b.stack, params...)
}

// deadRest says that what follows in the block cannot be reached: its stack is whatever is wanted.
func (b *body) deadRest() {
	b.stack = b.stack[:b.top.height]
	b.top.unreachable = true
}

// pop takes a value of type want, or any if that is unknown, and returns its type.
func (b *body) pop(want ValueType) (ValueType, error) {
	n := len(b.stack)
	if n == b.top.height {
		if b.top.unreachable {
			return want, nil
		}
		if want == unknown {
			return 0, b.failf("type mismatch: expected a value, found nothing")
		}
		return 0, b.failf("type mismatch: expected %s, found nothing", want)
	}
	got := b.stack[n-1]
	b.stack = b.stack[:n-1]
	if got == unknown {
		return want, nil
	}
	if got != want && want != unknown {
		return 0, b.failf("type mismatch: expected %s, found %s", want, got)
	}
	return got, nil
}

// popAll takes values of types ts, the last of which lies on top.
func (b *body) popAll(ts []ValueType) error {
	if err := b.expect(ts); err != nil {
		return err
	}
	b.stack = b.stack[:max(len(b.stack)-len(ts), b.top.height)]
	b.carried += uint64(len(ts))
	return nil
}

// expect checks that values of types ts can be popped, and leaves them.
func (b *body) expect(ts []ValueType) error {
	have := b.stack[b.top.height:]
	want := ts
	if len(have) >= len(want) {
		have = have[len(have)-len(want):]
	} else if b.top.unreachable {
		want = want[len(want)-len(have):]
	} else {
		return b.failf("type mismatch: expected %s, found %s", typeList(ts), typeList(have))
	}
	if string(have) == string(want) { // as good as always, and much faster
		return nil
	}
	for i, t := range have {
		if t != want[i] && t != unknown {
			return b.failf("type mismatch: expected %s, found %s", typeList(ts), typeList(have))
		}
	}
	return nil
}

// label returns the types that a branch to label l carries.
func (b *body) label(l uint32) (*frame, error) {
	if uint64(l) >= uint64(len(b.frames)) {
		return nil, b.failf("unknown label %d, %d are in scope", l, len(b.frames))
	}
	return &b.frames[len(b.frames)-1-int(l)], nil
}

// signature returns the type of a block without allocating.
func (b *body) signature(t BlockType) (FuncType, error) {
	switch {
	case t == BlockEmpty:
		return FuncType{}, nil
	case t < 0:
		i := int64(t) + 0x80
		return FuncType{Results: b.typed[i : i+1 : i+1]}, nil
	case uint64(t) >= uint64(len(b.m.Types)):
		return FuncType{}, b.failf("unknown type %d of %d", t, len(b.m.Types))
	}
	return b.m.Types[t], nil
}
