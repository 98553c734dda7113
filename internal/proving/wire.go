package proving

import (
	"fmt"

	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/receipts"
)

// ProofsOf is what was proved of a bundle, in the words of package wire. peak is the memory that the process took at most.
func ProofsOf(b *receipts.Bundle, made []Proved, peak int64) *wire.Proofs {
	out := &wire.Proofs{Run: b.Root.String(), Tasks: make(map[string]wire.Proved, len(made))}
	for i := range made {
		p := &made[i]
		out.Tasks[p.Task] = wire.Proved{
			Proof: p.Proof.CID.String(), Steps: p.Steps, Fuel: p.Fuel, Proofs: p.Parts, Resumed: p.Resumed, Constraints: p.Constraints, Used: p.Used, Bytes: p.Bytes,
			Seconds: p.Seconds(), Execute: p.Execute.Seconds(), Trace: p.Trace.Seconds(), Commit: p.Commit.Seconds(), Prove: p.Proving.Seconds(),
			Verify: p.Verify.Seconds(), Workers: p.Workers, PeakRSS: peak, Backend: p.Backend, Setup: p.Setup, Family: fmt.Sprintf("%x", p.Family),
		}
	}
	return out
}
