package wasm

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// String returns in in the text format's words, with indices as numbers: "i32.load offset=8", "local.get 3".
func (in *Instr) String() string {
	var b strings.Builder
	b.WriteString(in.Op.String())
	number := func(v uint32) { b.WriteString(" " + strconv.FormatUint(uint64(v), 10)) }
	switch immediates[slot(in.Op)] {
	case immIndex, immIndexZero:
		number(in.Index)
	case immTwo:
		number(in.Index)
		number(in.Index2)
	case immI32:
		b.WriteString(" " + strconv.Itoa(int(int32(in.Const))))
	case immI64:
		b.WriteString(" " + strconv.FormatInt(int64(in.Const), 10))
	case immF32:
		fmt.Fprintf(&b, " %v", math.Float32frombits(uint32(in.Const)))
	case immF64:
		fmt.Fprintf(&b, " %v", math.Float64frombits(in.Const))
	case immMemory:
		if in.MemOffset != 0 {
			fmt.Fprintf(&b, " offset=%d", in.MemOffset)
		}
	case immBlock:
		switch {
		case in.Block >= 0:
			fmt.Fprintf(&b, " (type %d)", in.Block)
		case in.Block != BlockEmpty:
			b.WriteString(" " + ValueType(int64(in.Block)+0x80).String())
		}
	case immLabels:
		const most = 16
		for i, l := range in.Targets {
			if i == most && len(in.Targets) > most+1 {
				fmt.Fprintf(&b, " … %d", in.Targets[len(in.Targets)-1])
				break
			}
			number(l)
		}
	case immTypes:
		for _, t := range in.Types {
			b.WriteString(" " + t.String())
		}
	case immRef:
		b.WriteString(" " + ValueType(in.Index).String())
	}
	return b.String()
}
