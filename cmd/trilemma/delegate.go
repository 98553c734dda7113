package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"
	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
)

type delegateFlags struct {
	to, command        string
	policies           []string
	expires, notBefore string
	proof              string
	powerline          bool
	key, out           string
}

func (a *app) delegateCommand() *cobra.Command {
	var f delegateFlags
	c := &cobra.Command{
		Use:   "delegate --to DID --cmd COMMAND",
		Short: "Let somebody do something: sign a UCAN delegation",
		Long: `Let the holder of a DID do COMMAND, and the commands below it, on what this key controls. The result is a UCAN
container on one line: whoever has it and the key of the DID may do what it says until it expires, or until it is revoked.

--policy narrows it: JSON, one statement ["<=", ".fuel", 1000000] or a list of them, about the arguments of the command.
--proof FILE passes on, narrower, what this key was given itself. --powerline passes on whatever this key is given.

Commands of this system: /wasm/run /prove /challenge /block/put /block/get /job/read /job/cancel`,
		Example: `  trilemma delegate --to did:key:z6Mk… --cmd /wasm/run --policy '["<=", ".fuel", 1000000]' --expires 24h
  trilemma delegate --to did:key:z6Mk… --cmd /wasm/run --proof given.ucan -o given-on.ucan`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.delegate(c.Context(), f) },
	}
	fl := c.Flags()
	fl.StringVar(&f.to, "to", "", "DID that is allowed")
	fl.StringVar(&f.command, "cmd", "", "command that is allowed; / is everything")
	fl.StringArrayVar(&f.policies, "policy", nil, "statements that the arguments must satisfy, as JSON, or @FILE; may be given again")
	fl.StringVar(&f.expires, "expires", "24h", "after how long, or when, it ends; never for never")
	fl.StringVar(&f.notBefore, "not-before", "", "after how long, or when, it begins")
	fl.StringVar(&f.proof, "proof", "", "file with the delegations by which this key may do it")
	fl.BoolVar(&f.powerline, "powerline", false, "allow it on every subject that this key is ever given")
	fl.StringVar(&f.key, "key", "", "key file to sign with, instead of the one under TRILEMMA_HOME")
	fl.StringVarP(&f.out, "output", "o", "-", "write the container to this file; - is stdout")
	c.MarkFlagsMutuallyExclusive("proof", "powerline")
	completeFlag(c, "proof", cobra.FixedCompletions([]string{"ucan"}, cobra.ShellCompDirectiveFilterFileExt))
	completeFlag(c, "cmd", oneOf("/wasm/run", "/prove", "/challenge", "/block/put", "/block/get", "/job/read", "/job/cancel"))
	return c
}

type tokenJSON struct {
	CID    string `json:"cid"`
	Says   string `json:"says"`
	Tokens string `json:"tokens"` // the container that was written
}

func (a *app) delegate(ctx context.Context, f delegateFlags) error {
	if f.to == "" || f.command == "" {
		return usage("name who is allowed with --to and what with --cmd")
	}
	to, err := a.placeTokens(f.out)
	if err != nil {
		return err
	}
	k, err := a.signer(f.key)
	if err != nil {
		return err
	}
	now := time.Now()
	d := &capability.Delegation{Issuer: k.DID(), Audience: f.to, Subject: k.DID(), Command: f.command, Nonce: make([]byte, 12)}
	if _, err := rand.Read(d.Nonce); err != nil {
		return err
	}
	if d.Policy, err = a.policy(f.policies); err != nil {
		return err
	}
	if d.Expires, err = parseMoment("--expires", f.expires, now); err != nil {
		return err
	}
	if d.NotBefore, err = parseMoment("--not-before", f.notBefore, now); err != nil {
		return err
	}
	if d.Expires != nil && (*d.Expires < now.Unix() || d.NotBefore != nil && *d.Expires < *d.NotBefore) {
		return usage("the delegation would end before it begins")
	}
	tokens := &capability.Container{}
	if f.powerline {
		d.Subject = ""
	}
	if f.proof != "" {
		if d.Subject, err = a.passOn(ctx, f, k.DID(), tokens); err != nil {
			return err
		}
	}
	token, err := d.Seal(k)
	if err != nil {
		return usage("%w", err)
	}
	return a.printToken(ctx, token, d, tokens, to)
}

// passOn finds the chain by which holder may do the command, puts it into tokens and returns its subject.
func (a *app) passOn(ctx context.Context, f delegateFlags, holder string, tokens *capability.Container) (subject string, err error) {
	given, err := a.readTokens(f.proof)
	if err != nil {
		return "", err
	}
	v := capability.Validator{}
	if v.Revocations, err = a.revocations(); err != nil {
		return "", err
	}
	chains, refused := v.Chains(ctx, given, holder)
	for _, c := range chains {
		if !capability.Covers(c.Command, f.command) {
			refused = append(refused, fmt.Errorf("it allows %s only", c.Command))
			continue
		}
		for _, id := range c.Proofs {
			if token, ok := given.Proof(id); ok {
				if _, err := tokens.Add(token); err != nil {
					return "", usage("%w", err)
				}
			}
		}
		return c.Subject, nil
	}
	if len(refused) == 0 {
		refused = []error{errors.New("no chain in it leads there")}
	}
	return "", &status{code: exitDenied, err: fmt.Errorf("%s does not give %s to %s: %w", f.proof, f.command, holder, errors.Join(refused...))}
}

// policy joins statements from flags.
func (a *app) policy(flags []string) (p capability.Policy, err error) {
	for _, s := range flags {
		data := []byte(s)
		if name, ok := strings.CutPrefix(s, "@"); ok {
			if data, err = a.readFile(name, capability.MaxToken); err != nil {
				return p, err
			}
		}
		n, err := block.DecodeJSON(data)
		if err != nil {
			return p, usage("--policy: %w", err)
		}
		q, err := capability.ParsePolicy(listed(n))
		if err == nil {
			p, err = p.And(q)
		}
		if err != nil {
			return p, usage("--policy: %w", err)
		}
	}
	return p, nil
}

// listed makes a list of a single statement.
func listed(n datamodel.Node) datamodel.Node {
	if first, err := n.LookupByIndex(0); err != nil || first.Kind() != datamodel.Kind_String {
		return n
	}
	list, err := qp.BuildList(basicnode.Prototype.Any, 1, func(la datamodel.ListAssembler) { qp.ListEntry(la, qp.Node(n)) })
	if err != nil {
		return n
	}
	return list
}

// printToken writes the tokens with a new one among them, and tells people what it says.
func (a *app) printToken(ctx context.Context, token []byte, what fmt.Stringer, tokens *capability.Container, to output) error {
	id, err := tokens.Add(token)
	if err != nil {
		return usage("%w", err)
	}
	says := what.String()
	if to.name != "-" || !a.json {
		if err := a.writeTokens(ctx, to, tokens); err != nil {
			return err
		}
	}
	if !a.json {
		_, err := fmt.Fprintf(a.err, "%s\n  %s\n", id, printable(says))
		return err
	}
	text, err := tokenText(tokens)
	if err != nil {
		return err
	}
	return a.printJSON(tokenJSON{id.String(), says, text})
}
