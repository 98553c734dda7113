package capability

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/MetaMask/go-did-it/crypto"
	"github.com/MetaMask/go-did-it/crypto/ed25519"
)

// Signer signs payloads for one DID. Implementations are safe for concurrent use.
type Signer interface {
	DID() string
	Varsig() []byte // the varsig header that tells algorithm and encoding
	Sign(payload []byte) ([]byte, error)
}

// Key is a private key. It prints as its DID: the secret leaves it only through Save.
type Key struct {
	private crypto.PrivateKeySigningBytes
	alg     algorithm
	did     string
}

// GenerateKey makes a key of the named kind: ed25519, p256 or secp256k1.
func GenerateKey(kind string) (*Key, error) {
	alg, err := algorithmNamed(kind)
	if err != nil {
		return nil, err
	}
	k, err := alg.generate()
	if err != nil {
		return nil, fmt.Errorf("generate key: %w", err)
	}
	return newKey(alg, k), nil
}

func newKey(alg algorithm, k crypto.PrivateKeySigningBytes) *Key {
	return &Key{private: k, alg: alg, did: didPrefix + k.Public().ToPublicKeyMultibase()}
}

// KeyFromSeed makes the Ed25519 key of a 32-byte seed.
func KeyFromSeed(seed []byte) (*Key, error) {
	k, err := algorithms[0].private(seed)
	if err != nil {
		return nil, errors.New("an Ed25519 seed has 32 bytes")
	}
	return newKey(algorithms[0], k), nil
}

// DID implements [Signer].
func (k *Key) DID() string { return k.did }

// Varsig implements [Signer].
func (k *Key) Varsig() []byte { return k.alg.header() }

// Sign implements [Signer].
func (k *Key) Sign(payload []byte) ([]byte, error) { return k.private.SignToBytes(payload) }

// Kind returns ed25519, p256 or secp256k1.
func (k *Key) Kind() string { return k.alg.name }

// String returns the DID.
func (k *Key) String() string { return k.did }

// GoString returns the DID, so that no way of printing shows the secret.
func (k *Key) GoString() string { return k.did }

func (k *Key) secret() []byte {
	if e, ok := k.private.(ed25519.PrivateKey); ok {
		return e.Seed()
	}
	if b, ok := k.private.(crypto.PrivateKeyToBytes); ok {
		return b.ToBytes()
	}
	return nil
}

// keyFile is the form of a key on disk.
type keyFile struct {
	Version string `json:"trilemma"` // keyVersion
	Kind    string `json:"kind"`
	DID     string `json:"did"`
	Secret  string `json:"secret"` // base64
}

const (
	keyVersion = "key/1"
	maxKeyFile = 4096
)

// LoadKey reads a key file. A file that others can read is refused, as ssh does.
func LoadKey(path string) (*Key, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("key file %s can be read by others (mode %04o): run chmod 600 on it", path, st.Mode().Perm())
	}
	if st.Size() > maxKeyFile {
		return nil, fmt.Errorf("key file %s is too large to be one", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	var f keyFile
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil { // the decoder's message may quote the secret
		return nil, fmt.Errorf("key file %s is damaged", path)
	}
	if f.Version != keyVersion {
		return nil, fmt.Errorf("key file %s has version %.32q, want %q", path, f.Version, keyVersion)
	}
	alg, err := algorithmNamed(f.Kind)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	secret, err := base64.StdEncoding.Strict().DecodeString(f.Secret)
	if err != nil {
		return nil, fmt.Errorf("key file %s is damaged: the secret is not base64", path)
	}
	private, err := alg.private(secret)
	if err != nil {
		return nil, fmt.Errorf("key file %s is damaged: not a %s key", path, f.Kind)
	}
	k := newKey(alg, private)
	if k.did != f.DID {
		return nil, fmt.Errorf("key file %s is damaged: the secret is not that of %.128q", path, f.DID)
	}
	return k, nil
}

// Save writes the key to a new file with mode 0600, making its folder with mode 0700. It appears whole or not at all and
// never replaces a file.
func (k *Key) Save(path string) error {
	data, err := json.MarshalIndent(keyFile{keyVersion, k.alg.name, k.did, base64.StdEncoding.EncodeToString(k.secret())}, "", "  ")
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("save key: %w", err)
	}
	tmp := filepath.Join(dir, ".key-"+rand.Text())
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("save key: %w", err)
	}
	_, err = f.Write(append(data, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Link(tmp, path) // fails if the name is taken
	}
	err = errors.Join(err, os.Remove(tmp))
	if err != nil {
		return fmt.Errorf("save key: %w", err)
	}
	return nil
}

// LoadOrCreateKey reads the key file at path, or makes an Ed25519 key there on first use. Of several processes that do so
// at once all get the same key.
func LoadOrCreateKey(path string) (k *Key, created bool, err error) {
	k, err = LoadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, false, err
	}
	if k, err = GenerateKey(algorithms[0].name); err != nil {
		return nil, false, err
	}
	err = k.Save(path)
	if errors.Is(err, fs.ErrExist) {
		k, err = LoadKey(path)
		return k, false, err
	}
	return k, err == nil, err
}
