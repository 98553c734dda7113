package httpapi

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/store"
)

// maxBearer bounds a token in a header, in bytes; the server bounds all headers together.
const maxBearer = 64 << 10

// skew is how far clocks may be apart.
const skew = 10 * time.Second

// authority decides who may ask what, by the tokens that come along.
type authority struct {
	cfg       *Config
	validator capability.Validator
	replay    capability.Replay
}

func newAuthority(cfg *Config, start time.Time) *authority {
	did := cfg.Signer.DID()
	return &authority{cfg: cfg,
		validator: capability.Validator{Now: cfg.Now, Skew: skew, Executor: did, Subject: did, Revocations: &store.Revocations{Records: cfg.Records}},
		// The set of nonces is empty at the start: nothing that was signed before can be told from a replay.
		replay: capability.Replay{Skew: skew, Since: start}}
}

// asked is an invocation that is allowed and bound to the request's method and path.
type asked struct {
	grant *capability.Grant
	bound *capability.Bound
}

// admit decides by the request's head. It returns nil for what needs no token.
func (a *authority) admit(c *gin.Context, n need) (*asked, *Problem) {
	header := c.GetHeader("Authorization")
	if header == "" {
		switch {
		case n.command == "", n.public && a.cfg.Public:
			return nil, nil
		case a.cfg.Open:
			return nil, fromHere(c.Request)
		}
		return nil, problem(CodeNoToken, "%s needs a token for %s", c.FullPath(), n.command).header("WWW-Authenticate", "Bearer").
			hint("send Authorization: Bearer with a UCAN container; GET /v1/service names the service's DID")
	}
	if n.command == "" {
		return nil, nil
	}
	out, err := a.check(c, header, n.command)
	if err != nil {
		return nil, problemOf(err)
	}
	return out, nil
}

func (a *authority) check(c *gin.Context, header, command string) (*asked, error) {
	text, ok := strings.CutPrefix(header, "Bearer ")
	if !ok || len(text) > maxBearer {
		return nil, fmt.Errorf("%w: want Bearer and a container of at most %d bytes", capability.ErrToken, maxBearer)
	}
	tokens, err := capability.ReadContainer([]byte(text))
	if err != nil {
		return nil, err
	}
	var invocation []byte
	for _, token := range tokens.All() {
		if !capability.IsInvocation(token) {
			continue
		}
		if invocation != nil {
			return nil, fmt.Errorf("%w: more than one invocation", capability.ErrToken)
		}
		invocation = token
	}
	if invocation == nil {
		return nil, fmt.Errorf("%w: there is no invocation in it", capability.ErrToken)
	}
	grant, err := a.validator.Validate(c.Request.Context(), invocation, tokens)
	if err != nil {
		return nil, err
	}
	if grant.Command != command {
		return nil, fmt.Errorf("%w: %s is not %s, which this request needs", capability.ErrCommand, grant.Command, command)
	}
	bound, err := capability.ReadBinding(grant.Args)
	if err != nil {
		return nil, err
	}
	return &asked{grant, bound}, bound.Request(c.Request.Method, c.Request.URL.RequestURI())
}

// spend decides by the body, and takes note of the nonce.
func (a *authority) spend(q *asked, digest [sha256.Size]byte, now time.Time) *Problem {
	err := q.bound.Body(digest)
	if err == nil {
		err = a.replay.Use(q.grant.Invocation, now)
	}
	if err != nil {
		return problemOf(err)
	}
	return nil
}
