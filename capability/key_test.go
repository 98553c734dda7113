package capability_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/capability"
)

var kinds = []string{"ed25519", "p256", "secp256k1"}

func newKey(t testing.TB, kind string) *capability.Key {
	t.Helper()
	k, err := capability.GenerateKey(kind)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func invocation(t testing.TB, k *capability.Key) *capability.Invocation {
	t.Helper()
	args, err := qp.BuildMap(basicnode.Prototype.Any, 1, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, "x", qp.Int(1))
	})
	if err != nil {
		t.Fatal(err)
	}
	return &capability.Invocation{Issuer: k.DID(), Subject: k.DID(), Command: "/test/run", Args: args, Nonce: []byte{1, 2, 3}}
}

func ExampleInvocation() {
	key, err := capability.KeyFromSeed(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		fmt.Println(err)
		return
	}
	args, err := qp.BuildMap(basicnode.Prototype.Any, 0, func(datamodel.MapAssembler) {})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := (&capability.Invocation{Issuer: key.DID(), Subject: key.DID(), Command: "/wasm/run", Args: args}).Seal(key)
	if err != nil {
		fmt.Println(err)
		return
	}
	inv, err := capability.OpenInvocation(token)
	fmt.Println(inv.Command, err)
	// Output: /wasm/run <nil>
}

// TestVarsig pins the headers of the varsig specification.
func TestVarsig(t *testing.T) {
	want := map[string]string{"ed25519": "3401ed01ed011371", "p256": "3401ec0180241271", "secp256k1": "3401ec01e7011271"}
	for _, kind := range kinds {
		if got := hex.EncodeToString(newKey(t, kind).Varsig()); got != want[kind] {
			t.Errorf("%s: header %s, want %s", kind, got, want[kind])
		}
	}
}

func TestInvocationRoundTrip(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			k := newKey(t, kind)
			exp := int64(2_000_000_000)
			inv := invocation(t, k)
			inv.Expires = &exp
			token, err := inv.Seal(k)
			if err != nil {
				t.Fatal(err)
			}
			got, err := capability.OpenInvocation(token)
			if err != nil {
				t.Fatal(err)
			}
			a, err1 := inv.TaskCID()
			b, err2 := got.TaskCID()
			if err1 != nil || err2 != nil || !a.Equals(b) || *got.Expires != exp || got.Issuer != k.DID() {
				t.Errorf("round trip: %s %s %v %v %+v", a, b, err1, err2, got)
			}
			for bit := range len(token) * 8 {
				flipped := bytes.Clone(token)
				flipped[bit/8] ^= 1 << (bit % 8)
				if _, err := capability.OpenInvocation(flipped); err == nil {
					t.Fatalf("bit %d flipped and still accepted", bit)
				}
			}
		})
	}
}

func TestSealRefusesForeignIssuer(t *testing.T) {
	inv := invocation(t, newKey(t, "ed25519"))
	if _, err := inv.Seal(newKey(t, "ed25519")); err == nil {
		t.Error("sealed with a key that is not the issuer's")
	}
}

func TestParseDID(t *testing.T) {
	good := newKey(t, "ed25519").DID()
	for _, did := range []string{"", "did:web:example.com", "did:key:", good + "1", good[:len(good)-1], strings.ToUpper(good),
		"did:key:z" + strings.Repeat("1", 200), "did:key:zDnaeWgbpcUat3VPa1GqrFbcr7jJBNMhDMRGTAz", good + "#" + good[8:]} {
		if err := capability.ParseDID(did); !errors.Is(err, capability.ErrDID) {
			t.Errorf("ParseDID(%q) = %v", did, err)
		}
	}
	if err := capability.ParseDID(good); err != nil {
		t.Error(err)
	}
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "home", "key.json")
	k, created, err := capability.LoadOrCreateKey(path)
	if err != nil || !created {
		t.Fatalf("first use: %v, created %v", err, created)
	}
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", st.Mode(), err)
	}
	again, created, err := capability.LoadOrCreateKey(path)
	if err != nil || created || again.DID() != k.DID() {
		t.Fatalf("second use: %v, created %v", err, created)
	}
	for _, kind := range kinds {
		p := filepath.Join(t.TempDir(), kind)
		k := newKey(t, kind)
		if err := k.Save(p); err != nil {
			t.Fatal(err)
		}
		if err := k.Save(p); err == nil {
			t.Error("a key file was replaced")
		}
		got, err := capability.LoadKey(p)
		if err != nil || got.DID() != k.DID() {
			t.Errorf("%s: %v", kind, err)
		}
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		secret := strings.Split(string(data), `"`)[15]
		if s := fmt.Sprintf("%v %+v %#v %s", k, k, k, k); strings.Contains(s, secret) {
			t.Errorf("printing shows the secret: %s", s)
		}
		for name, bad := range map[string]string{
			"other DID": strings.Replace(string(data), k.DID(), again.DID(), 1),
			"version":   strings.Replace(string(data), "key/1", "key/2", 1),
			"cut":       string(data[:len(data)-5]),
			"field":     strings.Replace(string(data), `"kind"`, `"sort"`, 1),
		} {
			if err := os.WriteFile(p, []byte(bad), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := capability.LoadKey(p); err == nil || strings.Contains(err.Error(), secret) {
				t.Errorf("%s, %s: %v", kind, name, err)
			}
		}
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := capability.LoadKey(path); err == nil || !strings.Contains(err.Error(), "chmod") {
		t.Errorf("a readable key file: %v", err)
	}
}

func FuzzOpenInvocation(f *testing.F) {
	k := newKey(f, "ed25519")
	token, err := invocation(f, k).Seal(k)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	f.Fuzz(func(t *testing.T, data []byte) {
		if inv, err := capability.OpenInvocation(data); err == nil && !bytes.Equal(data, token) && inv.Issuer == k.DID() {
			t.Fatalf("a forged token: %x", data)
		}
	})
}
