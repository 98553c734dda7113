package wasm

import "fmt"

// ErrorKind says which verdict an [Error] is.
type ErrorKind byte

// The verdicts on a module, in the order in which they are reached.
const (
	Malformed ErrorKind = iota // not a module in the binary format
	Invalid                    // does not validate
	Refused                    // valid perhaps, but outside the profile
)

// String returns the verdict as a word.
func (k ErrorKind) String() string {
	return [...]string{"malformed", "invalid", "refused"}[k]
}

// Error says why a module was not accepted, and where.
type Error struct {
	Kind     ErrorKind
	Feature  string // the proposal or limit that a refusal is about, else empty
	Func     int    // function index, imports counted; -1 outside of functions
	FuncName string // from the name section, may be empty
	Offset   uint32 // byte offset in the file
	Msg      string
}

// Error returns one line that names function and offset.
func (e *Error) Error() string {
	where := fmt.Sprintf("at byte %#x", e.Offset)
	switch {
	case e.Func >= 0 && e.FuncName != "":
		where = fmt.Sprintf("in function %d (%q) %s", e.Func, e.FuncName, where)
	case e.Func >= 0:
		where = fmt.Sprintf("in function %d %s", e.Func, where)
	}
	if e.Kind == Refused {
		return fmt.Sprintf("module refused by profile tm/1: %s %s", e.Msg, where)
	}
	return fmt.Sprintf("%s module: %s %s", e.Kind, e.Msg, where)
}
