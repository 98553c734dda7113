package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/internal/secrets"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/workflow"
)

// document parses what was read from the file of this name. What comes from stdin is JSON if it begins with {, else YAML.
func document(name string, data []byte) (*workflow.Document, error) {
	if name == "-" {
		name = "stdin"
		if s := strings.TrimLeft(string(data[:min(len(data), 64)]), " \t\r\n"); !strings.HasPrefix(s, "{") {
			name = "stdin.yaml"
		}
	}
	d, err := workflow.Parse(name, data)
	if err != nil {
		return nil, &status{code: exitUsage, err: err}
	}
	return d, nil
}

// compile turns a document into a workflow, reading everything that it names: files relative to its own, content by CID
// from get. keep keeps what opens its secrets; nil refuses them.
func (a *app) compile(ctx context.Context, d *workflow.Document, sub string, get finder, keep *secrets.Set) (*workflow.Workflow, error) {
	dir := filepath.Dir(d.File)
	var seal func([]byte) (hidden.Commitment, error)
	if keep != nil {
		seal = keep.Hide
	}
	w, err := workflow.Compile(d, workflow.Config{Seal: seal, Sub: sub, Profile: link.Profile, Fuel: defaultFuel, Memory: link.DefaultPages, Output: link.DefaultOutput,
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
	return data, reason(err)
}
