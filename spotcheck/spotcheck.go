// Package spotcheck is what can be learnt of a run without running it: which segments to look at and what that is worth, whether an
// answer to a challenge holds, which of two transcripts is wrong, and how to show that to others.
//
// Laws: what is drawn follows from a seed and nothing else; a challenge that is not answered stays what it is and is never drawn anew;
// probabilities are exact; whatever an executor, a verifier or a side of a dispute sends is bounded, decoded strictly, and blamed on nobody
// who did not sign it.
package spotcheck

import (
	_ "embed"
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"

	"github.com/trilemma-dev/trilemma/block"
)

//go:embed schema.ipldsch
var schemaText []byte

var types = block.Schema(schemaText)

// Versions of the schemas that this package writes and reads.
const (
	ChallengeVersion  = "challenge/1"
	AnswerVersion     = "answer/1"
	RefutationVersion = "refutation/1"
	DisputeVersion    = "dispute/1"
	AskVersion        = "ask/1"
	ReplyVersion      = "reply/1"
	RulingVersion     = "ruling/1"
)

// Errors of this package; test with errors.Is.
var (
	ErrMalformed  = errors.New("malformed")
	ErrUnanswered = errors.New("unanswered")
	ErrRefused    = errors.New("refused")
	ErrWrong      = errors.New("wrong")
)

// maxMessage bounds a message that holds no openings, in bytes.
const maxMessage = 1 << 20

// read decodes a message of a named type, and checks its version.
func read[T any](data []byte, limit int, name, version string, of func(*T) string) (*T, error) {
	if len(data) > limit {
		return nil, fmt.Errorf("%w: %d bytes of %s, the limit is %d", ErrMalformed, len(data), name, limit)
	}
	v := new(T)
	if err := block.Unmarshal(data, v, types().TypeByName(name)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if got := of(v); got != version {
		return nil, fmt.Errorf("%w: version %.40q, this program knows %q", ErrMalformed, got, version)
	}
	return v, nil
}

// marshal encodes a message of a named type.
func marshal(v any, name string) (block.Block, error) {
	return block.Marshal(v, types().TypeByName(name))
}

// cidOf is the CID of a link; every link that was decoded has one.
func cidOf(l datamodel.Link) cid.Cid {
	if cl, ok := l.(cidlink.Link); ok {
		return cl.Cid
	}
	return cid.Undef
}

func linkTo(c cid.Cid) datamodel.Link { return cidlink.Link{Cid: c} }
