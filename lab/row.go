package lab

// Spent is time in milliseconds: by the wall clock, and the CPU time of the process, which is 0 where the system does not tell.
type Spent struct {
	Wall Spread `json:"wall_ms"`
	CPU  Spread `json:"cpu_ms"`
}

// time is the CPU time if it is known, and otherwise the wall clock's.
func (s Spent) time() float64 {
	if s.CPU.Median > 0 {
		return s.CPU.Median
	}
	return s.Wall.Median
}

// Stage is what one stage of a mode takes, measured in a process of its own.
type Stage struct {
	Spent
	Turns int     `json:"turns"`
	Setup float64 `json:"setup_ms"`       // what comes before the first turn, and what that took beyond a later one; by the clock of [Stage.Time]
	Peak  int64   `json:"peak_rss_bytes"` // of the process, from first to last; 0: not known
}

// Time is what one turn takes in milliseconds: the median of the CPU time if that is known, and otherwise of the wall clock's. nil takes none.
func (s *Stage) Time() float64 {
	if s == nil {
		return 0
	}
	return s.time()
}

// Kinds of soundness.
const (
	SoundTrust         = "trust"
	SoundExact         = "exact"
	SoundProbability   = "probability" // that a lie is found
	SoundHonestSide    = "exact, if one side is honest"
	SoundCryptographic = "cryptographic"
)

// Soundness is how sure a checker is.
type Soundness struct {
	Kind      string   `json:"kind"`
	Assume    string   `json:"assumption,omitempty"`
	Statement string   `json:"statement,omitempty"`          // the verdict's
	Single    *float64 `json:"one_bad_segment,omitempty"`    // the probability to find one forged segment
	Tenth     *float64 `json:"tenth_bad_segments,omitempty"` // likewise, of one segment in ten, and at least one
}

// Revealed is what a checker learns, in bytes.
type Revealed struct {
	Input  int64 `json:"input"`
	State  int64 `json:"state"`
	Output int64 `json:"output"`
}

// Total is all of it.
func (r Revealed) Total() int64 { return r.Input + r.State + r.Output }

// Row is one mode on one call. Produce is what happens once, Answer what whoever ran the call does for each checker, Check what a checker does, from
// the evidence's bytes to the verdict. A stage that a mode does not have is nil.
type Row struct {
	Mode  string `json:"mode"`
	Guest string `json:"guest,omitempty"`
	Call  string `json:"call,omitempty"`
	Size  uint64 `json:"size"` // what was asked for: instructions; of a circuit constraints

	Fuel     uint64 `json:"fuel,omitempty"` // Wasm instructions
	Steps    uint64 `json:"steps,omitempty"`
	Segments uint64 `json:"segments,omitempty"`
	Input    int64  `json:"input_bytes"`

	Produce *Stage `json:"produce,omitempty"`
	Answer  *Stage `json:"answer,omitempty"`
	Check   *Stage `json:"check,omitempty"`

	Evidence  int64     `json:"evidence_bytes"` // what a checker reads
	Keys      int64     `json:"key_bytes,omitempty"`
	Revealed  Revealed  `json:"revealed_bytes"`
	Soundness Soundness `json:"soundness"`

	Constraints int64 `json:"constraints,omitempty"` // of a proof
	Parts       int   `json:"parts,omitempty"`       // likewise

	Skipped string `json:"skipped,omitempty"` // why there is nothing more
}

// Total is what the row costs with so many checkers, in milliseconds, without set-up.
func (r *Row) Total(checkers float64) float64 {
	return r.Produce.Time() + checkers*(r.Answer.Time()+r.Check.Time())
}

// Peak is the largest process of any stage, in bytes.
func (r *Row) Peak() (most int64) {
	for _, s := range []*Stage{r.Produce, r.Answer, r.Check} {
		if s != nil {
			most = max(most, s.Peak)
		}
	}
	return most
}

// Setup is what comes before the first time, of all stages together, in milliseconds.
func (r *Row) Setup() (sum float64) {
	for _, s := range []*Stage{r.Produce, r.Answer, r.Check} {
		if s != nil {
			sum += s.Setup
		}
	}
	return sum
}
