package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"
	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/client"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/internal/proving"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/verifier"
	"github.com/trilemma-dev/trilemma/workflow"
)

// remoteFlags say which service does the work.
type remoteFlags struct{ url, key, proof string }

func (f *remoteFlags) add(root *cobra.Command) {
	fl := root.PersistentFlags()
	fl.StringVar(&f.url, "remote", "", "let the service at this URL do the work; default: TRILEMMA_REMOTE")
	fl.StringVar(&f.key, "remote-key", "", "sign requests with this key file instead of the one in TRILEMMA_HOME")
	fl.StringVar(&f.proof, "remote-proof", "", "file with the delegations that lead from the service to our key")
	completeFlag(root, "remote", oneOf())
}

// remoteCommands are those that a service can do the work of.
func remoteCommands() []string {
	return []string{"run", "exec", "verify", "prove", "preflight", "inspect", "dispute", "challenge new", "challenge answer", "challenge check", "hearing open", "hearing answer", "hearing show", "worker list"}
}

// check refuses a service where it was named for a command that needs none. One that the environment names is for those that do.
func (f *remoteFlags) check(c *cobra.Command, getenv func(string) string) error {
	if !c.Flags().Changed("remote") {
		f.url = getenv("TRILEMMA_REMOTE")
	}
	if slices.Contains(remoteCommands(), strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" ")) {
		return nil
	}
	if c.Flags().Changed("remote") {
		return usage("%s is done here: a service does run, exec, verify, prove, preflight, inspect, challenge, dispute and hearing", c.CommandPath())
	}
	f.url = ""
	return nil
}

// service is a client of the service, and who that is. engine is that which it is to use.
func (a *app) service(ctx context.Context, engine string) (*client.Client, *client.Service, error) {
	if err := checkEngine(engine); err != nil {
		return nil, nil, err
	}
	cfg := client.Config{URL: a.remote.url, Waiting: a.waiting}
	c, err := client.New(cfg)
	if err != nil {
		return nil, nil, usage("--remote: %w", err)
	}
	s, err := c.Service(ctx)
	if err != nil {
		return nil, nil, remoteError(err)
	}
	if s.Development && a.remote.key == "" && a.remote.proof == "" {
		return c, s, nil
	}
	key, err := a.signer(a.remote.key)
	if err != nil {
		return nil, nil, err
	}
	cfg.Key = key
	if a.remote.proof != "" {
		if cfg.Proofs, err = a.readTokens(a.remote.proof); err != nil {
			return nil, nil, err
		}
	}
	c, err = client.New(cfg)
	return c, s, err
}

func (a *app) waiting(err error) { fmt.Fprintf(a.err, "note: the service is waited for: %v\n", err) }

// remoteError gives what a service says an exit status.
func remoteError(err error) error {
	p, ok := errors.AsType[*client.Problem](err)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, capability.ErrClaim), errors.Is(err, capability.ErrCommand):
		return &status{code: exitDenied, err: err, hint: "name the delegations that lead to your key with --remote-proof"}
	case !ok:
		return hostFailure(err)
	case p.Status == http.StatusUnauthorized, p.Status == http.StatusForbidden:
		return &status{code: exitDenied, err: p, hint: p.Hint}
	case p.Status >= http.StatusInternalServerError, p.Status == http.StatusTooManyRequests:
		return &status{code: exitFailed, err: p, hint: p.Hint}
	}
	return &status{code: exitUsage, err: p, hint: p.Hint}
}

// finished waits for a job. If ctx ends before, the job is cancelled.
func (a *app) finished(ctx context.Context, c *client.Client, j *client.Job, err error, progress func(*client.Job)) (*client.Job, error) {
	if err != nil {
		return nil, remoteError(err)
	}
	j, err = c.Wait(ctx, j, progress)
	if ctx.Err() != nil {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if _, cerr := c.Cancel(late, j.ID); cerr != nil {
			fmt.Fprintln(a.err, "note: the service was not told to stop:", cerr)
		}
		return nil, ctx.Err()
	}
	if errors.Is(err, client.ErrFailed) && j.Refused {
		return nil, &status{code: exitUsage, err: errors.New(j.Error)}
	}
	if err != nil {
		return nil, remoteError(err)
	}
	return j, nil
}

// here are the flags of run that are about this machine's own engine.
func (f *runFlags) here() string {
	switch {
	case f.key != "":
		return "--key"
	case f.workers != 0:
		return "--workers"
	case f.files != "":
		return "--files"
	case len(f.hosts) > 0:
		return "--allow-http"
	}
	return ""
}

// runThere lets the service run a workflow. What is compiled and what comes back is checked here.
func (a *app) runThere(ctx, timed context.Context, d *workflow.Document, f runFlags) (*executor.Run, error) {
	if name := f.here(); name != "" {
		return nil, usage("%s is the service's own business", name)
	}
	if err := a.noSecrets(d); err != nil {
		return nil, err
	}
	c, s, err := a.service(ctx, f.engine)
	if err != nil {
		return nil, err
	}
	w, err := a.compile(ctx, d, s.DID, a.inService, nil)
	if err != nil {
		return nil, err
	}
	if err := c.PutWorkflow(ctx, w); err != nil {
		return nil, remoteError(err)
	}
	ask := client.RunRequest{Workflow: w.CID.String(), Engine: f.engine, Transcript: f.transcript}
	if f.fresh {
		ask.Fresh = rand.Text()
	}
	bar := a.progress(len(w.Tasks))
	j, err := c.Run(timed, ask)
	j, err = a.finished(timed, c, j, err, func(j *client.Job) { bar.done(int(j.Done)) })
	bar.end()
	if err != nil {
		return nil, unfinished(err, f.deadline)
	}
	if j.Run == nil {
		return nil, hostFailure(client.ErrAnswer)
	}
	b, err := c.Bundle(ctx, j.Run.Run)
	if err != nil {
		return nil, remoteError(err)
	}
	r, err := executor.Reopen(b, w)
	if err != nil {
		return nil, hostFailure(err)
	}
	for i, t := range r.Results {
		r.Results[i].Memoised = j.Run.Tasks[t.Task.Label].Memoised
	}
	return r, nil
}

// execThere lets the service call a module.
func (a *app) execThere(ctx context.Context, name string, args []string, f execFlags) error {
	data, err := a.readFile(name, block.MaxBlock)
	if err != nil {
		return err
	}
	call, put, err := a.callThere(name, data, args, f)
	if err != nil {
		return err
	}
	c, _, err := a.service(ctx, f.engine)
	if err != nil {
		return err
	}
	if err := putAll(ctx, c, put); err != nil {
		return err
	}
	timed, cancel := limited(ctx, f.deadline)
	defer cancel()
	start := time.Now()
	j, err := c.Exec(timed, client.ExecRequest{Call: *call, Engine: f.engine})
	j, err = a.finished(timed, c, j, err, nil)
	if errors.Is(err, context.DeadlineExceeded) {
		return a.printDeadline(f.deadline, f.engine, time.Since(start))
	}
	if err != nil {
		return hostFailure(err)
	}
	if j.Exec == nil {
		return hostFailure(client.ErrAnswer)
	}
	return a.printExec(j.Exec)
}

func putAll(ctx context.Context, c *client.Client, blocks []block.Block) error {
	for _, b := range blocks {
		if err := c.Put(ctx, b); err != nil {
			return remoteError(err)
		}
	}
	return nil
}

// callThere is a call of a module as the service is asked for it, and the blocks that it needs. What is wrong is told before anything is sent.
func (a *app) callThere(name string, data []byte, args []string, f execFlags) (*client.Call, []block.Block, error) {
	m, err := loadModule(name, data)
	if err != nil {
		return nil, nil, err
	}
	_, in, params, err := a.linkModule(name, m, args, f)
	if err != nil {
		return nil, nil, err
	}
	put := []block.Block{block.Raw(data)}
	call := &client.Call{Module: put[0].CID.String(), Invoke: f.invoke, Result: f.result, Fuel: f.fuel, Memory: f.memory, Output: f.output, Clock: f.clock, Seed: f.seed}
	if f.invoke != "" {
		call.Params, err = paramsJSON(params)
		return call, put, err
	}
	call.Args, call.Env = args, f.env
	if f.stdin != "" {
		put = append(put, block.Raw(in[link.StreamStdin]))
		call.Stdin = put[1].CID.String()
	}
	return call, put, nil
}

// preflightThere lets the service count what a run does.
func (a *app) preflightThere(cmd *cobra.Command, name string, data []byte, args []string, f preflightFlags) error {
	if f.pprof != "" || cmd.Flags().Changed("scheme") {
		return usage("--pprof and --scheme are about what is counted here")
	}
	ctx := cmd.Context()
	var ask client.PreflightRequest
	var put []block.Block
	var err error
	if isModule(data) {
		if ask.Call, put, err = a.callThere(name, data, args, f.execFlags); err != nil {
			return err
		}
	} else if err := onlyWorkflow(cmd, args); err != nil {
		return err
	}
	var d *workflow.Document
	if ask.Call == nil {
		if d, err = document(name, data); err == nil {
			err = a.noSecrets(d)
		}
		if err != nil {
			return err
		}
	}
	c, s, err := a.service(ctx, engineNative)
	if err != nil {
		return err
	}
	if ask.Call == nil {
		w, err := a.compile(ctx, d, s.DID, a.inService, nil)
		if err != nil {
			return err
		}
		if err := c.PutWorkflow(ctx, w); err != nil {
			return remoteError(err)
		}
		ask.Workflow = w.CID.String()
	} else if err := putAll(ctx, c, put); err != nil {
		return err
	}
	timed, cancel := limited(ctx, f.deadline)
	defer cancel()
	j, err := c.Preflight(timed, ask)
	j, err = a.finished(timed, c, j, err, nil)
	if errors.Is(err, context.DeadlineExceeded) {
		return &status{code: exitUndecided, err: fmt.Errorf("the deadline of %v passed before the run ended: nothing was found out", f.deadline)}
	}
	if err != nil {
		return hostFailure(err)
	}
	if j.Preflight == nil {
		return hostFailure(client.ErrAnswer)
	}
	return a.printPreflight(j.Preflight, false)
}

// paramsJSON is a list of values as DAG-JSON.
func paramsJSON(params []datamodel.Node) ([]byte, error) {
	n, err := qp.BuildList(basicnode.Prototype.Any, int64(len(params)), func(la datamodel.ListAssembler) {
		for _, p := range params {
			if u, ok := p.(datamodel.UintNode); ok { // DAG-JSON has no larger numbers; the bits are the same
				v, err := u.AsUint()
				if err == nil {
					qp.ListEntry(la, qp.Int(int64(v)))
					continue
				}
			}
			qp.ListEntry(la, qp.Node(p))
		}
	})
	if err != nil {
		return nil, err
	}
	return block.EncodeJSON(n)
}

// verifyThere lets the service check a bundle. Its verdicts are its own word.
func (a *app) verifyThere(ctx context.Context, b *receipts.Bundle, size int64, f verifyFlags) error {
	if f.refutation != "" {
		return usage("--refutation is about a check that is made here")
	}
	c, _, err := a.service(ctx, f.engine)
	if err != nil {
		return err
	}
	if err := c.PutBundle(ctx, b); err != nil {
		return remoteError(err)
	}
	var with []string
	for _, name := range f.with {
		root, car, err := a.carOf(name)
		if err != nil {
			return err
		}
		if err := c.Import(ctx, car); err != nil {
			return remoteError(err)
		}
		with = append(with, root)
	}
	return a.verdictsThere(ctx, c, b, size, client.VerifyRequest{Run: b.Root.String(), Mode: f.mode, Engine: f.engine, Executor: f.executor, Tasks: f.tasks, With: with, Fresh: rand.Text(), AllowDev: f.allowDev,
		Samples: f.samples, Seed: f.seed, Open: f.open}, f)
}

// verdictsThere prints what the service finds.
func (a *app) verdictsThere(ctx context.Context, c *client.Client, b *receipts.Bundle, size int64, ask client.VerifyRequest, f verifyFlags) error {
	timed, cancel := limited(ctx, f.deadline)
	defer cancel()
	bar := a.progress(tasks(b))
	j, err := c.Verify(timed, ask)
	j, err = a.finished(timed, c, j, err, func(j *client.Job) { bar.done(int(j.Done)) })
	bar.end()
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		why := fmt.Sprintf("the deadline of %v passed", f.deadline)
		return a.printReport(nothing(verifier.Mode(ask.Mode), verifier.Undecided, why, verifier.Cost{Wall: f.deadline, Bytes: size}), b.Root.String(), f)
	case errors.Is(err, context.Canceled):
		return &status{code: exitUndecided, err: errors.New("interrupted: nothing was established")}
	case err != nil:
		if st, ok := errors.AsType[*status](err); ok && strings.Contains(err.Error(), verifier.ErrNoTask.Error()) {
			st.hint = "its tasks are " + strings.Join(labels(b), ", ")
		}
		return err
	case j.Report == nil:
		return hostFailure(client.ErrAnswer)
	}
	fmt.Fprintf(a.err, "note: these are the verdicts of the service at %s\n", a.remote.url)
	return a.printWire(j.Report, f)
}

// proveThere lets the service prove tasks of a bundle. It sees what it proves; the bundle that comes back is checked to be of the same run.
func (a *app) proveThere(ctx context.Context, b *receipts.Bundle, tasks []string, f proveFlags) (*receipts.Bundle, *client.Proofs, error) {
	if f.memory != 0 || f.workers != 0 {
		return nil, nil, usage("--memory and --parts are the service's own business")
	}
	claims, err := verifier.Claims(b, tasks)
	if err != nil {
		return nil, nil, usage("%w", err)
	}
	for _, t := range claims {
		if t.Job.Secret != nil {
			return nil, nil, &status{code: exitUsage, err: fmt.Errorf("the task %q is secret, and whatever proves it sees what is hidden: nothing was sent", t.Task.Label),
				hint: "prove it here, without --remote, with --secrets"}
		}
	}
	c, _, err := a.service(ctx, engineNative)
	if err != nil {
		return nil, nil, err
	}
	if err := c.PutBundle(ctx, b); err != nil {
		return nil, nil, remoteError(err)
	}
	bar := a.stages()
	j, err := c.Prove(ctx, client.ProveRequest{Run: b.Root.String(), Tasks: tasks, Scheme: f.scheme})
	j, err = a.finished(ctx, c, j, err, func(j *client.Job) {
		bar.show(proving.Progress{Task: "the service", Stage: j.Stage, Done: int(j.Done), Total: int(j.Total), Left: time.Duration(j.Left * float64(time.Second))})
	})
	bar.end()
	if errors.Is(err, context.Canceled) {
		return nil, nil, &status{code: exitFailed, err: errors.New("interrupted"), hint: "the service was told to stop"}
	}
	if err != nil {
		return nil, nil, err
	}
	if j.Proofs == nil {
		return nil, nil, hostFailure(client.ErrAnswer)
	}
	proved, err := c.Bundle(ctx, j.Proofs.Run)
	if err != nil {
		return nil, nil, remoteError(err)
	}
	if proved.Record.Receipt != b.Record.Receipt {
		return nil, nil, hostFailure(fmt.Errorf("%w: the bundle of another run", client.ErrAnswer))
	}
	return proved, j.Proofs, nil
}

// carOf reads a bundle or a ruling: its root, and it all as a CAR file.
func (a *app) carOf(name string) (root string, car []byte, err error) {
	ar, _, err := a.readArchive(name)
	if err != nil {
		return "", nil, bad(err)
	}
	var out bytes.Buffer
	err = ar.Write(&out)
	return ar.Root.String(), out.Bytes(), err
}

// inService finds blocks at the service.
func (a *app) inService(ctx context.Context, id cid.Cid) (block.Block, error) {
	c, _, err := a.service(ctx, engineNative)
	if err != nil {
		return block.Block{}, err
	}
	b, err := c.Get(ctx, id)
	if errors.Is(err, client.ErrNotFound) {
		return b, &status{code: exitUsage, err: fmt.Errorf("%s is not kept at %s", id, a.remote.url)}
	}
	if err != nil {
		return b, remoteError(err)
	}
	return b, nil
}
