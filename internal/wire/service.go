package wire

import "time"

// Job is where a job of the service stands. Of run, exec, report, preflight, proofs, answer and dispute the one is there that the kind gives, once it is done.
type Job struct {
	ID       string     `json:"id"`
	Kind     string     `json:"kind" doc:"run, exec, verify, preflight, prove, answer, dispute"`
	State    string     `json:"state" enum:"queued,running,done,failed,cancelled" doc:"done: there is an answer, which may tell of tasks that failed"`
	Subject  string     `json:"subject" doc:"CID of what it is about"`
	Stage    string     `json:"stage,omitempty"`
	Done     int64      `json:"done" doc:"parts of the stage that are done"`
	Total    int64      `json:"total" doc:"parts of the stage; 0: nobody knows"`
	Left     float64    `json:"left_seconds,omitempty" doc:"estimate of the time until it is done"`
	Log      []string   `json:"log" doc:"the newest lines"`
	Error    string     `json:"error,omitempty" doc:"of a failed job"`
	Refused  bool       `json:"refused,omitempty" doc:"of a failed job: it would fail again"`
	Accepted *time.Time `json:"accepted,omitempty"`
	Started  *time.Time `json:"started,omitempty"`
	Ended    *time.Time `json:"ended,omitempty"`

	Run    *Run    `json:"run,omitempty"`
	Exec   *Exec   `json:"exec,omitempty"`
	Report *Report `json:"report,omitempty"`

	Preflight *Preflight `json:"preflight,omitempty"`
	Proofs    *Proofs    `json:"proofs,omitempty"`
	Answer    *Answer    `json:"answer,omitempty"`
	Dispute   *Dispute   `json:"dispute,omitempty"`
}

// Final reports whether the job stays as it is.
func (j *Job) Final() bool { return j.State == "done" || j.State == "failed" || j.State == "cancelled" }

// Jobs is a page of jobs, the newest first.
type Jobs struct {
	Jobs []Job  `json:"jobs"`
	Next string `json:"next,omitempty" doc:"cursor of the next page"`
}

// Stored is what was put.
type Stored struct {
	CID   string `json:"cid"`
	Bytes int64  `json:"bytes"`
}

// Imported is what a CAR file brought.
type Imported struct {
	Root   string `json:"root" doc:"CID"`
	Blocks int    `json:"blocks"`
	Bytes  int64  `json:"bytes"`
}

// Module is a module that the profile allows.
type Module struct {
	CID     string           `json:"cid"`
	Bytes   int64            `json:"bytes"`
	Exports []ModuleFunction `json:"exports" doc:"functions that can be called"`
	Command bool             `json:"command" doc:"it is a WASI command: it has _start"`
}

// ModuleFunction is an exported function.
type ModuleFunction struct {
	Name string `json:"name"`
	Type string `json:"type" doc:"its Wasm signature"`
}

// Workflow is a compiled workflow.
type Workflow struct {
	Workflow string         `json:"workflow" doc:"CID"`
	Executor string         `json:"executor" doc:"did:key that its tasks are addressed to"`
	Tasks    []WorkflowTask `json:"tasks" doc:"each after what it awaits, effects last"`
	Fuel     uint64         `json:"fuel" doc:"Wasm instructions that all tasks together may take"`
	Memory   uint32         `json:"memory" doc:"pages of 64 KiB that the greediest task may take"`
	Modules  []string       `json:"modules" doc:"CIDs"`
	Check    string         `json:"check,omitempty" doc:"the check that all tasks ask for"`
}

// WorkflowTask is a task of a compiled workflow.
type WorkflowTask struct {
	Label       string   `json:"label"`
	Task        string   `json:"task" doc:"CID"`
	Computation string   `json:"computation" doc:"CID of the task without its subject"`
	Module      string   `json:"module,omitempty" doc:"CID; absent for an effect"`
	Function    string   `json:"function,omitempty" doc:"absent for a command or an effect"`
	Effect      string   `json:"effect,omitempty" doc:"command of an effect"`
	Awaits      []string `json:"awaits" doc:"labels"`
	Fuel        uint64   `json:"fuel"`
	Memory      uint32   `json:"memory"`
	Check       string   `json:"check,omitempty"`
}

// Receipt is an opened receipt. Its signature was checked; whether it is right is what verification says.
type Receipt struct {
	Issuer string `json:"issuer" doc:"did:key of the signer"`
	Task
	Module string            `json:"module,omitempty" doc:"CID"`
	Tasks  map[string]string `json:"tasks,omitempty" doc:"of a workflow's receipt: its tasks' receipts by label"`
}

// Receipts is a page of the receipt feed, the oldest first.
type Receipts struct {
	Entries []Issued `json:"entries"`
	Next    uint64   `json:"next" doc:"number after which to go on"`
}

// Issued is an entry of the receipt feed.
type Issued struct {
	Number   uint64    `json:"number" doc:"grows from entry to entry"`
	Job      string    `json:"job"`
	Receipts []string  `json:"receipts" doc:"CIDs"`
	At       time.Time `json:"at"`
}

// Transcript is what a transcript says; its state roots lie in blocks of their own.
type Transcript struct {
	CID      string   `json:"cid"`
	Program  string   `json:"program" doc:"root of the register program, hexadecimal"`
	Steps    int64    `json:"steps"`
	Segment  int64    `json:"segment" doc:"steps in a segment"`
	Segments int64    `json:"segments"`
	Fuel     int64    `json:"fuel" doc:"that was used"`
	Outcome  string   `json:"outcome"`
	Roots    []string `json:"roots" doc:"CIDs of the blocks that hold the state roots"`
}

// Service says who this is and what it allows.
type Service struct {
	DID         string   `json:"did" doc:"did:key: the root of all authority here, and the signer of its receipts"`
	Version     string   `json:"version"`
	Profile     string   `json:"profile"`
	Development bool     `json:"development" doc:"requests from the service's own machine need no token"`
	Public      bool     `json:"public" doc:"blocks can be read without a token"`
	Modes       []string `json:"modes" doc:"of verification"`
	Schemes     []string `json:"schemes" doc:"circuits to prove with, the default first; empty: no proofs are made here"`
	Engines     []string `json:"engines"`
	Effects     []string `json:"effects" doc:"commands that workflows may use"`
	Limits      Limits   `json:"limits"`
}

// Limits is what one request may cost.
type Limits struct {
	Fuel        uint64  `json:"fuel" doc:"Wasm instructions of all tasks together"`
	Memory      uint32  `json:"memory" doc:"pages of 64 KiB of one task"`
	Block       int64   `json:"block_bytes"`
	CAR         int64   `json:"car_bytes"`
	Blocks      int     `json:"car_blocks"`
	Document    int64   `json:"document_bytes" doc:"of a workflow's text"`
	Rate        float64 `json:"rate" doc:"requests a second from one address"`
	DIDRate     float64 `json:"did_rate" doc:"requests a second under one DID"`
	Concurrency int     `json:"concurrency" doc:"requests at a time"`
	Watchers    int     `json:"watchers" doc:"event streams at a time"`
	Wait        float64 `json:"wait_seconds" doc:"longest that Prefer: wait is honoured"`
}

// Revoked is a delegation that holds no longer.
type Revoked struct {
	CID string `json:"cid"`
	By  string `json:"by" doc:"did:key"`
}

// Revocations are revocations that were accepted.
type Revocations struct {
	Revoked []Revoked `json:"revoked"`
}

// Keys are the keys to prove with, and those that proofs are checked under.
type Keys struct {
	Keys     []Key    `json:"keys"`
	Families []Family `json:"families"` // that this version can use
}

// Queues are what waits and is worked at, and who works.
type Queues struct {
	Queues  []Queue  `json:"queues"`
	Workers []Worker `json:"workers"` // those that answered; by their own word
}

// Queue is how many jobs of a class have not ended.
type Queue struct {
	Class   string `json:"class"`
	Waiting int64  `json:"waiting"`
	Running int64  `json:"running"`
}

// Worker is a process that does jobs.
type Worker struct {
	Host  string    `json:"host"` // machine and process
	Since time.Time `json:"since"`
	Posts []Post    `json:"posts"`
}

// Post is what a worker does for a class of jobs.
type Post struct {
	Class string `json:"class"`
	Slots int    `json:"slots"` // jobs at once
	Busy  int    `json:"busy"`  // jobs now
}

// Key is the manifest of a circuit's keys.
type Key struct {
	Circuit     string `json:"circuit"` // digest, hexadecimal
	Name        string `json:"name"`
	Constraints int64  `json:"constraints"`
	Bytes       int64  `json:"bytes"`   // of the proving key
	Backend     string `json:"backend"` // proof system
	Gnark       string `json:"gnark"`
	Setup       string `json:"setup"` // dev, or the CID of a ceremony's transcript
}

// Family is a set of keys that proofs are checked under.
type Family struct {
	Family  string   `json:"family"`  // ID, hexadecimal
	Backend string   `json:"backend"` // proof system
	Setup   string   `json:"setup"`
	Shapes  []string `json:"shapes"`
}
