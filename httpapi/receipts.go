package httpapi

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/report"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
)

func (s *Server) receiptOperations() {
	register(s, huma.Operation{OperationID: "list-receipts", Method: http.MethodGet, Path: "/v1/receipts", Tags: []string{"receipts"},
		Summary: "The receipt feed: what was issued here, the oldest first"}, need{command: capability.CommandGet}, s.listReceipts)
	register(s, huma.Operation{OperationID: "watch-receipts", Method: http.MethodGet, Path: "/v1/receipts/events", Tags: []string{"receipts"}, Responses: eventAnswers("receipts", wire.Issued{}, s),
		Summary: "The receipt feed as it grows", Description: "Server-sent events of the type receipts. Last-Event-ID resumes; without it the feed begins with its first entry."},
		need{command: capability.CommandGet, watch: true}, s.watchReceipts)
	register(s, huma.Operation{OperationID: "get-receipt", Method: http.MethodGet, Path: "/v1/receipts/{cid}", Tags: []string{"receipts"},
		Summary: "What a receipt says", Description: "Its signature is checked; whether it is right is what verification says. The receipt itself is the block of the same CID."},
		need{command: capability.CommandGet, public: true}, s.getReceipt)
	register(s, huma.Operation{OperationID: "get-transcript", Method: http.MethodGet, Path: "/v1/transcripts/{cid}", Tags: []string{"receipts"}, Summary: "What a transcript says"},
		need{command: capability.CommandGet, public: true}, s.getTranscript)
}

type feedInput struct {
	After uint64 `query:"after" doc:"number of the last entry that is known"`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

// feedPause is how long a page of the feed waits for an entry that is not there: not at all, but for the engine to say so.
const feedPause = 100 * time.Millisecond

func (s *Server) listReceipts(ctx context.Context, in *feedInput) (*reply[wire.Receipts], error) {
	out := wire.Receipts{Entries: []wire.Issued{}, Next: in.After}
	timed, cancel := context.WithCancel(ctx)
	defer cancel()
	idle := time.AfterFunc(feedPause, cancel)
	defer idle.Stop()
	err := s.cfg.News.Feed(timed, in.After, func(i Issued) error {
		idle.Reset(feedPause)
		out.Entries = append(out.Entries, issued(i))
		out.Next = i.Seq
		if len(out.Entries) == in.Limit {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) && timed.Err() == nil || ctx.Err() != nil {
		return nil, errors.Join(err, ctx.Err())
	}
	return &reply[wire.Receipts]{out}, nil
}

func issued(i Issued) wire.Issued {
	out := wire.Issued{Number: i.Seq, Job: i.Job, Receipts: []string{}, At: i.At}
	for _, c := range i.Receipts {
		out.Receipts = append(out.Receipts, c.String())
	}
	return out
}

func (s *Server) watchReceipts(_ context.Context, in *eventID) (*huma.StreamResponse, error) {
	after, err := in.parse()
	if err != nil {
		return nil, err
	}
	return s.stream(func(ctx context.Context, send sender) error {
		return s.cfg.News.Feed(ctx, after, func(i Issued) error { return send("receipts", i.Seq, issued(i)) })
	}), nil
}

func (s *Server) getReceipt(ctx context.Context, in *named) (*reply[wire.Receipt], error) {
	b, err := s.load(ctx, in)
	if err != nil {
		return nil, err
	}
	r, err := receipts.Open(b)
	if err != nil {
		return nil, problem(CodeContent, "%v", err)
	}
	out := wire.Receipt{Issuer: r.Issuer}
	if out.Task, err = report.Task(r); err != nil {
		return nil, err
	}
	if m := r.Claim.Run.Module; m != nil {
		out.Module = receipts.CID(*m).String()
	}
	if all := r.Claim.Run.Receipts; all != nil {
		out.Tasks = make(map[string]string, len(all.Values))
		for label, l := range all.Values {
			out.Tasks[label] = receipts.CID(l).String()
		}
	}
	return &reply[wire.Receipt]{out}, nil
}

func (s *Server) getTranscript(ctx context.Context, in *named) (*reply[wire.Transcript], error) {
	b, err := s.load(ctx, in)
	if err != nil {
		return nil, err
	}
	t, err := machine.ReadTranscript(b.Data)
	if err != nil {
		return nil, problem(CodeContent, "%v", err)
	}
	out := wire.Transcript{CID: in.CID, Program: hex.EncodeToString(t.Program), Steps: t.Steps, Segment: t.Segment, Segments: machine.Segments(t.Steps),
		Fuel: t.Used, Outcome: t.End().String(), Roots: []string{}}
	for _, l := range t.Roots {
		out.Roots = append(out.Roots, receipts.CID(l).String())
	}
	return &reply[wire.Transcript]{out}, nil
}
