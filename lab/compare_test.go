package lab_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/lab"
)

// pretend is a measuring process that takes a millisecond for everything and counts.
type pretend struct {
	done []string
	fail string // the stage that fails
	slow float64
}

func (p *pretend) perform(_ context.Context, t lab.Task) (*lab.Row, error) {
	name := fmt.Sprint(t.Row.Mode, " ", t.Row.Guest, " ", t.Row.Size, " ", t.Stage)
	if name == p.fail {
		return nil, errors.New("the power went out")
	}
	p.done = append(p.done, name)
	r := t.Row
	r.Fuel, r.Steps = t.Row.Size, t.Row.Size/2
	s := stageOf(1 + p.slow)
	switch t.Stage {
	case "produce":
		r.Produce = s
	case "answer":
		r.Answer = s
	default:
		r.Check = s
	}
	return &r, nil
}

func small(dir string, p *pretend) lab.CompareConfig {
	return lab.CompareConfig{Settings: lab.Settings{Build: "v1", Turns: 2, Samples: 3, Seed: 1, Limit: 1000}, Guests: []string{"fib", "wc"}, Sizes: []uint64{2000, 1000},
		Modes: []string{"rerun", "spot"}, Constraints: []uint64{64}, Dir: dir, Perform: p.perform}
}

// TestResume checks that an interrupted comparison goes on where it was, also after a line that was cut off, and comes to the same rows; that guests
// can be added; and that nothing of other settings is taken.
func TestResume(t *testing.T) {
	whole := &pretend{}
	var parts []int
	cfg := small(t.TempDir(), whole)
	cfg.Progress = func(done, _ int) { parts = append(parts, done) }
	want, err := lab.Compare(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Rows) != 8 || len(want.Baselines) != 6 || len(parts) != 14 || parts[13] != 14 {
		t.Errorf("%d rows, %d baselines, progress %v", len(want.Rows), len(want.Baselines), parts)
	}

	dir := t.TempDir()
	p := &pretend{fail: "spot fib 2000 answer"}
	if _, err := lab.Compare(t.Context(), small(dir, p)); err == nil || !strings.Contains(err.Error(), "spot fib, size 2000: answer: the power went out") {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "measurements.jsonl")
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"mode":"spot","guest":"fib","si`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	rest := &pretend{}
	got, err := lab.Compare(t.Context(), small(dir, rest))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want.Rows, got.Rows); d != "" {
		t.Errorf("rows (-at once +in two):\n%s", d)
	}
	if twice := append(slices.Clone(p.done), rest.done...); len(twice) != len(whole.done)+1 { // the stage before the one that failed
		t.Errorf("%d stages at once, then %v and %v", len(whole.done), p.done, rest.done)
	}

	more := small(dir, &pretend{})
	more.Guests = append(more.Guests, "sort")
	p = &pretend{}
	more.Perform = p.perform
	if _, err := lab.Compare(t.Context(), more); err != nil {
		t.Fatal(err)
	}
	for _, name := range p.done {
		if !strings.Contains(name, " sort ") {
			t.Errorf("%s was measured again", name)
		}
	}

	other := small(dir, &pretend{})
	other.Settings.Turns = 3
	if _, err := lab.Compare(t.Context(), other); !errors.Is(err, lab.ErrOtherSettings) {
		t.Errorf("other settings: %v", err)
	}
	if err := os.WriteFile(name, []byte("{}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := lab.Compare(t.Context(), small(dir, &pretend{})); !errors.Is(err, lab.ErrOtherSettings) {
		t.Errorf("no settings: %v", err)
	}
}

// TestTooLong checks that what would take longer than the limit is not begun, and that the rows say so; that what takes little says nothing of longer
// runs by itself; and that of two rows what is there in any case is known.
func TestTooLong(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit int64
		takes func(size uint64) float64 // milliseconds
		done  int                       // of the sizes
	}{
		{"grows with the size", 5000, func(n uint64) float64 { return 2 * float64(n) }, 2},
		{"takes longer at once", 1500, func(n uint64) float64 { return 2 * float64(n) }, 1},
		{"grows with the size, from little", 1000, func(n uint64) float64 { return float64(n) / 1e3 }, 3},
		{"is there in any case", 5000, func(uint64) float64 { return 2400 }, 3},
	} {
		p := &pretend{}
		cfg := small(t.TempDir(), p)
		cfg.Settings.Limit, cfg.Sizes = c.limit, []uint64{1000, 2000, 100_000}
		cfg.Perform = func(ctx context.Context, task lab.Task) (*lab.Row, error) {
			p.slow = c.takes(task.Row.Size)
			return p.perform(ctx, task)
		}
		got, err := lab.Compare(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range got.Rows {
			if skipped := !slices.Contains(cfg.Sizes[:c.done], r.Size); skipped != (r.Skipped != "") || skipped && !strings.Contains(r.Skipped, "a stage would take more than") {
				t.Errorf("%s: %s %s %d: %q", c.name, r.Mode, r.Guest, r.Size, r.Skipped)
			}
		}
		for _, name := range p.done {
			if c.done < 3 && strings.Contains(name, fmt.Sprintf(" %d ", cfg.Sizes[c.done])) {
				t.Errorf("%s: %s was measured", c.name, name)
			}
		}
	}
}

// TestPatience checks that a stage of which nothing was known is stopped, and that its row says so, while everything else is measured.
func TestPatience(t *testing.T) {
	p := &pretend{}
	cfg := small(t.TempDir(), p)
	cfg.Settings.Limit = 5
	cfg.Perform = func(ctx context.Context, task lab.Task) (*lab.Row, error) {
		if task.Row.Mode == "spot" && task.Stage == "answer" {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return p.perform(ctx, task)
	}
	c, err := lab.Compare(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range c.Rows {
		if stopped := r.Mode == "spot"; stopped != (r.Skipped == "a stage took more than 20ms") || !stopped && r.Check == nil {
			t.Errorf("%s %s %d: %q", r.Mode, r.Guest, r.Size, r.Skipped)
		}
	}
}

// TestUnfit checks that what cannot be had is reported with its reason, and everything else measured.
func TestUnfit(t *testing.T) {
	p := &pretend{}
	cfg := small(t.TempDir(), p)
	cfg.Perform = func(ctx context.Context, task lab.Task) (*lab.Row, error) {
		if task.Row.Mode == "spot" && task.Row.Guest == "wc" {
			return nil, &lab.Unfit{Reason: "it is Tuesday"}
		}
		return p.perform(ctx, task)
	}
	c, err := lab.Compare(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range c.Rows {
		if unfit := r.Mode == "spot" && r.Guest == "wc"; unfit != (r.Skipped == "it is Tuesday") || unfit == (r.Produce != nil) {
			t.Errorf("%+v", r)
		}
	}
	if c.Summary.Size != 2000 || !slices.Equal(c.Summary.Guests, []string{"fib"}) {
		t.Errorf("%+v", c.Summary)
	}
}

// TestCompareRefuses checks what is not a configuration.
func TestCompareRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*lab.CompareConfig){
		"no directory":     func(c *lab.CompareConfig) { c.Dir = "" },
		"no turns":         func(c *lab.CompareConfig) { c.Settings.Turns = 0 },
		"no samples":       func(c *lab.CompareConfig) { c.Settings.Samples = 0 },
		"no limit":         func(c *lab.CompareConfig) { c.Settings.Limit = 0 },
		"an unknown guest": func(c *lab.CompareConfig) { c.Guests = []string{"<script>"} },
		"an unknown mode":  func(c *lab.CompareConfig) { c.Modes = []string{"trust me"} },
		"too short":        func(c *lab.CompareConfig) { c.Sizes = []uint64{10} },
		"too long":         func(c *lab.CompareConfig) { c.Sizes = []uint64{1 << 60} },
	} {
		cfg := small(t.TempDir(), &pretend{})
		spoil(&cfg)
		if err := cfg.Check(); err == nil {
			t.Errorf("%s: passes", name)
		}
		if _, err := lab.Compare(t.Context(), cfg); err == nil {
			t.Errorf("%s: is measured", name)
		}
	}
}

// TestPerform measures every mode but zk for real on little work. It checks what does not depend on the computer.
func TestPerform(t *testing.T) {
	c, err := lab.Compare(t.Context(), lab.CompareConfig{Settings: lab.Settings{Turns: 1, Samples: 2, Seed: 1, Limit: 60_000}, Dir: t.TempDir(),
		Guests: []string{"sha256", "wc"}, Sizes: []uint64{1000, 2_000_000}, Modes: []string{"attest", "rerun", "spot", "dispute"}, Constraints: []uint64{64}, Clocks: lab.Clocks{Peak: lab.PeakMemory}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range c.Rows {
		name := fmt.Sprint(r.Mode, " ", r.Guest, " ", r.Size)
		if r.Skipped != "" {
			t.Errorf("%s: %s", name, r.Skipped)
			continue
		}
		if r.Fuel == 0 || r.Input == 0 || r.Produce.Time() <= 0 || r.Check.Time() <= 0 || r.Evidence == 0 || r.Soundness.Kind == "" || r.Soundness.Statement == "" {
			t.Errorf("%s: %+v", name, r)
		}
		if r.Size > 1000 && !near(float64(r.Fuel), float64(r.Size), 0.5) {
			t.Errorf("%s: %d instructions", name, r.Fuel)
		}
		switch r.Mode {
		case "attest":
			if r.Revealed != (lab.Revealed{}) {
				t.Errorf("%s: %+v", name, r.Revealed)
			}
		case "rerun":
			if r.Revealed.Input != r.Input || r.Revealed.Output == 0 || r.Revealed.State != 0 {
				t.Errorf("%s: %+v of %d", name, r.Revealed, r.Input)
			}
		case "spot":
			if want := min(1, 2/float64(r.Segments)); r.Answer.Time() <= 0 || !near(*r.Soundness.Single, want, 1e-9) || r.Segments == 0 {
				t.Errorf("%s: %+v", name, r)
			}
		case "dispute":
			if r.Size > 1000 && (r.Revealed.State == 0 || r.Answer == nil || r.Segments < 2) {
				t.Errorf("%s: %+v", name, r)
			}
		}
	}
	for _, r := range c.Baselines {
		if r.Skipped != "" || r.Produce.Time() <= 0 || r.Mode == lab.BaseGroth16 && (r.Constraints < 64 || r.Check.Time() <= 0 || r.Evidence < 128 || r.Keys < 1000) {
			t.Errorf("%+v", r)
		}
	}
}

// TestPerformProof measures proofs for real, with the smaller circuits.
func TestPerformProof(t *testing.T) {
	if testing.Short() {
		t.Skip("making keys takes half a minute")
	}
	c, err := lab.Compare(t.Context(), lab.CompareConfig{Settings: lab.Settings{Turns: 1, Samples: 1, Seed: 1, Limit: 600_000, Scheme: proof.Small}, Dir: t.TempDir(),
		Guests: []string{"threshold"}, Sizes: []uint64{1000}, Modes: []string{"rerun", "zk", lab.ModeSecret}, Constraints: []uint64{64, 1 << 12}})
	if err != nil {
		t.Fatal(err)
	}
	again, zk, secret := c.Rows[0], c.Rows[1], c.Rows[2]
	if secret.Skipped != "" || secret.Fuel != again.Fuel || secret.Input != again.Input || secret.Parts < zk.Parts || secret.Revealed.Output != 0 || secret.Revealed.Input > 16 || zk.Revealed.Input <= 16 || secret.Input != zk.Input {
		t.Errorf("hidden: %+v", secret)
	}
	if zk.Skipped != "" || zk.Fuel != again.Fuel || zk.Steps == 0 || zk.Parts == 0 || zk.Constraints < int64(zk.Steps) || zk.Keys == 0 || zk.Evidence < int64(zk.Parts)*128 ||
		zk.Soundness.Kind != lab.SoundCryptographic || !strings.Contains(zk.Soundness.Statement, "development keys") {
		t.Errorf("%+v", zk)
	}
	if zk.Produce.Time() <= again.Produce.Time() || c.Summary.Plain <= 0 {
		t.Errorf("a proof takes %v ms, a run %v; %v of plain circuits", zk.Produce.Time(), again.Produce.Time(), c.Summary.Plain)
	}
}

// TestPerformRefuses checks tasks that no comparison makes.
func TestPerformRefuses(t *testing.T) {
	good := lab.Settings{Turns: 1, Samples: 1, Limit: 1}
	for _, task := range []lab.Task{
		{Settings: good, Stage: "produce", Dir: t.TempDir(), Row: lab.Row{Mode: "nothing", Guest: "fib", Size: 1000}},
		{Settings: good, Stage: "nothing", Dir: t.TempDir(), Row: lab.Row{Mode: "rerun", Guest: "fib", Size: 1000}},
		{Settings: good, Stage: "produce", Dir: t.TempDir(), Row: lab.Row{Mode: "rerun", Guest: "nothing", Size: 1000}},
		{Settings: good, Stage: "check", Dir: t.TempDir(), Row: lab.Row{Mode: "rerun", Guest: "fib", Size: 1000}}, // nothing was produced
		{Stage: "produce", Dir: t.TempDir(), Row: lab.Row{Mode: "rerun", Guest: "fib", Size: 1000}},
	} {
		if r, err := lab.Perform(t.Context(), task, lab.Clocks{}); err == nil {
			t.Errorf("%+v: %+v", task, r)
		}
	}
}
