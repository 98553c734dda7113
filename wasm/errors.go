package wasm

import "fmt"

// ErrorKind says which verdict an [Error] is.
type ErrorKind byte

// The verdicts on a module.
const (
	Malformed ErrorKind = iota // not a module in the binary format
	Invalid                    // does not validate
	Refused                    // uses what the profile does not allow
)

// String returns the verdict as a word.
func (k ErrorKind) String() string {
	if k > Refused {
		return "unknown"
	}
	return [...]string{"malformed", "invalid", "refused"}[k]
}

// Error says why a module was not accepted, and where.
type Error struct {
	Kind ErrorKind

	// Feature is what a refusal is about: a proposal ("simd", "threads", "exceptions", "tail-call", "gc",
	// "function-references", "memory64", "multi-memory", "extended-const", "component-model"), an import
	// ("imported-memory", "imported-table", "imported-global"), "table.grow", or "limits" for a cap. Else it is empty.
	Feature string

	Func     int    // function index, imports counted; -1 outside of functions
	FuncName string // from the name section, may be empty
	Offset   uint32 // byte offset in the file; 0 where the whole file is meant
	Msg      string // what is wrong; of a refusal, what the module does, as a verb phrase
}

// Error returns one line that says what is wrong, in which function, and at which byte.
func (e *Error) Error() string {
	var where string
	switch {
	case e.Func >= 0 && e.FuncName != "":
		where = fmt.Sprintf(" in function %d (%q)", e.Func, e.FuncName)
	case e.Func >= 0:
		where = fmt.Sprintf(" in function %d", e.Func)
	}
	if e.Offset != 0 {
		where += fmt.Sprintf(" at byte %#x", e.Offset)
	}
	if e.Kind == Refused {
		return fmt.Sprintf("module %s%s; profile tm/1 does not allow it", e.Msg, where)
	}
	return fmt.Sprintf("%s module: %s%s", e.Kind, e.Msg, where)
}

func malformed(at uint32, format string, args ...any) error {
	return &Error{Kind: Malformed, Func: -1, Offset: at, Msg: fmt.Sprintf(format, args...)}
}

func invalid(at uint32, format string, args ...any) error {
	return &Error{Kind: Invalid, Func: -1, Offset: at, Msg: fmt.Sprintf(format, args...)}
}

// tooMuch is the refusal of what goes beyond a cap of the profile.
func tooMuch(at uint32, format string, args ...any) error {
	return &Error{Kind: Refused, Feature: "limits", Func: -1, Offset: at, Msg: fmt.Sprintf(format, args...)}
}
