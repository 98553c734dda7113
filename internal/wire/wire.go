// Package wire is what commands print and the service answers, as JSON: the same objects by the same names, so that whoever
// reads one reads the other.
package wire

import (
	"encoding/json"

	"github.com/trilemma-dev/trilemma/receipts"
)

// Failure says how a task failed.
type Failure struct {
	Kind    string  `json:"kind" doc:"exit, trap, fuel, depth, memory, output, mismatch, effect, tasks"`
	Code    *int64  `json:"code,omitempty" doc:"of an exit"`
	Trap    *string `json:"trap,omitempty" doc:"of a trap"`
	Message string  `json:"message"`
}

// OutcomeOf is a result in this package's words.
func OutcomeOf(o receipts.Out) (string, *Failure) {
	if o.Ok != nil {
		return "ok", nil
	}
	return "error", &Failure{Kind: o.Error.Kind, Code: o.Error.Code, Trap: o.Error.Trap, Message: o.Error.String()}
}

// Task is what became of one task.
type Task struct {
	Task        string          `json:"task" doc:"CID"`
	Receipt     string          `json:"receipt" doc:"CID"`
	Computation string          `json:"computation" doc:"CID of the task without its subject"`
	Outcome     string          `json:"outcome" doc:"ok or error"`
	Error       *Failure        `json:"error,omitempty"`
	Out         json.RawMessage `json:"out,omitempty" doc:"the result as DAG-JSON"`
	Fuel        *int64          `json:"fuel,omitempty" doc:"Wasm instructions charged; absent if the task did not run"`
	Steps       *int64          `json:"steps,omitempty" doc:"machine instructions, with a transcript"`
	Segments    *int64          `json:"segments,omitempty"`
	Transcript  string          `json:"transcript,omitempty" doc:"CID"`
	Memoised    bool            `json:"memoised" doc:"the result was known"`
}

// Run is a finished run.
type Run struct {
	Run      string          `json:"run" doc:"CID of the run's record, the root of its bundle"`
	Workflow string          `json:"workflow" doc:"CID"`
	Receipt  string          `json:"receipt" doc:"CID of the workflow's own receipt"`
	Executor string          `json:"executor" doc:"did:key of the signer"`
	Outcome  string          `json:"outcome" doc:"ok or error"`
	Error    *Failure        `json:"error,omitempty"`
	Tasks    map[string]Task `json:"tasks" doc:"by label"`

	Proofs map[string]Proved `json:"proofs,omitempty" doc:"by label; if the run was proved"`
}

// Report is what a check of a run found.
type Report struct {
	Outcome  string    `json:"outcome" doc:"valid, invalid or undecided"`
	Reason   string    `json:"reason"`
	Run      string    `json:"run,omitempty" doc:"CID"`
	Signer   string    `json:"signer" doc:"did:key"`
	Verdicts []Verdict `json:"verdicts"`
}

// Verdict is the answer about one task in one mode.
type Verdict struct {
	Task      string   `json:"task" doc:"label; empty for the run as a whole"`
	Mode      string   `json:"mode"`
	Outcome   string   `json:"outcome" doc:"valid, invalid or undecided"`
	Reason    string   `json:"reason"`
	Soundness string   `json:"soundness" doc:"what is established, how surely, under which assumption"`
	Cost      Cost     `json:"cost"`
	Revealed  Revealed `json:"revealed"`

	Sampling *Sampling `json:"sampling,omitempty" doc:"of a spot-check"`
	Proof    *Proof    `json:"proof,omitempty" doc:"of mode zk"`
}

// Proof is what a verdict says of a proof.
type Proof struct {
	Backend string `json:"backend" doc:"proof system: groth16, or plonk"`
	Family  string `json:"family" doc:"ID of the keys, hexadecimal"`
	Setup   string `json:"setup" doc:"where the keys come from: dev, or the CID of a ceremony"`
	Pinned  bool   `json:"pinned" doc:"the verifier trusts these keys"`
	Parts   int    `json:"parts"`
	Bytes   int64  `json:"bytes"`
}

// Sampling is what a spot-check drew, and what that is worth.
type Sampling struct {
	Segments     uint64  `json:"segments" doc:"of all tasks"`
	Samples      uint64  `json:"samples"`
	TaskSegments uint64  `json:"task_segments"`
	TaskSamples  uint64  `json:"task_samples"`
	Single       float64 `json:"single" doc:"probability that a single forged segment is found"`
	Curve        []Point `json:"curve"`
	Seed         string  `json:"seed"`
	OpenedInput  int64   `json:"opened_input_bytes"`
	OpenedState  int64   `json:"opened_state_bytes"`
}

// Point is a probability of detection.
type Point struct {
	Bad         uint64  `json:"bad" doc:"segments that are forged"`
	Probability float64 `json:"probability"`
}

// Cost is what a check took.
type Cost struct {
	WallSeconds float64 `json:"wall_seconds"`
	CPUSeconds  float64 `json:"cpu_seconds"`
	BytesRead   int64   `json:"bytes_read"`
}

// Revealed is how much a verifier learnt.
type Revealed struct {
	Input  int64 `json:"input_bytes"`
	State  int64 `json:"state_bytes"`
	Output int64 `json:"output_bytes"`
}

// ExecError says how a single call failed.
type ExecError struct {
	Kind    string  `json:"kind"`
	Trap    string  `json:"trap,omitempty"`
	Code    *uint32 `json:"code,omitempty"`
	Message string  `json:"message"`
}

// Exec is what a single call of a module gave.
type Exec struct {
	Outcome string     `json:"outcome" doc:"ok or error"`
	Error   *ExecError `json:"error,omitempty"`
	Values  []string   `json:"values" doc:"integers signed, numbers as the shortest decimal that reads back as the same, bytes as base64"`
	Stdout  []byte     `json:"stdout"`
	Stderr  []byte     `json:"stderr"`
	Fuel    uint64     `json:"fuel"`
	Steps   *uint64    `json:"steps,omitempty" doc:"of the machine"`
	Seconds float64    `json:"seconds"`
	Engine  string     `json:"engine"`
}

// Proved is a proof that was made of a task.
type Proved struct {
	Proof       string  `json:"proof" doc:"CID; another proof of the same has another one"`
	Steps       uint64  `json:"steps" doc:"machine instructions"`
	Fuel        uint64  `json:"fuel" doc:"Wasm instructions"`
	Proofs      int     `json:"proofs" doc:"parts, each a proof of one circuit"`
	Resumed     int     `json:"resumed" doc:"parts that an earlier attempt had finished"`
	Constraints int     `json:"constraints" doc:"of all parts"`
	Used        int     `json:"constraints_used" doc:"that rows of the run take"`
	Bytes       int64   `json:"bytes" doc:"of the proof"`
	Seconds     float64 `json:"seconds" doc:"that proving took, without running the task"`
	Execute     float64 `json:"execute_seconds" doc:"that running the task took, on the machine"`
	Trace       float64 `json:"trace_seconds"`
	Commit      float64 `json:"commit_seconds"`
	Prove       float64 `json:"prove_seconds"`
	Verify      float64 `json:"verify_seconds"`
	Workers     int     `json:"workers" doc:"parts that were worked at at once"`
	PeakRSS     int64   `json:"peak_rss_bytes" doc:"of the process so far; 0 if the system does not tell"`
	Backend     string  `json:"backend" doc:"proof system: groth16, or plonk"`
	Setup       string  `json:"setup" doc:"dev, or the CID of the ceremony that the keys come from"`
	Family      string  `json:"family" doc:"ID of the keys, hexadecimal"`
}

// Proofs are the proofs that were made of a run's tasks.
type Proofs struct {
	Run   string            `json:"run" doc:"CID of the run's record with the proofs, the root of the bundle"`
	Tasks map[string]Proved `json:"tasks" doc:"by label; tasks that did not run have none"`
}

// ProofHead is what a proof says of itself. Whether it holds is what verification says.
type ProofHead struct {
	CID string `json:"cid"`
	Proof
	Computation string `json:"computation" doc:"CID of the task without its subject"`
	Program     string `json:"program" doc:"root of the register program, hexadecimal"`
	Fuel        int64  `json:"fuel" doc:"Wasm instructions that were charged"`
}
