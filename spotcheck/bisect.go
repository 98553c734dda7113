package spotcheck

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trilemma-dev/trilemma/machine"
)

// advance goes on after both sides have answered.
func (g *Game) advance(now time.Time) {
	switch g.phase {
	case phaseEnds:
		g.ends(now)
	case phaseBisect:
		g.narrow()
		g.bisect(now)
	case phaseDescend:
		g.descend(now)
	case phaseOpen:
		g.settle()
	}
}

// ends is the first round's answer: whoever does not begin or end as it must is wrong, with no need to look further.
func (g *Game) ends(now time.Time) {
	for s := range g.stated {
		n := g.stated[s].Segments
		if err := g.judge.Ends(Side(s), g.roots[s][0], g.roots[s][n]); err != nil {
			f := Fault{Side: Side(s), Ground: GroundEnd, Reason: err.Error(), Before: g.shown[s][0], After: g.shown[s][n]}
			if errors.Is(err, ErrClaim) {
				f.Ground = GroundClaim
			}
			g.fault(f)
		}
	}
	a, b := g.stated[A], g.stated[B]
	m := min(a.Segments, b.Segments)
	switch {
	case len(g.faults) > 0:
		g.done = true
	case !g.agree(0): // a judge lets both pass only if they are equal
		for _, s := range []Side{A, B} {
			g.fault(Fault{Side: s, Ground: GroundEnd, Reason: "the two sides begin in different states", Before: g.shown[s][0], After: g.shown[s][g.stated[s].Segments]})
		}
		g.done = true
	case !g.agree(m):
		g.lo, g.hi = 0, m
		g.bisect(now)
	case a.Segments != b.Segments: // the shorter one has halted there, and a halted machine does nothing more
		longer := A
		if b.Segments > a.Segments {
			longer = B
		}
		g.fault(Fault{Side: longer, Ground: GroundLength, Segment: m, Before: g.shown[longer][m],
			Reason: fmt.Sprintf("its transcript has %d segments, but the state after %d, on which both sides agree, is a halted one", g.stated[longer].Segments, m)})
		g.done = true
	case a.Root == b.Root && (a.Steps == b.Steps || m == 0): // nothing is left to tell them apart
		g.done = true
	case a.Root == b.Root: // the last segment has as many steps as it has
		g.lo, g.hi = m-1, m
		g.open(now)
	default:
		g.phase = phaseDescend
		g.descend(now)
	}
}

// points divides what lies between lo and hi into as many parts as the game's arity, and returns where.
func (g *Game) points() (ps []uint64) {
	width := g.hi - g.lo
	parts := min(g.cfg.Arity, width)
	for i := uint64(1); i < parts; i++ {
		ps = append(ps, g.lo+width/parts*i+width%parts*i/parts)
	}
	return ps
}

// narrow moves lo and hi to the first part at whose end the sides differ.
func (g *Game) narrow() {
	for _, p := range g.points() {
		if !g.agree(p) {
			g.hi = p
			return
		}
		g.lo = p
	}
}

// bisect asks for the points between lo and hi, or for the segment if there is only one.
func (g *Game) bisect(now time.Time) {
	if g.hi == g.lo+1 {
		g.open(now)
		return
	}
	g.phase = phaseBisect
	ps := g.points()
	g.ask(now, [2][]uint64{ps, ps}, nil)
}

// descend looks for the first place at which two lists of one length differ that begin and end alike. The paths from a leaf show the nodes beside it,
// so that one leaf tells which way to go at every node above it: into the left child if that differs, else into the right one. Only leaves at the
// left end of the subtree that differs are asked for.
func (g *Game) descend(now time.Time) {
	n := g.stated[A].Segments + 1
	nodes, beside, ok := g.ways(n, g.lo)
	if !ok { // it is shown, or it would not be looked at
		g.ask(now, [2][]uint64{{g.lo}, {g.lo}}, nil)
		return
	}
	start, size := uint64(0), n
	for level := len(beside[A]) - 1; level >= 0; level-- {
		left := machine.Split(size)
		switch {
		case g.lo >= start+left: // to the left of it all is alike
			start, size = start+left, size-left
		case nodes[A][level] != nodes[B][level]:
			size = left
		default:
			g.lo = start + left
			g.descend(now)
			return
		}
	}
	g.found(now, g.lo)
}

// found goes on with the segment before the first place at which the lists differ.
func (g *Game) found(now time.Time, first uint64) {
	g.lo, g.hi = first-1, first
	g.open(now)
}

// open asks both sides for the segment and for the roots around it.
func (g *Game) open(now time.Time) {
	g.phase = phaseOpen
	ps := []uint64{g.lo, g.hi}
	g.ask(now, [2][]uint64{ps, ps}, &g.lo)
}

// settle replays the openings. One that is bound to the state on which the sides agree shows what the state after it is, whoever brought it; a side is
// judged by its own if that is one.
func (g *Game) settle() {
	g.done = true
	for s := range g.replies {
		side, other := Side(s), Side(1-s)
		own := *g.replies[s].Opening
		opening := own
		wrong, bad := g.replay(side, own)
		if bad != nil {
			opening = *g.replies[other].Opening
			wrong, _ = g.replay(side, opening) // what shows nothing does not show that it is wrong
		}
		switch {
		case wrong:
			g.fault(Fault{Side: side, Ground: GroundSegment, Segment: g.lo, Before: g.shown[s][g.lo], After: g.shown[s][g.hi], Opening: slices.Clone(opening),
				Reason: fmt.Sprintf("segment %d of its transcript: from the state before it, on which both sides agree, its steps do not lead to the state after it", g.lo)})
		case bad != nil:
			g.fault(Fault{Side: side, Ground: GroundMalformed, Segment: g.lo, Reason: fmt.Sprintf("its opening of segment %d: %v", g.lo, bad)})
		}
	}
}

// replay says whether an opening shows that a side is wrong about the segment, or why it shows nothing.
func (g *Game) replay(s Side, opening []byte) (wrong bool, bad error) {
	got, err := g.judge.Replay(s, g.lo, opening)
	switch {
	case err != nil:
		return false, err
	case got.Before != g.roots[s][g.lo]:
		return false, errors.New("it does not begin in the state on which both sides agree")
	}
	return got.Early || got.After != g.roots[s][g.hi], nil
}

// ways returns for both sides the nodes from a leaf to the root, and the hashes beside them.
func (g *Game) ways(n, i uint64) (nodes, beside [2][]machine.Digest, ok bool) {
	for s := range nodes {
		shown := g.shown[s][i]
		if shown == nil {
			return nodes, beside, false
		}
		d, path, err := shown.digests()
		if err != nil {
			return nodes, beside, false
		}
		if nodes[s], ok = machine.RootNodes(n, i, d, path); !ok {
			return nodes, beside, false
		}
		beside[s] = path
	}
	return nodes, beside, true
}
