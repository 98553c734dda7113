package wire

// ChallengeRequest asks for a challenge to the executor of a run whose bundle is stored.
type ChallengeRequest struct {
	Run     string            `json:"run" doc:"CID of a run's record, whose bundle was made here or put"`
	Samples int64             `json:"samples,omitempty" minimum:"0" maximum:"1000000" doc:"segments to draw, of all tasks; default 20"`
	Seed    string            `json:"seed,omitempty" maxLength:"128" doc:"draw from these bytes, in hexadecimal; default a fresh nonce of the service"`
	Weights map[string]uint64 `json:"weights,omitempty" doc:"by label: draw from a task so many times as densely as from one of weight 1, and from none that is not named; default all alike"`
}

// Challenge is a challenge that was made.
type Challenge struct {
	Challenge string  `json:"challenge" doc:"CID"`
	Receipt   string  `json:"receipt" doc:"CID of the run's receipt"`
	Seed      string  `json:"seed" doc:"kind of the seed: nonce, beacon, transcript, supplied"`
	Samples   int64   `json:"samples"`
	Drawn     []Drawn `json:"drawn"`
	Again     bool    `json:"again" doc:"it was open already: it is never drawn anew"`
}

// Drawn is a segment that a challenge draws.
type Drawn struct {
	Task    string `json:"task" doc:"label"`
	Segment uint64 `json:"segment"`
}

// AnswerRequest asks the executor of a run for the openings that a challenge draws.
type AnswerRequest struct {
	Run       string `json:"run" doc:"CID of a run's record, whose bundle was made here or put"`
	Challenge string `json:"challenge" doc:"CID of a challenge that was put"`
}

// Answer is an answer to a challenge.
type Answer struct {
	Answer    string `json:"answer" doc:"CID"`
	Challenge string `json:"challenge" doc:"CID"`
	Openings  int    `json:"openings"`
	Bytes     int64  `json:"bytes"`
	Run       string `json:"run,omitempty" doc:"CID of the run's record with the answer in it, if that was asked for"`
}

// DisputeRequest asks for a ruling about two runs whose bundles are stored.
type DisputeRequest struct {
	A     string   `json:"a" doc:"CID of a run's record"`
	B     string   `json:"b" doc:"CID of the other run's record"`
	Tasks []string `json:"tasks,omitempty" maxItems:"1000" doc:"labels, of the first run; default all"`
	Arity uint64   `json:"arity,omitempty" minimum:"0" maximum:"1024" doc:"into how many parts a round divides what is left; default 16"`
	Held  bool     `json:"held,omitempty" doc:"use only the openings that the bundles hold, and run nothing"`
}

// Dispute is what became of what two runs disagree about.
type Dispute struct {
	Outcome string       `json:"outcome" doc:"agreed, settled or open"`
	Tasks   []Settlement `json:"tasks"`
}

// Settlement is what became of one task that both runs have.
type Settlement struct {
	Task        string  `json:"task" doc:"label in the first run"`
	Computation string  `json:"computation" doc:"CID"`
	Outcome     string  `json:"outcome" doc:"agreed, settled, follows or open"`
	Reason      string  `json:"reason" doc:"why it is open, or what it follows"`
	Differ      string  `json:"differ" doc:"in what the receipts contradict each other"`
	A           string  `json:"a" doc:"CID of the receipt"`
	B           string  `json:"b" doc:"CID of the receipt"`
	ExecutorA   string  `json:"executor_a" doc:"did:key"`
	ExecutorB   string  `json:"executor_b" doc:"did:key"`
	Wrong       []Wrong `json:"wrong"`
	Rounds      int     `json:"rounds"`
	Messages    int     `json:"messages"`
	Bytes       int64   `json:"bytes" doc:"of all messages"`
	Referee     Spent   `json:"referee"`
	Sides       Spent   `json:"sides" doc:"that both together took to answer, if they were played here"`
	Ruling      string  `json:"ruling,omitempty" doc:"CID"`
	File        string  `json:"file,omitempty" doc:"of the ruling; by the command alone"`
}

// Spent is time.
type Spent struct {
	WallSeconds float64 `json:"wall_seconds"`
	CPUSeconds  float64 `json:"cpu_seconds"`
}

// Wrong is an executor of which a dispute found that it is wrong.
type Wrong struct {
	Side     string  `json:"side" doc:"A or B"`
	Executor string  `json:"executor" doc:"did:key"`
	Receipt  string  `json:"receipt" doc:"CID"`
	Ground   string  `json:"ground"`
	Reason   string  `json:"reason"`
	Segment  *uint64 `json:"segment,omitempty"`
	Evidence string  `json:"evidence,omitempty" doc:"CID of a refutation"`
}

// HearingRequest opens a dispute about one task of two runs whose bundles are stored, whose sides answer for themselves.
type HearingRequest struct {
	A        string  `json:"a" doc:"CID of a run's record"`
	B        string  `json:"b" doc:"CID of the other run's record"`
	Task     string  `json:"task" maxLength:"1000" doc:"label, in the first run"`
	Arity    uint64  `json:"arity,omitempty" minimum:"0" maximum:"1024" doc:"into how many parts a round divides what is left; default 16"`
	Patience float64 `json:"patience_seconds,omitempty" minimum:"0" maximum:"604800" doc:"that a side is given for an answer; default 60"`
}

// Hearing is where such a dispute stands.
type Hearing struct {
	ID         string     `json:"id" doc:"CID"`
	Done       bool       `json:"done" doc:"nothing more is asked"`
	Round      int        `json:"round"`
	Deadline   string     `json:"deadline,omitempty" doc:"RFC 3339: who has not answered by then loses"`
	Asks       []Asked    `json:"asks" doc:"what is waited for"`
	Settlement Settlement `json:"settlement"`
}

// Asked is a question that a side owes an answer to.
type Asked struct {
	Side string `json:"side" enum:"A,B"`
	Ask  []byte `json:"ask" doc:"the question, as DAG-CBOR"`
}

// HearingReply is a side's answer.
type HearingReply struct {
	Side  string `json:"side" enum:"A,B"`
	Reply []byte `json:"reply" maxLength:"16777216" doc:"the answer, as DAG-CBOR"`
}
