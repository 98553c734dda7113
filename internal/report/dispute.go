package report

import (
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/verifier"
)

// Dispute is what became of what two bundles disagree about, task by task.
func Dispute(found []verifier.Settlement) *wire.Dispute {
	out := &wire.Dispute{Outcome: verifier.Agreed, Tasks: []wire.Settlement{}}
	for i := range found {
		s := Settlement(&found[i])
		out.Outcome = worse(out.Outcome, s.Outcome)
		out.Tasks = append(out.Tasks, s)
	}
	return out
}

// Settlement is what became of one task.
func Settlement(s *verifier.Settlement) wire.Settlement {
	j := wire.Settlement{Task: s.Task, Computation: s.Computation.String(), Outcome: s.State, Reason: s.Reason, Differ: s.Differ,
		A: s.Receipts[0].String(), B: s.Receipts[1].String(), ExecutorA: s.Executors[0], ExecutorB: s.Executors[1], Wrong: []wire.Wrong{},
		Rounds: s.Rounds, Messages: s.Messages, Bytes: s.Bytes, Referee: spent(s.Referee), Sides: spent(s.Sides)}
	if s.Ruling != nil {
		j.Ruling = s.Ruling.Root.String()
	}
	for _, p := range s.Wrong {
		w := wire.Wrong{Side: p.Side.String(), Executor: p.Executor, Receipt: p.Receipt.String(), Ground: p.Ground, Reason: p.Reason, Segment: p.Segment}
		if p.Evidence != nil {
			w.Evidence = p.Evidence.CID.String()
		}
		j.Wrong = append(j.Wrong, w)
	}
	return j
}

func spent(c verifier.Cost) wire.Spent {
	return wire.Spent{WallSeconds: c.Wall.Seconds(), CPUSeconds: c.CPU.Seconds()}
}

// worse combines what became of two tasks: what is open over what is settled over agreement. What follows another task is as open as that is.
func worse(a, b string) string {
	rank := map[string]int{verifier.Agreed: 0, verifier.Follows: 0, verifier.Settled: 1, verifier.Open: 2}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// Challenge is a challenge in words, with what it draws. again says that it was open already.
func Challenge(id string, ch *spotcheck.Challenge, drawn []spotcheck.Place, again bool) *wire.Challenge {
	j := &wire.Challenge{Challenge: id, Receipt: receipts.CID(ch.Receipt).String(), Seed: ch.Seed.Kind, Samples: ch.Samples, Drawn: []wire.Drawn{}, Again: again}
	for _, p := range drawn {
		j.Drawn = append(j.Drawn, wire.Drawn{Task: p.Task, Segment: p.Segment})
	}
	return j
}

// Answer is an archive that holds an answer, in words.
func Answer(made *receipts.Archive) (*wire.Answer, error) {
	a, _, err := verifier.ReadAnswer(made)
	if err != nil {
		return nil, err
	}
	j := &wire.Answer{Answer: made.Root.String(), Challenge: a.ChallengeCID().String(), Openings: len(a.Openings)}
	for _, data := range made.Blocks {
		j.Bytes += int64(len(data))
	}
	return j, nil
}
