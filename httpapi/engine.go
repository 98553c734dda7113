package httpapi

import (
	"context"
	"errors"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
)

// Errors that an [Engine] returns; test with errors.Is.
var (
	ErrNoJob  = errors.New("no such job")
	ErrEnded  = errors.New("the job has ended")
	ErrCursor = errors.New("no such place in the list")
)

// Work is a job as it is asked for. Equal work is one job.
type Work struct {
	Kind    string  // see internal/work
	Subject cid.Cid // what it is about
	Request []byte  // JSON: parameters of the kind
}

// State is where a job stands.
type State string

// The states. A job that is done may have failed tasks: its receipts say so. Failed means that there is no answer.
const (
	Queued    State = "queued"
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Final reports whether a job in this state stays as it is until it is submitted again.
func (s State) Final() bool { return s == Done || s == Failed || s == Cancelled }

// Status is what is known of a job.
type Status struct {
	ID          string
	Kind        string
	Subject     cid.Cid
	State       State
	Stage       string
	Done, Total int64         // of the stage; Total 0: nobody knows
	Left        time.Duration // 0: nobody knows
	Log         []string      // the newest lines
	Error       string        // of a failed job
	Refused     bool          // it would fail again
	Answer      cid.Cid       // of a job that is done: a block of JSON
	Receipts    []cid.Cid     // that were issued for it

	Accepted, Started, Ended time.Time // the zero time: not yet
}

// Event tells what a job came to. Seq grows from event to event, over restarts too.
type Event struct {
	Seq uint64
	Status
}

// Issued is an entry of the receipt feed: a job that is done, and the receipts that were issued for it.
type Issued struct {
	Seq      uint64
	Job      string
	Answer   cid.Cid
	Receipts []cid.Cid
	At       time.Time
}

// Engine does work that outlives a request. It is safe for concurrent use.
//
// Laws: when Submit returns, the job will end, whatever is killed meanwhile; to submit what is queued, running or done changes
// nothing. blocks are kept, as if they had been put. Job returns [ErrNoJob] for what nobody submitted. Cancel ends a job
// as cancelled, or returns [ErrEnded]. List gives the newest jobs first, at most limit, and where to go on, which is empty at the end;
// a place that it did not give is [ErrCursor].
type Engine interface {
	Submit(ctx context.Context, w Work, blocks ...block.Block) (Status, error)
	Job(ctx context.Context, id string) (Status, error)
	Cancel(ctx context.Context, id string) error
	List(ctx context.Context, after string, limit int) (page []Status, next string, err error)
}

// News follows what an engine does.
//
// Laws: Watch calls f with what a job comes to, in order, until the job has ended (nil), f returns an error (that one) or ctx
// ends; after is the number of the last event that the caller knows, 0 for none, and then the first event tells where the job stands. Feed
// calls f with every entry of the receipt feed above after, and with those to come, until f returns an error or ctx ends.
type News interface {
	Watch(ctx context.Context, id string, after uint64, f func(Event) error) error
	Feed(ctx context.Context, after uint64, f func(Issued) error) error
}
