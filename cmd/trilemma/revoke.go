package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
)

type revokeFlags struct {
	accept   bool
	key, out string
}

func (a *app) revokeCommand() *cobra.Command {
	f := revokeFlags{}
	c := &cobra.Command{
		Use:   "revoke TOKENS [CID] | revoke CID | revoke --accept TOKENS",
		Short: "Take back a delegation, for ever",
		Long: `Sign a revocation of a delegation and enter it into the set of revocations under TRILEMMA_HOME. Every issuer of a
chain may revoke each delegation that comes after; what was revoked stays revoked.

TOKENS is a file with the chain that leads to the delegation, "-" is stdin; CID says which, if there are several. The
result is a container with the revocation and the chain: give it to whoever else checks the delegation, who enters it with
--accept. A CID alone is taken at its word, here; others want to see the chain.`,
		Example: `  trilemma revoke given.ucan
  trilemma revoke chain.ucan bafyrei… -o revocation.ucan
  trilemma revoke --accept revocation.ucan`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: completeFile("ucan"),
		RunE: func(c *cobra.Command, args []string) error {
			if f.accept {
				return a.acceptRevocations(c.Context(), args)
			}
			return a.revoke(c.Context(), args, f)
		},
	}
	fl := c.Flags()
	fl.BoolVar(&f.accept, "accept", false, "enter revocations that were signed elsewhere")
	fl.StringVar(&f.key, "key", "", "key file to sign with, instead of the one under TRILEMMA_HOME")
	fl.StringVarP(&f.out, "output", "o", "-", "write the container to this file; - is stdout")
	return c
}

func (a *app) revoke(ctx context.Context, args []string, f revokeFlags) error {
	to, err := a.placeTokens(f.out)
	if err != nil {
		return err
	}
	k, err := a.signer(f.key)
	if err != nil {
		return err
	}
	evidence := &capability.Container{}
	v := capability.Validator{}
	c, err := block.Parse(args[0])
	if err == nil && len(args) == 1 {
		v.Subject = k.DID()
	} else {
		if evidence, err = a.readTokens(args[0]); err != nil {
			return err
		}
		if c, err = oneDelegation(ctx, evidence, args[1:]); err != nil {
			return err
		}
	}
	token, err := capability.Revoke(k, c)
	if err != nil {
		return usage("%w", err)
	}
	if _, err := a.keepRevocation(ctx, v, token, evidence); err != nil {
		return err
	}
	inv, err := capability.OpenInvocation(token)
	if err != nil {
		return err
	}
	return a.printToken(ctx, token, inv, evidence, to)
}

// oneDelegation is the delegation that the arguments name, or the only one of a container.
func oneDelegation(ctx context.Context, c *capability.Container, args []string) (cid.Cid, error) {
	var all []capability.Description
	for _, d := range (capability.Validator{}).Describe(ctx, c) {
		if d.Kind == capability.KindDelegation {
			all = append(all, d)
		}
	}
	if len(args) == 1 {
		id, err := block.Parse(args[0])
		if err != nil {
			return cid.Undef, usage("%w", err)
		}
		return id, nil
	}
	if len(all) == 1 {
		return all[0].CID, nil
	}
	list := ""
	for _, d := range all {
		list += fmt.Sprintf("\n  %s %s", d.CID, d.Says)
	}
	return cid.Undef, usage("%d delegations: name the CID of one%s", len(all), list)
}

func (a *app) keepRevocation(ctx context.Context, v capability.Validator, token []byte, evidence *capability.Container) (*capability.Revocation, error) {
	r, err := v.Revocation(ctx, token, evidence)
	if errors.Is(err, capability.ErrClaim) {
		return nil, &status{code: exitDenied, err: err, hint: "only who issued the delegation, or one before it, may revoke it"}
	}
	if err != nil {
		return nil, usage("%w", err)
	}
	set, err := a.revocations()
	if err != nil {
		return nil, err
	}
	if err := set.Keep(ctx, r); err != nil {
		return nil, usage("%w", err)
	}
	return r, nil
}

type revocationsJSON struct {
	Revoked []revokedJSON `json:"revoked"`
}

type revokedJSON struct {
	CID string `json:"cid"`
	By  string `json:"by"`
}

// acceptRevocations enters all revocations of a container; the first bad one ends it.
func (a *app) acceptRevocations(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return usage("--accept takes one file")
	}
	evidence, err := a.readTokens(args[0])
	if err != nil {
		return err
	}
	list := revocationsJSON{Revoked: []revokedJSON{}}
	for _, token := range evidence.All() {
		if inv, err := capability.OpenInvocation(token); err != nil || inv.Command != capability.CommandRevoke {
			continue
		}
		r, err := a.keepRevocation(ctx, capability.Validator{}, token, evidence)
		if err != nil {
			return err
		}
		list.Revoked = append(list.Revoked, revokedJSON{r.Delegation.String(), r.Revoker})
	}
	if len(list.Revoked) == 0 {
		return usage("%s has no revocation", args[0])
	}
	if a.json {
		return a.printJSON(list)
	}
	for _, r := range list.Revoked {
		if _, err := fmt.Fprintf(a.out, "%s  revoked by %s\n", r.CID, r.By); err != nil {
			return err
		}
	}
	return nil
}
