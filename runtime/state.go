package runtime

import (
	"bytes"
	"context"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/trilemma-dev/trilemma/link"
)

// State is what a run leaves in its instance. It is nobody's result; it shows that two engines did the same.
type State struct {
	Memory  []byte
	Globals []uint64 // of the linked module, by their bits; a reference is 0 if it is null
}

// Final runs l as [Engine.Run] does, and returns what the instance holds in the end beside the result. After outcomes other than
// ok, exit and trap it may be ahead of the result: charges are compared with the fuel late.
func (e *Engine) Final(ctx context.Context, l *link.Linked, streams [][]byte, lim link.Limits) (res link.Result, s State, err error) {
	res, err = e.run(ctx, l, streams, lim, func(mod api.Module) {
		if mem := mod.ExportedMemory(link.MemoryExport); mem != nil {
			b, _ := mem.Read(0, mem.Size())
			s.Memory = bytes.Clone(b)
		}
		inside, ok := mod.(experimental.InternalModule)
		for i := range l.Module.Globals {
			if !ok {
				break
			}
			g := inside.Global(i)
			v := g.Get()
			if t := g.Type(); t == api.ValueTypeI32 || t == api.ValueTypeF32 {
				v = uint64(uint32(v))
			}
			s.Globals = append(s.Globals, v)
		}
	})
	return res, s, err
}
