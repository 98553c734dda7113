package wire

// Preflight is what counting a run found out.
type Preflight struct {
	Kind     string    `json:"kind"`     // module or workflow
	Provable bool      `json:"provable"` // nothing that was executed stands against a proof
	Scheme   []string  `json:"scheme"`   // shapes of the circuits that predictions are for
	Tasks    []Counted `json:"tasks"`    // in the order in which they can run
	Effects  []string  `json:"effects"`
}

// Counted is a call or task that was counted, or one that did not run.
type Counted struct {
	Label    string     `json:"label,omitempty"` // of a workflow's task
	Outcome  string     `json:"outcome"`
	Error    *Failure   `json:"error,omitempty"`
	Ran      bool       `json:"ran"`
	Provable *bool      `json:"provable,omitempty"` // absent, as there is nothing to prove, if it did not run
	Obstacle *Place     `json:"obstacle,omitempty"` // the first step that stands against a proof
	Reason   string     `json:"reason,omitempty"`
	Proof    *Predicted `json:"proof,omitempty"` // what a proof takes, if one can show the run
	ProgramHead
	Steps          uint64   `json:"steps"`
	Fuel           uint64   `json:"fuel"`
	StepsPerFuel   float64  `json:"steps_per_fuel"`
	Seconds        float64  `json:"seconds"`       // that counting took
	MemoryPages    uint32   `json:"memory_pages"`  // at the end
	TouchedBytes   uint64   `json:"touched_bytes"` // of memory, in pages of 4 KiB that were read or written
	Classes        []Class  `json:"classes"`
	Functions      []Hot    `json:"functions"`         // that took steps, the most first
	UnreachedFloat []Floats `json:"unexecuted_floats"` // functions with floats none of which was executed
}

// Predicted is what a proof takes.
type Predicted struct {
	Parts       int      `json:"parts"`
	Constraints int      `json:"constraints"`       // of all parts
	Used        int      `json:"constraints_used"`  // that rows of the run take
	Bytes       int64    `json:"bytes"`             // of the proof, without its statement
	Memory      int64    `json:"memory_bytes"`      // with a part on each core
	Seconds     *float64 `json:"seconds,omitempty"` // absent if nothing was proved here yet
}

// Place is where an instruction stands.
type Place struct {
	Function *uint32 `json:"function,omitempty"` // index in the module
	Name     string  `json:"function_name"`
	Offset   *uint32 `json:"offset,omitempty"` // in the module's file
	Wasm     string  `json:"wasm"`
	PC       uint32  `json:"pc"`
	Step     uint64  `json:"step"` // how many steps came before
}

// Class is a kind of operations.
type Class struct {
	Class string  `json:"class"`
	Steps uint64  `json:"steps"`
	Share float64 `json:"share"`
}

// Hot is a function that took steps.
type Hot struct {
	Origin       string  `json:"origin"`
	Function     *uint32 `json:"function,omitempty"`
	Name         string  `json:"name"`
	Steps        uint64  `json:"steps"`
	Share        float64 `json:"share"`
	Instructions uint64  `json:"instructions"` // of Wasm
}

// Floats is a function with floats none of which was executed.
type Floats struct {
	Function *uint32 `json:"function,omitempty"`
	Name     string  `json:"name"`
	Floats   int     `json:"floats"`
}

// Stopped reports whether something stands against a proof.
func (c *Counted) Stopped() bool { return c.Provable != nil && !*c.Provable }

// ProgramHead is the register program that one call of a module becomes. It depends on the function and the kinds of its parameters, not
// on their values.
type ProgramHead struct {
	Invoke       string `json:"program_of,omitempty"` // absent for a command
	Program      string `json:"program,omitempty"`    // the root that receipts name
	Instructions int    `json:"instructions,omitempty"`
}
