package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/workflow"
)

// defaultFuel is the fuel of a task that names none: some ten seconds of native code.
const defaultFuel = 10_000_000_000

type runFlags struct {
	out           string
	engine        string
	key           string
	workers       int
	memory        int64
	deadline      time.Duration
	fresh         bool
	withoutInputs bool
	files         string
	hosts         []string
}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run WORKFLOW",
		Short: "Run a workflow; every task gets a signed receipt",
		Long: `Run a workflow (JSON or YAML; "-" reads it from stdin). Every task's outcome gets a signed receipt. With -o the
receipts and all that they rest on are written to one CAR file, the bundle, which anyone can verify offline.

Results are remembered: a task that ran before, here, with the same module, inputs and limits is not run again.

Effects need permission: --files DIR for /file/write, --allow-http HOST for /http/post.`,
		Example: `  trilemma run workflow.json -o run.car
  trilemma run workflow.yaml --json | jq .tasks
  trilemma run report.json --files ./out -o run.car`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.runWorkflow(c.Context(), args[0], f) },
	}
	fl := c.Flags()
	fl.StringVarP(&f.out, "output", "o", "", "write the bundle to this file; - is stdout")
	fl.StringVar(&f.engine, "engine", "native", "what runs the tasks: "+engineNames)
	fl.StringVar(&f.key, "key", "", "sign with this key file instead of the one in TRILEMMA_HOME")
	fl.IntVar(&f.workers, "workers", 0, "tasks at once; 0: one for each core")
	fl.Int64Var(&f.memory, "memory", 4096, "MiB of guest memory that running tasks may claim together")
	fl.DurationVar(&f.deadline, "deadline", 0, "give up after this long; a task that had not ended then gets no receipt")
	fl.BoolVar(&f.fresh, "fresh", false, "run every task, even if its result is known")
	fl.BoolVar(&f.withoutInputs, "without-inputs", false, "leave the inputs' bytes out of the bundle; modes that need them will say undecided")
	fl.StringVar(&f.files, "files", "", "allow /file/write under this directory")
	fl.StringArrayVar(&f.hosts, "allow-http", nil, "allow /http/post to this host or host:port; may be given again")
	return c
}

func (a *app) runWorkflow(ctx context.Context, name string, f runFlags) error {
	if f.out == "-" && a.json {
		return usage("the bundle and the JSON object cannot both go to stdout")
	}
	key, err := a.signer(f.key)
	if err != nil {
		return err
	}
	keep, err := a.store()
	if err != nil {
		return err
	}
	w, err := a.compile(ctx, name, key.DID(), keep.Get)
	if err != nil {
		return err
	}
	effects, err := f.effects(w)
	if err != nil {
		return err
	}
	e, err := a.engine(ctx, f.engine)
	if err != nil {
		return err
	}
	defer e.close()
	bar := a.progress(len(w.Tasks))
	ex, err := executor.New(executor.Config{Signer: key, Runner: e, Engine: e.name, Blocks: keep, Records: keep, Memo: keep,
		Workers: f.workers, Memory: f.memory << 20, Fresh: f.fresh, Effects: effects, Progress: bar.task})
	if err != nil {
		return usage("%w", err)
	}
	if err := ex.Check(ctx, w); err != nil {
		return usage("%s: %w", name, err)
	}
	if f.deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.deadline)
		defer cancel()
	}
	r, err := ex.Run(ctx, w)
	bar.end()
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &status{code: exitFailed, err: fmt.Errorf("the deadline of %v passed: %w", f.deadline, err), hint: "nothing was written; tasks that had ended are remembered"}
	case errors.Is(err, context.Canceled):
		return err
	case err != nil:
		return &status{code: exitFailed, err: err}
	}
	if f.withoutInputs {
		if r.Bundle, err = withoutInputs(r); err != nil {
			return err
		}
	}
	if f.out != "" {
		if err := a.writeWhole(f.out, r.Bundle.Write); err != nil {
			return err
		}
	}
	if err := a.printRun(r, w, f.out); err != nil {
		return err
	}
	if r.Receipt.Claim.Out.Error != nil {
		return &status{code: exitFailed}
	}
	return nil
}

func (a *app) signer(path string) (*capability.Key, error) {
	if path == "" {
		return a.key()
	}
	k, err := capability.LoadKey(path)
	if err != nil {
		return nil, usage("signing key: %w", err)
	}
	return k, nil
}

// compile reads a workflow and everything that it names.
func (a *app) compile(ctx context.Context, name, sub string, get func(context.Context, cid.Cid) (block.Block, error)) (*workflow.Workflow, error) {
	data, err := a.readFile(name, workflow.MaxDocument)
	if err != nil {
		return nil, err
	}
	dir, shown := filepath.Dir(name), name
	if name == "-" {
		dir, shown = ".", "stdin"
		if s := strings.TrimLeft(string(data[:min(len(data), 64)]), " \t\r\n"); !strings.HasPrefix(s, "{") {
			shown = "stdin.yaml"
		}
	}
	d, err := workflow.Parse(shown, data)
	if err != nil {
		return nil, &status{code: exitUsage, err: err}
	}
	w, err := workflow.Compile(d, workflow.Config{Sub: sub, Profile: link.Profile, Fuel: defaultFuel, Memory: link.DefaultPages, Output: link.DefaultOutput,
		ReadFile:  func(file string) ([]byte, error) { return a.named(dir, file) },
		ReadBlock: func(c cid.Cid) (block.Block, error) { return get(ctx, c) }})
	if err != nil {
		return nil, &status{code: exitUsage, err: err}
	}
	return w, nil
}

// named reads a file that a workflow names. A workflow may come from a stranger, so that a file from elsewhere is
// mentioned, and nothing but a regular file is opened.
func (a *app) named(dir, file string) ([]byte, error) {
	path := file
	if !filepath.IsAbs(file) {
		path = filepath.Join(dir, file)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	if info.Size() > block.MaxBlock {
		return nil, fmt.Errorf("larger than %d bytes", block.MaxBlock)
	}
	if !filepath.IsLocal(file) {
		fmt.Fprintf(a.err, "note: the workflow reads %s, outside of its own directory\n", printable(path))
	}
	data, err := os.ReadFile(path)
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return nil, pe.Err
	}
	return data, err
}

// effects grants what the flags allow, and refuses a workflow that asks for more before anything runs.
func (f *runFlags) effects(w *workflow.Workflow) (map[string]executor.Effect, error) {
	granted := map[string]executor.Effect{}
	if f.files != "" {
		if info, err := os.Stat(f.files); err != nil || !info.IsDir() {
			return nil, usage("--files %s is not a directory", f.files)
		}
		granted[executor.CommandFileWrite] = executor.FileWrite(f.files)
	}
	if len(f.hosts) > 0 {
		granted[executor.CommandHTTPPost] = executor.HTTPPost(f.hosts)
	}
	flags := map[string]string{executor.CommandFileWrite: "--files DIR", executor.CommandHTTPPost: "--allow-http HOST"}
	for _, t := range w.Tasks {
		if !t.Effect() {
			continue
		}
		flag, known := flags[t.Cmd]
		if !known {
			return nil, usage("task %q: unknown effect %q, known are %s and %s", t.Label, t.Cmd, executor.CommandFileWrite, executor.CommandHTTPPost)
		}
		denied := &status{code: exitDenied, err: fmt.Errorf("task %q: %s is not allowed", t.Label, t.Cmd), hint: "allow it with " + flag}
		if granted[t.Cmd] == nil {
			return nil, denied
		}
		if host, ok := postHost(t); ok && !slices.Contains(f.hosts, host.Host) && !slices.Contains(f.hosts, host.Hostname()) {
			denied.hint = "allow it with --allow-http " + host.Host
			return nil, denied
		}
	}
	return granted, nil
}

// postHost is where an HTTP effect goes, if the workflow says so itself.
func postHost(t *workflow.Task) (*url.URL, bool) {
	if t.Cmd != executor.CommandHTTPPost {
		return nil, false
	}
	n, err := t.Params.LookupByString("url")
	if err != nil {
		return nil, false
	}
	s, err := n.AsString()
	if err != nil {
		return nil, false
	}
	u, err := url.Parse(s)
	return u, err == nil
}
