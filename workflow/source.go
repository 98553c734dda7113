package workflow

import (
	"fmt"
	"io/fs"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
)

// readSource checks that w is what its source compiles to, but for the limits that the source leaves to the executor: each
// task is called by the CID of an instruction, has the instruction's module, function, arguments and nonce, and no
// instruction is left out. So a receipt under such a label is about that instruction.
func (w *Workflow) readSource(get func(cid.Cid) (block.Block, bool)) error {
	b, ok := get(w.Source)
	if !ok {
		return fmt.Errorf("workflow %s, the source: %w", w.Source, ErrMissing)
	}
	w.Blocks[b.CID] = b.Data
	malformed := func(format string, args ...any) error {
		return fmt.Errorf("%w: source %s: %w", ErrMalformed, w.Source, fmt.Errorf(format, args...))
	}
	root, err := parseCBOR(b.Data)
	if err != nil {
		return malformed("%w", err)
	}
	if !isIPVM(root) {
		return malformed("no workflow of the IPVM draft")
	}
	d, err := read(w.Source.String(), root)
	if err != nil {
		return malformed("%w", err)
	}
	if !d.Source.CID.Equals(w.Source) {
		return malformed("the draft's form of it is %s", d.Source.CID)
	}
	if len(d.Tasks) != len(w.Tasks) {
		return malformed("%d instructions, the workflow has %d tasks", len(d.Tasks), len(w.Tasks))
	}
	null, err := block.Encode(datamodel.Null) // stands for content, which is not read here
	if err != nil {
		return err
	}
	tasks := make(map[string]*Task, len(w.Tasks))
	for _, t := range w.Tasks {
		tasks[t.Label] = t
	}
	c := newCompiler(d, Config{
		ReadFile:  func(string) ([]byte, error) { return nil, fs.ErrNotExist },
		ReadBlock: func(id cid.Cid) (block.Block, error) { return block.Block{CID: id, Data: null}, nil }})
	for _, doc := range d.Tasks {
		t := tasks[doc.Label]
		if t == nil {
			return malformed("no task is called %s", doc.Label)
		}
		c.cfg.Sub, c.cfg.Profile, c.cfg.Fuel, c.cfg.Memory, c.cfg.Output = t.Sub, t.Profile, t.Fuel, t.Memory, t.Output
		again, err := c.add(doc)
		if err != nil {
			return malformed("%w", err)
		}
		if c.err() != nil || !again.CID.Equals(t.CID) {
			return malformed("the task %s is not what it says of this instruction", doc.Label)
		}
		t.Source = doc.source
	}
	return nil
}
