package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/verifier"
)

// openedJSON is what open prints.
type openedJSON struct {
	Run   string                     `json:"run"`
	Tasks map[string]json.RawMessage `json:"tasks"` // by label: results as DAG-JSON
}

func (a *app) openCommand() *cobra.Command {
	var private, task string
	c := &cobra.Command{
		Use:   "open BUNDLE.car",
		Short: "Show a run's hidden results to their owner",
		Long: `Show the hidden results of a run ("-" reads the bundle from stdin). A result is shown only if the file of secrets opens the commitment that the task's receipt
holds. Signatures are checked, and that each receipt is about its task; whether a result is right is for trilemma verify to say.`,
		Example: `  trilemma open run.car --secrets my.secrets
  trilemma open run.car --secrets my.secrets --task digest > digest.bin`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeFile("car"),
		RunE:              func(c *cobra.Command, args []string) error { return a.openBundle(args[0], private, task) },
	}
	c.Flags().StringVar(&private, "secrets", "", "file that opens what is hidden: see trilemma run --secrets")
	c.Flags().StringVar(&task, "task", "", "show only the result of this task: bytes and strings as they are")
	completeFlag(c, "task", a.completeTask)
	return c
}

func (a *app) openBundle(name, private, task string) error {
	if private == "" {
		return &status{code: exitUsage, err: errors.New("nothing says what opens the results"), hint: "name the file that trilemma run --secrets wrote with --secrets"}
	}
	keep, err := a.secretsIn(private)
	if err != nil {
		return err
	}
	b, _, err := a.readBundle(name)
	if err != nil {
		return bad(err)
	}
	var asked []string
	if task != "" {
		asked = []string{task}
	}
	all, err := verifier.Hidden(b, asked)
	switch {
	case errors.Is(err, verifier.ErrNoTask):
		return usage("%w", err)
	case err != nil:
		return &status{code: exitFailed, err: err}
	case len(all) == 0:
		return usage("no result is hidden")
	}
	out := openedJSON{Run: b.Root.String(), Tasks: make(map[string]json.RawMessage)}
	rows := [][]string{{"TASK", "RESULT"}}
	for _, h := range all {
		v, err := keep.result(h)
		if err != nil {
			return &status{code: exitFailed, err: fmt.Errorf("task %q: %w", h.Task.Label, err)}
		}
		if task != "" && !a.json {
			return a.showValue(v)
		}
		if out.Tasks[h.Task.Label], err = block.EncodeJSON(v); err != nil {
			return err
		}
		rows = append(rows, []string{h.Task.Label, summary(v, func(cid.Cid) (block.Block, bool) { return block.Block{}, false })})
	}
	if a.json {
		return a.printJSON(out)
	}
	return table(a.out, lines(rows))
}

// result is a hidden result. It is that of the receipt: the opening was checked against the commitment.
func (s *secretsFile) result(h verifier.Concealed) (datamodel.Node, error) {
	o, ok := s.Opening(h.Commitment)
	if !ok {
		return nil, fmt.Errorf("the secrets in %s open another commitment, if any, and not %x…, which its receipt holds", s.to.name, h.Commitment[:8])
	}
	return evaluate.Open(h.Kind, o.Stream)
}

// showValue writes a value: bytes and strings as they are, anything else as a line of DAG-JSON.
func (a *app) showValue(v datamodel.Node) error {
	switch v.Kind() {
	case datamodel.Kind_Bytes:
		data, err := v.AsBytes()
		if err != nil {
			return err
		}
		return a.guest(data)
	case datamodel.Kind_String:
		s, err := v.AsString()
		if err != nil {
			return err
		}
		return a.guest([]byte(s))
	}
	data, err := block.EncodeJSON(v)
	if err != nil {
		return err
	}
	return a.guest(append(slices.Clip(data), '\n'))
}
