package lab

import (
	"errors"
	"testing"
	"time"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/internal/work"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/verifier"
)

// court is a place where a forged run is heard about.
type court struct {
	t       *testing.T
	keep    *store.Memory
	referee *signer
	sides   map[string]*receipts.Bundle
	forged  uint64
	now     time.Time
}

func newCourt(t *testing.T) *court {
	t.Helper()
	honest, forged, at, key, err := quarrels(Tiny)[0].quarrel(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := &court{t: t, keep: &store.Memory{}, referee: &signer{key: key}, sides: map[string]*receipts.Bundle{"A": honest.Bundle, "B": forged}, forged: at, now: time.Unix(1e9, 0)}
	for _, b := range c.sides {
		for id, data := range b.Blocks {
			if err := c.keep.Put(t.Context(), block.Block{CID: id, Data: data}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return c
}

// hearings are those of a service that was just started: nothing is remembered but what is kept.
func (c *court) hearings() *work.Hearings {
	return &work.Hearings{Referee: c.referee.key, Blocks: c.keep, Records: c.keep, Now: func() time.Time { return c.now }}
}

func (c *court) open() *wire.Hearing {
	c.t.Helper()
	w, err := work.Workflow(c.t.Context(), c.keep, receipts.CID(c.sides["A"].Record.Workflow).String())
	if err != nil {
		c.t.Fatal(err)
	}
	h, err := c.hearings().Open(c.t.Context(), &wire.HearingRequest{A: c.sides["A"].Root.String(), B: c.sides["B"].Root.String(), Task: w.Tasks[0].Label, Arity: 2, Patience: 10})
	if err != nil {
		c.t.Fatal(err)
	}
	return h
}

// reply is what a side answers to what it is asked.
func (c *court) reply(h *wire.Hearing, a wire.Asked) *wire.HearingReply {
	c.t.Helper()
	ask, err := spotcheck.ReadAsk(a.Ask)
	if err != nil {
		c.t.Fatal(err)
	}
	id, err := block.Parse(h.Settlement.Computation)
	if err != nil {
		c.t.Fatal(err)
	}
	r, err := verifier.Respond(c.t.Context(), c.sides[a.Side], id, ask, &machine.Engine{})
	if err != nil {
		c.t.Fatal(err)
	}
	b, err := r.Block()
	if err != nil {
		c.t.Fatal(err)
	}
	return &wire.HearingReply{Side: a.Side, Reply: b.Data}
}

func executorOf(h *wire.Hearing, side string) string {
	if side == "A" {
		return h.Settlement.ExecutorA
	}
	return h.Settlement.ExecutorB
}

// TestHearing leads a dispute message by message, over a restart after each: only a side's executor answers for it, and only what is asked; the forged segment is found.
func TestHearing(t *testing.T) {
	c := newCourt(t)
	h := c.open()
	if h.Done || len(h.Asks) != 2 {
		t.Fatalf("it opens with %+v", h)
	}
	for !h.Done {
		a := h.Asks[len(h.Asks)-1]
		r := c.reply(h, a)
		for _, by := range []string{h.Settlement.ExecutorA, h.Settlement.ExecutorB} {
			if by == executorOf(h, a.Side) {
				continue
			}
			if _, err := c.hearings().Reply(t.Context(), h.ID, by, r); !errors.Is(err, work.ErrOtherSide) {
				t.Fatalf("%s answers for side %s: %v", by, a.Side, err)
			}
		}
		next, err := c.hearings().Reply(t.Context(), h.ID, executorOf(h, a.Side), r)
		if err != nil {
			t.Fatal(err)
		}
		if len(h.Asks) == 2 && !next.Done { // it has answered in this round
			if _, err := c.hearings().Reply(t.Context(), h.ID, executorOf(h, a.Side), r); !errors.Is(err, work.ErrRequest) {
				t.Fatalf("side %s answers twice: %v", a.Side, err)
			}
		}
		h = next
	}
	w := h.Settlement.Wrong
	if len(w) != 1 || w[0].Side != "B" || w[0].Ground != spotcheck.GroundSegment || w[0].Segment == nil || *w[0].Segment != c.forged {
		t.Errorf("found: %+v, forged is segment %d", w, c.forged)
	}
	id, err := block.Parse(h.Settlement.Ruling)
	if err != nil {
		t.Fatal(err)
	}
	root, err := c.keep.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	ruling, err := work.RulingArchive(t.Context(), c.keep, root)
	if err != nil {
		t.Fatal(err)
	}
	if rep := verifier.VerifyRuling(ruling, verifier.Config{Now: time.Now}); rep.Outcome != verifier.Valid {
		t.Errorf("the ruling: %+v", rep)
	}
	if again := c.open(); again.Settlement.Ruling != h.Settlement.Ruling {
		t.Errorf("opened again, it ends with another ruling: %+v", again)
	}
}

// TestSilence: who does not answer in time loses, and nobody before that.
func TestSilence(t *testing.T) {
	c := newCourt(t)
	h := c.open()
	for _, a := range h.Asks {
		if a.Side == "B" {
			if _, err := c.hearings().Reply(t.Context(), h.ID, "", c.reply(h, a)); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.now = c.now.Add(10 * time.Second)
	h, err := c.hearings().Look(t.Context(), h.ID)
	if err != nil || h.Done || len(h.Asks) != 1 || h.Asks[0].Side != "A" {
		t.Fatalf("at the deadline: %+v, %v", h, err)
	}
	late := c.reply(h, h.Asks[0])
	c.now = c.now.Add(time.Second)
	if _, err := c.hearings().Reply(t.Context(), h.ID, "", late); !errors.Is(err, work.ErrRequest) {
		t.Errorf("an answer that is late: %v", err)
	}
	h, err = c.hearings().Look(t.Context(), h.ID)
	if err != nil || !h.Done || len(h.Settlement.Wrong) != 1 || h.Settlement.Wrong[0].Side != "A" || h.Settlement.Wrong[0].Ground != spotcheck.GroundSilence {
		t.Errorf("after the deadline: %+v, %v", h, err)
	}
	if _, err := c.hearings().Look(t.Context(), block.Raw(nil).CID.String()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a hearing that nobody opened: %v", err)
	}
}
