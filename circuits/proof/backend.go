package proof

import (
	"fmt"

	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/plonk"
)

// Backends are the proof systems that parts can be proved in, the usual one first.
func Backends() []parts.Backend { return []parts.Backend{parts.Groth16{}, plonk.Backend{}} }

// BackendNamed finds a backend by its name.
func BackendNamed(name string) (parts.Backend, error) {
	for _, b := range Backends() {
		if b.Name() == name {
			return b, nil
		}
	}
	return nil, fmt.Errorf("unknown proof system %.40q", name)
}

// backendName is a backend's name in documents, which do not name the usual one.
func backendName(b parts.Backend) *string {
	if b == nil || b == Backends()[0] {
		return nil
	}
	name := b.Name()
	return &name
}

func backendNamed(name *string) (parts.Backend, error) {
	usual := Backends()[0]
	switch {
	case name == nil:
		return usual, nil
	case *name == usual.Name():
		return nil, fmt.Errorf("the proof system %s is named, which goes without saying", usual.Name())
	}
	return BackendNamed(*name)
}
