package prover

import (
	"bytes"
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/plonk"
)

// TranscriptVersion is the version of the schema that this package writes and reads.
const TranscriptVersion = "ceremony/1"

// Limits of a transcript.
const (
	MaxTranscript = 1 << 20 // bytes
	maxSteps      = 1 << 10 // of a phase
	MaxBeacon     = 1 << 10 // bytes
)

// Transcript names all steps of a ceremony. Its fields follow schema.ipldsch; the CID of its block is what manifests of the ceremony's keys name.
type Transcript struct {
	Trilemma string
	Backend  *string
	Scheme   string
	Size     int64
	Beacon   []byte
	Steps    []datamodel.Link
	Circuits []CircuitSteps
}

// CircuitSteps names the steps of the second phase for a circuit.
type CircuitSteps struct {
	Circuit []byte
	Beacon  []byte
	Steps   []datamodel.Link
}

// StepBlock is a step as the block that a transcript names.
func StepBlock(step []byte) block.Block { return block.Raw(step) }

// Links are the links to blocks.
func Links(blocks ...block.Block) (l []datamodel.Link) {
	for _, b := range blocks {
		l = append(l, cidlink.Link{Cid: b.CID})
	}
	return l
}

// Block encodes the transcript.
func (t *Transcript) Block() (block.Block, error) {
	return block.Marshal(t, types().TypeByName("Transcript"))
}

// ReadTranscript decodes a transcript. The error wraps [ErrCeremony].
func ReadTranscript(data []byte) (*Transcript, error) {
	if len(data) > MaxTranscript {
		return nil, fmt.Errorf("%w: a transcript of %d bytes", ErrCeremony, len(data))
	}
	t := new(Transcript)
	if err := block.Unmarshal(data, t, types().TypeByName("Transcript")); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCeremony, err)
	}
	if t.Trilemma != TranscriptVersion {
		return nil, fmt.Errorf("%w: version %.40q, this program knows %q", ErrCeremony, t.Trilemma, TranscriptVersion)
	}
	ok := (t.Backend == nil || *t.Backend == plonk.Name) && len(t.Scheme) <= parts.MaxName && t.Size > 0 && t.Size <= maxPowers && len(t.Steps) <= maxSteps && len(t.Beacon) <= MaxBeacon && len(t.Circuits) > 0 && len(t.Circuits) <= parts.MaxKinds
	for _, c := range t.Circuits {
		ok = ok && len(c.Circuit) == len(parts.Digest{}) && len(c.Steps) <= maxSteps && len(c.Beacon) <= MaxBeacon
	}
	if !ok {
		return nil, fmt.Errorf("%w: a transcript with numbers that cannot be", ErrCeremony)
	}
	return t, nil
}

// Verify goes through the whole ceremony for circuits, which are those of the transcript in its order, and makes their keys. get finds the
// content of a step; what it returns is hashed. The error wraps [ErrCeremony], or is one of get.
func (t *Transcript) Verify(circuits []*Circuit, get func(cid.Cid) ([]byte, error)) ([]Keys, error) {
	if len(circuits) != len(t.Circuits) {
		return nil, fmt.Errorf("%w: it is for %d circuits, not %d", ErrCeremony, len(t.Circuits), len(circuits))
	}
	powers, err := EndPowers(uint64(t.Size), t.Beacon, Fetch(t.Steps, get))
	if err != nil {
		return nil, err
	}
	var keys []Keys
	for i, c := range circuits {
		if !bytes.Equal(t.Circuits[i].Circuit, c.digest[:]) {
			return nil, fmt.Errorf("%w: circuit %d is %x, not %s", ErrCeremony, i, t.Circuits[i].Circuit[:8], c.Name())
		}
		k, err := powers.End(c, t.Circuits[i].Beacon, Fetch(t.Circuits[i].Steps, get))
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// Fetch finds steps by their links. What get returns is hashed; the error wraps [ErrCeremony] if it is something else, or is one of get.
func Fetch(links []datamodel.Link, get func(cid.Cid) ([]byte, error)) Steps {
	return func(yield func([]byte, error) bool) {
		for _, l := range links {
			if step, err := fetch(l, get); !yield(step, err) {
				return
			}
		}
	}
}

func fetch(l datamodel.Link, get func(cid.Cid) ([]byte, error)) ([]byte, error) {
	cl, ok := l.(cidlink.Link)
	if !ok {
		return nil, fmt.Errorf("%w: a link that is no CID", ErrCeremony)
	}
	data, err := get(cl.Cid)
	if err != nil {
		return nil, err
	}
	if got := StepBlock(data).CID; got != cl.Cid {
		return nil, fmt.Errorf("%w: the step %s is %s", ErrCeremony, cl.Cid, got)
	}
	return data, nil
}
