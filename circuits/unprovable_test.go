package circuits

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/link/linktest"
	"github.com/trilemma-dev/trilemma/machine"
)

// TestUnprovable runs a module into a float: the run is refused by the operation, and the program tells function and offset.
func TestUnprovable(t *testing.T) {
	m := linktest.Wat(t, filepath.Join("..", "machine", "testdata", "listing.wat"), false)
	p := lowered(t, m, link.Entry{Func: "run", Params: []link.Kind{link.I32}, Results: []link.Kind{link.I32}})
	streams := make([][]byte, link.StreamParam+1)
	streams[link.StreamParam] = []byte{1, 0, 0, 0, 0, 0, 0, 0}
	_, err := New().Fill(p, streams, limits)
	var un *UnprovableError
	if !errors.As(err, &un) || un.Op != machine.OpF64ConvertI32U || !strings.Contains(err.Error(), "f64.convert_i32_u") {
		t.Fatalf("want the first float, got %v", err)
	}
	s, err := p.Source(un.PC, m)
	if err != nil || s.Text != "f64.convert_i32_u" || s.Offset != 0x88 {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestNothingToProve checks that a run that takes no step is told apart from one that no chip shows.
func TestNothingToProve(t *testing.T) {
	_, err := New().Fill(withPages(t, 3), nil, link.Limits{Fuel: 100, Memory: 2})
	var un *UnprovableError
	if err == nil || errors.As(err, &un) || !strings.Contains(err.Error(), "memory") {
		t.Errorf("a memory above the cap: %v", err)
	}
}
