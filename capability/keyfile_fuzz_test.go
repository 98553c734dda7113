package capability_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/trilemma-dev/trilemma/capability"
)

// FuzzLoadKey: whatever stands in a key file, it is refused, or a key that is the same when it is saved and loaded again.
func FuzzLoadKey(f *testing.F) {
	for _, kind := range []string{"ed25519", "p256", "secp256k1"} {
		path := filepath.Join(f.TempDir(), kind)
		if err := newKey(f, kind).Save(path); err != nil {
			f.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		k, err := capability.LoadKey(path)
		if err != nil {
			return
		}
		if err := k.Save(path + "2"); err != nil {
			t.Fatal(err)
		}
		again, err := capability.LoadKey(path + "2")
		if err != nil || again.DID() != k.DID() || again.Kind() != k.Kind() {
			t.Fatalf("%s became %v, %v", k, again, err)
		}
		sig, err := k.Sign([]byte("payload"))
		if err != nil || len(sig) == 0 {
			t.Fatalf("%s cannot sign: %v", k, err)
		}
	})
}
