// Package evaluate is what executor and verifier must agree on: which linked module, input and limits a task's content
// stands for, and which claim follows from the result. It is a pure function of content.
package evaluate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/workflow"
)

// Kinds of failures beside the outcomes of a run.
const (
	KindRefused  = "refused"  // the module, the call or a value is not what the profile allows; the same for everybody
	KindMismatch = "mismatch" // an awaited task took the other branch
	KindEffect   = "effect"
	KindTasks    = "tasks" // of a workflow: some of its tasks failed
)

// ErrMissing is returned when content that a task links to is not available. It says nothing about the task.
var ErrMissing = errors.New("content is missing")

// Runner runs linked modules: the native engine, or the machine. An error means that there is no result (a deadline, the
// host's limits), never that the task failed.
type Runner interface {
	Run(ctx context.Context, l *link.Linked, streams [][]byte, lim link.Limits) (link.Result, error)
}

// Served is a result, and what gave it.
type Served struct {
	link.Result
	Engine string
	Steps  uint64 // that the machine took; 0 from another engine
}

// Server is a [Runner] behind which there is more than one engine: it says which one gave a result.
type Server interface {
	Serve(ctx context.Context, l *link.Linked, streams [][]byte, lim link.Limits) (Served, error)
}

// Knower is a [Runner] that is told what of a job is hidden.
type Knower interface {
	RunJob(ctx context.Context, j *Job) (link.Result, error)
}

// Serve runs a job. name is what r is called if it is no [Server].
func Serve(ctx context.Context, r Runner, name string, j *Job) (Served, error) {
	switch r := r.(type) {
	case Server:
		return r.Serve(ctx, j.Linked, j.Streams, j.Limits)
	case Knower:
		res, err := r.RunJob(ctx, j)
		return Served{Result: res, Engine: name}, err
	}
	res, err := r.Run(ctx, j.Linked, j.Streams, j.Limits)
	return Served{Result: res, Engine: name}, err
}

// Getter finds a block. It must have checked that the bytes match the CID.
type Getter func(cid.Cid) (block.Block, bool)

// Job is a task made ready to run.
type Job struct {
	Linked  *link.Linked
	Streams [][]byte
	Limits  link.Limits
	Secret  *Secret // nil: nothing is hidden
}

// refusal makes the failure of a task that is refused before it runs.
func refusal(format string, args ...any) *receipts.Failure {
	msg := fmt.Sprintf(format, args...)
	return &receipts.Failure{Kind: KindRefused, Message: &msg}
}

// Prepare makes a task ready to run. params are the call's, with every promise resolved. A task that cannot be run by
// anybody is a failure; one whose content is not there is [ErrMissing].
func (c *Cache) Prepare(call workflow.Call, params datamodel.Node, get Getter) (*Job, *receipts.Failure, error) {
	if call.Profile != link.Profile {
		return nil, refusal("profile %.32q is unknown, this program has %s", call.Profile, link.Profile), nil
	}
	if call.Memory > link.MaxPages {
		return nil, refusal("a memory cap of %d pages is above the profile's %d", call.Memory, link.MaxPages), nil
	}
	if call.Output > link.MaxOutput {
		return nil, refusal("an output cap of %d bytes is above the profile's %d", call.Output, link.MaxOutput), nil
	}
	m, failure, err := c.module(call.Mod, get)
	if failure != nil || err != nil {
		return nil, failure, err
	}
	var entry link.Entry
	var streams [][]byte
	inputs := make(map[int]hidden.Value)
	if call.Fun == "" {
		streams, failure, err = commandStreams(call, params, get, inputs)
	} else {
		entry, streams, failure, err = m.function(call, params, get, inputs)
	}
	if failure != nil || err != nil {
		return nil, failure, err
	}
	for i, s := range streams {
		if len(s) > link.MaxInput {
			return nil, refusal("input stream %d has %d bytes, above the profile's %d", i, len(s), link.MaxInput), nil
		}
	}
	l, err := c.link(m, entry)
	if err != nil {
		return nil, refusal("%v", err), nil
	}
	j := &Job{Linked: l, Streams: streams, Limits: link.Limits{Fuel: call.Fuel, Memory: call.Memory, Output: call.Output}}
	if len(inputs) > 0 {
		j.Secret = &Secret{Inputs: inputs, Declassify: call.Declassify}
	}
	return j, nil, nil
}

// Load replaces a link to content by the content: raw blocks are bytes, DAG-CBOR blocks the value that they hold.
func Load(n datamodel.Node, get Getter) (datamodel.Node, error) {
	c, ok := block.Link(n)
	if !ok {
		return n, nil
	}
	b, ok := get(c)
	if !ok {
		return nil, fmt.Errorf("input %s: %w", c, ErrMissing)
	}
	if c.Prefix().Codec == cid.Raw {
		return basicnode.NewBytes(b.Data), nil
	}
	return block.Decode(b.Data)
}

// LoadAll replaces every link in a map's values by its content.
func LoadAll(m datamodel.Node, get Getter) (datamodel.Node, error) {
	nb := basicnode.Prototype.Map.NewBuilder()
	ma, err := nb.BeginMap(m.Length())
	if err != nil {
		return nil, err
	}
	for it := m.MapIterator(); !it.Done(); {
		k, v, err := it.Next()
		if err != nil {
			return nil, err
		}
		if v, err = Load(v, get); err != nil {
			return nil, err
		}
		if err := ma.AssembleKey().AssignNode(k); err != nil {
			return nil, err
		}
		if err := ma.AssembleValue().AssignNode(v); err != nil {
			return nil, err
		}
	}
	if err := ma.Finish(); err != nil {
		return nil, err
	}
	return nb.Build(), nil
}

// function makes entry and streams of a function's parameters. Those that are hidden are put into inputs.
func (m *module) function(call workflow.Call, params datamodel.Node, get Getter, inputs map[int]hidden.Value) (link.Entry, [][]byte, *receipts.Failure, error) {
	var values []datamodel.Node
	for it := params.ListIterator(); !it.Done(); {
		i, v, err := it.Next()
		if err != nil {
			return link.Entry{}, nil, nil, err
		}
		// What is loaded is content, whatever it looks like: only the task itself hides.
		h, ok, err := hidden.ValueOf(v)
		if err != nil {
			return link.Entry{}, nil, refusal("parameter %d: %v", i, err), nil
		}
		if ok {
			inputs[link.StreamParam+int(i)] = h
			values = append(values, standIn(h.Kind))
			continue
		}
		if v, err = Load(v, get); err != nil {
			return link.Entry{}, nil, nil, err
		}
		values = append(values, v)
	}
	e, err := link.Resolve(m.decoded, call.Fun, values, call.Result)
	for stream, h := range inputs {
		if i := stream - link.StreamParam; err == nil && !takes(e.Params[i], h.Kind) {
			err = fmt.Errorf("parameter %d of %.40q: a secret of the kind %.40q does not fit %s", i, call.Fun, h.Kind, e.Params[i])
		}
	}
	if err != nil {
		return e, nil, refusal("%v", err), nil
	}
	streams, err := link.Streams(e, values, call.Clock, call.Seed)
	if err != nil {
		return e, nil, refusal("%v", err), nil
	}
	for stream := range inputs {
		streams[stream] = nil
	}
	return e, streams, nil, nil
}

func commandStreams(call workflow.Call, params datamodel.Node, get Getter, inputs map[int]hidden.Value) ([][]byte, *receipts.Failure, error) {
	var args, env []string
	var stdin []byte
	for it := params.MapIterator(); !it.Done(); {
		k, v, err := it.Next()
		if err != nil {
			return nil, nil, err
		}
		switch key, _ := k.AsString(); {
		case key == "args" && v.Kind() == datamodel.Kind_List:
			for list := v.ListIterator(); !list.Done(); {
				_, item, err := list.Next()
				if err != nil {
					return nil, nil, err
				}
				s, failure, err := commandText(item, get)
				if failure != nil || err != nil {
					return nil, failure, err
				}
				args = append(args, s)
			}
		case key == "env" && v.Kind() == datamodel.Kind_Map:
			for m := v.MapIterator(); !m.Done(); {
				name, item, err := m.Next()
				if err != nil {
					return nil, nil, err
				}
				s, failure, err := commandText(item, get)
				if failure != nil || err != nil {
					return nil, failure, err
				}
				n, err := name.AsString()
				if err != nil {
					return nil, nil, err
				}
				env = append(env, n+"="+s)
			}
			slices.Sort(env)
		case key == "stdin":
			h, ok, err := hidden.ValueOf(v)
			if err != nil || ok && !takes(link.Bytes, h.Kind) && !takes(link.String, h.Kind) {
				return nil, refusal("stdin: a secret of the kind %.40q does not fit", h.Kind), nil
			}
			if ok {
				inputs[link.StreamStdin] = h
				continue
			}
			s, failure, err := commandText(v, get)
			if failure != nil || err != nil {
				return nil, failure, err
			}
			stdin = []byte(s)
		default:
			return nil, refusal("a command's parameters are args (a list), env (a map) and stdin; found %.40q", key), nil
		}
	}
	streams, err := link.CommandStreams(args, env, stdin, call.Clock, call.Seed)
	if err != nil {
		return nil, refusal("%v", err), nil
	}
	return streams, nil, nil
}

// commandText is a value as a command sees it: bytes and strings as they are, other scalars as their DAG-JSON.
func commandText(n datamodel.Node, get Getter) (string, *receipts.Failure, error) {
	n, err := Load(n, get)
	if err != nil {
		return "", nil, err
	}
	switch n.Kind() {
	case datamodel.Kind_Bytes:
		b, err := n.AsBytes()
		return string(b), nil, err
	case datamodel.Kind_String:
		s, err := n.AsString()
		return s, nil, err
	case datamodel.Kind_Bool, datamodel.Kind_Int, datamodel.Kind_Float:
		b, err := block.EncodeJSON(n)
		return string(b), nil, err
	}
	return "", refusal("a value of kind %s cannot be given to a command", n.Kind()), nil
}
