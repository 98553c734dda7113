package workflow

import (
	"encoding/base64"
	"fmt"
	"math/big"

	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
)

// parseCBOR reads a document in strict DAG-CBOR. Links and bytes are read as DAG-JSON writes them; there are no places but
// paths.
func parseCBOR(data []byte) (*value, error) {
	n, err := block.Decode(data)
	if err != nil {
		return nil, err
	}
	left := maxValues
	return fromNode(n, 0, &left)
}

// fromNode is the inverse of [value.ipld]. left counts the values that may come.
func fromNode(n datamodel.Node, depth int, left *int) (v *value, err error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	if *left--; *left < 0 {
		return nil, fmt.Errorf("more than %d values", maxValues)
	}
	v = &value{}
	switch n.Kind() {
	case datamodel.Kind_Null:
	case datamodel.Kind_Bool:
		v.kind = kindBool
		v.b, err = n.AsBool()
	case datamodel.Kind_Int:
		v.kind = kindInt
		v.i, err = integer(n)
	case datamodel.Kind_Float:
		v.kind = kindFloat
		v.f, err = n.AsFloat()
	case datamodel.Kind_String:
		v.kind = kindString
		v.s, err = n.AsString()
	case datamodel.Kind_Link:
		c, _ := block.Link(n)
		v = under("/", text(c.String()))
	case datamodel.Kind_Bytes:
		b, err := n.AsBytes()
		return under("/", under("bytes", text(base64.StdEncoding.EncodeToString(b)))), err
	case datamodel.Kind_List:
		v.kind = kindList
		for it := n.ListIterator(); !it.Done(); {
			_, item, err := it.Next()
			if err != nil {
				return nil, err
			}
			x, err := fromNode(item, depth+1, left)
			if err != nil {
				return nil, err
			}
			v.items = append(v.items, x)
		}
	case datamodel.Kind_Map:
		v.kind = kindMap
		for it := n.MapIterator(); !it.Done(); {
			k, item, err := it.Next()
			if err != nil {
				return nil, err
			}
			key, err := k.AsString()
			if err != nil {
				return nil, err
			}
			x, err := fromNode(item, depth+1, left)
			if err != nil {
				return nil, err
			}
			v.keys, v.keyAt, v.items = append(v.keys, key), append(v.keyAt, [2]int{}), append(v.items, x)
		}
	}
	return v, err
}

func text(s string) *value { return &value{kind: kindString, s: s} }

// under is a map of one entry.
func under(key string, v *value) *value {
	return &value{kind: kindMap, keys: []string{key}, keyAt: [][2]int{{}}, items: []*value{v}}
}

// integer is the value of an integer node of up to 64 bits with or without a sign.
func integer(n datamodel.Node) (*big.Int, error) {
	if u, ok := n.(datamodel.UintNode); ok {
		i, err := u.AsUint()
		return new(big.Int).SetUint64(i), err
	}
	i, err := n.AsInt()
	return big.NewInt(i), err
}
