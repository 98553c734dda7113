package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/store"
)

// finder finds the block of a CID. The error says where it was looked for.
type finder func(context.Context, cid.Cid) (block.Block, error)

// inBundle finds blocks in a bundle's file.
func (a *app) inBundle(name string) finder {
	return func(_ context.Context, c cid.Cid) (block.Block, error) {
		b, _, err := a.readBundle(name)
		if damaged, ok := errors.AsType[*damagedBundle](err); ok {
			return block.Block{}, &status{code: exitFailed, err: damaged}
		}
		if err != nil {
			return block.Block{}, err
		}
		found, ok := b.Get(c)
		if !ok {
			return found, &status{code: exitUsage, err: fmt.Errorf("%s is not in %s", c, name), hint: "trilemma inspect " + name + " lists what is"}
		}
		return found, nil
	}
}

// inStore finds what is kept under TRILEMMA_HOME: blocks of their own, small ones that lie with the remembered results, and
// the receipt of a computation. It makes no directory. With --remote
// it is what the service keeps.
func (a *app) inStore(ctx context.Context, c cid.Cid) (block.Block, error) {
	if a.remote.url != "" {
		return a.inService(ctx, c)
	}
	dir, err := a.home()
	if err != nil {
		return block.Block{}, err
	}
	nowhere := &status{code: exitUsage, err: fmt.Errorf("%s is not kept in %s", c, dir),
		hint: "a run's record, tasks and modules are in its bundle: trilemma inspect CID --bundle FILE"}
	if _, err := os.Stat(filepath.Join(dir, "store")); err != nil {
		return block.Block{}, nowhere
	}
	keep, err := a.store()
	if err != nil {
		return block.Block{}, err
	}
	b, err := keep.Get(ctx, c)
	if !errors.Is(err, store.ErrNotFound) {
		return b, err
	}
	if record, err := keep.Find(ctx, c.String()); err == nil {
		receipt, blocks, err := executor.Unpack(record)
		if blk, ok := blocks[receipt]; ok && err == nil {
			return blk, nil
		}
	}
	found := false
	err = keep.Memos(func(_ string, record []byte) bool {
		_, blocks, err := executor.Unpack(record)
		if err != nil {
			return true // a damaged record is as good as none
		}
		b, found = blocks[c]
		return !found && ctx.Err() == nil
	})
	switch {
	case err != nil:
		return block.Block{}, usage("%w", err)
	case ctx.Err() != nil:
		return block.Block{}, ctx.Err()
	case !found:
		return block.Block{}, nowhere
	}
	return b, nil
}
