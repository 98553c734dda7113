package link

import (
	_ "embed"
	"fmt"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/wasm"
)

// ShimCID is the shim of profile tm/1: the deterministic part of WASI preview 1, and the copying that the stub needs.
// Its source is shim/shim.wat; changing it changes the profile.
const ShimCID = "bafkreidyxbz3qxoltyui5inckumb4ixk5h2hhoth32whkxw3ttsw2wldga"

//go:embed shim/shim.wasm
var shimBytes []byte

// shimModule decodes and validates the shim, after checking that it is the profile's.
func shimModule() (*wasm.Module, error) {
	if c := block.Raw(shimBytes).CID.String(); c != ShimCID {
		return nil, fmt.Errorf("link: shim is %s, profile %s says %s", c, Profile, ShimCID)
	}
	m, err := wasm.Decode(shimBytes)
	if err == nil {
		err = wasm.Validate(m)
	}
	if err != nil {
		return nil, fmt.Errorf("link: shim: %w", err)
	}
	return m, nil
}
