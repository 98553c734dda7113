package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Depth is how many jobs of a class there are.
type Depth struct {
	Class            string
	Waiting, Running int64
}

// Depths counts the jobs that have not ended, by class, in the order of the classes. A class that no worker has ever served is not told of.
func (e *Engine) Depths(ctx context.Context) ([]Depth, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	list := e.jobs.ListConsumers(ctx)
	var out []Depth
	for info := range list.Info() {
		if class, ok := strings.CutPrefix(info.Name, queuePrefix); ok {
			out = append(out, Depth{Class: class, Waiting: int64(info.NumPending), Running: int64(info.NumAckPending)})
		}
	}
	if err := list.Err(); err != nil {
		return nil, fmt.Errorf("queues: %w", err)
	}
	slices.SortFunc(out, func(a, b Depth) int { return strings.Compare(a.Class, b.Class) })
	return out, nil
}
