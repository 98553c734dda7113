package circuits

import "testing"

// TestMemory runs the samples of memory.
func TestMemory(t *testing.T) {
	s := New()
	for _, p := range memorySamples(t) {
		honest(t, s, p, nil)
	}
}
