package machine

import "math"

// divide does the divisions and remainders, in the form without an immediate.
func divide(op Op, a, b uint64) (v, trap uint64) {
	if b == 0 {
		return 0, trapDivideByZero
	}
	switch op {
	case OpDivU32, OpDivU64:
		return a / b, trapNone
	case OpRemU32, OpRemU64:
		return a % b, trapNone
	case OpDivS32:
		if int32(b) == -1 && int32(a) == math.MinInt32 {
			return 0, trapOverflow
		}
		return uint64(uint32(int32(a) / int32(b))), trapNone
	case OpRemS32: // Go's remainder of the least number by −1 is 0, as Wasm's
		return uint64(uint32(int32(a) % int32(b))), trapNone
	case OpDivS64:
		if int64(b) == -1 && int64(a) == math.MinInt64 {
			return 0, trapOverflow
		}
		return uint64(int64(a) / int64(b)), trapNone
	}
	return uint64(int64(a) % int64(b)), trapNone
}
