package main

import (
	"fmt"
	"net/url"
	"os"
	"slices"

	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/workflow"
)

// effects grants what the flags allow, and refuses a workflow that asks for more before anything runs.
func (f *runFlags) effects(w *workflow.Workflow) (map[string]executor.Effect, error) {
	granted := effectsAllowed(f.files, f.hosts)
	if f.files != "" {
		if info, err := os.Stat(f.files); err != nil || !info.IsDir() {
			return nil, usage("--files %s is not a directory", f.files)
		}
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
