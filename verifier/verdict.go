// Package verifier turns a receipt and its evidence into a verdict, in every mode. It opens no socket and keeps no store:
// what it says follows from the bundle that it was given, and a verdict never claims more than was checked.
package verifier

import (
	"fmt"
	"time"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/circuits/parts"
)

// Mode is a rung of assurance.
type Mode string

// The modes.
const (
	Attest Mode = "attest"
	Rerun  Mode = "rerun"
	Spot   Mode = "spot"
	ZK     Mode = "zk"
	All    Mode = "all"   // every mode that the evidence allows
	Check  Mode = "check" // each task as its workflow wishes

	// Of verdicts, where a workflow wishes it so or a ruling is checked: none to ask for.
	Consensus  Mode = "consensus"
	Optimistic Mode = "optimistic"
	Dispute    Mode = "dispute"
)

// ParseMode reads the name of a mode.
func ParseMode(s string) (Mode, error) {
	switch m := Mode(s); m {
	case Attest, Rerun, Spot, ZK, All, Check:
		return m, nil
	}
	return "", fmt.Errorf("unknown mode %q, want attest, rerun, spot, zk, check or all", s)
}

// Outcome is what a verdict says.
type Outcome string

// The outcomes. Undecided means that evidence is missing, never that something is wrong.
const (
	Valid     Outcome = "valid"
	Invalid   Outcome = "invalid"
	Undecided Outcome = "undecided"
)

// Cost is what a check took. CPU is zero where the platform does not tell it.
type Cost struct {
	Wall  time.Duration
	CPU   time.Duration
	Bytes int64 // of evidence read
}

// Revealed is how much the verifier learnt, in bytes.
type Revealed struct {
	Input, State, Output int64
}

// Verdict is the answer about one task.
type Verdict struct {
	Task      string // label; empty for the run as a whole
	Mode      Mode
	Outcome   Outcome
	Reason    string
	Soundness string // what is established, how surely, under which assumption
	Cost      Cost
	Revealed  Revealed

	Sampling   *Sampling    // of Spot
	Refutation *block.Block // of Spot, if a segment is wrong: evidence that stands alone
	Proof      *Proof       // of ZK, if there is one

	drawing *sampling
}

// Proof is what a verdict in mode ZK says of the proof, in numbers.
type Proof struct {
	Backend string // proof system
	Family  parts.Digest
	Setup   string // where the keys come from: as the pinned ones say, or if there are none as the proof says
	Pinned  bool   // whoever verifies has these keys
	Parts   int
	Bytes   int64
}

const nothingEstablished = "none: nothing was established"

// Report is the answer about a run.
type Report struct {
	Outcome  Outcome
	Reason   string
	Signer   string // did:key
	Verdicts []Verdict
}

// worst combines outcomes: invalid over undecided over valid.
func worst(a, b Outcome) Outcome {
	rank := map[Outcome]int{Valid: 0, Undecided: 1, Invalid: 2}
	if rank[b] > rank[a] {
		return b
	}
	return a
}
