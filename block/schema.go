package block

import (
	"fmt"
	"sync"

	"github.com/ipld/go-ipld-prime"
	"github.com/ipld/go-ipld-prime/schema"
)

// Schema returns the types of an IPLD schema, which is parsed when they are first asked for. The text has to be a part of the program: one that is
// no schema is a programming error, and panics.
func Schema(text []byte) func() *schema.TypeSystem {
	return sync.OnceValue(func() *schema.TypeSystem {
		ts, err := ipld.LoadSchemaBytes(text)
		if err != nil {
			panic(fmt.Sprintf("block: schema: %v", err))
		}
		return ts
	})
}
