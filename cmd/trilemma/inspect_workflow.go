package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/internal/secrets"
	"github.com/trilemma-dev/trilemma/workflow"
)

// workflowJSON is a workflow as inspect shows it. CIDs that depend on the executor's key are absent where there is no key.
type workflowJSON struct {
	Kind     string             `json:"kind"` // workflow
	CID      string             `json:"workflow,omitempty"`
	Executor string             `json:"executor,omitempty"`
	Tasks    []workflowTaskJSON `json:"tasks"` // in the order in which they can run
	Effects  []string           `json:"effects"`
}

type workflowTaskJSON struct {
	Label string `json:"label"`
	Task  string `json:"task,omitempty"`
	callShape
	Idempotent bool   `json:"idempotent,omitempty"` // of an effect
	Check      string `json:"check"`
	Secret     bool   `json:"secret,omitempty"` // what it consumes is hidden, or some of it
	Hidden     bool   `json:"hidden,omitempty"` // so is its result
	Fuel       uint64 `json:"fuel,omitempty"`
	Memory     uint32 `json:"memory,omitempty"`
	Output     uint64 `json:"output,omitempty"`
	Problem    string `json:"problem,omitempty"` // why it would be refused, whatever it is given
}

// callShape is what a task calls.
type callShape struct {
	Computation string          `json:"computation"`
	Cmd         string          `json:"cmd"`
	Mod         string          `json:"mod,omitempty"`
	Fun         string          `json:"fun,omitempty"`
	Params      json.RawMessage `json:"params"`
	Awaits      []awaitJSON     `json:"awaits"`
}

type awaitJSON struct {
	Label  string `json:"label"`
	Branch string `json:"branch"` // ok, error or *
}

func shapeOf(t *workflow.Task) (callShape, error) {
	s := callShape{Computation: t.Computation.String(), Cmd: t.Cmd, Fun: t.Fun, Awaits: []awaitJSON{}}
	if t.Mod.Defined() {
		s.Mod = t.Mod.String()
	}
	for _, a := range t.Awaits {
		s.Awaits = append(s.Awaits, awaitJSON(a))
	}
	var err error
	s.Params, err = block.EncodeJSON(t.Params)
	return s, err
}

// calls is what a task calls in a few words.
func (s callShape) calls() string {
	switch {
	case s.Mod == "":
		return s.Cmd
	case s.Fun == "":
		return "_start of " + shorten(s.Mod)
	}
	return s.Fun + " of " + shorten(s.Mod)
}

func (s callShape) awaits() string {
	words := make([]string, len(s.Awaits))
	for i, a := range s.Awaits {
		words[i] = a.Label
		if a.Branch != "ok" {
			words[i] += " (" + a.Branch + ")"
		}
	}
	return strings.Join(words, ", ")
}

// inspectWorkflow compiles a document for the key that is here, if there is one, and shows the tasks.
func (a *app) inspectWorkflow(ctx context.Context, name string, data []byte) (*view, error) {
	did, err := a.existingKey()
	if err != nil {
		return nil, err
	}
	d, err := document(name, data)
	if err != nil {
		return nil, err
	}
	w, err := a.compile(ctx, d, did, a.inStore, secrets.New(rand.Reader))
	if err != nil {
		return nil, err
	}
	v, err := showWorkflow(w, did, func(c cid.Cid) (block.Block, bool) {
		data, ok := w.Blocks[c]
		return block.Block{CID: c, Data: data}, ok
	})
	if err != nil {
		return nil, err
	}
	if did == "" {
		v.fact("note", "there is no signing key yet: the CIDs of the workflow and its tasks depend on it")
	}
	if _, ok := d.Secret(); ok {
		v.fact("note", "secrets are committed to anew each time: the CIDs of secret tasks are others in a run")
	}
	return v, nil
}

// existingKey is the DID of the signing key, or nothing if none was made yet.
func (a *app) existingKey() (string, error) {
	path, err := a.keyPath()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	k, err := capability.LoadKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", usage("signing key: %w", err)
	}
	return k.DID(), nil
}

func showWorkflow(w *workflow.Workflow, executor string, get evaluate.Getter) (*view, error) {
	out := workflowJSON{Kind: "workflow", Executor: executor, Effects: []string{}}
	v := &view{}
	v.fact("kind", "workflow")
	if executor != "" {
		out.CID = w.CID.String()
		v.fact("cid", out.CID)
		v.fact("executor", executor)
	}
	rows := [][]string{{"  TASK", "CALLS", "AWAITS", "CHECK", "FUEL", "MEMORY", "COMPUTATION"}}
	var problems [][]string
	var cache evaluate.Cache
	for _, t := range w.Tasks {
		shape, err := shapeOf(t)
		if err != nil {
			return nil, err
		}
		j := workflowTaskJSON{Label: t.Label, callShape: shape, Idempotent: t.Idempotent, Check: string(t.Check.Mode), Secret: t.Secret, Hidden: t.Hides(), Fuel: t.Fuel, Memory: t.Memory, Output: t.Output}
		if executor != "" {
			j.Task = t.CID.String()
		}
		row := []string{"  " + t.Label, shape.calls(), shape.awaits(), j.Check, "", "", shape.Computation}
		if t.Secret {
			row[3] += ", secret"
		}
		if t.Effect() {
			out.Effects = append(out.Effects, t.Label)
		} else {
			row[4], row[5] = fmt.Sprint(t.Fuel), fmt.Sprintf("%d pages", t.Memory)
			failure, err := cache.Check(t.Call, get)
			switch {
			case err != nil && !errors.Is(err, evaluate.ErrMissing):
				return nil, err
			case failure != nil:
				j.Problem = *failure.Message
				problems = append(problems, []string{"  " + t.Label + ": " + j.Problem})
				v.code = exitFailed
			}
		}
		rows = append(rows, row)
		out.Tasks = append(out.Tasks, j)
	}
	v.fact("tasks", fmt.Sprint(len(w.Tasks)))
	v.fact("effects", strings.Join(out.Effects, ", "))
	v.parts = append(v.parts, part{"tasks, in the order in which they can run", rows})
	if len(problems) > 0 {
		v.parts = append(v.parts, part{"tasks that would be refused", problems})
	}
	v.json = out
	return v, nil
}
