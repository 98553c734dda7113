package cluster

import (
	_ "embed"
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/receipts"
)

//go:embed schema.ipldsch
var schemaText []byte

var types = block.Schema(schemaText)

// Versions of what is kept. SchemaVersion is that of the whole: which streams there are and what their subjects mean.
const (
	SchemaVersion   = "cluster/1"
	jobVersion      = "job/1"
	acceptedVersion = "accepted/1"
	endVersion      = "end/1"
	reportVersion   = "report/1"
	letterVersion   = "letter/1"
	memberVersion   = "member/1"
)

// ErrVersion says that what is kept was written by a program with another schema.
var ErrVersion = errors.New("unknown version")

// wireJob and the types below follow schema.ipldsch.
type wireJob struct {
	Version string
	Class   string
	Mode    string
	Subject datamodel.Link
	Params  []byte
}

type accepted struct {
	Version string
	Job     wireJob
	Attempt int64
	At      int64
	Blocks  []byte
}

type end struct {
	Version  string
	Job      wireJob
	Attempt  int64
	State    string
	Error    *string
	Result   *datamodel.Link
	Receipts []datamodel.Link
	Accepted int64
	Started  int64
	Ended    int64
	Log      []string
	By       string
	Blocks   []byte
}

type report struct {
	Version string
	State   string
	Attempt int64
	Started int64
	Stage   string
	Done    int64
	Total   int64
	Left    int64
	Log     []string
	Failed  int64
	Error   *string
}

type letter struct {
	Version string
	Job     wireJob
	Attempt int64
	Tries   int64
	Error   string
	At      int64
}

type member struct {
	Version string
	Host    string
	Since   int64
	Posts   []post
}

type post struct {
	Class string
	Slots int64
	Busy  int64
}

func (j Job) wire() wireJob {
	w := wireJob{Version: jobVersion, Class: j.Class, Mode: j.Mode, Subject: receipts.Link(j.Subject), Params: j.Params}
	if w.Params == nil {
		w.Params = []byte{}
	}
	return w
}

func (w wireJob) job() Job {
	return Job{Class: w.Class, Mode: w.Mode, Subject: receipts.CID(w.Subject), Params: w.Params}
}

// encode returns the canonical bytes of a value that v points to.
func encode(v any, typ string) ([]byte, error) {
	b, err := block.Marshal(v, types().TypeByName(typ))
	return b.Data, err
}

// versioned are the types that [decode] reads.
type versioned interface{ version() (got, want string) }

func (a *accepted) version() (got, want string) { return a.Version, acceptedVersion }
func (e *end) version() (got, want string)      { return e.Version, endVersion }
func (r *report) version() (got, want string)   { return r.Version, reportVersion }
func (l *letter) version() (got, want string)   { return l.Version, letterVersion }
func (m *member) version() (got, want string)   { return m.Version, memberVersion }

// decode is the inverse of encode. It is strict: what it accepts is what encode writes.
func decode(data []byte, v versioned, typ string) error {
	err := block.Unmarshal(data, v, types().TypeByName(typ))
	if got, want := v.version(); err == nil && got != want {
		err = fmt.Errorf("%w %.64q, this program knows %q", ErrVersion, got, want)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", typ, err)
	}
	return nil
}

func links(cs []cid.Cid) []datamodel.Link {
	out := make([]datamodel.Link, len(cs))
	for i, c := range cs {
		out[i] = receipts.Link(c)
	}
	return out
}

func cids(ls []datamodel.Link) []cid.Cid {
	out := make([]cid.Cid, len(ls))
	for i, l := range ls {
		out[i] = receipts.CID(l)
	}
	return out
}
