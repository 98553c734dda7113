package prover

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"

	"github.com/consensys/gnark"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/plonk"
)

//go:embed schema.ipldsch
var schemaText []byte

var types = block.Schema(schemaText)

// ManifestVersion is the version of the schema that this package writes and reads.
const ManifestVersion = "key/1"

// ErrManifest says that bytes are not a manifest of keys.
var ErrManifest = errors.New("not a manifest of keys")

// maxManifest bounds a manifest, in bytes.
const maxManifest = 1 << 20

// Manifest is what is known of the keys of one circuit. Its fields follow schema.ipldsch. A manifest from a stranger says what he says; only its
// verifying key is checked, and only as far as its backend can.
type Manifest struct {
	Trilemma    string
	Backend     *string
	Circuit     []byte
	Compiled    []byte
	Name        string
	Constraints int64
	Gnark       string
	Ceremony    *datamodel.Link
	Proving     Stored
	Verifying   []byte
}

// Stored is a file beside the manifest: a proving key, or a reference string.
type Stored struct {
	Size   int64
	Sha256 []byte
}

// Dev reports whether one machine drew the randomness of the keys: whoever has it can prove anything.
func (m *Manifest) Dev() bool { return m.Ceremony == nil }

// Origin is where the randomness came from: "dev", or the CID of a ceremony's transcript.
func (m *Manifest) Origin() string {
	if m.Dev() {
		return "dev"
	}
	return (*m.Ceremony).String()
}

// newManifest describes keys whose proving key is not stored yet. ceremony is undefined for randomness of this machine.
func newManifest(c *Circuit, key parts.VerifyingKey, ceremony cid.Cid) *Manifest {
	m := &Manifest{Trilemma: ManifestVersion, Circuit: c.digest[:], Compiled: c.compiled[:], Name: c.Name(), Constraints: int64(c.Constraints()),
		Gnark: gnark.Version.String(), Verifying: key.Bytes()}
	if c.plonk {
		name := plonk.Name
		m.Backend = &name
	}
	if ceremony.Defined() {
		var l datamodel.Link = cidlink.Link{Cid: ceremony}
		m.Ceremony = &l
	}
	return m
}

// Block encodes the manifest.
func (m *Manifest) Block() (block.Block, error) {
	return block.Marshal(m, types().TypeByName("Manifest"))
}

// ReadManifest decodes a manifest. The error wraps [ErrManifest].
func ReadManifest(data []byte) (*Manifest, error) {
	if len(data) > maxManifest {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", ErrManifest, len(data), maxManifest)
	}
	m := new(Manifest)
	if err := block.Unmarshal(data, m, types().TypeByName("Manifest")); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	switch {
	case m.Trilemma != ManifestVersion:
		return nil, fmt.Errorf("%w: version %.40q, this program knows %q", ErrManifest, m.Trilemma, ManifestVersion)
	case len(m.Circuit) != len(parts.Digest{}) || len(m.Compiled) != len(parts.Digest{}) || len(m.Proving.Sha256) != len(parts.Digest{}):
		return nil, fmt.Errorf("%w: digests of %d and %d bytes", ErrManifest, len(m.Circuit), len(m.Proving.Sha256))
	case m.Proving.Size < 0 || m.Constraints < 0 || len(m.Name) > parts.MaxName:
		return nil, fmt.Errorf("%w: a number or name that cannot be", ErrManifest)
	}
	if _, err := m.key(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	return m, nil
}

// plonk reports whether the keys are for PLONK.
func (m *Manifest) plonk() bool { return m.Backend != nil }

// BackendName is the name of the proof system that the keys are for.
func (m *Manifest) BackendName() string {
	if m.plonk() {
		return *m.Backend
	}
	return parts.Groth16{}.Name()
}

// key is the verifying key.
func (m *Manifest) key() (parts.VerifyingKey, error) {
	switch {
	case !m.plonk():
		return parts.Groth16{}.ParseKey(m.Verifying)
	case *m.Backend == plonk.Name:
		return plonk.Backend{}.ParseKey(m.Verifying)
	}
	return nil, fmt.Errorf("unknown proof system %.40q", *m.Backend)
}

// fits reports why the keys are not those of a circuit that this program compiled, or nil.
func (m *Manifest) fits(c *Circuit) error {
	switch {
	case !bytes.Equal(m.Circuit, c.digest[:]):
		return fmt.Errorf("%w: the keys are of circuit %x, not %x", ErrManifest, m.Circuit[:8], c.digest[:8])
	case m.plonk() != c.plonk:
		return fmt.Errorf("%w: the keys are for another proof system", ErrManifest)
	case m.Gnark != gnark.Version.String():
		return fmt.Errorf("%w: the keys were made by gnark %.20s, this is %s", ErrManifest, m.Gnark, gnark.Version)
	}
	return nil
}
