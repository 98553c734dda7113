package evidence

import (
	"context"
	"time"

	"github.com/trilemma-dev/trilemma/capability"
)

// Token is a delegation, an invocation or a revocation in words.
type Token struct {
	CID     string `json:"cid"`
	Kind    string `json:"kind"`
	Says    string `json:"says"`
	Refused string `json:"refused,omitempty"` // why it would be refused now, by whoever knows of no revocation but those beside it
}

// Tokens says what each token in a container, or a bare one, allows. The error says that it is neither.
func Tokens(ctx context.Context, data []byte) ([]Token, error) {
	c, err := capability.ReadTokens(data)
	if err != nil {
		return nil, err
	}
	out := []Token{}
	for _, d := range (capability.Validator{Now: time.Now}).Describe(ctx, c) {
		t := Token{CID: d.CID.String(), Kind: d.Kind, Says: d.Says}
		if d.Refused != nil {
			t.Refused = d.Refused.Error()
		}
		out = append(out, t)
	}
	return out, nil
}
