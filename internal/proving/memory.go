package proving

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/trilemma-dev/trilemma/circuits/emit"
	"github.com/trilemma-dev/trilemma/circuits/plonk"
)

// ErrMemory says that a proof would take more memory than it may.
var ErrMemory = errors.New("not enough memory to prove this")

// Memory that proving takes, in bytes: measured, see docs/proofs.md.
const (
	baseMemory   = 64 << 20 // the program
	perPart      = 450      // of a part that is being proved, for each constraint
	circuitBytes = 1800     // of a circuit that is used, compiled, and its proving key, for each constraint, with what the collector has not collected
	stepBytes    = 350      // of a run that is written down, for each step
	maxTraced    = 8 << 30
)

// firstUse is what a constraint of a circuit takes when it is first used, as a part of what proving it takes.
const firstUse = .15

func fits(need, memory int64) error {
	if memory == 0 || need <= memory {
		return nil
	}
	return fmt.Errorf("%w: %d MiB would be taken, %d MiB are allowed (--memory)", ErrMemory, need>>20, memory>>20)
}

// Needs is the memory that proving takes with so many parts at once.
func (e *Estimate) Needs(workers int) int64 {
	return baseMemory + e.Keys + e.Filling + int64(min(workers, e.Parts))*e.PartBytes
}

// Rate is how fast this machine proved the last time: see [Estimate.Effort].
type Rate struct {
	Constraints float64 `json:"constraints_per_second"`
	Workers     int     `json:"workers"`
}

// rateName is the file that keeps the rate, beside the keys.
const rateName = "rate.json"

// LoadRate reads what [SaveRate] kept in a directory. Without it the rate is zero.
func LoadRate(dir string) (r Rate, err error) {
	data, err := os.ReadFile(filepath.Join(dir, rateName))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		return Rate{}, fmt.Errorf("rate of proving: %w", err)
	}
	return r, nil
}

// SaveRate keeps a rate. It replaces the file as a whole.
func SaveRate(dir string, r Rate) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".rate-*")
	if err != nil {
		return fmt.Errorf("rate of proving: %w", err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, rateName))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("rate of proving: %w", err), os.Remove(f.Name()))
	}
	return nil
}

// RateOf is how fast proofs were made, of those in the usual proof system in which no part was there before; zero if there are none.
func RateOf(made []Proved) (r Rate) {
	effort, took := 0.0, time.Duration(0)
	for i := range made {
		if p := &made[i]; p.Resumed == 0 && p.Backend != plonk.Name {
			effort += p.Effort()
			took += p.Commit + p.Proving
			r.Workers = p.Workers
		}
	}
	if took > 0 {
		r.Constraints = effort / took.Seconds()
	}
	return r
}

// Effort is what proving takes, in constraints: those of the parts, what a part takes beside, and what it takes to compile circuits and to read their keys.
func (e *Estimate) Effort() float64 {
	return float64(e.Constraints) + float64(e.Parts)*emit.PartOverhead + float64(e.Circuits)*firstUse
}

// Seconds is how long a proof takes at a rate, 0 if that is not known: writing the run down included, executing it not.
func (t *Traced) Seconds(r Rate) float64 {
	if r.Constraints == 0 {
		return 0
	}
	return t.Trace.Seconds() + t.Effort()/r.Constraints
}
