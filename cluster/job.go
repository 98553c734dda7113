package cluster

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
)

// Classes of jobs: each has a queue of its own, since each needs another kind of resource. A class needs no more than a
// handler; these are the ones that the project's own handlers serve.
const (
	ClassExecute = "execute"
	ClassProof   = "proof" // whole proofs: whoever has one on its hands has their parts worked at
	ClassProve   = "prove" // parts of proofs; what follows in a class names the keys: see internal/jobs
	ClassCheck   = "check"
)

// MaxParams bounds the parameters of a job, in bytes.
const MaxParams = 256 << 10

// Errors of this package; test with errors.Is.
var (
	ErrInvalid  = errors.New("not a job")
	ErrNotFound = errors.New("no such job")
	ErrEnded    = errors.New("the job has ended")
	ErrSecret   = errors.New("secret material does not leave its process")
)

// Job is work to be done: a mode of a class, applied to content, under parameters.
//
// Law: what a job yields depends on these four alone, so that jobs which are equal in them are one job.
type Job struct {
	Class   string  // of the queue: letters, digits
	Mode    string  // what is done: letters, digits, '-'
	Subject cid.Cid // what it is done to
	Params  []byte  // what else decides the outcome, in one encoding only

	// Secret says that the job's content or parameters must not leave the process unless encrypted to the worker that gets
	// it. Submit refuses such a job with [ErrSecret]: no worker has a key for that yet. It is no part of the identity.
	Secret bool
}

// ID is a job's identity: its class, '-', and the CID of the job as DAG-CBOR.
type ID string

var (
	classPattern = regexp.MustCompile(`^[a-z][a-z0-9]{0,31}$`)
	modePattern  = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)
)

// ID checks the job and computes its identity.
func (j Job) ID() (ID, error) {
	if !classPattern.MatchString(j.Class) || !modePattern.MatchString(j.Mode) {
		return "", fmt.Errorf("%w: class %.40q, mode %.80q", ErrInvalid, j.Class, j.Mode)
	}
	if err := block.Supported(j.Subject); err != nil {
		return "", fmt.Errorf("%w: subject: %w", ErrInvalid, err)
	}
	if len(j.Params) > MaxParams {
		return "", fmt.Errorf("%w: %d bytes of parameters, at most %d", ErrInvalid, len(j.Params), MaxParams)
	}
	w := j.wire()
	data, err := encode(&w, "Job")
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return ID(j.Class + "-" + block.Sum(cid.DagCBOR, data).String()), nil
}

// ParseID reads an identity from text.
func ParseID(s string) (ID, error) {
	class, rest, ok := strings.Cut(s, "-")
	if !ok || len(s) > 300 || !classPattern.MatchString(class) {
		return "", fmt.Errorf("%w: the identity %.80q", ErrInvalid, s)
	}
	c, err := block.Parse(rest)
	if err != nil || c.String() != rest {
		return "", fmt.Errorf("%w: the identity %.80q", ErrInvalid, s)
	}
	return ID(s), nil
}

// Class is the class of the job.
func (id ID) Class() string {
	class, _, _ := strings.Cut(string(id), "-")
	return class
}

// token is the identity as two tokens of a subject.
func (id ID) token() string { return strings.Replace(string(id), "-", ".", 1) }

// State is where a job stands.
type State string

// The states. A job that is done may have failed tasks: its receipts say so. Failed means that there is no result.
const (
	Queued    State = "queued"
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Final reports whether a job in this state stays as it is until somebody submits it again.
func (s State) Final() bool { return s == Done || s == Failed || s == Cancelled }

// Progress is what a handler says about a job that it is about. Strings are cut to a line of [MaxLine] bytes.
type Progress struct {
	Stage       string
	Done, Total int64         // of the stage, in units of its own; Total 0: nobody knows
	Left        time.Duration // 0: nobody knows
}

// Bounds of what is told about a job.
const (
	MaxLine = 300 // bytes of a line
	MaxLog  = 20  // lines that are kept: the newest
)

// Status is what is known of a job.
type Status struct {
	ID      ID
	Job     Job
	State   State
	Attempt int // from 1
	Progress
	Log      []string  // the newest lines
	Error    string    // of a failed job
	Result   cid.Cid   // of a job that is done: what its class says
	Receipts []cid.Cid // of a job that is done: those that were issued for it

	Accepted, Started, Ended time.Time // the zero time: not yet
}

// Event tells what a job came to. Seq grows from event to event, over restarts too.
type Event struct {
	Seq uint64
	Status
}
