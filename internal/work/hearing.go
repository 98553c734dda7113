package work

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/report"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/verifier"
)

// Hearings are disputes whose sides answer for themselves, message by message. What came is kept; where a hearing stands follows from that, whoever asks and whatever was
// killed meanwhile.
type Hearings struct {
	Referee capability.Signer
	Blocks  store.Blocks
	Records store.Records
	Now     func() time.Time
}

// hearingKey begins the keys of a hearing's records: its opening, its moves by number, its end.
const hearingKey = "hearing/"

// opening is what a hearing begins with.
type opening struct {
	Version string              `json:"version"`
	Opened  time.Time           `json:"opened"`
	Request wire.HearingRequest `json:"request"`
}

// move is an answer that came.
type move struct {
	Version string    `json:"version"`
	At      time.Time `json:"at"`
	Side    string    `json:"side"`
	Reply   string    `json:"reply"` // CID of a block
}

const (
	openingVersion = "hearing/1"
	moveVersion    = "move/1"
)

// maxMoves bounds the answers of a hearing: a game has fewer.
const maxMoves = 256

// defaultPatience is how long a side is given for an answer if the request does not say.
const defaultPatience = time.Minute

// ErrOtherSide says that whoever answers is not the side for which he does.
var ErrOtherSide = errors.New("only the executor of a side answers for it")

// Open opens a hearing. The same request is the same hearing.
func (h *Hearings) Open(ctx context.Context, in *wire.HearingRequest) (*wire.Hearing, error) {
	if err := CheckDispute(&wire.DisputeRequest{Arity: in.Arity}); err != nil {
		return nil, err
	}
	request, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	id := block.Raw(request).CID.String()
	begin := opening{Version: openingVersion, Opened: h.Now(), Request: *in}
	if _, err := h.stand(ctx, id, &begin, nil); err != nil { // else there is nothing to hear
		return nil, err
	}
	data, err := json.Marshal(begin)
	if err != nil {
		return nil, err
	}
	if _, err := h.Records.Create(ctx, hearingKey+id, data); err != nil {
		return nil, err
	}
	return h.Look(ctx, id)
}

// Look says where a hearing stands. One that nobody opened is [store.ErrNotFound].
func (h *Hearings) Look(ctx context.Context, id string) (*wire.Hearing, error) {
	if end, err := record[wire.Hearing](ctx, h.Records, hearingKey+id+"/end"); !errors.Is(err, store.ErrNotFound) {
		return end, err
	}
	begin, moves, err := h.load(ctx, id)
	if err != nil {
		return nil, err
	}
	return h.stand(ctx, id, begin, moves)
}

// Reply takes a side's answer; by is who answers, empty if that is not known. One that nobody asked for is refused, and changes nothing.
func (h *Hearings) Reply(ctx context.Context, id, by string, in *wire.HearingReply) (*wire.Hearing, error) {
	for {
		_, moves, err := h.load(ctx, id)
		if err != nil {
			return nil, err
		}
		now, err := h.Look(ctx, id)
		if err != nil {
			return nil, err
		}
		executor := now.Settlement.ExecutorA
		if in.Side == spotcheck.B.String() {
			executor = now.Settlement.ExecutorB
		}
		if by != "" && by != executor {
			return nil, fmt.Errorf("%w: %s, not %s", ErrOtherSide, executor, by)
		}
		asked := false
		for _, a := range now.Asks {
			asked = asked || a.Side == in.Side
		}
		if !asked || len(moves) >= maxMoves {
			return nil, refuse(fmt.Errorf("the side %s is not asked for anything", in.Side))
		}
		b := block.Raw(in.Reply)
		if err := h.Blocks.Put(ctx, b); err != nil {
			return nil, err
		}
		data, err := json.Marshal(move{Version: moveVersion, At: h.Now(), Side: in.Side, Reply: b.CID.String()})
		if err != nil {
			return nil, err
		}
		created, err := h.Records.Create(ctx, fmt.Sprintf("%s%s/%d", hearingKey, id, len(moves)), data)
		if err != nil {
			return nil, err
		}
		if created {
			return h.Look(ctx, id)
		}
	}
}

// load reads what a hearing consists of.
func (h *Hearings) load(ctx context.Context, id string) (*opening, []verifier.Move, error) {
	if _, err := block.Parse(id); err != nil {
		return nil, nil, refuse(err)
	}
	begin, err := record[opening](ctx, h.Records, hearingKey+id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, fmt.Errorf("no hearing %s was opened here: %w", id, store.ErrNotFound)
	}
	if err != nil {
		return nil, nil, err
	}
	var moves []verifier.Move
	for n := range maxMoves {
		m, err := record[move](ctx, h.Records, fmt.Sprintf("%s%s/%d", hearingKey, id, n))
		if errors.Is(err, store.ErrNotFound) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		c, err := block.Parse(m.Reply)
		if err != nil {
			return nil, nil, err
		}
		b, err := h.Blocks.Get(ctx, c)
		if err != nil {
			return nil, nil, err
		}
		side := spotcheck.A
		if m.Side == spotcheck.B.String() {
			side = spotcheck.B
		}
		moves = append(moves, verifier.Move{At: m.At, Side: side, Reply: b.Data})
	}
	return begin, moves, nil
}

// record reads a record of JSON.
func record[T any](ctx context.Context, from store.Records, key string) (*T, error) {
	data, err := from.Load(ctx, key)
	if err != nil {
		return nil, err
	}
	out, err := Read[T](data)
	return &out, err
}

// stand leads the game by the moves. An end is kept, and its ruling.
func (h *Hearings) stand(ctx context.Context, id string, begin *opening, moves []verifier.Move) (*wire.Hearing, error) {
	in := &begin.Request
	a, err := Bundle(ctx, h.Blocks, in.A)
	if err != nil {
		return nil, err
	}
	b, err := Bundle(ctx, h.Blocks, in.B)
	if err != nil {
		return nil, err
	}
	patience := time.Duration(math.Round(in.Patience * float64(time.Second)))
	if patience == 0 {
		patience = defaultPatience
	}
	found, err := verifier.Settle(ctx, a, b, verifier.SettleConfig{Tasks: []string{in.Task}, Arity: in.Arity, Referee: h.Referee, Now: h.Now,
		Heard: &verifier.Hearing{Opened: begin.Opened, Patience: patience, Moves: moves, Now: h.Now()}})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, refuse(err)
	}
	s := &found[0]
	out := &wire.Hearing{ID: id, Done: s.Pending == nil, Round: s.Rounds, Asks: []wire.Asked{}, Settlement: report.Settlement(s)}
	if p := s.Pending; p != nil {
		out.Deadline = p.Deadline.UTC().Format(time.RFC3339Nano)
		for i, ask := range p.Asks {
			if ask == nil {
				continue
			}
			blk, err := ask.Block()
			if err != nil {
				return nil, err
			}
			out.Asks = append(out.Asks, wire.Asked{Side: spotcheck.Side(i).String(), Ask: blk.Data})
		}
		return out, nil
	}
	return h.end(ctx, out, s.Ruling)
}

// end keeps how a hearing ended, unless somebody was first.
func (h *Hearings) end(ctx context.Context, out *wire.Hearing, ruling *receipts.Archive) (*wire.Hearing, error) {
	if ruling != nil {
		if err := keepArchive(ctx, h.Blocks, ruling); err != nil {
			return nil, err
		}
	}
	data, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	key := hearingKey + out.ID + "/end"
	created, err := h.Records.Create(ctx, key, data)
	if err != nil || created {
		return out, err
	}
	return record[wire.Hearing](ctx, h.Records, key)
}
