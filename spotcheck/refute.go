package spotcheck

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/workflow"
)

// Refutation shows that an executor signed what is not so, to anybody who has nothing else. Its fields follow schema.ipldsch; its kind is the
// ground.
type Refutation struct {
	Trilemma      string
	Kind          string
	Receipt       []byte
	Transcript    *[]byte
	Segment       *int64
	Before, After *Shown
	Opening       *[]byte
	Stream        *int64
	Content       *[]byte
	Other, Task   *[]byte
}

// Block encodes the refutation.
func (r *Refutation) Block() (block.Block, error) { return marshal(r, "Refutation") }

// maxRefutation bounds a refutation, in bytes.
const maxRefutation = block.MaxNode

// ReadRefutation decodes a refutation. Whether it is one is up to [Refutation.Check]. The error wraps [ErrMalformed].
func ReadRefutation(data []byte) (*Refutation, error) {
	return read(data, maxRefutation, "Refutation", RefutationVersion, func(r *Refutation) string { return r.Trilemma })
}

// Refuted is what a refutation shows.
type Refuted struct {
	Executor string // did:key of whoever signed
	Receipt  cid.Cid
	Reason   string
}

// ErrNotRefuted says that a refutation shows nothing against anybody.
var ErrNotRefuted = errors.New("it refutes nothing")

// Check says what the refutation shows, by signatures and hashes and at most one segment. The error wraps [ErrNotRefuted].
func (r *Refutation) Check() (*Refuted, error) {
	receipt, err := receipts.Open(block.Block{CID: block.Sum(cid.DagCBOR, r.Receipt), Data: r.Receipt})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotRefuted, err)
	}
	what, err := r.against(receipt)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotRefuted, err)
	}
	return &Refuted{Executor: receipt.Issuer, Receipt: receipt.CID, Reason: what}, nil
}

// against returns what is wrong with what the receipt says, or why that is not shown. Fields that the kind does not have make it show nothing,
// so that every refutation has one form.
func (r *Refutation) against(receipt *receipts.Receipt) (string, error) {
	segment := r.Segment != nil && r.Opening != nil
	shown := r.Before != nil && r.After != nil
	output := r.Stream != nil && r.Content != nil
	none := r.Segment == nil && r.Opening == nil && r.Before == nil && r.After == nil
	noOutput, noOther := r.Stream == nil && r.Content == nil, r.Other == nil && r.Task == nil
	switch {
	case r.Kind == GroundOpposite && r.Other != nil && r.Task != nil && none && noOutput && r.Transcript == nil:
		return r.opposite(receipt)
	case r.Transcript == nil || !noOther:
	case r.Kind == GroundSegment && segment && shown && noOutput:
		return r.segment(receipt)
	case r.Kind == GroundEnd && shown && r.Segment == nil && r.Opening == nil && noOutput:
		return r.end(receipt)
	case r.Kind == GroundClaim && none && noOutput:
		return r.claim(receipt)
	case r.Kind == GroundOutput && output && none:
		return r.output(receipt)
	case r.Kind == GroundLength && r.Segment != nil && r.Before != nil && r.Content != nil && r.After == nil && r.Opening == nil && r.Stream == nil:
		return r.length(receipt)
	}
	return "", fmt.Errorf("%w: a refutation of the kind %.40q with other fields", ErrMalformed, r.Kind)
}

// transcript reads the transcript that the receipt names.
func (r *Refutation) transcript(receipt *receipts.Receipt) (*machine.Transcript, error) {
	named := receipt.Claim.Run.Transcript
	if named == nil || !receipts.CID(*named).Equals(block.Sum(cid.DagCBOR, *r.Transcript)) {
		return nil, errors.New("the receipt names another transcript")
	}
	return machine.ReadTranscript(*r.Transcript)
}

func (r *Refutation) segment(receipt *receipts.Receipt) (string, error) {
	t, err := r.transcript(receipt)
	if err != nil {
		return "", err
	}
	n, i := t.Segments(), uint64(*r.Segment)
	if *r.Segment < 0 || i >= n {
		return "", fmt.Errorf("there is no segment %d of %d", *r.Segment, n)
	}
	before, err := r.Before.At(machine.Digest(t.Root), n+1, i)
	if err != nil {
		return "", err
	}
	after, err := r.After.At(machine.Digest(t.Root), n+1, i+1)
	if err != nil {
		return "", err
	}
	got, err := Segments{t}.Replay(i, *r.Opening)
	switch err := judge(i, got, err, before, after); {
	case errors.Is(err, ErrWrong):
		return strings.TrimPrefix(err.Error(), ErrWrong.Error()+": "), nil
	case err != nil:
		return "", err
	}
	return "", fmt.Errorf("segment %d is right", i)
}

func (r *Refutation) end(receipt *receipts.Receipt) (string, error) {
	t, err := r.transcript(receipt)
	if err != nil {
		return "", err
	}
	n := t.Segments()
	first, err := r.Before.At(machine.Digest(t.Root), n+1, 0)
	if err != nil {
		return "", err
	}
	last, err := r.After.At(machine.Digest(t.Root), n+1, n)
	if err != nil {
		return "", err
	}
	if err := t.CheckEnds(first, last); err != nil {
		return err.Error(), nil
	}
	return "", errors.New("both ends hold")
}

func (r *Refutation) length(receipt *receipts.Receipt) (string, error) {
	t, err := r.transcript(receipt)
	if err != nil {
		return "", err
	}
	n, i := t.Segments(), uint64(*r.Segment)
	if *r.Segment < 0 || i >= n {
		return "", fmt.Errorf("there is no segment %d of %d", *r.Segment, n)
	}
	at, err := r.Before.At(machine.Digest(t.Root), n+1, i)
	if err != nil {
		return "", err
	}
	root, halted := machine.Halted(*r.Content)
	if root != at || !halted {
		return "", errors.New("the state is not a halted one of the transcript")
	}
	return fmt.Sprintf("its transcript has %d segments, but after %d the run had ended", n, i), nil
}

func (r *Refutation) claim(receipt *receipts.Receipt) (string, error) {
	t, err := r.transcript(receipt)
	if err != nil {
		return "", err
	}
	if err := Agree(receipt.Claim, t); err != nil {
		return err.Error(), nil
	}
	return "", errors.New("the receipt and its transcript agree")
}

func (r *Refutation) output(receipt *receipts.Receipt) (string, error) {
	t, err := r.transcript(receipt)
	if err != nil {
		return "", err
	}
	if receipt.Claim.Run.Outputs != nil {
		for _, o := range *receipt.Claim.Run.Outputs {
			if o.Stream == *r.Stream && o.Cid != nil && receipts.CID(*o.Cid).Equals(block.Raw(*r.Content).CID) {
				if SameOutput(t, o.Stream, *r.Content) {
					return "", fmt.Errorf("the transcript has the same output stream %d", o.Stream)
				}
				return fmt.Sprintf("its transcript has another output stream %d than its receipt names", o.Stream), nil
			}
		}
	}
	return "", errors.New("the receipt does not name the content")
}

// opposite compares two receipts of one computation. Only running a module gives everybody the same result.
func (r *Refutation) opposite(receipt *receipts.Receipt) (string, error) {
	other, err := receipts.Open(block.Block{CID: block.Sum(cid.DagCBOR, *r.Other), Data: *r.Other})
	if err != nil {
		return "", err
	}
	a, b := receipt.Claim, other.Claim
	task, err := block.Decode(*r.Task)
	if err != nil {
		return "", err
	}
	command, err := task.LookupByString("cmd")
	if err != nil {
		return "", errors.New("it holds no task")
	}
	cmd, err := command.AsString()
	switch {
	case err != nil || cmd != workflow.CommandRun:
		return "", errors.New("the task is not a run of a module, and may have had another outcome the second time")
	case !receipts.CID(a.Ran).Equals(block.Sum(cid.DagCBOR, *r.Task)):
		return "", errors.New("the receipt is about another task")
	case receipt.Issuer != other.Issuer:
		return "", fmt.Errorf("the receipts are by %s and by %s", receipt.Issuer, other.Issuer)
	case !receipts.CID(a.Run.Computation).Equals(receipts.CID(b.Run.Computation)):
		return "", errors.New("the receipts are about different computations")
	case !receipts.CID(a.Ran).Equals(receipts.CID(b.Ran)):
		return "", errors.New("the receipts are about different tasks")
	}
	if why := Differ(a, b); why != "" {
		return "it signed two receipts of one computation: " + why, nil
	}
	return "", errors.New("the receipts say the same")
}

// Differ says in what two receipts of one computation cannot both be right; it is empty if they can. What a receipt leaves open contradicts nothing, and two
// commitments may hide the same result.
func Differ(a, b receipts.Claim) string {
	switch {
	case !evaluate.SameOut(a.Out, b.Out) && !evaluate.SameHidden(a.Out, b.Out):
		return "they name different results"
	case differ(a.Run.Fuel, b.Run.Fuel):
		return fmt.Sprintf("one says %d fuel, the other %d", *a.Run.Fuel, *b.Run.Fuel)
	case differ(a.Run.Steps, b.Run.Steps):
		return fmt.Sprintf("one says %d steps, the other %d", *a.Run.Steps, *b.Run.Steps)
	case a.Run.Transcript != nil && b.Run.Transcript != nil && !receipts.CID(*a.Run.Transcript).Equals(receipts.CID(*b.Run.Transcript)):
		return "they name different transcripts"
	}
	return ""
}

func differ[T comparable](a, b *T) bool { return a != nil && b != nil && *a != *b }
