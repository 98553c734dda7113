package report

import (
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/workflow"
)

// Workflow says what a workflow consists of. executor is who its tasks are addressed to.
func Workflow(w *workflow.Workflow, executor string) wire.Workflow {
	use := UseOf(w)
	out := wire.Workflow{Workflow: w.CID.String(), Executor: executor, Tasks: []wire.WorkflowTask{}, Fuel: use.Fuel, Memory: use.Memory, Modules: use.Modules, Check: use.Check}
	for _, t := range w.Tasks {
		j := wire.WorkflowTask{Label: t.Label, Task: t.CID.String(), Computation: t.Computation.String(), Function: t.Fun, Awaits: []string{},
			Fuel: t.Fuel, Memory: t.Memory, Check: string(t.Check.Mode)}
		if t.Effect() {
			j.Effect = t.Cmd
		} else {
			j.Module = t.Mod.String()
		}
		for _, a := range t.Awaits {
			j.Awaits = append(j.Awaits, a.Label)
		}
		out.Tasks = append(out.Tasks, j)
	}
	return out
}

// UseOf adds up what a workflow may use.
func UseOf(w *workflow.Workflow) capability.Use {
	all := capability.Use{Modules: []string{}}
	for i, t := range w.Tasks {
		one := capability.Use{Check: string(t.Check.Mode)}
		if !t.Effect() {
			one.Fuel, one.Memory, one.Modules = t.Fuel, t.Memory, []string{t.Mod.String()}
		}
		if i == 0 {
			all.Check = one.Check
		}
		all = all.Merge(one)
	}
	return all
}
