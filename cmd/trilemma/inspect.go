package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ipfs/go-cid"
	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/wasm"
	"github.com/trilemma-dev/trilemma/workflow"
)

// inspectFlags are those that say what to show of a module.
type inspectFlags struct {
	program bool
	invoke  string
}

func (a *app) inspectCommand() *cobra.Command {
	var bundle string
	var f inspectFlags
	c := &cobra.Command{
		Use:   "inspect THING",
		Short: "Show what a file or a CID is",
		Long: `Show a module, a workflow, a bundle, a receipt, another UCAN token or a container of tokens ("-" reads it from stdin), or the block of
a CID: one that is kept here, or with --bundle one of a bundle. What it is, is told from the bytes. A name that is a file is the file.

With --program a module's register program is listed beside the Wasm that it was made from: what checks and proofs are about.

A CID that is that of a computation stands for its remembered receipt.

Signatures are checked; whether a result is right is what verify says. The exit status is 1 for a module that the profile
does not allow, a damaged bundle or a signature that does not verify, and 2 for what cannot be read or is nothing of these.`,
		Example: `  trilemma inspect fib.wasm
  trilemma inspect fib.wasm --program --invoke fib
  trilemma inspect workflow.yaml
  trilemma inspect run.car --json | jq .tasks
  trilemma inspect bafyreib… --bundle run.car`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			v, err := a.inspect(c.Context(), args[0], bundle, f)
			if err != nil {
				return err
			}
			if _, ok := v.json.(moduleJSON); !ok && f != (inspectFlags{}) {
				return usage("%s is not a module: --program and --invoke are about the program of one", args[0])
			}
			return a.show(v)
		},
		ValidArgsFunction: completeFile("wasm", "json", "yaml", "yml", "car", "ucan"),
	}
	c.Flags().StringVar(&bundle, "bundle", "", "the bundle that holds the CID")
	c.Flags().BoolVar(&f.program, "program", false, "of a module: list the register program beside its Wasm")
	c.Flags().StringVar(&f.invoke, "invoke", "", "of a module: the exported function whose program is meant; default: the first that can be called, _start before others")
	completeFlag(c, "invoke", a.completeExport)
	completeFlag(c, "bundle", cobra.FixedCompletions([]string{"car"}, cobra.ShellCompDirectiveFilterFileExt))
	return c
}

func (a *app) inspect(ctx context.Context, name, bundle string, f inspectFlags) (*view, error) {
	c, isCID := nameCID(name)
	if bundle != "" {
		if !isCID {
			return nil, &status{code: exitUsage, err: fmt.Errorf("%s is not a CID", name), hint: "--bundle FILE shows one block of a bundle: name its CID, or leave --bundle out"}
		}
		return a.inspectCID(ctx, c, a.inBundle(bundle), f)
	}
	file, err := a.open(name)
	missing := errors.Is(err, fs.ErrNotExist)
	if isCID && missing {
		return a.inspectCID(ctx, c, a.inStore, f)
	}
	if missing {
		return nil, &status{code: exitUsage, err: err, hint: "nor is it a CID"}
	}
	if err != nil {
		return nil, err
	}
	defer file.Close() // opened for reading only
	return a.inspectFile(ctx, name, bufio.NewReaderSize(file, 1<<20), f)
}

// nameCID reads a CID, alone or behind ipfs://.
func nameCID(s string) (cid.Cid, bool) {
	c, err := cid.Decode(strings.TrimPrefix(s, "ipfs://"))
	return c, err == nil
}

// inspectFile tells what a file is from its first bytes, and shows it.
func (a *app) inspectFile(ctx context.Context, name string, r *bufio.Reader, f inspectFlags) (*view, error) {
	head, err := r.Peek(32)
	if err != nil && err != io.EOF {
		return nil, readError(name, err)
	}
	if isCAR(head) {
		return a.inspectArchive(ctx, r, name)
	}
	data, err := readBounded(r, name, block.MaxBlock)
	if err != nil {
		return nil, err
	}
	b := block.Block{CID: block.Sum(cid.DagCBOR, data), Data: data}
	switch {
	case isModule(data):
		return inspectModule(name, data, f)
	case isToken(data):
		return a.inspectToken(ctx, b)
	case isTokens(data):
		c, err := capability.ReadTokens(data)
		if err == nil {
			return a.inspectTokens(ctx, c)
		}
		if !isText(data) {
			return nil, usage("%s: %w", name, err)
		}
		return a.inspectText(ctx, name, data)
	case isText(data):
		return a.inspectText(ctx, name, data)
	}
	if n, err := block.Decode(data); err == nil && kindOf(n) != kindValue {
		return inspectNode(b, n)
	}
	return nil, unknown(name, "")
}

// inspectArchive shows a bundle, or of other evidence the root: a ruling, an answer.
func (a *app) inspectArchive(ctx context.Context, r io.Reader, name string) (*view, error) {
	ar, size, err := parseArchive(r, name)
	var b *receipts.Bundle
	if err == nil {
		root, _ := ar.Get(ar.Root)
		n, readable := block.Decode(root.Data)
		switch {
		case isToken(root.Data):
			return a.inspectToken(ctx, root)
		case readable == nil && slices.Contains([]string{"answer", "dispute"}, kindOf(n)):
			return inspectNode(root, n)
		}
		b, err = bundleIn(ar, name)
	}
	if damaged, ok := errors.AsType[*damagedBundle](err); ok {
		return nil, &status{code: exitFailed, err: damaged}
	}
	if err != nil {
		return nil, err
	}
	return inspectBundle(b, size)
}

// unknown is the error about a file that is nothing of ours.
func unknown(name, why string) error {
	hint := "known are modules (.wasm), workflows (.json, .yaml), bundles, rulings and answers (.car), challenges, refutations, receipts and other UCAN tokens (.ucan)"
	if why != "" {
		hint = why
	}
	return &status{code: exitUsage, err: fmt.Errorf("%s is nothing that this program knows", name), hint: hint}
}

func isModule(data []byte) bool { return bytes.HasPrefix(data, []byte("\x00asm")) }

// isCAR reports whether data begins as a CAR file of any version does: the length of a header, and a header that is a map
// whose first key is roots or version.
func isCAR(data []byte) bool {
	for _, key := range []string{"\xa2\x65roots", "\xa1\x67version"} {
		if i := bytes.Index(data, []byte(key)); i >= 1 && i <= 9 {
			return true
		}
	}
	return false
}

// isToken reports whether data begins as a UCAN envelope does: a list of two, the first being bytes.
func isToken(data []byte) bool {
	return len(data) > 2 && data[0] == 0x82 && data[1]>>5 == 2
}

// isTokens reports whether data may be a container of tokens: its first byte names an encoding. So do those of some texts.
func isTokens(data []byte) bool { return len(data) > 0 && strings.IndexByte("@BCMOP", data[0]) >= 0 }

// isText reports whether data can be a text file: UTF-8 without control characters.
func isText(data []byte) bool {
	return len(data) > 0 && utf8.Valid(data) && !bytes.ContainsFunc(data, func(r rune) bool { return r < ' ' && !strings.ContainsRune("\t\n\r\f", r) })
}

// inspectText shows a workflow. Of other texts it knows some that are easily taken for one.
func (a *app) inspectText(ctx context.Context, name string, data []byte) (*view, error) {
	start := bytes.TrimLeft(data, "\ufeff \t\r\n")
	yaml := slices.Contains([]string{".yaml", ".yml"}, strings.ToLower(filepath.Ext(name)))
	switch {
	case bytes.HasPrefix(start, []byte("(module")), bytes.HasPrefix(start, []byte(";;")):
		_, err := wasm.Decode(start)
		return nil, usage("%s: %w", name, err)
	case bytes.HasPrefix(start, []byte("{")):
		var head struct{ Trilemma string }
		if err := json.Unmarshal(data, &head); err == nil && strings.HasPrefix(head.Trilemma, "key/") {
			return nil, unknown(name, "it is a key file, which holds a secret: see trilemma keys show "+name)
		}
	case yaml, name == "-" && isYAMLWorkflow(data):
	case isYAMLWorkflow(data):
		return nil, unknown(name, "if it is a workflow in YAML, its name must end in .yaml")
	default:
		return nil, unknown(name, "")
	}
	if len(data) > workflow.MaxDocument {
		return nil, usage("%s is larger than %d bytes, which no workflow is", name, workflow.MaxDocument)
	}
	return a.inspectWorkflow(ctx, name, data)
}

// isYAMLWorkflow reports whether a line of data is that of a workflow's version.
func isYAMLWorkflow(data []byte) bool {
	for l := range bytes.Lines(data) {
		if bytes.HasPrefix(bytes.TrimLeft(l, `"'`), []byte("trilemma")) {
			return true
		}
	}
	return false
}

// inspectCID shows the block of a CID that get finds.
func (a *app) inspectCID(ctx context.Context, c cid.Cid, get finder, f inspectFlags) (*view, error) {
	if err := block.Supported(c); err != nil {
		return nil, usage("%w", err)
	}
	b, err := get(ctx, c)
	if err != nil {
		return nil, err
	}
	switch raw := b.CID.Prefix().Codec == cid.Raw; {
	case raw && isModule(b.Data):
		return inspectModule(c.String(), b.Data, f)
	case raw:
		return inspectRaw(b), nil
	case isToken(b.Data):
		if v, err := a.inspectToken(ctx, b); !errors.Is(err, capability.ErrToken) {
			return v, err
		}
	}
	n, err := block.Decode(b.Data)
	if err != nil {
		return nil, usage("block %s: %w", c, err)
	}
	return inspectNode(b, n)
}
