package hidden

import (
	"errors"
	"testing"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"
)

// TestValue: what stands for a hidden value comes back; what only looks like it is an error, and what does not is none.
func TestValue(t *testing.T) {
	v := Value{Kind: Integer, Commitment: Commit([]byte("12345678"), Salt{31: 7})}
	n, err := v.Node()
	if err != nil {
		t.Fatal(err)
	}
	if got, ok, err := ValueOf(n); got != v || !ok || err != nil {
		t.Errorf("it comes back as %v, %v, %v", got, ok, err)
	}
	under := func(key string, value func(datamodel.NodeAssembler)) datamodel.Node {
		n, err := qp.BuildMap(basicnode.Prototype.Any, 1, func(ma datamodel.MapAssembler) { qp.MapEntry(ma, key, value) })
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	fields := func(commitment []byte, kind string, more ...string) func(datamodel.NodeAssembler) {
		return qp.Map(-1, func(ma datamodel.MapAssembler) {
			qp.MapEntry(ma, "commitment", qp.Bytes(commitment))
			qp.MapEntry(ma, "kind", qp.String(kind))
			for _, k := range more {
				qp.MapEntry(ma, k, qp.Bool(true))
			}
		})
	}
	for name, c := range map[string]struct {
		n      datamodel.Node
		broken bool
	}{
		"a string":         {basicnode.NewString("secret"), false},
		"another map":      {under("await/ok", qp.String("x")), false},
		"no map":           {under("secret", qp.Bool(true)), true},
		"no element":       {under("secret", fields(make([]byte, 31), Bytes)), true},
		"a field too many": {under("secret", fields(v.Commitment[:], Bytes, "salt")), true},
		"no kind":          {under("secret", fields(v.Commitment[:], "")), true},
	} {
		if _, ok, err := ValueOf(c.n); ok || (err != nil) != c.broken || c.broken && !errors.Is(err, ErrValue) {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
	}
}
