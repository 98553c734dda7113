package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/workflow"
)

// Kinds of DAG-CBOR blocks that are no tokens. What else has a version is called by the word before it.
const (
	kindRecord   = "run"
	kindWorkflow = "workflow-block"
	kindTask     = "task"
	kindValue    = "value"
)

// blockJSON is a block as inspect shows it if it has no view of its own.
type blockJSON struct {
	Kind  string          `json:"kind"` // run, workflow-block, task, transcript, opening, challenge, answer, refutation, dispute, value or raw
	CID   string          `json:"cid"`
	Bytes int             `json:"bytes"`
	Value json.RawMessage `json:"value,omitempty"` // DAG-JSON
}

// versions are those of blocks that are called by the word before the slash.
var versions = []string{machine.TranscriptVersion, machine.OpeningVersion, spotcheck.ChallengeVersion, spotcheck.AnswerVersion, spotcheck.RefutationVersion,
	spotcheck.DisputeVersion}

// kindOf tells what a block is from its fields.
func kindOf(n datamodel.Node) string {
	if n.Kind() != datamodel.Kind_Map {
		return kindValue
	}
	if v, err := n.LookupByString("trilemma"); err == nil {
		s, _ := v.AsString()
		switch s {
		case receipts.RecordVersion:
			return kindRecord
		case workflow.Version:
			return kindWorkflow
		}
		if slices.Contains(versions, s) {
			word, _, _ := strings.Cut(s, "/")
			return word
		}
		return kindValue
	}
	for _, field := range []string{"sub", "cmd", "args", "nonce"} {
		if _, err := n.LookupByString(field); err != nil || n.Length() != 4 {
			return kindValue
		}
	}
	return kindTask
}

func inspectNode(b block.Block, n datamodel.Node) (*view, error) {
	value, err := block.EncodeJSON(n)
	if err != nil {
		return nil, err
	}
	out := blockJSON{Kind: kindOf(n), CID: b.CID.String(), Bytes: len(b.Data), Value: value}
	words := map[string]string{kindRecord: "run record: the root of a bundle", kindWorkflow: "workflow's block: its tasks by label",
		kindTask: "task", kindValue: "DAG-CBOR value", "transcript": "transcript of a run", "opening": "opening of a segment",
		"challenge": "challenge: see trilemma challenge answer", "answer": "answer to a challenge: see trilemma challenge check",
		"refutation": "refutation, not checked here: see trilemma verify", "dispute": "dispute: two receipts that contradict each other"}
	v := &view{json: out}
	v.fact("kind", words[out.Kind])
	v.fact("cid", out.CID)
	v.fact("size", fmt.Sprintf("%d bytes", out.Bytes))
	if n.Kind() != datamodel.Kind_Map || n.Length() == 0 {
		v.fact("value", string(value))
		return v, nil
	}
	for it := n.MapIterator(); !it.Done(); {
		k, item, err := it.Next()
		if err != nil {
			return nil, err
		}
		name, err := k.AsString()
		if err != nil {
			return nil, err
		}
		text, err := block.EncodeJSON(item)
		if err != nil {
			return nil, err
		}
		v.fact("."+name, string(text))
	}
	return v, nil
}

// inspectRaw shows a block of bytes without a form.
func inspectRaw(b block.Block) *view {
	v := &view{json: blockJSON{Kind: "raw", CID: b.CID.String(), Bytes: len(b.Data)}}
	v.fact("kind", "bytes without a known form")
	v.fact("cid", b.CID.String())
	v.fact("size", fmt.Sprintf("%d bytes", len(b.Data)))
	if isText(b.Data) {
		v.fact("begins", oneLine(string(b.Data[:min(len(b.Data), 4*maxSummary)])))
	}
	return v
}
