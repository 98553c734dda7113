package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"

	"github.com/trilemma-dev/trilemma/lab"
)

// table is all rows as CSV (RFC 4180): times in milliseconds, sizes in bytes.
func table(c *lab.Comparison) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	head := []string{"kind", "mode", "guest", "call", "size", "instructions", "steps", "segments", "constraints", "parts", "input_bytes"}
	for _, s := range []string{"produce", "answer", "check"} {
		for _, f := range []string{"wall_ms", "wall_low_ms", "wall_high_ms", "cpu_ms", "cpu_low_ms", "cpu_high_ms", "setup_ms", "peak_rss_bytes", "turns"} {
			head = append(head, s+"_"+f)
		}
	}
	head = append(head, "evidence_bytes", "key_bytes", "revealed_input_bytes", "revealed_state_bytes", "revealed_output_bytes", "soundness", "assumption",
		"one_bad_segment", "tenth_bad_segments", "skipped")
	write := func(cells []string) { _ = w.Write(cells) } // a buffer takes all; Error is asked below
	write(head)
	for _, list := range []struct {
		kind string
		rows []lab.Row
	}{{"mode", c.Rows}, {"baseline", c.Baselines}} {
		for i := range list.rows {
			write(cells(list.kind, &list.rows[i]))
		}
	}
	w.Flush()
	return b.Bytes()
}

func cells(kind string, r *lab.Row) []string {
	out := []string{kind, r.Mode, r.Guest, r.Call}
	for _, n := range []uint64{r.Size, r.Fuel, r.Steps, r.Segments, uint64(r.Constraints), uint64(r.Parts), uint64(r.Input)} {
		out = append(out, strconv.FormatUint(n, 10))
	}
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
	for _, s := range []*lab.Stage{r.Produce, r.Answer, r.Check} {
		if s == nil {
			out = append(out, make([]string, 9)...)
			continue
		}
		for _, v := range []float64{s.Wall.Median, s.Wall.Low, s.Wall.High, s.CPU.Median, s.CPU.Low, s.CPU.High, s.Setup} {
			out = append(out, number(v))
		}
		out = append(out, fmt.Sprint(s.Peak), fmt.Sprint(s.Turns))
	}
	for _, n := range []int64{r.Evidence, r.Keys, r.Revealed.Input, r.Revealed.State, r.Revealed.Output} {
		out = append(out, fmt.Sprint(n))
	}
	out = append(out, r.Soundness.Kind, r.Soundness.Assume)
	for _, p := range []*float64{r.Soundness.Single, r.Soundness.Tenth} {
		if p == nil {
			out = append(out, "")
		} else {
			out = append(out, number(*p))
		}
	}
	return append(out, r.Skipped)
}

// Metrics is one measurement as the client-side proving benchmarks write it (https://github.com/privacy-ethereum/csp-benchmarks): times in
// nanoseconds of the wall clock, sizes in bytes, cycles in steps of the machine, or in Wasm instructions where a run has no steps.
type Metrics struct {
	Name          string `json:"name"`
	Feature       string `json:"feat"`
	Target        string `json:"target"`
	Input         int64  `json:"input_size"`
	Proof         int64  `json:"proof_duration"`
	Verify        int64  `json:"verify_duration"`
	Cycles        uint64 `json:"cycles,omitempty"`
	ProofSize     int64  `json:"proof_size"`
	Preprocessing int64  `json:"preprocessing_size"`
	Constraints   int64  `json:"num_constraints"`
	Peak          int64  `json:"peak_memory"`
	ZK            bool   `json:"is_zk"`
	ZKVM          bool   `json:"is_zkvm"`
}

// proving is the rows in that form: every mode, of which only the ways of proving are proofs; answering a checker is a part of its cost.
func proving(c *lab.Comparison) []Metrics {
	out := []Metrics{}
	for _, list := range [][]lab.Row{c.Rows, c.Baselines} {
		for i := range list {
			r := &list[i]
			if r.Skipped != "" || r.Produce == nil {
				continue
			}
			m := Metrics{Name: "trilemma", Feature: r.Mode, Target: r.Guest, Input: r.Input, ProofSize: r.Evidence, Preprocessing: r.Keys, Constraints: r.Constraints, Peak: r.Peak(),
				Cycles: r.Steps, ZK: lab.Proves(r.Mode) || r.Mode == lab.BaseGroth16, ZKVM: lab.Proves(r.Mode)}
			if m.Cycles == 0 {
				m.Cycles = r.Fuel
			}
			m.Proof = nanoseconds(r.Produce) + nanoseconds(r.Answer)
			m.Verify = nanoseconds(r.Check)
			out = append(out, m)
		}
	}
	return out
}

func nanoseconds(s *lab.Stage) int64 {
	if s == nil {
		return 0
	}
	return int64(s.Wall.Median * 1e6)
}
