package wire

import "encoding/json"

// RunRequest asks for a run of a workflow whose blocks are stored.
type RunRequest struct {
	Workflow   string `json:"workflow" doc:"CID of a workflow whose blocks were put" example:"bafyreib2rxk3rybk3aobmv5cjuql3bm2twh4jo5uxgf5kpqcsgz7soitae"`
	Engine     string `json:"engine,omitempty" enum:"native,machine" doc:"what runs the tasks; default native"`
	Transcript bool   `json:"transcript,omitempty" doc:"run on the machine, and commit to its states"`
	Fresh      string `json:"fresh,omitempty" maxLength:"64" doc:"run every task, even if its result is known: any text, and a new one for each run that is wanted"`
}

// VerifyRequest asks for verdicts about a run whose bundle is stored.
type VerifyRequest struct {
	Run      string   `json:"run" doc:"CID of a run's record, whose bundle was made here or put"`
	Mode     string   `json:"mode" enum:"attest,rerun,spot,zk,check,all"`
	Engine   string   `json:"engine,omitempty" enum:"native,machine" doc:"what runs the tasks again; default native"`
	Executor string   `json:"executor,omitempty" maxLength:"256" doc:"did:key of the signer that is expected"`
	Tasks    []string `json:"tasks,omitempty" maxItems:"1000" doc:"labels; default all"`
	With     []string `json:"with,omitempty" maxItems:"100" doc:"of mode check: CIDs of other executors' runs and of rulings, whose bundles are here"`
	Samples  int64    `json:"samples,omitempty" minimum:"0" maximum:"1000000" doc:"of mode spot: segments to draw, of all tasks; needs seed or open"`
	Seed     string   `json:"seed,omitempty" maxLength:"128" doc:"of mode spot: draw from these bytes, in hexadecimal"`
	Open     bool     `json:"open,omitempty" doc:"of mode spot: the service makes the openings, by running the tasks"`
	Answer   string   `json:"answer,omitempty" doc:"of mode spot: CID of an answer to a challenge, which was made here or put with its openings"`
	AllowDev bool     `json:"allow_dev_setup,omitempty" doc:"of mode zk: accept development keys, whose maker can prove anything"`
	Fresh    string   `json:"fresh,omitempty" maxLength:"64" doc:"check again, even if the answer is known: any text, and a new one for each check that is wanted"`
}

// Call is one call of a stored module: of a function if Invoke is set, else of the WASI command that it is.
type Call struct {
	Module string          `json:"module" doc:"CID of a module that was put"`
	Invoke string          `json:"invoke,omitempty" maxLength:"1024" doc:"exported function; absent for a WASI command"`
	Params json.RawMessage `json:"params,omitempty" doc:"of a function: a list of values as DAG-JSON"`
	Result string          `json:"result,omitempty" enum:"bytes,string" doc:"of a function: it returns bytes or a string (canonical ABI)"`
	Args   []string        `json:"args,omitempty" maxItems:"4096" doc:"of a command"`
	Env    []string        `json:"env,omitempty" maxItems:"4096" doc:"of a command: KEY=VALUE"`
	Stdin  string          `json:"stdin,omitempty" doc:"of a command: CID of a block that was put"`
	Fuel   uint64          `json:"fuel" minimum:"0" maximum:"9223372036854775807" doc:"Wasm instructions after which the outcome is fuel"`
	Memory uint32          `json:"memory,omitempty" doc:"cap of the memory, in pages of 64 KiB; default 1024"`
	Output uint64          `json:"output,omitempty" maximum:"67108864" doc:"cap of all output, in bytes; default 16 MiB"`
	Clock  uint64          `json:"clock,omitempty" maximum:"9223372036854775807" doc:"where a command's clock starts, in nanoseconds since 1970"`
	Seed   uint64          `json:"seed,omitempty" maximum:"9223372036854775807" doc:"of a command's random numbers"`
}

// ExecRequest asks for one call, without a receipt.
type ExecRequest struct {
	Call
	Engine string `json:"engine,omitempty" enum:"native,machine" doc:"default native"`
}

// PreflightRequest asks for the steps of a workflow's tasks, or of one call, to be counted.
type PreflightRequest struct {
	Workflow string `json:"workflow,omitempty" doc:"CID of a workflow whose blocks were put"`
	Call     *Call  `json:"call,omitempty" doc:"one call of a module, instead of a workflow"`
}

// ProveRequest asks for proofs of a run whose bundle is stored.
type ProveRequest struct {
	Run    string   `json:"run" doc:"CID of a run's record, whose bundle was made here or put"`
	Tasks  []string `json:"tasks,omitempty" maxItems:"1000" doc:"labels; default all that ran"`
	Scheme string   `json:"scheme,omitempty" maxLength:"64" doc:"circuits to prove with: standard, or small, for short runs; default the service's own" example:"small"`
	Fresh  string   `json:"fresh,omitempty" maxLength:"64" doc:"prove again, even if there is a proof: any text, and a new one for each proof that is wanted"`
}
