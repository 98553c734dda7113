package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/guests"
	"github.com/trilemma-dev/trilemma/internal/engine"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/internal/secrets"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/workflow"
)

// call is one call of a guest's function, or of a command if it names none: its one parameter is then its standard input.
type call struct {
	guest, fun, result string
	params             []any // int, or []byte
}

// sized is a guest whose work can be given any length.
type sized struct {
	guest string
	call  func(instructions float64) call
}

// sizedGuests are all guests. What an instruction's worth of input is was measured: testdata/steps.txt has the figures that the numbers follow.
func sizedGuests() []sized {
	one := func(guest, fun string, n func(float64) []any) sized {
		return sized{guest, func(size float64) call { return call{guest: guest, fun: fun, params: n(size)} }}
	}
	whole := func(v float64) int { return max(1, int(math.Round(v))) }
	hash := one("sha256", "sha256", func(n float64) []any { return []any{noise(whole(n / 137))} })
	count := one("words", "words_count", func(n float64) []any { return []any{prose(whole(n / 243)), 0, 1} })
	bytes := func(s sized) sized {
		return sized{s.guest, func(size float64) call { c := s.call(size); c.result = "bytes"; return c }}
	}
	return []sized{
		one("fib", "fib", func(n float64) []any { return []any{whole(29 + math.Log(n/2.1e7)/math.Log(math.Phi))} }),
		one("json", "json_check", func(n float64) []any { return []any{records(whole(n / 5702))} }),
		one("matrix", "matrix_random", func(n float64) []any { return []any{whole(math.Cbrt(n / 19.7)), 1} }),
		bytes(hash),
		one("sort", "sort_random", func(n float64) []any { return []any{sortable(n / 27.6), 1} }),
		one("threshold", "sum_at_least", func(n float64) []any { return []any{noise(8 * whole(n/24.5)), 1} }),
		one("wc", "", func(n float64) []any { return []any{prose(whole(n / 60))} }),
		bytes(count),
	}
}

// sortable is the n of which n·log₂ n is nearest to work.
func sortable(work float64) int {
	n := 2
	for float64(n)*math.Log2(float64(n)) < work {
		n += max(1, n/64)
	}
	return n
}

// Guests are the names of those whose work can be given any length.
func Guests() (names []string) {
	for _, s := range sizedGuests() {
		names = append(names, s.guest)
	}
	return names
}

// callOf is a guest's call of about so many instructions.
func callOf(guest string, instructions uint64) (call, error) {
	for _, s := range sizedGuests() {
		if s.guest == guest {
			return s.call(float64(instructions)), nil
		}
	}
	return call{}, fmt.Errorf("lab: there is no guest %q that can be given a size", guest)
}

// work makes the call ready to run without a workflow.
func (c call) work() (*Work, error) { return newWork(c.guest, c.fun, c.result, c.params) }

// compile makes the call the only task of a workflow for an executor. With a set of secrets the task hides all that goes in and comes out, and the set opens it.
func (c call) compile(executor string, private *secrets.Set) (*workflow.Workflow, error) {
	files := map[string][]byte{}
	params := make([]any, len(c.params))
	for i, p := range c.params {
		data, ok := p.([]byte)
		if !ok {
			params[i] = p
			continue
		}
		name := fmt.Sprint("input", i)
		files[name], params[i] = data, map[string]string{"file": name}
	}
	run := map[string]any{"mod": c.guest, "params": params}
	if c.fun == "" {
		run["params"] = map[string]any{"stdin": params[0]}
	} else {
		run["fun"] = c.fun
	}
	if c.result != "" {
		run["result"] = c.result
	}
	task := map[string]any{"run": run}
	var seal func([]byte) (hidden.Commitment, error)
	if private != nil {
		task["secret"], seal = true, private.Hide
	}
	text, err := json.Marshal(map[string]any{"trilemma": "workflow/1", "tasks": map[string]any{"task": task}})
	if err != nil {
		return nil, err
	}
	d, err := workflow.Parse("call.json", text)
	if err != nil {
		return nil, err
	}
	return workflow.Compile(d, workflow.Config{Sub: executor, Profile: link.Profile, Fuel: 1 << 40, Memory: link.DefaultPages, Output: link.DefaultOutput, Seal: seal,
		ReadFile: func(name string) ([]byte, error) {
			if data, ok := files[name]; ok {
				return data, nil
			}
			if name != c.guest {
				return nil, fs.ErrNotExist
			}
			return guests.Module(name)
		}})
}

// signer runs calls for one executor.
type signer struct {
	key *capability.Key
	x   *executor.Executor
}

// newSigner makes an executor with a key of its own, over a store that others may share. Without a runner it runs on the machine, with transcripts.
// fresh says that what is known is run again; a set of secrets opens what calls hide.
func newSigner(keep *store.Memory, native evaluate.Runner, fresh bool, private *secrets.Set) (*signer, error) {
	key, err := capability.GenerateKey("ed25519")
	if err != nil {
		return nil, err
	}
	cfg := executor.Config{Signer: key, Runner: native, Engine: engine.NameNative, Blocks: keep, Records: keep, Memo: keep, Fresh: fresh}
	if native == nil {
		cfg.Runner, cfg.Engine, cfg.Recorder = &engine.Machine{}, engine.NameMachine, &machine.Engine{}
	}
	if private != nil {
		cfg.Secrets = private
	}
	x, err := executor.New(cfg)
	return &signer{key, x}, err
}

// run runs a workflow, of which no task may fail.
func (s *signer) run(ctx context.Context, w *workflow.Workflow) (*executor.Run, error) {
	r, err := s.x.Run(ctx, w)
	if err == nil && r.Receipt.Claim.Out.Error != nil {
		err = errors.New(r.Receipt.Claim.Out.Error.String())
	}
	return r, err
}
