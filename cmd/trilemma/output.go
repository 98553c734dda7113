package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/internal/work"
)

// guest writes what a module made, byte for byte; to a terminal without what would play with it.
func (a *app) guest(data []byte) error {
	if terminal(a.out) {
		data = []byte(printable(string(data)))
	}
	_, err := a.out.Write(data)
	return err
}

// printJSON prints v. What could play with a terminal is escaped, which does not change the value.
func (a *app) printJSON(v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	var out strings.Builder
	for _, r := range b.String() {
		if r != '\n' && unsafeRune(r) {
			fmt.Fprintf(&out, "\\u%04x", r)
		} else {
			out.WriteRune(r)
		}
	}
	_, err := io.WriteString(a.out, out.String())
	return err
}

// colour wraps s in an ANSI colour if w is a terminal and NO_COLOR is not set (no-color.org).
func (a *app) colour(w io.Writer, code int, s string) string {
	if !terminal(w) || a.getenv("NO_COLOR") != "" || a.getenv("TERM") == "dumb" {
		return s
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", code, s)
}

const (
	red    = 31
	green  = 32
	yellow = 33
)

// table prints rows in columns. Colours would upset the widths, so there are none.
func table(w io.Writer, rows [][]string) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		if _, err := fmt.Fprintln(tw, strings.Join(r, "\t")); err != nil {
			return err
		}
	}
	return tw.Flush()
}

func (a *app) printRun(r *executor.Run, proved *wire.Proofs, bundle string) error {
	if a.json {
		out, err := work.RunOf(r)
		if err != nil {
			return err
		}
		if proved != nil {
			out.Proofs = proved.Tasks
		}
		return a.printJSON(out)
	}
	w2 := a.out
	if bundle == "-" {
		w2 = a.err
	}
	rows := [][]string{{"TASK", "OUTCOME", "FUEL", "RECEIPT", "RESULT"}}
	for _, t := range r.Results {
		fuel := "-"
		if f := t.Receipt.Claim.Run.Fuel; f != nil {
			fuel = fmt.Sprint(*f)
		}
		outcome, result := "ok", ""
		if f := t.Receipt.Claim.Out.Error; f != nil {
			outcome, result = f.Kind, f.String()
		} else {
			result = summary(*t.Receipt.Claim.Out.Ok, r.Bundle.Get)
		}
		if t.Memoised {
			outcome += " (known)"
		}
		rows = append(rows, []string{t.Task.Label, outcome, fuel, t.Receipt.CID.String(), result})
	}
	if err := table(w2, lines(rows)); err != nil {
		return err
	}
	outcome, code := "ok", green
	if f := r.Receipt.Claim.Out.Error; f != nil {
		outcome, code = line(f.String()), red
	}
	fmt.Fprintf(a.err, "run %s: %s, signed by %s\n", r.Bundle.Root, a.colour(a.err, code, outcome), r.Receipt.Issuer)
	if proved != nil {
		for _, label := range slices.Sorted(maps.Keys(proved.Tasks)) {
			p := proved.Tasks[label]
			fmt.Fprintf(a.err, "proved %s: %d steps in %d parts, %d bytes, %.1f s, setup %s\n", line(label), p.Steps, p.Proofs, p.Bytes, p.Seconds, p.Setup)
		}
	}
	if bundle == "" {
		fmt.Fprintln(a.err, "no bundle was written; name one with -o (known results are not run again)")
	} else if bundle != "-" {
		how := "rerun"
		if slices.ContainsFunc(r.Results, func(t executor.Result) bool { return t.Task.Secret }) {
			how = "zk" // which the secret tasks leave to others
		}
		fmt.Fprintf(a.err, "bundle %s: %d blocks; check it with: trilemma verify %s --mode %s\n", bundle, len(r.Bundle.Blocks), bundle, how)
	}
	return nil
}

const maxSummary = 60

// summary shows a value in one short line; linked content by its size and, if it is text, its beginning.
func summary(v datamodel.Node, get func(cid.Cid) (block.Block, bool)) string {
	if h, ok, err := hidden.ValueOf(v); ok && err == nil {
		return fmt.Sprintf("secret %s, commitment %x…", oneLine(h.Kind), h.Commitment[:8])
	}
	if c, ok := block.Link(v); ok {
		blk, ok := get(c)
		if !ok {
			return c.String()
		}
		return fmt.Sprintf("%d bytes %s", len(blk.Data), shorten(c.String()))
	}
	switch v.Kind() {
	case datamodel.Kind_Bytes:
		data, err := v.AsBytes()
		if err != nil {
			return err.Error()
		}
		if s := string(data); utf8.ValidString(s) && printable(s) == s && s != "" {
			return oneLine(s)
		}
		if len(data) <= maxSummary/2 {
			return fmt.Sprintf("0x%x", data)
		}
		return fmt.Sprintf("%d bytes", len(data))
	case datamodel.Kind_String:
		s, err := v.AsString()
		if err != nil {
			return err.Error()
		}
		return oneLine(s)
	}
	data, err := block.EncodeJSON(v)
	if err != nil {
		return err.Error()
	}
	return oneLine(string(data))
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(printable(s)), " ")
	if utf8.RuneCountInString(s) > maxSummary {
		s = string([]rune(s)[:maxSummary]) + "…"
	}
	return s
}

// shorten keeps a CID's end, where CIDs differ.
func shorten(s string) string {
	if len(s) <= 16 {
		return s
	}
	return s[:4] + "…" + s[len(s)-8:]
}
