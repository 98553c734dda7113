package lab

import "testing"

// TestBackendSummary: the second proof system's rows over the first one's, all works together; keys and memory once.
func TestBackendSummary(t *testing.T) {
	row := func(keygen float64, keys int64, clock float64, bytes int64, verify float64, peak int64) BackendRow {
		return BackendRow{Keygen: keygen, KeyBytes: keys, Clock: clock, Bytes: bytes, Verify: verify, Peak: peak}
	}
	r := BackendReport{Rows: []BackendRow{row(2, 100, 1, 10, 4, 50), row(2, 100, 3, 30, 4, 40), row(6, 25, 10, 40, 2, 70), row(6, 25, 30, 60, 10, 100)}}
	r.sum(2)
	if want := (BackendSummary{Keygen: 3, Key: 0.25, Prove: 10, Bytes: 2.5, Verify: 1.5, Peak: 2}); r.Summary != want {
		t.Errorf("%+v, not %+v", r.Summary, want)
	}
}
