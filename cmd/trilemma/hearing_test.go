package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/trilemma-dev/trilemma/client"
)

// unaskedCmd gives an answer that nobody asked for in a hearing at the service URL, which must refuse it: unasked HEARING.
func unaskedCmd(ts *testscript.TestScript, neg bool, args []string) {
	argc(ts, neg, args, 1, "unasked HEARING")
	c, err := client.New(client.Config{URL: ts.Getenv("URL")})
	ts.Check(err)
	_, err = c.Reply(context.Background(), args[0], client.HearingReply{Side: "A", Reply: []byte{0}})
	if p, ok := errors.AsType[*client.Problem](err); !ok || p.Status >= http.StatusInternalServerError {
		ts.Fatalf("an answer that nobody asked for: %v", err)
	}
}
