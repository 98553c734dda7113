package runtime

import (
	"context"
	"encoding/binary"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/trilemma-dev/trilemma/link"
)

// hostModule gives rt the tape primitives, and the function through which a run gets its fuel. They find their run in the
// context of the call. wazero leaves the upper half of an i32 undefined: it is cut off here.
func hostModule(ctx context.Context, rt wazero.Runtime) error {
	const i32, i64 = api.ValueTypeI32, api.ValueTypeI64
	b := rt.NewHostModuleBuilder(link.Primitives)
	add := func(name string, f func(*run, []uint64), params, results []api.ValueType) {
		b.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(ctx context.Context, stack []uint64) {
			f(ctx.(*run), stack)
		}), params, results).Export(name)
	}
	add("in_len", (*run).inLen, []api.ValueType{i32}, []api.ValueType{i32})
	add("in_word", (*run).inWord, []api.ValueType{i32, i32}, []api.ValueType{i64})
	add("out_word", (*run).outWord, []api.ValueType{i32, i64, i32}, nil)
	add("exit", (*run).exit, []api.ValueType{i32}, nil)
	add(link.Refill, (*run).refill, nil, nil)
	_, err := b.Instantiate(ctx)
	return err
}

func (r *run) inLen(stack []uint64) {
	n := 0
	if s := uint32(stack[0]); uint64(s) < uint64(len(r.streams)) {
		n = len(r.streams[s])
	}
	stack[0] = uint64(uint32(n))
}

func (r *run) inWord(stack []uint64) {
	s, at := uint32(stack[0]), uint64(uint32(stack[1]))*8
	if uint64(s) >= uint64(len(r.streams)) || at >= uint64(len(r.streams[s])) {
		r.end(link.Outcome{Kind: link.Trap, Trap: link.TrapTape})
	}
	b := r.streams[s][at:]
	if len(b) >= 8 {
		stack[0] = binary.LittleEndian.Uint64(b)
		return
	}
	var last [8]byte
	copy(last[:], b)
	stack[0] = binary.LittleEndian.Uint64(last[:])
}

func (r *run) outWord(stack []uint64) {
	if r.overdrawn() { // the block that writes was not paid for
		r.end(link.Outcome{Kind: link.OutOfFuel})
	}
	s, word, n := uint32(stack[0]), stack[1], uint32(stack[2])
	if s >= link.OutStreams || n < 1 || n > 8 || r.closed[s] || n < 8 && word>>(8*n) != 0 {
		r.end(link.Outcome{Kind: link.Trap, Trap: link.TrapTape})
	}
	if r.written+uint64(n) > r.output {
		r.end(link.Outcome{Kind: link.OutputFull})
	}
	r.written += uint64(n)
	r.out[s] = binary.LittleEndian.AppendUint64(r.out[s], word)
	if n < 8 {
		r.out[s] = r.out[s][:len(r.out[s])-8+int(n)]
		r.closed[s] = true
	}
}

func (r *run) exit(stack []uint64) {
	o := link.Outcome{Kind: link.OK}
	if code := uint32(stack[0]); code != 0 {
		o = link.Outcome{Kind: link.Exit, Code: code}
	}
	r.end(o)
}

// refill is called when the grant is overdrawn. It is also the one place where a run stops for its context.
func (r *run) refill([]uint64) {
	if r.stopped = r.Context.Err(); r.stopped != nil {
		panic(errUnwind)
	}
	used := r.used()
	if used > r.limit {
		r.end(link.Outcome{Kind: link.OutOfFuel})
	}
	left := min(slice, r.limit-used)
	r.granted = used + left
	r.fuel.Set(left)
}
