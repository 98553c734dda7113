package machine

// Class is a kind of operation: those that cost about the same to check. Width, sign and immediates do not part classes.
type Class uint8

// The classes.
const (
	ClassControl Class = iota // jump, jump_table, charge, and what ends a run
	ClassBranch               // compare and branch
	ClassCall                 // call, call_table, return
	ClassMove                 // const, move, select
	ClassGlobal
	ClassAdd // and subtract
	ClassMultiply
	ClassDivide // and remainder
	ClassBitwise
	ClassShift // and rotate
	ClassCompare
	ClassBits // of one operand: count, extend, wrap
	ClassLoad
	ClassStore
	ClassMemory // its size
	ClassBulk
	ClassTable
	ClassTape
	ClassFloat
	ClassNone // of no program
	NumClasses
)

// String is the class's name.
func (c Class) String() string {
	if c >= NumClasses {
		c = ClassNone
	}
	return [...]string{"control", "branch", "call", "move", "global", "add", "multiply", "divide", "bitwise", "shift", "compare", "bits", "load", "store",
		"memory", "bulk", "table", "tape", "float", "none"}[c]
}

// Class is op's class.
func (op Op) Class() Class {
	for _, r := range [...]struct { // the last operation of each run of one class
		last  Op
		class Class
	}{
		{OpAbsent, ClassNone}, {OpJumpTable, ClassControl}, {OpReturn, ClassCall}, {OpExit, ClassControl}, {OpSelect, ClassMove}, {OpGlobalSet, ClassGlobal},
		{OpSub64I, ClassAdd}, {OpMul64I, ClassMultiply}, {OpRemU64I, ClassDivide}, {OpXor64I, ClassBitwise}, {OpRotr64, ClassShift},
		{OpGeU64I, ClassCompare}, {OpBrGeU64I, ClassBranch}, {OpWrap, ClassBits}, {OpLoad32S64A, ClassLoad}, {OpStore64AI, ClassStore},
		{firstSlow, ClassNone}, {OpMemoryGrow, ClassMemory}, {OpTableInit, ClassBulk}, {OpTableSet, ClassTable}, {OpSegmentDrop, ClassBulk}, {OpOutWord, ClassTape},
		{firstFloat, ClassNone}, {numOps - 1, ClassFloat},
	} {
		if op <= r.last {
			return r.class
		}
	}
	return ClassNone
}

// constant reports whether op, of an operation on two operands, takes imm in place of b.
func (op Op) constant() bool {
	switch {
	case op >= OpAdd32 && op <= OpRotl64I:
		return (op-OpAdd32)&1 == 1
	case op >= OpEq32 && op <= OpBrGeU64I:
		return (op-OpEq32)&1 == 1
	}
	return false
}

// repeats reports whether op may take more than one step before the program goes on.
func (op Op) repeats() bool {
	switch op {
	case OpMemoryCopy, OpMemoryFill, OpMemoryInit, OpTableCopy, OpTableFill, OpTableInit:
		return true
	}
	return false
}

// goes reports whether what follows an instruction of op may be another one than the next in the program.
func (op Op) goes() bool {
	switch op.Class() {
	case ClassControl:
		return op != OpCharge
	case ClassBranch, ClassCall:
		return true
	}
	return false
}

// Writes reports whether op leaves a result in d.
func (op Op) Writes() bool {
	switch op.Class() {
	case ClassAdd, ClassMultiply, ClassDivide, ClassBitwise, ClassShift, ClassCompare, ClassBits, ClassLoad, ClassMemory:
		return true
	case ClassMove:
		return op != OpMoveFar
	}
	return op == OpGlobalGet || op == OpTableGet || op == OpInLen || op == OpInWord
}
