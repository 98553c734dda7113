package lab_test

import (
	"testing"

	"github.com/trilemma-dev/trilemma/lab"
)

// TestSpot measures tiny work. It checks that what is reported was measured, and what does not depend on the computer.
func TestSpot(t *testing.T) {
	r, err := lab.Spot(t.Context(), lab.Config{Size: lab.Tiny, Turns: 2})
	if err != nil {
		t.Fatal(err)
	}
	works, err := lab.Works(lab.Tiny)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) != 2*len(works) {
		t.Errorf("%d rows of %d works", len(r.Rows), len(works))
	}
	profile := 0
	for _, row := range r.Rows {
		if row.Segment == r.Segment {
			profile++
		}
		if row.Segments != (row.Steps+row.Segment-1)/row.Segment || row.Looked == 0 || uint64(row.Looked) > row.Segments {
			t.Errorf("%s %s: %d steps in %d segments of %d, %d looked at", row.Guest, row.Call, row.Steps, row.Segments, row.Segment, row.Looked)
		}
		if row.Run <= 0 || row.Ratio <= 0 || row.Share <= 0 || !ordered(row.Replay) || !ordered(row.Opening) || row.State.Low > row.State.High {
			t.Errorf("row %+v", row)
		}
		if row.State.Median+row.Input.Median >= row.Opening.Median {
			t.Errorf("%s %s: an opening of %v bytes reveals %v and %v", row.Guest, row.Call, row.Opening.Median, row.State.Median, row.Input.Median)
		}
	}
	if profile != len(works) || len(r.Disputes) == 0 {
		t.Errorf("%d rows of the profile's segments, %d disputes", profile, len(r.Disputes))
	}
	for _, d := range r.Disputes {
		if d.Rounds < 2 || d.Messages < 2*d.Rounds || d.Bytes == 0 || d.RulingBytes == 0 || d.RefereeCPU <= 0 || d.ConfirmedCPU <= 0 || d.Forged+1 != uint64(d.Segments+1)/2 {
			t.Errorf("dispute %+v", d)
		}
	}
	if s := r.Summary; s.Ratio <= 0 || s.Opening <= s.Revealed || s.DisputeCPU != r.Disputes[0].RefereeCPU || s.DisputeBytes != r.Disputes[0].Bytes {
		t.Errorf("summary %+v", s)
	}
}
