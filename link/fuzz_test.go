package link_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/wasm"
)

// FuzzLink: whatever a stranger's module looks like, it is refused with a reason, or linked to a module that is valid, the
// same each time, and can be instrumented.
func FuzzLink(f *testing.F) {
	for _, pattern := range []string{"testdata/*.wasm", "../runtime/testdata/*.wasm", "../cmd/trilemma/testdata/*.wasm"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			if len(b) < 4000 {
				f.Add(b)
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := wasm.Decode(b)
		if err == nil {
			err = wasm.Validate(m)
		}
		if err == nil {
			err = wasm.CheckProfile(m)
		}
		if err != nil {
			return
		}
		checkLink(t, m, link.Entry{})
		for _, e := range m.Exports {
			sig, ok := m.TypeOfFunc(e.Index)
			if e.Kind != wasm.ExternFunc || !ok {
				continue
			}
			for _, result := range []string{"", "bytes", "string"} {
				for _, wide := range []bool{false, true} {
					values := params(sig, wide)
					entry, err := link.Resolve(m, e.Name, values, result)
					if err != nil {
						checkError(t, err)
						continue
					}
					if _, err := link.Streams(entry, values, 0, 0); err != nil {
						t.Fatalf("%v does not go on the tape as it was resolved: %v", entry, err)
					}
					checkLink(t, m, entry)
				}
			}
		}
	})
}

// params are values for a signature; wide gives bytes wherever they fit.
func params(sig wasm.FuncType, wide bool) (values []datamodel.Node) {
	for i := 0; i < len(sig.Params); i++ {
		if wide && i+1 < len(sig.Params) && sig.Params[i] == wasm.I32 && sig.Params[i+1] == wasm.I32 {
			values = append(values, basicnode.NewBytes([]byte("bytes")))
			i++
			continue
		}
		values = append(values, basicnode.NewInt(1))
	}
	return values
}

func checkError(t *testing.T, err error) {
	t.Helper()
	var e *link.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is not a *link.Error", err)
	}
}

func checkLink(t *testing.T, m *wasm.Module, e link.Entry) {
	t.Helper()
	l, err := link.Link(m, e)
	if err != nil {
		checkError(t, err)
		return
	}
	again, err := link.Link(m, e)
	if err != nil || !again.CID.Equals(l.CID) {
		t.Fatalf("%v linked to %s, then to %s, %v", e, l.CID, again.CID, err)
	}
	b, err := link.Instrument(l)
	if err != nil {
		t.Fatal(err)
	}
	ready, err := wasm.Decode(b)
	if err == nil {
		err = wasm.Validate(ready)
	}
	if err != nil {
		t.Fatalf("instrumented for %v: %v", e, err)
	}
}
