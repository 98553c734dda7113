package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// Exit statuses: the same for every command.
const (
	exitOK        = 0 // done, or valid
	exitFailed    = 1 // checked and found invalid, or a task ended in an error
	exitUsage     = 2 // bad usage or unreadable input
	exitUndecided = 3 // evidence is missing
	exitDenied    = 4 // not allowed
)

// status is an error that carries an exit status. One without a message has said all on stdout already.
type status struct {
	code int
	err  error
	hint string
}

func (s *status) Error() string {
	switch {
	case s.err == nil:
		return ""
	case s.hint == "":
		return s.err.Error()
	}
	return s.err.Error() + "\n  " + s.hint
}

func (s *status) Unwrap() error { return s.err }

func usage(format string, args ...any) error {
	return &status{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// hostFailure is an error that is nobody's fault but the host's: there is no result. One that has a status keeps it.
func hostFailure(err error) error {
	if _, ok := errors.AsType[*status](err); ok || err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return &status{code: exitFailed, err: err}
}

// streams is the process's surroundings.
type streams struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
}

func standard() streams {
	return streams{in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv}
}

// terminal reports whether w is a terminal.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// app is one invocation of the command line.
type app struct {
	streams
	json   bool
	remote remoteFlags
}

// run runs the command line and returns the exit status.
func run(ctx context.Context, args []string, s streams) int {
	s.in = &interruptible{ctx: ctx, r: s.in}
	a := &app{streams: s}
	root := a.root()
	if c, rest, err := root.Find(args); err == nil && (c.Name() == "exec" || c.Name() == "preflight") {
		args = append([]string{c.Name()}, arrange(c, rest)...)
	}
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	c, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	code := exitUsage
	var st *status
	switch {
	case errors.As(err, &st):
		code = st.code
	case errors.Is(err, context.Canceled):
		err = errors.New("interrupted")
		code = exitFailed
	default: // what cobra says of a command line
		err = &status{code: code, err: err, hint: "see: " + c.CommandPath() + " --help"}
	}
	if msg := err.Error(); msg != "" {
		fmt.Fprintln(s.err, "trilemma:", printable(msg))
	}
	return code
}

// printable replaces control characters, which a hostile file may have put into a message to play with the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unsafeRune(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// unsafeRune reports whether r is a control character or turns the direction of writing.
func unsafeRune(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "trilemma",
		Short: "Verifiable computation on WebAssembly: run, sign, check",
		Long: `Trilemma runs workflows of deterministic WebAssembly tasks, signs a receipt at every step, and lets anyone
check a receipt as strongly, as cheaply or as privately as they choose.

stdout is data, stderr is for people. Exit status: 0 done or valid, 1 invalid or a task failed, 2 bad usage
or unreadable input, 3 undecided because evidence is missing, 4 not allowed.

State (the signing key, results, compiled code) lies under TRILEMMA_HOME; its default is the XDG data directory.`,
		Example: `  trilemma exec fib.wasm --invoke fib 20
  trilemma run workflow.json -o run.car
  trilemma verify run.car --mode rerun`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
	}
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print one JSON object on stdout")
	a.remote.add(root)
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error { return a.remote.check(c, a.getenv) }
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &status{code: exitUsage, err: err, hint: "see: " + c.CommandPath() + " --help"}
	})
	root.SetHelpCommand(&cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Help about any command",
		Example: "  trilemma help run",
		RunE: func(_ *cobra.Command, args []string) error {
			c, _, err := root.Find(args)
			if err != nil {
				return err
			}
			return c.Help()
		},
	})
	root.AddCommand(a.runCommand(), a.execCommand(), a.verifyCommand(), a.keysCommand())
	root.AddCommand(a.proveCommand(), a.openCommand(), a.setupCommand())
	root.AddCommand(a.challengeCommand(), a.disputeCommand(), a.hearingCommand(), a.spotcheckCommand())
	root.AddCommand(a.preflightCommand(), a.benchCommand())
	root.AddCommand(a.inspectCommand(), a.delegateCommand(), a.revokeCommand())
	root.AddCommand(a.serveCommand(), a.workerCommand())
	return root
}
