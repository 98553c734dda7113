package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/capability"
)

type keyJSON struct {
	DID  string `json:"did"`
	Kind string `json:"kind"`
	File string `json:"file"`
}

func (a *app) keysCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "keys",
		Short: "Show the signing key, or make another",
		Long: `Show the DID of the key that signs receipts here, which is made on first use with mode 0600 under TRILEMMA_HOME.
The secret itself is never printed.`,
		Example: `  trilemma keys
  trilemma keys show ./other.key
  trilemma keys new --kind p256 ./other.key`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.showKey("") },
	}
	show := &cobra.Command{
		Use:               "show [FILE]",
		Short:             "Show the DID of a key",
		Example:           "  trilemma keys show",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeFile("key"),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.showKey("")
			}
			return a.showKey(args[0])
		},
	}
	kind := "ed25519"
	fresh := &cobra.Command{
		Use:     "new FILE",
		Short:   "Make a key in a new file",
		Example: "  trilemma keys new --kind secp256k1 ./executor.key",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			k, err := capability.GenerateKey(kind)
			if err == nil {
				err = k.Save(args[0])
			}
			if errors.Is(err, fs.ErrExist) {
				return &status{code: exitUsage, err: fmt.Errorf("%s exists, and a key is never replaced", args[0]), hint: "name a file that is not there yet"}
			}
			if err != nil {
				return usage("%w", err)
			}
			return a.printKey(k, args[0])
		},
	}
	fresh.Flags().StringVar(&kind, "kind", kind, "ed25519, p256 or secp256k1")
	completeFlag(fresh, "kind", oneOf("ed25519", "p256", "secp256k1"))
	c.AddCommand(show, fresh)
	return c
}

func (a *app) showKey(path string) error {
	k, err := a.signer(path)
	if err != nil {
		return err
	}
	if path == "" {
		if path, err = a.keyPath(); err != nil {
			return err
		}
	}
	return a.printKey(k, path)
}

func (a *app) printKey(k *capability.Key, path string) error {
	if a.json {
		return a.printJSON(keyJSON{k.DID(), k.Kind(), path})
	}
	_, err := fmt.Fprintf(a.out, "%s  %s  %s\n", k.DID(), k.Kind(), path)
	return err
}
