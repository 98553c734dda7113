package machine

import "math"

// The canonical NaNs (specification 3.0, deterministic profile): every operation that may make a NaN makes this one.
const (
	nan32 = 0x7fc00000
	nan64 = 0x7ff8000000000000
)

func put32(f float32) uint64 {
	if f != f {
		return nan32
	}
	return uint64(math.Float32bits(f))
}

func put64(f float64) uint64 {
	if f != f {
		return nan64
	}
	return math.Float64bits(f)
}

// float does an operation on floating-point numbers, and returns a trap. Every operand comes from a cell and every result goes to one, so that
// no two operations can be fused.
func float(in *Instr, r *frame) uint64 {
	a, b := r[in.A], r[in.B]
	x, y := math.Float64frombits(a), math.Float64frombits(b)
	if in.Op.single() {
		x, y = float64(math.Float32frombits(uint32(a))), float64(math.Float32frombits(uint32(b)))
	}
	switch in.Op {
	case OpF32Eq, OpF64Eq:
		r[in.D] = bit(x == y)
	case OpF32Ne, OpF64Ne:
		r[in.D] = bit(x != y)
	case OpF32Lt, OpF64Lt:
		r[in.D] = bit(x < y)
	case OpF32Le, OpF64Le:
		r[in.D] = bit(x <= y)

	case OpF32Add:
		r[in.D] = put32(float32(x) + float32(y))
	case OpF32Sub:
		r[in.D] = put32(float32(x) - float32(y))
	case OpF32Mul:
		r[in.D] = put32(float32(x) * float32(y))
	case OpF32Div:
		r[in.D] = put32(float32(x) / float32(y))
	case OpF64Add:
		r[in.D] = put64(x + y)
	case OpF64Sub:
		r[in.D] = put64(x - y)
	case OpF64Mul:
		r[in.D] = put64(x * y)
	case OpF64Div:
		r[in.D] = put64(x / y)

	// What rounds to an integer, chooses an operand or takes a root of a single is exact, or rounded right, if done in double.
	case OpF32Ceil, OpF32Floor, OpF32Trunc, OpF32Nearest, OpF32Sqrt, OpF32Min, OpF32Max:
		r[in.D] = put32(float32(choose(in.Op-OpF32Ceil+OpF64Ceil, x, y)))
	case OpF64Ceil, OpF64Floor, OpF64Trunc, OpF64Nearest, OpF64Sqrt, OpF64Min, OpF64Max:
		r[in.D] = put64(choose(in.Op, x, y))

	case OpF32ConvertI32S:
		r[in.D] = put32(float32(int32(a)))
	case OpF32ConvertI32U:
		r[in.D] = put32(float32(uint32(a)))
	case OpF32ConvertI64S:
		r[in.D] = put32(float32(int64(a)))
	case OpF32ConvertI64U:
		r[in.D] = put32(float32(a))
	case OpF64ConvertI32S:
		r[in.D] = put64(float64(int32(a)))
	case OpF64ConvertI32U:
		r[in.D] = put64(float64(uint32(a)))
	case OpF64ConvertI64S:
		r[in.D] = put64(float64(int64(a)))
	case OpF64ConvertI64U:
		r[in.D] = put64(float64(a))
	case OpF32DemoteF64:
		r[in.D] = put32(float32(x))
	case OpF64PromoteF32:
		r[in.D] = put64(x)
	default:
		v, trap := truncateFloat(in.Op, x)
		if trap != trapNone {
			return trap
		}
		r[in.D] = v
	}
	return trapNone
}

// single reports whether the operands of a float operation are of 32 bits.
func (op Op) single() bool {
	switch op {
	case OpF32Eq, OpF32Ne, OpF32Lt, OpF32Le, OpF64PromoteF32,
		OpI32TruncF32S, OpI32TruncF32U, OpI64TruncF32S, OpI64TruncF32U,
		OpI32TruncSatF32S, OpI32TruncSatF32U, OpI64TruncSatF32S, OpI64TruncSatF32U:
		return true
	}
	return op >= OpF32Ceil && op <= OpF32Max
}

// choose does the operations that need no arithmetic, and the root.
func choose(op Op, x, y float64) float64 {
	switch op {
	case OpF64Ceil:
		return math.Ceil(x)
	case OpF64Floor:
		return math.Floor(x)
	case OpF64Trunc:
		return math.Trunc(x)
	case OpF64Nearest:
		return math.RoundToEven(x)
	case OpF64Sqrt:
		return math.Sqrt(x)
	}
	if math.IsNaN(x) || math.IsNaN(y) { // Go's give an infinity in some of these cases
		return math.NaN()
	}
	if op == OpF64Min {
		return math.Min(x, y)
	}
	return math.Max(x, y)
}

// truncation describes a conversion of a float to an integer: the values that are allowed are those above low and below high, and
// low itself if it is included.
type truncation struct {
	low, high float64
	closed    bool
	least     uint64 // what saturation gives at and below low
	most      uint64 // and at and above high
}

// truncations by signedness and width, in the order of the operations: i32 s, u; i64 s, u.
var truncations = [4]truncation{
	{-1<<31 - 1, 1 << 31, false, 1 << 31, 1<<31 - 1},
	{-1, 1 << 32, false, 0, 1<<32 - 1},
	{-1 << 63, 1 << 63, true, 1 << 63, 1<<63 - 1},
	{-1, 1 << 64, false, 0, 1<<64 - 1},
}

// truncateFloat converts to an integer, trapping or saturating.
func truncateFloat(op Op, x float64) (v, trap uint64) {
	saturate := op >= OpI32TruncSatF32S
	at := op - OpI32TruncF32S
	if saturate {
		at = op - OpI32TruncSatF32S
	}
	kind := at&1 | at>>2<<1 // 32 s, u of singles; 32 s, u of doubles; then 64
	t := &truncations[kind]
	switch {
	case x != x && saturate:
		return 0, trapNone
	case x != x:
		return 0, trapConversion
	case x < t.low || x == t.low && !t.closed:
		if !saturate {
			return 0, trapOverflow
		}
		return t.least, trapNone
	case x >= t.high:
		if !saturate {
			return 0, trapOverflow
		}
		return t.most, trapNone
	}
	switch kind {
	case 0:
		return uint64(uint32(int32(x))), trapNone
	case 1:
		return uint64(uint32(int64(x))), trapNone
	case 2:
		return uint64(int64(x)), trapNone
	}
	if x >= 1<<63 { // Go leaves conversions beyond the target's range open
		return uint64(int64(x-1<<63)) ^ 1<<63, trapNone
	}
	return uint64(int64(x)), trapNone
}
