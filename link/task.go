// Package link turns a module into one self-contained module per task: WASI and calling convention resolved against
// the profile's shim, metering decided, and nothing left outside but four tape primitives. Same bytes in, same CID out.
package link

import "fmt"

// Profile is the name of the set of rules that this package implements.
const Profile = "tm/1"

// Limits of profile tm/1. They are part of its meaning: changing one needs a new profile.
const (
	PageSize      = 65536
	DefaultPages  = 1024    // memory cap of a task that names none, in pages
	MaxPages      = 16384   // greatest memory cap a task may ask for, in pages
	MaxDepthCells = 1 << 20 // sum over the active frames of FrameCells
	FrameOverhead = 16      // cells added to every frame, so that call depth is bounded too
	DefaultOutput = 16 << 20
	MaxOutput     = 64 << 20 // greatest output cap a task may ask for, in bytes: a stream of it is one block
	MaxInput      = 64 << 20 // of one input stream, in bytes, likewise
	MaxStreams    = 4 + 64   // input streams: the four fixed ones, then one per parameter
)

// Input streams. A stream is a byte string read as little-endian 64-bit words, the last one padded with zeros.
const (
	StreamConfig = 0 // clock start (u64, nanoseconds), random seed (u64)
	StreamArgs   = 1 // WASI arguments, each followed by a NUL
	StreamEnv    = 2 // WASI environment, each KEY=VALUE followed by a NUL
	StreamStdin  = 3
	StreamParam  = 4 // parameter i of a function is stream StreamParam+i
)

// ProgramName is the first argument of every command: where a module's file lies must not decide what it computes.
const ProgramName = "main"

// Output streams.
const (
	OutResult  = 0 // function results: one word each, or the bytes of a bytes or string result
	OutStdout  = 1
	OutStderr  = 2
	OutStreams = 3
)

// Kind is the type of a parameter or result of a function task.
type Kind string

// The kinds. I32 to F64 are the Wasm types; Bytes and String follow the canonical ABI for lists of u8 and strings.
const (
	I32    Kind = "i32"
	I64    Kind = "i64"
	F32    Kind = "f32"
	F64    Kind = "f64"
	Bytes  Kind = "bytes"
	String Kind = "string"
)

// Entry says how a module is entered.
type Entry struct {
	Func    string // export to call; empty for a WASI command, whose _start runs
	Params  []Kind // nil for a command
	Results []Kind // the Wasm results, or exactly one Bytes or String; nil for a command
}

// Limits bounds one run. All three decide the outcome and are part of the task.
type Limits struct {
	Fuel   uint64 // Wasm instructions
	Memory uint32 // pages
	Output uint64 // bytes over all output streams
}

// OutcomeKind is how a run ended.
type OutcomeKind string

// The outcomes of profile tm/1. Both engines agree on which, always.
const (
	OK         OutcomeKind = "ok"
	Exit       OutcomeKind = "exit" // with a code other than 0
	Trap       OutcomeKind = "trap"
	OutOfFuel  OutcomeKind = "fuel"
	TooDeep    OutcomeKind = "depth"
	OutOfMem   OutcomeKind = "memory" // the declared minimum memory is above the cap
	OutputFull OutcomeKind = "output"
)

// TrapKind says why a run trapped.
type TrapKind string

// The traps.
const (
	TrapUnreachable  TrapKind = "unreachable"
	TrapDivideByZero TrapKind = "divide-by-zero"
	TrapOverflow     TrapKind = "integer-overflow"
	TrapConversion   TrapKind = "invalid-conversion"
	TrapMemory       TrapKind = "memory-out-of-bounds"
	TrapTable        TrapKind = "table-out-of-bounds" // a null or missing table element included
	TrapSignature    TrapKind = "indirect-type-mismatch"
	TrapTape         TrapKind = "tape"   // a read past the end, or a write after a stream's last
	TrapResult       TrapKind = "result" // a string result that is not UTF-8
)

// Outcome is how a run ended: Code is set for Exit, Trap for Trap.
type Outcome struct {
	Kind OutcomeKind
	Code uint32
	Trap TrapKind
}

// String says how a run ended in a few words: "ok", "exit 3", "trap: unreachable", "fuel".
func (o Outcome) String() string {
	switch o.Kind {
	case Exit:
		return fmt.Sprintf("exit %d", o.Code)
	case Trap:
		return "trap: " + string(o.Trap)
	}
	return string(o.Kind)
}

// Result is what a run leaves: it is a pure function of the linked module, the input streams and the limits.
//
// Fuel is the sum of the charges; for OutOfFuel it is the limit, for OutOfMem 0.
type Result struct {
	Outcome Outcome
	Fuel    uint64
	Streams [OutStreams][]byte // output written, whatever the outcome
}
