package wasm

// The caps of profile tm/1. They are part of its meaning: changing one needs a new profile.
const (
	MaxTypeArity = 1000    // parameters, and results, of a type
	MaxLocals    = 50_000  // declared locals of a function
	MaxOperands  = 1 << 16 // values on the operand stack of a function
)
