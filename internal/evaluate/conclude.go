package evaluate

import (
	"errors"
	"fmt"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/workflow"
)

// Conclusion is what a receipt says of a run, and the blocks that it links to.
type Conclusion struct {
	Out     receipts.Out
	Fuel    int64
	Inputs  []receipts.Region
	Outputs []receipts.Region
	Blocks  []block.Block
}

// Conclude turns the result of a job into a conclusion. Of a job with secrets sealed gives the regions of the output streams that it is told, which stay hidden;
// else it may be nil.
func Conclude(j *Job, r link.Result, sealed Sealer) (*Conclusion, error) {
	c := &Conclusion{Fuel: int64(r.Fuel)}
	if err := c.result(j, r); err != nil {
		return nil, err
	}
	for i, s := range j.Streams {
		if h, ok := j.hiddenInput(i); ok { // revealed or not
			c.Inputs = append(c.Inputs, h)
		} else {
			c.Inputs = c.region(c.Inputs, i, s)
		}
	}
	if j.Secret != nil {
		return c, c.hide(j, r, sealed)
	}
	for i, s := range r.Streams {
		c.Outputs = c.region(c.Outputs, i, s)
	}
	return c, nil
}

// result says what a run yields; nothing if that stays hidden.
func (c *Conclusion) result(j *Job, r link.Result) error {
	if r.Outcome.Kind == link.OK && j.hides() {
		return nil
	}
	value, outcome := link.Value(j.Linked.Entry, r)
	if outcome.Kind != link.OK {
		c.Out.Error = failure(outcome)
		return nil
	}
	value, err := c.shrink(value)
	if errors.Is(err, block.ErrTooLarge) { // a string that no document can hold: the same for everybody
		c.Out.Error = failure(link.Outcome{Kind: link.OutputFull})
		return nil
	}
	if err == nil {
		c.Out.Ok = &value
	}
	return err
}

// region appends a stream that is not empty.
func (c *Conclusion) region(rs []receipts.Region, stream int, data []byte) []receipts.Region {
	if len(data) == 0 {
		return rs
	}
	b := block.Raw(data)
	c.Blocks = append(c.Blocks, b)
	l := receipts.Link(b.CID)
	return append(rs, receipts.Region{Stream: int64(stream), Size: int64(len(data)), Cid: &l})
}

// shrink replaces a large value by a link to its block: bytes by a raw one, a string by a DAG-CBOR one.
func (c *Conclusion) shrink(v datamodel.Node) (datamodel.Node, error) {
	var b block.Block
	switch v.Kind() {
	case datamodel.Kind_Bytes:
		data, err := v.AsBytes()
		if err != nil || len(data) <= workflow.MaxInline {
			return v, err
		}
		b = block.Raw(data)
	case datamodel.Kind_String:
		s, err := v.AsString()
		if err != nil || len(s) <= workflow.MaxInline {
			return v, err
		}
		if b, err = block.New(v); err != nil {
			return nil, err
		}
	default:
		return v, nil
	}
	c.Blocks = append(c.Blocks, b)
	return basicnode.NewLink(receipts.Link(b.CID)), nil
}

func failure(o link.Outcome) *receipts.Failure {
	f := &receipts.Failure{Kind: string(o.Kind)}
	switch o.Kind {
	case link.Exit:
		code := int64(o.Code)
		f.Code = &code
	case link.Trap:
		trap := string(o.Trap)
		f.Trap = &trap
	}
	return f
}

// Branch gives the value that a promise takes from a result: what the task yields for ok, the failure in words for error,
// whichever it is for *; false if the branch was not taken. Of a pure task's failure the message is left out: nobody checks
// it ([SameOut]), so what awaits it must not depend on it.
func Branch(out receipts.Out, branch string) (datamodel.Node, bool) {
	switch {
	case out.Ok != nil && branch != "error":
		return *out.Ok, true
	case out.Error != nil && branch != "ok":
		f := *out.Error
		if f.Kind != KindEffect {
			f.Message = nil
		}
		return basicnode.NewString(f.String()), true
	}
	return nil, false
}

// Mismatch is the failure of a task that awaits the branch that was not taken.
func Mismatch(branch, computation string) *receipts.Failure {
	msg := fmt.Sprintf("awaits the %s branch of %s, which took the other", branch, computation)
	return &receipts.Failure{Kind: KindMismatch, Message: &msg}
}

// Failures returns those of tasks that failed although nobody asked for that: a failure that some task awaits with error or
// * is handled, and a pure task's mismatch only follows from how another one ended.
func Failures(w *workflow.Workflow, tasks []*workflow.Task, out func(*workflow.Task) receipts.Out) (failed []*workflow.Task) {
	handled := make(map[string]bool)
	for _, t := range w.Tasks {
		for _, a := range t.Awaits {
			if a.Branch != "ok" {
				handled[a.Label] = true
			}
		}
	}
	for _, t := range tasks {
		f := out(t).Error
		if f != nil && (f.Kind != KindMismatch || t.Effect()) && !handled[t.Label] {
			failed = append(failed, t)
		}
	}
	return failed
}

// SameOut reports whether two results say the same. Messages are for people and may differ between versions.
func SameOut(a, b receipts.Out) bool {
	if (a.Ok == nil) != (b.Ok == nil) {
		return false
	}
	if a.Ok != nil {
		return datamodel.DeepEqual(*a.Ok, *b.Ok)
	}
	return a.Error.Kind == b.Error.Kind && equal(a.Error.Code, b.Error.Code) && equal(a.Error.Trap, b.Error.Trap)
}

func equal[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
