package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/internal/report"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/verifier"
)

func (a *app) challengeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "challenge",
		Short: "A spot-check's messages as files: ask, answer, check",
		Long: `Ask an executor for openings of segments that are drawn at random, answer, check the answer. Each message is a file, so that any way of
sending it will do. The drawing is fixed by the challenge: one that is not answered stays as it is, and is never drawn anew.`,
		Example: "  trilemma challenge new run.car -o ask",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.challengeNewCommand(), a.challengeAnswerCommand(), a.challengeCheckCommand())
	return c
}

func (a *app) challengeNewCommand() *cobra.Command {
	var f seedFlags
	var to string
	c := &cobra.Command{
		Use:   "new BUNDLE.car",
		Short: "Ask for openings of a run's segments",
		Long: `Make a challenge to the executor of a bundle's run: a nonce that is fresh and used once, unless another seed is named, and how many segments it
draws. It is remembered under TRILEMMA_HOME, so that check knows the nonce as ours; as long as it is not answered the same one is given again.`,
		Example: `  trilemma challenge new run.car --samples 50 -o ask
  trilemma challenge new run.car --beacon round.json --recorded 2026-01-31T12:00:00Z -o ask
  trilemma challenge new run.car --weight blur=3 --weight grey=1 -o ask`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeFile("car"),
		RunE:              func(c *cobra.Command, args []string) error { return a.challengeNew(c.Context(), args[0], to, f) },
	}
	f.add(c)
	c.Flags().StringVarP(&to, "output", "o", "-", "write the challenge to this file; - is stdout")
	return c
}

// destination is where a file goes, if it and the JSON object do not both go to stdout.
func (a *app) destination(name string) (output, error) {
	out, err := a.place(name)
	if err == nil && out.name == "-" && a.json {
		err = usage("the file and the JSON object cannot both go to stdout: name a file with -o")
	}
	return out, err
}

func (a *app) challengeNew(ctx context.Context, name, to string, f seedFlags) error {
	out, err := a.destination(to)
	if err != nil {
		return err
	}
	b, _, err := a.readBundle(name)
	if err != nil {
		return bad(err)
	}
	if a.remote.url != "" {
		return a.challengeThere(ctx, b, out, f)
	}
	ch, err := f.challenge(a, b)
	if err != nil {
		return err
	}
	drawn, err := verifier.Drawn(b, ch)
	if err != nil {
		return usage("%s: %w", name, err)
	}
	keep, err := a.challenges(receipts.CID(b.Record.Receipt))
	if err != nil {
		return err
	}
	before, err := keep.open()
	if err != nil {
		return err
	}
	if before != nil {
		if !f.same(before, ch) {
			return &status{code: exitUsage, err: errors.New("another challenge of this run is open, and an open challenge is never drawn anew"),
				hint: "give the flags that it was made with to have it again, or check its answer"}
		}
		if drawn, err = verifier.Drawn(b, before); err != nil {
			return usage("%s: %w", name, err)
		}
		ch = before
	}
	blk, err := ch.Block()
	if err != nil {
		return hostFailure(err)
	}
	if before == nil {
		if err := keep.keep(blk.CID, blk.Data); err != nil {
			return err
		}
	}
	if err := a.write(ctx, out, func(w io.Writer) error { _, err := w.Write(blk.Data); return err }); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(report.Challenge(blk.CID.String(), ch, drawn, before != nil))
	}
	word := "draws"
	if before != nil {
		word = "is open already, and draws"
	}
	fmt.Fprintf(a.err, "challenge %s %s %d segments of the run %s\n", blk.CID, word, len(drawn), receipts.CID(ch.Receipt))
	return nil
}

// same says whether an open challenge is what the flags ask for: of a nonce only that it is one.
func (f *seedFlags) same(open, asked *spotcheck.Challenge) bool {
	if open.Samples != asked.Samples || open.Seed.Kind != asked.Seed.Kind || (open.Weights == nil) != (asked.Weights == nil) {
		return false
	}
	if open.Weights != nil && !maps.Equal(open.Weights.Values, asked.Weights.Values) {
		return false
	}
	if open.Seed.Kind == spotcheck.SeedNonce {
		return true
	}
	id := receipts.CID(open.Receipt)
	return open.Seed.Digest(id, nil) == asked.Seed.Digest(id, nil)
}

// bad is an error of reading where a verdict is not what is asked for: a damaged bundle is bad input.
func bad(err error) error {
	if damaged, ok := errors.AsType[*damagedBundle](err); ok {
		return &status{code: exitUsage, err: damaged}
	}
	return err
}

func (a *app) challengeAnswerCommand() *cobra.Command {
	var to, into string
	c := &cobra.Command{
		Use:   "answer BUNDLE.car CHALLENGE",
		Short: "Answer a challenge, by running what it asks about again",
		Long: `Answer a challenge to a run whose bundle holds modules and inputs. Every task of which segments were drawn is run again, up to the last of
them, and those are opened. What is revealed by that is the executor's to consider: the segments' part of the state and the input.`,
		Example: `  trilemma challenge answer run.car ask -o answer.car
  trilemma challenge answer run.car ask --into checked.car`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: completeFile("car"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.challengeAnswer(c.Context(), args[0], args[1], to, into)
		},
	}
	c.Flags().StringVarP(&to, "output", "o", "", "write the answer to this file; - is stdout")
	c.Flags().StringVar(&into, "into", "", "write the bundle, with the answer in it, to this file; - is stdout")
	return c
}

func (a *app) challengeAnswer(ctx context.Context, name, ask, to, into string) error {
	if (to == "") == (into == "") {
		return usage("name one file: the answer's with -o, or with --into that of a bundle which holds it")
	}
	out, err := a.destination(to + into)
	if err != nil {
		return err
	}
	b, _, err := a.readBundle(name)
	if err != nil {
		return bad(err)
	}
	data, err := a.readFile(ask, 1<<20)
	if err != nil {
		return err
	}
	ch, err := spotcheck.ReadChallenge(data)
	if err != nil {
		return usage("%s is not a challenge: %w", ask, err)
	}
	var made *receipts.Archive
	if a.remote.url != "" {
		made, err = a.answerThere(ctx, b, ch)
	} else if made, err = verifier.Answer(ctx, b, ch, &machine.Engine{}); errors.Is(err, spotcheck.ErrRefused) {
		return usage("%w", err)
	}
	switch {
	case verifier.Missing(err):
		return &status{code: exitUndecided, err: err}
	case err != nil:
		return unfinished(err, 0)
	}
	j, err := report.Answer(made)
	if err != nil {
		return hostFailure(err)
	}
	file := made
	if into != "" {
		whole, err := verifier.AddAnswer(b, made)
		if err != nil {
			return hostFailure(err)
		}
		j.Run, file = whole.Root.String(), &receipts.Archive{Root: whole.Root, Blocks: whole.Blocks}
	}
	if err := a.write(ctx, out, file.Write); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(j)
	}
	fmt.Fprintf(a.err, "answer %s: %d openings, %d bytes\n", j.Answer, j.Openings, j.Bytes)
	return nil
}

func (a *app) challengeCheckCommand() *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:   "check BUNDLE.car ANSWER.car",
		Short: "Check the answer to a challenge",
		Long: `Check a run by the answer to a challenge: every link, both ends, and each segment that the challenge draws. An answer in which a segment
is missing leaves the verdict undecided, and the challenge open. With a verdict it is done, and another one may be made.`,
		Example: `  trilemma challenge check run.car answer.car
  trilemma challenge check run.car answer.car --refutation wrong --json`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: completeFile("car"),
		RunE:              func(c *cobra.Command, args []string) error { return a.challengeCheck(c.Context(), args[0], args[1], f) },
	}
	c.Flags().StringVar(&f.executor, "executor", "", "DID of the executor whose signature is expected")
	c.Flags().StringVar(&f.refutation, "refutation", "", "if a segment is wrong, write the evidence to this file")
	completeFlag(c, "executor", oneOf())
	return c
}

func (a *app) challengeCheck(ctx context.Context, name, from string, f verifyFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	ar, _, err := a.readArchive(from)
	if err != nil {
		return bad(err)
	}
	answer, ch, err := verifier.ReadAnswer(ar)
	if err != nil {
		return usage("%s is not an answer: %w", from, err)
	}
	b, size, err := a.readBundle(name)
	if damaged, ok := errors.AsType[*damagedBundle](err); ok {
		return a.printReport(nothing(verifier.Spot, verifier.Invalid, damaged.Error(), verifier.Cost{Bytes: size}), "", f)
	}
	if err != nil {
		return err
	}
	if a.remote.url != "" {
		return a.checkThere(ctx, b, ar, size, f)
	}
	keep, err := a.challenges(receipts.CID(b.Record.Receipt))
	if err != nil {
		return err
	}
	id := answer.ChallengeCID()
	rep, err := a.ask(ctx, b, size, f, verifier.Config{Mode: verifier.Spot,
		Challenged: &verifier.Challenged{Challenge: ch, Ours: keep.ours(id), Answer: answer, Get: ar.Get}})
	if err != nil {
		return err
	}
	if rep.Outcome != verifier.Undecided {
		if err := keep.decide(id); err != nil {
			return err
		}
	}
	return a.conclude(ctx, rep, b.Root.String(), f)
}

// conclude prints a report, and writes the evidence against a run if that is asked for.
func (a *app) conclude(ctx context.Context, rep *verifier.Report, run string, f verifyFlags) error {
	if f.refutation != "" {
		i := slices.IndexFunc(rep.Verdicts, func(v verifier.Verdict) bool { return v.Refutation != nil })
		if i < 0 {
			fmt.Fprintln(a.err, "no segment was found wrong: there is no refutation to write")
		} else {
			out, err := a.place(f.refutation)
			if err != nil {
				return err
			}
			data := rep.Verdicts[i].Refutation.Data
			if err := a.write(ctx, out, func(w io.Writer) error { _, err := w.Write(data); return err }); err != nil {
				return err
			}
		}
	}
	return a.printReport(rep, run, f)
}
