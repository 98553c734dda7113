package spotcheck_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/spotcheck"
)

// player is a side of a toy dispute. answer may tamper with its replies; one that returns nil stays silent.
type player struct {
	roots  []machine.Digest
	open   func(uint64) ([]byte, error)
	answer func(*spotcheck.Reply) []byte
}

func honest(c counter) player { return player{roots: c.run(), open: c.open} }

func (p player) stated() spotcheck.Stated {
	return spotcheck.Stated{Root: machine.RootOfRoots(p.roots), Segments: uint64(len(p.roots) - 1)}
}

func (p player) reply(t testing.TB, q *spotcheck.Ask) []byte {
	t.Helper()
	r, err := spotcheck.NewReply(q, p.roots, p.open)
	if err != nil {
		t.Fatal(err)
	}
	if p.answer != nil {
		return p.answer(r)
	}
	return encode(t, r)
}

func encode(t testing.TB, m interface{ Block() (block.Block, error) }) []byte {
	t.Helper()
	b, err := m.Block()
	if err != nil {
		t.Fatal(err)
	}
	return b.Data
}

const patience = time.Minute

var start = time.Unix(1_700_000_000, 0)

// play leads a dispute to its end.
func play(t testing.TB, j spotcheck.Judge, arity uint64, a, b player) (*spotcheck.Game, []spotcheck.Fault) {
	t.Helper()
	now := start
	g, err := spotcheck.NewGame(spotcheck.GameConfig{Dispute: block.Raw([]byte("d")).CID, Arity: arity, Patience: patience}, j, a.stated(), b.stated(), now)
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		faults, done := g.Faults()
		if done {
			return g, faults
		}
		for s, p := range []player{a, b} {
			q := g.Asked(spotcheck.Side(s))
			if q == nil {
				continue
			}
			if data := p.reply(t, q); data != nil {
				if err := g.Answer(now, spotcheck.Side(s), data); err != nil {
					t.Log(err)
				}
			}
		}
		now = now.Add(patience / 2)
		g.Tick(now)
	}
	t.Fatal("the dispute does not end")
	return nil, nil
}

// grounds are the faults in short: side and ground.
func grounds(faults []spotcheck.Fault) (out []string) {
	for _, f := range faults {
		out = append(out, fmt.Sprint(f.Side, " ", f.Ground))
	}
	return out
}

// forge changes the state roots from one place on, or one alone.
func forge(roots []machine.Digest, from, to int) []machine.Digest {
	roots = slices.Clone(roots)
	for i := from; i < to; i++ {
		roots[i][5] ^= 1
	}
	return roots
}

func TestDisputes(t *testing.T) {
	c := counter{halt: 1000}
	good := honest(c)
	lie := func(roots []machine.Digest) player { return player{roots: roots, open: c.open} }
	wrongOpening := func(i uint64) ([]byte, error) { return c.open(i + 1) }
	for _, tt := range []struct {
		name    string
		liar    player
		grounds []string
	}{
		{"one forged segment", lie(forge(good.roots, 500, 501)), []string{"A segment"}},
		{"forged from the middle to the end", lie(forge(good.roots, 300, 1000)), []string{"A segment"}},
		{"only the second root", lie(forge(good.roots, 1, 2)), []string{"A segment"}},
		{"only the root before the last", lie(forge(good.roots, 999, 1000)), []string{"A segment"}},
		{"wrong initial state", lie(forge(good.roots, 0, 1)), []string{"A end"}},
		{"another end", lie(forge(good.roots, 1000, 1001)), []string{"A end"}},
		{"early halt", lie(good.roots[:700]), []string{"A end"}},
		{"missing tail with the true last state", lie(append(slices.Clone(good.roots[:700]), good.roots[1000])), []string{"A segment"}},
		{"past the halt", lie(append(slices.Clone(good.roots), good.roots[1000], good.roots[1000])), []string{"A length"}},
		{"past the halt, and back", lie(append(append(slices.Clone(good.roots), good.roots[5]), good.roots[1000])), []string{"A length"}},
		{"a state left out", lie(slices.Delete(slices.Clone(good.roots), 400, 401)), []string{"A segment"}},
		{"a state twice", lie(slices.Insert(slices.Clone(good.roots), 400, good.roots[400])), []string{"A segment"}},
		{"two states swapped", lie(func() []machine.Digest { r := slices.Clone(good.roots); r[6], r[7] = r[7], r[6]; return r }()), []string{"A segment"}},
		{"an opening of another segment", player{roots: forge(good.roots, 500, 501), open: wrongOpening}, []string{"A segment"}},
		{"an opening that is none", player{roots: forge(good.roots, 500, 501), open: func(uint64) ([]byte, error) { return nil, nil }}, []string{"A segment"}},
		{"silence from the start", player{roots: good.roots, open: c.open, answer: func(*spotcheck.Reply) []byte { return nil }}, []string{"A silence"}},
		{"silence at the opening", player{roots: forge(good.roots, 500, 501), open: c.open, answer: func(r *spotcheck.Reply) []byte {
			if r.Opening != nil {
				return nil
			}
			return encode(t, r)
		}}, []string{"A silence"}},
		{"a root that is not the transcript's", player{roots: forge(good.roots, 500, 501), open: c.open, answer: func(r *spotcheck.Reply) []byte {
			r.Roots[0].Root = bytes.Repeat([]byte{7}, 32)
			return encode(t, r)
		}}, []string{"A malformed"}},
		{"a root too few", player{roots: forge(good.roots, 500, 501), open: c.open, answer: func(r *spotcheck.Reply) []byte {
			r.Roots = r.Roots[1:]
			return encode(t, r)
		}}, []string{"A malformed"}},
		{"a root too many", player{roots: forge(good.roots, 500, 501), open: c.open, answer: func(r *spotcheck.Reply) []byte {
			r.Roots = append(r.Roots, r.Roots[0])
			return encode(t, r)
		}}, []string{"A malformed"}},
		{"no message", player{roots: good.roots, open: c.open, answer: func(*spotcheck.Reply) []byte { return []byte("?") }}, []string{"A malformed"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, arity := range []uint64{2, 3, 16, 100} {
				g, faults := play(t, court{c}, arity, tt.liar, good)
				if got := grounds(faults); !slices.Equal(got, tt.grounds) {
					t.Fatalf("arity %d: %v, want %v", arity, got, tt.grounds)
				}
				_, other := play(t, court{c}, arity, good, tt.liar)
				if got := grounds(other); len(got) != 1 || got[0] != "B"+tt.grounds[0][1:] {
					t.Fatalf("arity %d, sides exchanged: %v", arity, got)
				}
				if most := 4 + bits.Len(1000); g.Rounds() > most {
					t.Errorf("arity %d: %d rounds, want at most %d", arity, g.Rounds(), most)
				}
			}
		})
	}
}

// TestBothWrong: two liars are both found wrong, or at least one of them.
func TestBothWrong(t *testing.T) {
	c := counter{halt: 64}
	roots := c.run()
	other := forge(roots, 30, 31)
	other[30][6] ^= 1
	for _, tt := range []struct {
		name string
		a, b player
		want []string
	}{
		{"two forgeries of one segment", player{roots: forge(roots, 30, 31), open: c.open}, player{roots: other, open: c.open}, []string{"A segment", "B segment"}},
		{"neither can open it", player{roots: forge(roots, 30, 31), open: func(uint64) ([]byte, error) { return nil, nil }},
			player{roots: other, open: func(uint64) ([]byte, error) { return []byte{1}, nil }}, []string{"A malformed", "B malformed"}},
		{"both begin and end in another state", player{roots: forge(roots, 0, 1), open: c.open}, player{roots: forge(roots, 64, 65), open: c.open}, []string{"A end", "B end"}},
		{"both are silent", player{roots: roots, open: c.open, answer: func(*spotcheck.Reply) []byte { return nil }},
			player{roots: other, open: c.open, answer: func(*spotcheck.Reply) []byte { return nil }}, []string{"A silence", "B silence"}},
		{"one transcript twice", player{roots: roots, open: c.open}, player{roots: roots, open: c.open}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, faults := play(t, court{c}, 4, tt.a, tt.b); !slices.Equal(grounds(faults), tt.want) {
				t.Errorf("%v, want %v", grounds(faults), tt.want)
			}
		})
	}
}

// TestHonestNeverLoses: whatever the other side's transcript is, an honest one that answers is never found wrong, and the other one is.
func TestHonestNeverLoses(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c := counter{halt: rapid.Uint64Range(1, 300).Draw(r, "halt")}
		good := honest(c)
		roots := slices.Clone(good.roots)
		for range rapid.IntRange(1, 5).Draw(r, "edits") {
			i := rapid.IntRange(0, len(roots)-1).Draw(r, "at")
			switch rapid.IntRange(0, 3).Draw(r, "edit") {
			case 0:
				roots[i] = machine.Digest(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(r, "root"))
			case 1:
				roots = slices.Insert(roots, i, roots[rapid.IntRange(0, len(roots)-1).Draw(r, "from")])
			case 2:
				if len(roots) > 1 {
					roots = slices.Delete(roots, i, i+1)
				}
			case 3:
				j := rapid.IntRange(0, len(roots)-1).Draw(r, "with")
				roots[i], roots[j] = roots[j], roots[i]
			}
		}
		if slices.Equal(roots, good.roots) {
			return
		}
		liar := player{roots: roots, open: c.open}
		_, faults := play(t, court{c}, rapid.Uint64Range(2, 20).Draw(r, "arity"), good, liar)
		if len(faults) != 1 || faults[0].Side != spotcheck.B {
			r.Fatalf("%v", grounds(faults))
		}
		if f := faults[0]; f.Ground == spotcheck.GroundSegment {
			before, after := liar.roots[f.Segment], liar.roots[f.Segment+1]
			if got, err := c.Replay(f.Segment, f.Opening); err != nil || got.Before != before || got.After == after || before != good.roots[f.Segment] {
				r.Fatalf("the opening of segment %d is no evidence: %v", f.Segment, err)
			}
		}
	})
}

// TestLateAnswers: an answer counts up to the deadline, and not after it; replies to other questions are passed over.
func TestLateAnswers(t *testing.T) {
	c := counter{halt: 10}
	good, liar := honest(c), player{roots: forge(c.run(), 5, 6), open: c.open}
	newGame := func() *spotcheck.Game {
		g, err := spotcheck.NewGame(spotcheck.GameConfig{Dispute: block.Raw([]byte("d")).CID, Patience: patience}, court{c}, good.stated(), liar.stated(), start)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	g := newGame()
	first := good.reply(t, g.Asked(spotcheck.A))
	if err := g.Answer(start.Add(patience), spotcheck.A, first); err != nil {
		t.Fatal(err)
	}
	if err := g.Answer(start.Add(patience), spotcheck.A, first); !errors.Is(err, spotcheck.ErrNotAsked) {
		t.Errorf("the same answer again: %v", err)
	}
	g.Tick(start.Add(patience))
	if _, done := g.Faults(); done {
		t.Error("the deadline is the last moment, not past it")
	}
	if err := g.Answer(start.Add(patience+1), spotcheck.B, liar.reply(t, g.Asked(spotcheck.B))); !errors.Is(err, spotcheck.ErrNotAsked) {
		t.Errorf("an answer past the deadline: %v", err)
	}
	if faults, done := g.Faults(); !done || !slices.Equal(grounds(faults), []string{"B silence"}) {
		t.Errorf("%v", grounds(faults))
	}
	g = newGame()
	for s, p := range []player{good, liar} {
		if err := g.Answer(start, spotcheck.Side(s), p.reply(t, g.Asked(spotcheck.Side(s)))); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Answer(start, spotcheck.A, first); !errors.Is(err, spotcheck.ErrNotAsked) {
		t.Errorf("an answer of the round before: %v", err)
	}
	if _, done := g.Faults(); done {
		t.Error("a stale answer ended the dispute")
	}
}

// TestRepliesToReferees: a side shows no more than there is, and not without bound.
func TestRepliesToReferees(t *testing.T) {
	c := counter{halt: 10}
	one := int64(10)
	minus := int64(-1)
	for name, q := range map[string]*spotcheck.Ask{
		"a root past the end":    {Roots: []int64{11}},
		"a negative root":        {Roots: []int64{-1}},
		"a segment past the end": {Opening: &one},
		"a negative segment":     {Opening: &minus},
		"a flood":                {Roots: make([]int64, 1<<20)},
	} {
		if _, err := spotcheck.NewReply(q, c.run(), c.open); !errors.Is(err, spotcheck.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMessagesFlipped: an answer with any bit flipped is refused, and says why.
func TestMessagesFlipped(t *testing.T) {
	c := counter{halt: 40}
	good, liar := honest(c), player{roots: forge(c.run(), 20, 21), open: c.open}
	for round := range 3 { // ends, roots, opening
		reach := func() *spotcheck.Game {
			g, err := spotcheck.NewGame(spotcheck.GameConfig{Dispute: block.Raw([]byte("d")).CID, Arity: 64, Patience: patience}, court{c}, liar.stated(), good.stated(), start)
			if err != nil {
				t.Fatal(err)
			}
			for range round {
				for s, p := range []player{liar, good} {
					if err := g.Answer(start, spotcheck.Side(s), p.reply(t, g.Asked(spotcheck.Side(s)))); err != nil {
						t.Fatal(err)
					}
				}
			}
			return g
		}
		data := liar.reply(t, reach().Asked(spotcheck.A))
		for bit := 0; bit < len(data)*8; bit += 1 + round*4 {
			flipped := bytes.Clone(data)
			flipped[bit/8] ^= 1 << (bit % 8)
			g := reach()
			err := g.Answer(start, spotcheck.A, flipped)
			if err == nil { // its opening alone is bound by nothing but what it shows
				if round != 2 {
					t.Fatalf("round %d: bit %d flipped and still accepted", round, bit)
				}
				if err := g.Answer(start, spotcheck.B, good.reply(t, g.Asked(spotcheck.B))); err != nil {
					t.Fatal(err)
				}
				if faults, done := g.Faults(); !done || len(faults) != 1 || faults[0].Side != spotcheck.A {
					t.Fatalf("bit %d: %v", bit, grounds(faults))
				}
			}
		}
	}
}
