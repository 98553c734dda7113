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
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/workflow"
)

// compile turns a document into a workflow, reading everything that it names: files from the directory of the document's
// name, content by CID from get.
func (a *app) compile(ctx context.Context, name string, data []byte, sub string, get func(context.Context, cid.Cid) (block.Block, error)) (*workflow.Workflow, error) {
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
	return data, reason(err)
}
