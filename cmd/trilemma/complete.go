package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/wasm"
)

// completeFile completes the first argument with files of these extensions, and no other argument.
func completeFile(extensions ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return extensions, cobra.ShellCompDirectiveFilterFileExt
	}
}

// completeDir completes a flag's value with directories.
func completeDir(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// completeFlag gives a flag of c its completion. That c has the flag is known when the program is written.
func completeFlag(c *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := c.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err)
	}
}

// oneOf completes a flag's value with one of these.
func oneOf(values ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
}

// completeExport completes with the functions that the module exports which is the first argument.
func (a *app) completeExport(_ *cobra.Command, args []string, _ string) (names []string, d cobra.ShellCompDirective) {
	d = cobra.ShellCompDirectiveNoFileComp
	if len(args) == 0 {
		return nil, d
	}
	m, err := a.module(args[0])
	if err != nil {
		return nil, d
	}
	for _, e := range m.Exports {
		if t, ok := m.TypeOfFunc(e.Index); ok && e.Kind == wasm.ExternFunc && completable(e.Name) {
			names = append(names, e.Name+"\t"+t.String())
		}
	}
	return names, d
}

// completable reports whether a name from a hostile file can be given to a shell as it is.
func completable(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == ""
}

// completeTask completes with the labels of the bundle that is the first argument.
func (a *app) completeTask(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var b *receipts.Bundle
	if len(args) > 0 && args[0] != "-" {
		b, _, _ = a.readBundle(args[0]) // nothing is completed if it cannot be read
	}
	if b == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return labels(b), cobra.ShellCompDirectiveNoFileComp
}
