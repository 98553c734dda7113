package client

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/capability"
)

// life is how long an invocation holds: for one request, with clocks that are apart.
const life = time.Minute

// token signs an invocation that is bound to a request, and returns it with its proofs as the text of a container.
func (c *Client) token(ctx context.Context, r call, path string) (string, error) {
	s, err := c.Service(ctx)
	if err != nil {
		return "", err
	}
	args, err := capability.Binding{Method: r.method, Path: path, Digest: sha256.Sum256(r.body), Use: r.use}.Args()
	if err != nil {
		return "", err
	}
	proofs, err := c.chain(ctx, s.DID, r.command)
	if err != nil {
		return "", err
	}
	now := c.cfg.Now()
	issued, expires := now.Unix(), now.Add(life).Unix()
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return "", err
	}
	inv := capability.Invocation{Issuer: c.cfg.Key.DID(), Subject: s.DID, Command: r.command, Args: args, Proofs: proofs, Nonce: nonce, Expires: &expires, IssuedAt: &issued}
	sealed, err := inv.Seal(c.cfg.Key)
	if err != nil {
		return "", err
	}
	out := &capability.Container{}
	if _, err := out.Add(sealed); err != nil {
		return "", err
	}
	for _, p := range proofs {
		token, ok := c.cfg.Proofs.Proof(p)
		if !ok {
			return "", fmt.Errorf("%w: %s", capability.ErrUnavailable, p)
		}
		if _, err := out.Add(token); err != nil {
			return "", err
		}
	}
	text, err := out.Encode(capability.Base64URL)
	return string(text), err
}

// chain finds the delegations by which the key may invoke a command on the service.
func (c *Client) chain(ctx context.Context, service, command string) ([]cid.Cid, error) {
	if c.cfg.Key.DID() == service {
		return nil, nil
	}
	if c.cfg.Proofs == nil {
		return nil, fmt.Errorf("%w: %s has no delegation by %s", capability.ErrClaim, c.cfg.Key.DID(), service)
	}
	good, refused := capability.Validator{Now: c.cfg.Now, Subject: service}.Chains(ctx, c.cfg.Proofs, c.cfg.Key.DID())
	for _, chain := range good {
		if capability.Covers(chain.Command, command) {
			return chain.Proofs, nil
		}
	}
	return nil, errors.Join(append(refused, fmt.Errorf("%w: no chain of delegations allows %s %s on %s", capability.ErrCommand, c.cfg.Key.DID(), command, service))...)
}
