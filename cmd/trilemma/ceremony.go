package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"github.com/ipfs/go-cid"
	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/ceremony"
	"github.com/trilemma-dev/trilemma/internal/proving"
	"github.com/trilemma-dev/trilemma/prover"
)

func (a *app) ceremonyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "ceremony",
		Short: "Keys whose randomness several people drew, so that no one of them can forge",
		Long: `A ceremony makes the keys of a scheme from secrets of several people, each of whom forgets theirs; keys are sound if one of them did. It lies in a directory that
contributors pass on. First all contribute to the powers, which serve all circuits, and a beacon that nobody could foresee ends them; then all contribute to each circuit,
and a second beacon ends that. PLONK takes the powers alone. Anybody who has the directory can go through all of it, and get the same keys.

  start DIR --scheme S        begins
  contribute DIR              adds what you draw, to the phase in which the ceremony is
  seal DIR --beacon HEX       ends the phase; the second time keys are made and kept
  seal DIR                    of a sealed ceremony: go through all of it, and keep its keys here too
  verify DIR                  go through all that is there

Every step takes time that grows with the circuits: see docs/setup.md for how much.`,
		Example: "  trilemma setup ceremony start our-keys --scheme small",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.ceremonyStartCommand(), a.ceremonyContributeCommand(), a.ceremonySealCommand(), a.ceremonyVerifyCommand())
	return c
}

// ceremonyJSON is how far a ceremony is.
type ceremonyJSON struct {
	Ceremony     string   `json:"ceremony"` // CID of the transcript, as far as it is
	Scheme       string   `json:"scheme"`
	Backend      string   `json:"backend"`      // proof system
	Phase        string   `json:"phase"`        // powers, circuits, sealed
	Contributors int      `json:"contributors"` // to that phase, or to the last one
	Size         int64    `json:"size"`         // of the powers
	Circuits     int      `json:"circuits"`
	Steps        []string `json:"steps,omitempty"`  // CIDs of what was just contributed
	Family       string   `json:"family,omitempty"` // of the keys that it leads to
}

func (a *app) ceremonyStartCommand() *cobra.Command {
	var f keyFlags
	c := &cobra.Command{
		Use:     "start DIR",
		Short:   "Begin a ceremony in a new directory",
		Example: "  trilemma setup ceremony start our-keys --scheme small",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			_, backend, err := f.of()
			if err != nil {
				return err
			}
			return a.ceremony(c.Context(), func(ctx context.Context, p ceremony.Progress) (*ceremony.Ceremony, *ceremonyJSON, error) {
				of, err := ceremony.Start(ctx, args[0], f.scheme, backend, proof.Named, p)
				return of, nil, err
			})
		},
	}
	f.add(c)
	return c
}

func (a *app) ceremonyContributeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "contribute DIR",
		Short: "Add what this machine draws to the phase in which a ceremony is",
		Long: `Add secrets of this process, which it draws and forgets, to the powers or to each circuit. What the one before left is not verified: verify does that. The CIDs of
the steps are printed: keep and publish them, since they show whoever has the transcript that your contribution is in it. A contribution that was
interrupted is taken up by the same command.`,
		Example: "  trilemma setup ceremony contribute our-keys",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.ceremony(c.Context(), func(ctx context.Context, p ceremony.Progress) (*ceremony.Ceremony, *ceremonyJSON, error) {
				of, err := ceremony.Open(args[0], proof.Named)
				if err != nil {
					return nil, nil, err
				}
				steps, err := of.Contribute(ctx, p)
				return of, &ceremonyJSON{Steps: steps}, err
			})
		},
	}
}

func (a *app) ceremonySealCommand() *cobra.Command {
	var beacon string
	c := &cobra.Command{
		Use:   "seal DIR",
		Short: "End a phase with a beacon; at the end of the second one, make the keys and keep them",
		Long: `Verify all contributions of the phase in which a ceremony is and end it with a beacon: bytes that nobody could foresee when the last one contributed, and that
everybody can look up, as a block hash of a chain or a round of a randomness beacon. At the end of the second phase the keys are made and kept under TRILEMMA_HOME, in place of
others for the same circuits; their manifests name the ceremony. Of a ceremony that is sealed the keys are made and kept here too; then it takes no beacon.`,
		Example: "  trilemma setup ceremony seal our-keys --beacon 8b1e0f...",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			b, err := hex.DecodeString(beacon)
			switch {
			case err != nil:
				return usage("--beacon is not hexadecimal: %w", err)
			case len(b) > ceremony.MaxBeacon:
				return usage("--beacon has %d bytes, the limit is %d", len(b), ceremony.MaxBeacon)
			}
			return a.ceremony(c.Context(), func(ctx context.Context, p ceremony.Progress) (*ceremony.Ceremony, *ceremonyJSON, error) {
				return a.seal(ctx, args[0], b, p)
			})
		},
	}
	c.Flags().StringVar(&beacon, "beacon", "", "what ends the phase, in hexadecimal")
	return c
}

// seal ends the phase in which a ceremony is. Keys that it leads to are kept.
func (a *app) seal(ctx context.Context, dir string, beacon []byte, p ceremony.Progress) (*ceremony.Ceremony, *ceremonyJSON, error) {
	of, err := ceremony.Open(dir, proof.Named)
	if err != nil {
		return nil, nil, err
	}
	if len(beacon) == 0 {
		beacon = nil
	}
	if of.Phase() == ceremony.Powers && beacon == nil {
		return nil, nil, usage("the powers end with a --beacon")
	}
	if of.Phase() == ceremony.Powers && of.Backend() == proof.Backends()[0] {
		return of, nil, of.EndPowers(ctx, beacon, p)
	}
	if err := of.End(beacon); err != nil {
		return nil, nil, err
	}
	store, err := a.keystore()
	if err != nil {
		return nil, nil, err
	}
	id, err := of.CID()
	if err != nil {
		return nil, nil, err
	}
	keys := store.Collect(id)
	if err := of.Seal(ctx, keys, p); err != nil {
		return nil, nil, err
	}
	if err := keys.Adopt(); err != nil {
		return nil, nil, err
	}
	s, err := scheme(of.Transcript.Scheme)
	if err != nil {
		return nil, nil, err
	}
	k, err := proving.OpenIn(ctx, store, s, of.Backend(), nil)
	if err != nil {
		return nil, nil, err
	}
	return of, &ceremonyJSON{Family: fmt.Sprintf("%x", k.Runs.Family().ID())}, nil
}

func (a *app) ceremonyVerifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify DIR",
		Short: "Go through a ceremony as far as it is: every contribution, and the family of keys that it leads to",
		Long: `Verify every step of a ceremony: that each mixes something of its own into what the one before left, knows what it mixed in, and changes nothing else. Of a sealed
ceremony the keys are made again and forgotten, and the family that they are is printed: it has to be the one under which proofs are verified. The exit status is 1 if the
ceremony does not hold.`,
		Example: "  trilemma setup ceremony verify our-keys --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.ceremony(c.Context(), func(ctx context.Context, p ceremony.Progress) (*ceremony.Ceremony, *ceremonyJSON, error) {
				of, err := ceremony.Open(args[0], proof.Named)
				if err != nil {
					return nil, nil, err
				}
				id, err := of.CID()
				if err != nil {
					return nil, nil, err
				}
				var keys proving.Verified
				if err := of.Verify(ctx, &keys, p); err != nil || of.Phase() != ceremony.Sealed {
					return of, nil, err
				}
				s, err := scheme(of.Transcript.Scheme)
				if err != nil {
					return nil, nil, err
				}
				f, err := keys.Family(s, id)
				if err != nil {
					return nil, nil, err
				}
				return of, &ceremonyJSON{Family: fmt.Sprintf("%x", f.ID())}, nil
			})
		},
	}
}

// ceremony does something about a ceremony and shows how far it is then. An interruption ends it at once.
func (a *app) ceremony(ctx context.Context, do func(context.Context, ceremony.Progress) (*ceremony.Ceremony, *ceremonyJSON, error)) error {
	bar := a.stages()
	type result struct {
		of   *ceremony.Ceremony
		said *ceremonyJSON
	}
	r, err := unlessInterrupted(ctx, func() (r result, err error) {
		r.of, r.said, err = do(ctx, func(what string, done, total int) {
			bar.show(proving.Progress{Task: "ceremony", Stage: what, Done: done, Total: total})
		})
		return r, err
	})
	bar.end()
	if err != nil {
		return ceremonyFailure(err)
	}
	id, err := r.of.CID()
	if err != nil {
		return hostFailure(err)
	}
	return a.printCeremony(r.of, id, r.said)
}

func (a *app) printCeremony(of *ceremony.Ceremony, id cid.Cid, said *ceremonyJSON) error {
	if said == nil {
		said = &ceremonyJSON{}
	}
	said.Ceremony, said.Scheme, said.Backend, said.Phase, said.Contributors = id.String(), of.Transcript.Scheme, of.Backend().Name(), string(of.Phase()), of.Contributors()
	said.Size, said.Circuits = of.Transcript.Size, len(of.Circuits)
	if a.json {
		return a.printJSON(said)
	}
	for _, s := range said.Steps {
		if _, err := fmt.Fprintln(a.out, s); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(a.out, "ceremony %s: scheme %s, %d circuits, powers of size %d; phase %s, %d contributed\n", said.Ceremony, said.Scheme, said.Circuits, said.Size, said.Phase,
		said.Contributors)
	if err == nil && said.Family != "" {
		_, err = fmt.Fprintf(a.out, "family %s\n", said.Family)
	}
	return err
}

// ceremonyFailure gives an error its status: a ceremony that does not hold was checked and found invalid.
func ceremonyFailure(err error) error {
	switch {
	case errors.Is(err, prover.ErrCeremony):
		return &status{code: exitFailed, err: err}
	case errors.Is(err, ceremony.ErrPhase), errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrExist):
		return usage("%w", err)
	}
	return hostFailure(err)
}
