package lab_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trilemma-dev/trilemma/guests"
	"github.com/trilemma-dev/trilemma/lab"
	"github.com/trilemma-dev/trilemma/link"
)

func ExampleWorks() {
	works, err := lab.Works(lab.Tiny)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, w := range works[:3] {
		fmt.Println(w.Guest, w.Call)
	}
	// Output:
	// fib fib(10)
	// fib fib_loop(1000)
	// json json_check(1270 bytes)
}

// TestNative measures tiny work. It checks that what is reported was measured, not what the numbers are.
func TestNative(t *testing.T) {
	var parts []int
	total := 0
	ticks := time.Duration(0)
	r, err := lab.Native(t.Context(), lab.Config{Dir: t.TempDir(), Size: lab.Tiny, Turns: 3,
		CPU:      func() time.Duration { ticks += time.Millisecond; return ticks }, // every run takes one tick
		Progress: func(done, of int) { parts, total = append(parts, done), of }})
	if err != nil {
		t.Fatal(err)
	}
	if len(parts) != total || parts[total-1] != total {
		t.Errorf("progress: %v of %d", parts, total)
	}
	if r.Host.Clock != lab.ClockCPU {
		t.Errorf("host %+v", r.Host)
	}
	seen := map[string]bool{}
	for _, row := range r.Rows {
		seen[row.Guest] = true
		if row.Fuel == 0 || row.Metered != 1 || row.Bare != 1 || row.Ratio != (lab.Spread{Median: 1, Low: 1, High: 1}) {
			t.Errorf("row %+v", row)
		}
	}
	names, err := guests.Names()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !seen[name] {
			t.Errorf("the guest %s is not measured", name)
		}
	}
	s := r.Summary
	if r.Start.Module < 20_000 || r.Start.Module > 30_000 || !ordered(r.Start.Warm) || !ordered(r.Start.Cold) {
		t.Errorf("start %+v", r.Start)
	}
	if r.Tasks.Count == 0 || !ordered(r.Tasks.First) || !ordered(r.Tasks.Again) {
		t.Errorf("tasks %+v", r.Tasks)
	}
	if s.Ratio != 1 || s.Start != r.Start.Warm.Median || s.Task != r.Tasks.First.Median || s.Executions != 0 {
		t.Errorf("summary %+v", s)
	}
}

// TestMachine measures tiny work. It checks that what is reported was measured, and what does not depend on the computer.
func TestMachine(t *testing.T) {
	r, err := lab.Machine(t.Context(), lab.Config{Size: lab.Tiny, Turns: 3})
	if err != nil {
		t.Fatal(err)
	}
	works, err := lab.Works(lab.Tiny)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) != len(works) {
		t.Errorf("%d rows of %d works", len(r.Rows), len(works))
	}
	for _, row := range r.Rows {
		if row.Segments != (row.Steps+r.Segment-1)/r.Segment || row.PerInstr != float64(row.Steps)/float64(row.Fuel) || row.PerInstr > 0.5 {
			t.Errorf("%s %s: %d steps in %d segments, %v for each instruction", row.Guest, row.Call, row.Steps, row.Segments, row.PerInstr)
		}
		if row.Memory%link.PageSize != 0 || row.Memory == 0 || row.Allocated < row.Memory || row.Allocated > 2*row.Memory+64<<20 {
			t.Errorf("%s %s: %d bytes for a memory of %d", row.Guest, row.Call, row.Allocated, row.Memory)
		}
		if row.Machine <= 0 || row.Interpreter <= 0 || row.Recording <= 0 || !ordered(row.Speed) || !ordered(row.Overhead) {
			t.Errorf("row %+v", row)
		}
	}
}

func ordered(s lab.Spread) bool { return 0 < s.Low && s.Low <= s.Median && s.Median <= s.High }

// TestWallClock checks what happens where the CPU time is not known.
func TestWallClock(t *testing.T) {
	r, err := lab.Native(t.Context(), lab.Config{Dir: t.TempDir(), Size: lab.Tiny, Turns: 4, CPU: func() time.Duration { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	if r.Host.Clock != lab.ClockWall {
		t.Errorf("host %+v", r.Host)
	}
	low, high := r.Rows[0].Ratio.Median, 0.0
	for _, row := range r.Rows {
		low, high = min(low, row.Ratio.Median), max(high, row.Ratio.Median)
		if row.Metered <= 0 || row.Bare <= 0 || !ordered(row.Ratio) {
			t.Errorf("row %+v", row)
		}
	}
	if s := r.Summary.Ratio; s < low || s > high {
		t.Errorf("ratio %v is not between %v and %v", s, low, high)
	}
}

func TestNativeStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := lab.Native(ctx, lab.Config{Dir: t.TempDir(), Size: lab.Tiny, Progress: func(int, int) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	for _, c := range []lab.Config{{}, {Dir: t.TempDir(), Turns: -1}} {
		if r, err := lab.Native(t.Context(), c); err == nil {
			t.Errorf("%+v: %+v", c, r)
		}
	}
}

// TestWorks checks that the work is the same every time.
func TestWorks(t *testing.T) {
	a, err := lab.Works(lab.Tiny)
	if err != nil {
		t.Fatal(err)
	}
	b, err := lab.Works(lab.Tiny)
	if err != nil {
		t.Fatal(err)
	}
	for i := range a {
		if d := cmp.Diff(a[i].Streams, b[i].Streams); d != "" || !a[i].Linked.CID.Equals(b[i].Linked.CID) {
			t.Errorf("%s differs:\n%s", a[i].Call, d)
		}
	}
}
