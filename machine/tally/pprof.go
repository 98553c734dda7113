package tally

import (
	"fmt"

	"github.com/google/pprof/profile"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/wasm"
)

// Profile is the tally in pprof's format: a sample for each instruction that was executed, with its steps and the Wasm instructions charged
// there. A line is a byte offset in the guest's file, whose name is file; the stub and the shim have files and no lines. label, if not empty, is
// put to every sample as "task". Samples have no callers.
func (t *Tally) Profile(guest *wasm.Module, file, label string) (*profile.Profile, error) {
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "steps", Unit: "count"}, {Type: "instructions", Unit: "count"}},
		PeriodType: &profile.ValueType{Type: "steps", Unit: "count"}, Period: 1, DefaultSampleType: "steps",
		Mapping: []*profile.Mapping{{ID: 1, Limit: uint64(len(t.Counts)), File: file, HasFunctions: true, HasFilenames: true, HasLineNumbers: true}},
	}
	for _, f := range t.Functions() {
		if f.Steps == 0 {
			continue
		}
		fn := &profile.Function{ID: uint64(len(p.Function) + 1), Name: Name(f.Origin), SystemName: Name(f.Origin), Filename: f.Origin.Kind.String()}
		if f.Origin.Kind == link.FromGuest {
			fn.Filename = file
		}
		p.Function = append(p.Function, fn)
		if err := t.samples(p, fn, f, guest, label); err != nil {
			return nil, err
		}
	}
	if err := p.CheckValid(); err != nil {
		return nil, fmt.Errorf("tally: %w", err)
	}
	return p, nil
}

// samples adds those of one function.
func (t *Tally) samples(p *profile.Profile, fn *profile.Function, f Function, guest *wasm.Module, label string) error {
	add := func(pc, offset uint32) {
		n := t.Counts[pc]
		if n == 0 {
			return
		}
		loc := &profile.Location{ID: uint64(pc) + 1, Mapping: p.Mapping[0], Address: uint64(pc), Line: []profile.Line{{Function: fn, Line: int64(offset)}}}
		p.Location = append(p.Location, loc)
		s := &profile.Sample{Location: []*profile.Location{loc}, Value: []int64{int64(n), int64(n * uint64(t.Program.Code[pc].W))}}
		if label != "" {
			s.Label = map[string][]string{"task": {label}}
		}
		p.Sample = append(p.Sample, s)
	}
	if f.Index < 0 {
		add(0, 0)
		add(1, 0)
		return nil
	}
	l, err := t.Program.List(f.Index, guest)
	if err != nil {
		return err
	}
	offset := uint32(0)
	for _, line := range l.Lines {
		if n := len(line.Wasm); n > 0 {
			offset = line.Wasm[n-1].Offset
		}
		add(line.PC, offset)
	}
	return nil
}

// Name is what to call a function: by its name, or its index in the guest.
func Name(o link.Origin) string {
	if o.Name == "" {
		return fmt.Sprintf("function %d", o.Func)
	}
	return o.Name
}
