package workflow

import (
	"encoding/base64"
	"slices"
	"strings"
)

func decodeBase64(s string) ([]byte, error) {
	enc := base64.RawStdEncoding
	if strings.HasSuffix(s, "=") {
		enc = base64.StdEncoding
	}
	return enc.Strict().DecodeString(s)
}

// graph checks the awaits and puts the tasks into an order in which each comes after what it awaits, effects last.
func (r *docReader) graph() {
	labels := make([]string, 0, len(r.doc.Tasks))
	for _, t := range r.doc.Tasks {
		labels = append(labels, t.Label)
	}
	for _, t := range r.doc.Tasks {
		for _, a := range t.awaits {
			on, ok := r.doc.byLabel[a.label]
			switch {
			case !ok && len(labels) <= 1000:
				r.at(a.at, "there is no task %.80q%s", a.label, nearest(a.label, labels))
			case !ok:
				r.at(a.at, "there is no task %.80q", a.label)
			case on.Effect != "" && t.Effect == "":
				r.at(a.at, "the task awaits the effect %q: nothing pure may depend on an effect", a.label)
			}
		}
	}
	if len(r.errs) > 0 {
		return
	}
	order, cycle := topological(r.doc.Tasks, func(t *TaskDoc) []*TaskDoc {
		out := make([]*TaskDoc, len(t.awaits))
		for i, a := range t.awaits {
			out[i] = r.doc.byLabel[a.label]
		}
		return out
	})
	if cycle != nil {
		names := make([]string, len(cycle))
		for i, t := range cycle {
			names[i] = t.Label
		}
		r.at(cycle[0].at, "the tasks await each other in a cycle: %s", strings.Join(names, " → "))
		return
	}
	slices.SortStableFunc(order, func(a, b *TaskDoc) int { return boolInt(a.Effect != "") - boolInt(b.Effect != "") })
	r.doc.Tasks = order
	for _, t := range order {
		r.taint(t)
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// topological orders tasks so that each comes after those it depends on, keeping the given order otherwise; if that cannot
// be, it returns a cycle, its first task repeated at the end. It does not recurse: chains may be as long as a document.
func topological(tasks []*TaskDoc, deps func(*TaskDoc) []*TaskDoc) (order, cycle []*TaskDoc) {
	const (
		entered = 1
		left    = 2
	)
	state := make(map[*TaskDoc]int, len(tasks))
	type frame struct {
		t    *TaskDoc
		deps []*TaskDoc
	}
	for _, root := range tasks {
		if state[root] != 0 {
			continue
		}
		state[root] = entered
		stack := []frame{{root, deps(root)}}
		for len(stack) > 0 {
			f := &stack[len(stack)-1]
			if len(f.deps) == 0 {
				state[f.t] = left
				order = append(order, f.t)
				stack = stack[:len(stack)-1]
				continue
			}
			d := f.deps[0]
			f.deps = f.deps[1:]
			switch state[d] {
			case entered: // d waits for f.t, and f.t for d
				i := slices.IndexFunc(stack, func(f frame) bool { return f.t == d })
				for _, f := range stack[i:] {
					cycle = append(cycle, f.t)
				}
				return nil, append(cycle, d)
			case 0:
				state[d] = entered
				stack = append(stack, frame{d, deps(d)})
			}
		}
	}
	return order, nil
}
