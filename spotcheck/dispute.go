package spotcheck

import (
	"errors"
	"fmt"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/machine"
)

// Side is one of the two sides of a dispute.
type Side int

// The sides.
const (
	A Side = iota
	B
)

// String is the side's name.
func (s Side) String() string { return [...]string{"A", "B"}[s] }

// Stated is what a side signed of its transcript: the root over its state roots, how many segments they enclose, and how many steps those have.
type Stated struct {
	Root     machine.Digest
	Segments uint64
	Steps    uint64
}

// ErrClaim marks what is wrong with a side's statement whatever its transcript holds.
var ErrClaim = errors.New("claim")

// Judge checks what a side shows, by rules that are not the game's.
type Judge interface {
	// Replay replays a segment as [Replayer] does, with as many steps as the side says that it has.
	Replay(s Side, segment uint64, opening []byte) (Replayed, error)

	// Ends says what is wrong with a side's statement as such, given the first and the last state root of its transcript: whether they are
	// the initial state of the program on this input and a halted state that holds the outcome and the output that the side claims. An error
	// that wraps [ErrClaim] is about the statement and not the states.
	Ends(s Side, first, last machine.Digest) error
}

// Grounds of a finding.
const (
	GroundSegment   = "segment"   // a segment of its transcript is not what the machine does
	GroundEnd       = "end"       // its transcript does not begin or end as it says
	GroundClaim     = "claim"     // its receipt and its transcript do not agree, or are not about this computation
	GroundOutput    = "output"    // its transcript has another output than its receipt
	GroundOpposite  = "opposite"  // it signed two outcomes for one computation
	GroundLength    = "length"    // its transcript goes on after the end of the run
	GroundSilence   = "silence"   // it did not answer in time
	GroundMalformed = "malformed" // what it answered does not show what was asked for
)

// Fault says that a side is wrong and why. Segment is set for [GroundSegment], and for [GroundLength]: the first one that is too many.
type Fault struct {
	Side    Side
	Ground  string
	Reason  string
	Segment uint64

	// Evidence: what the side showed of its transcript, and the opening. The game knows nothing of outputs and of what states consist of: the
	// stream and the content, the halted state for GroundLength, and the other receipt and the task for GroundOpposite are added by whoever does.
	Before, After *Shown
	Opening       []byte
	Stream        int64
	Content       []byte
	Other, Task   []byte
}

// GameConfig says how a dispute is led.
type GameConfig struct {
	Dispute  cid.Cid       // its name
	Arity    uint64        // into how many parts a round divides what is left; 0: 16. More parts are fewer rounds and more bytes
	Patience time.Duration // how long a side may take for an answer
}

// maxAsked bounds the state roots of one question.
const maxAsked = 1 << 10

// ErrNotAsked says that a reply is not one to the question that is open. It is ignored: a message may come twice.
var ErrNotAsked = errors.New("nobody asked")

// Game is a dispute over two transcripts as a state machine: the referee asks both sides, they answer, until it is known who is wrong. It keeps no time
// and sends nothing: the caller does. It is not safe for concurrent use.
//
// Law: an honest side that answers in time is never found wrong. If both answer to the end, at least one is found wrong, unless both stated the
// same.
type Game struct {
	cfg      GameConfig
	judge    Judge
	stated   [2]Stated
	phase    phase
	round    int64
	deadline time.Time
	asked    [2]*Ask
	replies  [2]*Reply
	roots    [2]map[uint64]machine.Digest // what each side has shown
	shown    [2]map[uint64]*Shown
	lo, hi   uint64 // the sides agree at lo and differ at hi
	faults   []Fault
	done     bool
}

type phase int

const (
	phaseEnds    phase = iota // first and last state roots
	phaseBisect               // between lo and hi
	phaseDescend              // along the trees, if the lists are of one length and end alike
	phaseOpen                 // the segment between lo and hi = lo+1
)

// NewGame begins a dispute at a moment: the first question is asked.
func NewGame(cfg GameConfig, j Judge, a, b Stated, now time.Time) (*Game, error) {
	if cfg.Arity == 0 {
		cfg.Arity = 16
	}
	switch {
	case cfg.Arity < 2 || cfg.Arity > maxAsked:
		return nil, fmt.Errorf("an arity of %d is not between 2 and %d", cfg.Arity, maxAsked)
	case cfg.Patience <= 0:
		return nil, errors.New("a side must be given time to answer")
	case a.Segments >= 1<<56 || b.Segments >= 1<<56:
		return nil, fmt.Errorf("%w: %d and %d", ErrTooMany, a.Segments, b.Segments)
	}
	g := &Game{cfg: cfg, judge: j, stated: [2]Stated{a, b}}
	for s := range g.roots {
		g.roots[s], g.shown[s] = make(map[uint64]machine.Digest), make(map[uint64]*Shown)
	}
	m := min(a.Segments, b.Segments)
	g.ask(now, [2][]uint64{{0, m, a.Segments}, {0, m, b.Segments}}, nil)
	return g, nil
}

// ask opens a new round. Places that a side has shown already are not asked for again, but for an opening's.
func (g *Game) ask(now time.Time, places [2][]uint64, opening *uint64) {
	g.round++
	g.deadline = now.Add(g.cfg.Patience)
	g.replies = [2]*Reply{}
	for s := range g.asked {
		q := &Ask{Trilemma: AskVersion, Dispute: linkTo(g.cfg.Dispute), Round: g.round, Roots: []int64{}}
		asked := make(map[uint64]bool)
		for _, p := range places[s] {
			if _, ok := g.roots[s][p]; !ok && !asked[p] {
				asked[p] = true
				q.Roots = append(q.Roots, int64(p))
			}
		}
		if opening != nil {
			o := int64(*opening)
			q.Opening = &o
		}
		g.asked[s] = q
	}
}

// Asked is the question that a side still owes an answer to, or nil.
func (g *Game) Asked(s Side) *Ask {
	if g.done || g.replies[s] != nil {
		return nil
	}
	return g.asked[s]
}

// Deadline is when the sides that still owe an answer lose.
func (g *Game) Deadline() time.Time { return g.deadline }

// Rounds is how many questions each side was asked.
func (g *Game) Rounds() int { return int(g.round) }

// Tick tells the game the time: whoever has not answered by the deadline loses.
func (g *Game) Tick(now time.Time) {
	if g.done || !now.After(g.deadline) {
		return
	}
	for s := range g.replies {
		if g.replies[s] == nil {
			g.fault(Fault{Side: Side(s), Ground: GroundSilence, Reason: fmt.Sprintf("it did not answer the question of round %d within %v", g.round, g.cfg.Patience)})
		}
	}
	g.done = true
}

// Answer takes the answer of a side, whose transport says that it is that side's. An answer to another question is [ErrNotAsked]; one that does not
// show what was asked for makes the side lose. One that comes too late counts as none.
func (g *Game) Answer(now time.Time, s Side, data []byte) error {
	g.Tick(now)
	q := g.Asked(s)
	if q == nil {
		return fmt.Errorf("%w: side %s owes no answer", ErrNotAsked, s)
	}
	r, err := ReadReply(data)
	if err == nil && (!cidOf(r.Dispute).Equals(g.cfg.Dispute) || r.Round != q.Round) {
		return fmt.Errorf("%w: a reply to round %d of %s, asked is round %d of %s", ErrNotAsked, r.Round, cidOf(r.Dispute), q.Round, g.cfg.Dispute)
	}
	if err == nil {
		err = g.take(s, q, r)
	}
	if err != nil {
		g.fault(Fault{Side: s, Ground: GroundMalformed, Reason: fmt.Sprintf("its answer in round %d: %v", g.round, err)})
		g.done = true
		return err
	}
	g.replies[s] = r
	if g.replies[A] != nil && g.replies[B] != nil {
		g.advance(now)
	}
	return nil
}

// take checks that a reply shows all that was asked for, and nothing else.
func (g *Game) take(s Side, q *Ask, r *Reply) error {
	if len(r.Roots) != len(q.Roots) || (r.Opening == nil) != (q.Opening == nil) {
		return fmt.Errorf("%w: it shows %d state roots, %d were asked for, or an opening that was not", ErrMalformed, len(r.Roots), len(q.Roots))
	}
	for i := range r.Roots {
		at := uint64(q.Roots[i])
		d, err := r.Roots[i].At(g.stated[s].Root, g.stated[s].Segments+1, at)
		if err != nil {
			return err
		}
		g.roots[s][at], g.shown[s][at] = d, &r.Roots[i]
	}
	return nil
}

func (g *Game) fault(f Fault) { g.faults = append(g.faults, f) }

// Faults is what was found, once the game is done.
func (g *Game) Faults() (faults []Fault, done bool) { return g.faults, g.done }

func (g *Game) agree(i uint64) bool { return g.roots[A][i] == g.roots[B][i] }
