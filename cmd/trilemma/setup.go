package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/proving"
	"github.com/trilemma-dev/trilemma/internal/wire"
)

func (a *app) setupCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "setup",
		Short: "Keys to prove with: list, make, export; ceremonies",
		Long: `Keys of circuits lie under TRILEMMA_HOME, in keys. Whoever knows the randomness that keys were made from can prove anything under them: those that are
made here are development keys. Proofs are checked under keys that the verifier trusts: those under TRILEMMA_HOME, and those that verify --keys names.`,
		Example: "  trilemma setup list",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.setupListCommand(), a.setupGenerateCommand(), a.setupExportCommand(), a.ceremonyCommand())
	return c
}

type (
	setupJSON       = wire.Keys
	setupKeyJSON    = wire.Key
	setupFamilyJSON = wire.Family
)

func (a *app) setupListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the keys that are here, and the families that are trusted",
		Example: "  trilemma setup list --json",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return a.setupList() },
	}
}

// setup are the keys that are here, and the families that are trusted.
func (a *app) setup() (*setupJSON, error) {
	store, err := a.keystore()
	if err != nil {
		return nil, err
	}
	manifests, err := store.List()
	if err != nil {
		return nil, hostFailure(err)
	}
	families, err := store.Families()
	if err != nil {
		return nil, hostFailure(err)
	}
	out := &setupJSON{Keys: []setupKeyJSON{}, Families: []setupFamilyJSON{}}
	for _, m := range manifests {
		out.Keys = append(out.Keys, setupKeyJSON{Circuit: fmt.Sprintf("%x", m.Circuit), Name: m.Name, Constraints: m.Constraints, Bytes: m.Proving.Size, Backend: m.BackendName(), Gnark: m.Gnark, Setup: m.Origin()})
	}
	for _, f := range families {
		out.Families = append(out.Families, familyOf(f))
	}
	return out, nil
}

func (a *app) setupList() error {
	out, err := a.setup()
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(out)
	}
	keys := [][]string{{"CIRCUIT", "NAME", "CONSTRAINTS", "SIZE", "BACKEND", "GNARK", "SETUP"}}
	for _, k := range out.Keys {
		keys = append(keys, []string{k.Circuit[:16], k.Name, fmt.Sprint(k.Constraints), fmt.Sprintf("%d MiB", k.Bytes>>20), k.Backend, k.Gnark, k.Setup})
	}
	trusted := [][]string{{"FAMILY", "SETUP", "BACKEND", "SHAPES"}}
	for _, j := range out.Families {
		trusted = append(trusted, []string{j.Family[:16], j.Setup, j.Backend, fmt.Sprint(len(j.Shapes))})
	}
	if err := table(a.out, lines(keys)); err != nil {
		return err
	}
	return table(a.out, lines(trusted))
}

func familyOf(f *proof.Family) setupFamilyJSON {
	j := setupFamilyJSON{Family: fmt.Sprintf("%x", f.ID()), Backend: f.Keys.Backend().Name(), Setup: f.Origin(), Shapes: []string{}}
	for _, sh := range f.Scheme.Shapes {
		j.Shapes = append(j.Shapes, sh.Name())
	}
	return j
}

func (a *app) setupGenerateCommand() *cobra.Command {
	var f keyFlags
	c := &cobra.Command{
		Use:   "generate",
		Short: "Make the keys of a scheme, as far as they are not here yet: development keys",
		Long: `Make the keys that prove would make at first use. Their randomness is drawn here and forgotten; nobody but you can know that it was. Proofs under them
convince those who trust you, and nobody else.`,
		Example: "  trilemma setup generate --scheme small",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			k, err := a.keysIn(c.Context(), f)
			if err != nil {
				return err
			}
			return a.printFamily(k)
		},
	}
	f.add(c)
	return c
}

func schemeFlag(c *cobra.Command, name *string) {
	c.Flags().StringVar(name, "scheme", proof.Standard, "whose keys: "+proof.Standard+", "+proof.Small+" or "+proof.Tiny)
	completeFlag(c, "scheme", oneOf(proof.Names()...))
}

func (a *app) printFamily(k *proving.Keys) error {
	j := familyOf(k.Runs.Family())
	if a.json {
		return a.printJSON(j)
	}
	_, err := fmt.Fprintf(a.out, "family %s, setup %s, %d MiB of proving keys\n", j.Family, j.Setup, k.Bytes>>20)
	return err
}

func (a *app) setupExportCommand() *cobra.Command {
	var f keyFlags
	var to string
	c := &cobra.Command{
		Use:   "export",
		Short: "Write the verifying keys of a scheme to a file, for verify --keys",
		Long: `Write what it takes to verify proofs that are made here: verifying keys and what circuits they are of. Whoever verifies with them trusts whoever made them, so
give the file on a way that they trust. The same keys are in every bundle with a proof, where nobody has to believe them.`,
		Example: "  trilemma setup export -o ours.family",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.setupExport(c.Context(), f, to) },
	}
	f.add(c)
	c.Flags().StringVarP(&to, "output", "o", "", "write the keys to this file; - is stdout")
	if err := c.MarkFlagRequired("output"); err != nil {
		panic(err) // the flag is there
	}
	return c
}

func (a *app) setupExport(ctx context.Context, f keyFlags, to string) error {
	out, err := a.destination(to)
	if err != nil {
		return err
	}
	k, err := a.keysIn(ctx, f)
	if err != nil {
		return err
	}
	b, err := k.Runs.Family().Block()
	if err != nil {
		return hostFailure(err)
	}
	if err := a.write(ctx, out, func(w io.Writer) error { _, err := w.Write(b.Data); return err }); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(familyOf(k.Runs.Family()))
	}
	fmt.Fprintf(a.err, "family %x, setup %s\n", k.Runs.Family().ID(), k.Runs.Family().Origin())
	return nil
}
