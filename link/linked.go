package link

import (
	"fmt"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/wasm"
)

// Primitives is the module name of the four imports of a linked module: in_len (i32) i32, in_word (i32 i32) i64,
// out_word (i32 i64 i32), exit (i32). They are function indices 0 to 3, in this order, always.
const Primitives = "tm"

// Function indices of the primitives in every linked module.
const (
	FuncInLen = iota
	FuncInWord
	FuncOutWord
	FuncExit
	NumPrimitives
)

// Start is the only export of a linked module, of type () → ().
const Start = "start"

// Linked is a module that stands alone: its only contact with the world are the four primitives. It is immutable.
type Linked struct {
	Bytes  []byte       // imports the four primitives, exports start, has no start section
	CID    cid.Cid      // raw, sha2-256 of Bytes
	Module *wasm.Module // Bytes decoded and validated
	Entry  Entry
	Origin []Origin // of each function that Module defines
}

// OriginKind says which of the merged parts a function came from.
type OriginKind byte

// The parts of a linked module.
const (
	FromGuest OriginKind = iota
	FromShim
	FromStub
)

// String returns the part's name.
func (k OriginKind) String() string { return [...]string{"guest", "shim", "stub"}[k] }

// Origin maps a function of a linked module back to where it stood. Linking changes immediates only, so instruction k of
// the linked body is instruction k of the original one.
type Origin struct {
	Kind   OriginKind
	Func   uint32 // function index in the original module, imports counted
	Name   string // from the name section or the exports, may be empty
	Offset uint32 // of the body's instructions in the original file
	End    uint32 // one past the body's last byte
}

// Error says why a module cannot be linked for an entry. Hint, if not empty, says what to do.
type Error struct {
	Msg  string
	Hint string
}

// Error returns message and hint in one line.
func (e *Error) Error() string {
	if e.Hint == "" {
		return "link: " + e.Msg
	}
	return "link: " + e.Msg + " (" + e.Hint + ")"
}

func errorf(hint, format string, args ...any) error {
	return &Error{Msg: fmt.Sprintf(format, args...), Hint: hint}
}

// Check says why m cannot be linked for any entry into the exported function fun, empty for a command: something that it
// imports is not there, or it does not export the function. The error is an [*Error].
func Check(m *wasm.Module, fun string) error {
	if err := checkImports(m); err != nil {
		return err
	}
	if fun == "" {
		fun = "_start"
	}
	_, err := exportedFunc(m, fun)
	return err
}

// Link makes the module that both engines run for entry e of m: m, the parts of the shim that it uses, and a stub that
// carries parameters and results over the tapes. Functions that cannot be reached are left out. The result is a pure
// function of m and e, byte for byte.
//
// m must be validated and within the profile, and is not changed. The error is an [*Error] that names what is missing.
func Link(m *wasm.Module, e Entry) (*Linked, error) {
	if err := checkImports(m); err != nil {
		return nil, err
	}
	p, err := planEntry(m, e)
	if err != nil {
		return nil, err
	}
	shim, err := shimModule()
	if err != nil {
		return nil, err
	}
	out, origin, err := merge(m, shim, p)
	if err != nil {
		return nil, err
	}
	l := &Linked{Bytes: out.Encode(), Entry: e, Origin: origin}
	l.CID = block.Raw(l.Bytes).CID
	if l.Module, err = wasm.Decode(l.Bytes); err != nil {
		return nil, fmt.Errorf("link: linked module: %w", err)
	}
	if err = wasm.Validate(l.Module); err != nil {
		return nil, fmt.Errorf("link: linked module: %w", err)
	}
	return l, nil
}
