// Package receipts is what an executor signs and what a bundle holds: a receipt that this package returns carries a valid
// signature by its issuer over a claim of a known version, and a bundle holds exactly the blocks that its root reaches.
package receipts

import (
	_ "embed"
	"errors"
	"fmt"

	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
)

//go:embed schema.ipldsch
var schemaText []byte

var types = block.Schema(schemaText)

// Versions of the schemas that this package writes and reads.
const (
	ReceiptVersion = "receipt/1"
	RecordVersion  = "run/1"
)

// Command is the UCAN command of every receipt.
const Command = "/ucan/assert/receipt"

// Errors of this package; test with errors.Is.
var (
	ErrVersion = errors.New("unknown version")
	ErrReceipt = errors.New("not a receipt")
	ErrBundle  = errors.New("not a whole bundle")
)

// Claim is what a receipt says. Its fields follow schema.ipldsch.
type Claim struct {
	Ran datamodel.Link
	Out Out
	Run Run
}

// Out is the result of a task: exactly one field is set.
type Out struct {
	Ok    *datamodel.Node
	Error *Failure
}

// Failure says how a task failed.
type Failure struct {
	Kind    string
	Code    *int64
	Trap    *string
	Message *string
}

// String describes the failure in a few words.
func (f Failure) String() string {
	s := f.Kind
	if f.Code != nil {
		s += fmt.Sprintf("(%d)", *f.Code)
	}
	if f.Trap != nil {
		s += fmt.Sprintf("(%s)", *f.Trap)
	}
	if f.Message != nil {
		s += ": " + *f.Message
	}
	return s
}

// Run is what makes a claim checkable. Fuel counts Wasm instructions, Steps machine instructions.
type Run struct {
	Version     string
	Computation datamodel.Link
	Profile     *string
	Module      *datamodel.Link
	Program     *[]byte
	Fuel        *int64
	Steps       *int64
	Transcript  *datamodel.Link
	Inputs      *[]Region
	Outputs     *[]Region
	Receipts    *Labelled
}

// Region is one stream of a tape. Size is in bytes; of hidden output it is a bound, of hidden input 0, whatever its size.
type Region struct {
	Stream     int64
	Size       int64
	Cid        *datamodel.Link
	Root       *[]byte
	Commitment *[]byte
}

// Labelled maps labels to links. Keys holds the order of the encoding.
type Labelled struct {
	Keys   []string
	Values map[string]datamodel.Link
}

// Record is the root of a bundle.
type Record struct {
	Trilemma string
	Workflow datamodel.Link
	Receipt  datamodel.Link
	Answers  *[]datamodel.Link
	Proofs   *Labelled
	Keys     *[]datamodel.Link
}
