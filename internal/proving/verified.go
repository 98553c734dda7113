package proving

import (
	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/prover"
)

// Verified collects the verifying keys of a scheme's circuits, in their order, and forgets what proves.
type Verified struct{ keys []parts.VerifyingKey }

// Has is false: there are none from before.
func (v *Verified) Has(*prover.Circuit) bool { return false }

// Keep keeps the verifying key.
func (v *Verified) Keep(k prover.Keys) error {
	v.keys = append(v.keys, k.Key)
	return nil
}

// Family is the family of the keys that were collected, which come from a ceremony.
func (v *Verified) Family(s *proof.Scheme, ceremony cid.Cid) (*proof.Family, error) {
	return proof.NewFamily(s, v.keys, ceremony)
}
