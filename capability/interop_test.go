package capability

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/MetaMask/go-did-it"
	didkey "github.com/MetaMask/go-did-it/verifiers/did-key"
	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"
	"github.com/ucan-wg/go-ucan/pkg/command"
	"github.com/ucan-wg/go-ucan/pkg/container"
	"github.com/ucan-wg/go-ucan/pkg/policy"
	"github.com/ucan-wg/go-ucan/pkg/policy/literal"
	"github.com/ucan-wg/go-ucan/token/delegation"
	"github.com/ucan-wg/go-ucan/token/invocation"
)

// These tests let go-ucan read what this package writes, and the other way round, as far as go-ucan goes: it knows the
// candidate's tags only, and wants the leaf of a chain first where UCAN 1.0.0 wants the root, so chains have one link here.

func otherDID(k *Key) did.DID { return didkey.FromPrivateKey(k.private) }

func generated(t testing.TB, kind string) *Key {
	t.Helper()
	k, err := GenerateKey(kind)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestReadsGoUCAN(t *testing.T) {
	for _, alg := range algorithms {
		t.Run(alg.name, func(t *testing.T) {
			service, alice := generated(t, alg.name), generated(t, alg.name)
			pol := policy.MustConstruct(policy.LessThanOrEqual(".fuel", literal.Int(1000)), policy.Any(".to", policy.Like(".", "*@example.com")))
			dlg, err := delegation.Root(otherDID(service), otherDID(alice), command.MustParse("/wasm"), pol, delegation.WithExpirationIn(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			sealed, id, err := dlg.ToSealed(service.private)
			if err != nil {
				t.Fatal(err)
			}
			inv, err := invocation.New(otherDID(alice), command.MustParse("/wasm/run"), otherDID(service), []cid.Cid{id},
				invocation.WithArgument("fuel", 1000), invocation.WithArgument("to", []string{"a@example.com"}), invocation.WithExpirationIn(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			token, _, err := inv.ToSealed(alice.private)
			if err != nil {
				t.Fatal(err)
			}
			w := container.NewWriter()
			w.AddSealed(sealed)
			w.AddSealed(token)
			forms := map[Encoding]func() ([]byte, error){Raw: w.ToBytes, RawGzip: w.ToBytesGzipped, Base64: text(w.ToBase64StdPadding),
				Base64Gzip: text(w.ToBase64StdPaddingGzipped), Base64URL: text(w.ToBase64URL), Base64URLGzip: text(w.ToBase64URLGzipped)}
			for e, encode := range forms {
				data, err := encode()
				if err != nil {
					t.Fatal(err)
				}
				c, err := ReadContainer(data)
				if err != nil || data[0] != byte(e) || c.Len() != 2 {
					t.Errorf("%c: %v", e, err)
					continue
				}
				g, err := Validator{Executor: service.DID(), Subject: service.DID()}.Validate(t.Context(), token, c)
				if err != nil || len(g.Chain) != 1 || g.Chain[0].Policy.Len() != 2 {
					t.Errorf("%c: %v", e, err)
				}
			}
		})
	}
}

func text(encode func() (string, error)) func() ([]byte, error) {
	return func() ([]byte, error) {
		s, err := encode()
		return []byte(s), err
	}
}

// asCandidate seals a payload again under the release candidate's tag.
func asCandidate(t testing.TB, k *Key, token []byte) []byte {
	t.Helper()
	e, err := open(token)
	if err != nil {
		t.Fatal(err)
	}
	out, err := seal(k, e.kind+tagCandidate, e.payload)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestGoUCANReads(t *testing.T) {
	for _, alg := range algorithms {
		t.Run(alg.name, func(t *testing.T) {
			service, alice := generated(t, alg.name), generated(t, alg.name)
			soon := time.Now().Add(time.Hour).Unix()
			d := &Delegation{Issuer: service.DID(), Audience: alice.DID(), Subject: service.DID(), Command: "/wasm", Nonce: []byte("twelve bytes"), Expires: &soon}
			n, err := policy.MustConstruct(policy.LessThanOrEqual(".fuel", literal.Int(1000))).ToIPLD()
			if err != nil {
				t.Fatal(err)
			}
			if d.Policy, err = ParsePolicy(n); err != nil {
				t.Fatal(err)
			}
			ours, err := d.Seal(service)
			if err != nil {
				t.Fatal(err)
			}
			c := &Container{}
			id, err := c.Add(asCandidate(t, service, ours))
			if err != nil {
				t.Fatal(err)
			}
			args, err := literal.Map(map[string]any{"fuel": 10})
			if err != nil {
				t.Fatal(err)
			}
			inv := &Invocation{Issuer: alice.DID(), Subject: service.DID(), Command: "/wasm/run", Args: args, Proofs: []cid.Cid{id}, Nonce: []byte("other twelve"), Expires: &soon}
			if ours, err = inv.Seal(alice); err != nil {
				t.Fatal(err)
			}
			if _, err = c.Add(asCandidate(t, alice, ours)); err != nil {
				t.Fatal(err)
			}
			for _, e := range []Encoding{Raw, Base64, Base64URL, RawGzip, Base64Gzip, Base64URLGzip} {
				data, err := c.Encode(e)
				if err != nil {
					t.Fatal(err)
				}
				r, err := container.FromBytes(data)
				if err != nil {
					t.Errorf("%c: %v", e, err)
					continue
				}
				got, err := r.GetInvocation()
				if err == nil {
					err = got.ExecutionAllowed(r)
				}
				if err != nil {
					t.Errorf("%c: %v", e, err)
				}
			}
		})
	}
}

// revokedOnce is a set of one revocation.
type revokedOnce struct {
	cid cid.Cid
	by  string
}

func (r revokedOnce) Revokers(_ context.Context, c cid.Cid) ([]string, error) {
	if !c.Equals(r.cid) {
		return nil, nil
	}
	return []string{r.by}, nil
}

// TestTwins makes the second signature that anybody can make of one by ECDSA: it verifies, and counts as the same token.
func TestTwins(t *testing.T) {
	for _, alg := range algorithms {
		k := generated(t, alg.name)
		token, err := (&Delegation{Issuer: k.DID(), Audience: k.DID(), Subject: k.DID(), Command: "/"}).Seal(k)
		if err != nil {
			t.Fatal(err)
		}
		e, err := open(token)
		if err != nil {
			t.Fatal(err)
		}
		if alg.order == nil {
			if len(e.cids) != 1 {
				t.Errorf("%s: %d CIDs", alg.name, len(e.cids))
			}
			continue
		}
		pub, err := parseDID(k.DID())
		if err != nil {
			t.Fatal(err)
		}
		twin := bytes.Clone(token)
		copy(twin[3:], pub.twin(token[3:67]))
		other, err := open(twin)
		if err != nil {
			t.Fatalf("%s: the twin: %v", alg.name, err)
		}
		if e.cids[0].Equals(e.cids[1]) || !other.cids[0].Equals(e.cids[1]) || !other.cids[1].Equals(e.cids[0]) || !tokenCID(twin).Equals(other.cids[0]) {
			t.Errorf("%s: the token has %v, its twin %v", alg.name, e.cids, other.cids)
		}
		set := revokedOnce{e.cids[0], k.DID()}
		c := &Container{}
		id, err := c.Add(twin)
		if err != nil {
			t.Fatal(err)
		}
		args, err := literal.Map(map[string]any{})
		if err != nil {
			t.Fatal(err)
		}
		inv, err := (&Invocation{Issuer: k.DID(), Subject: k.DID(), Command: "/x", Args: args, Proofs: []cid.Cid{id}}).Seal(k)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (Validator{}).Validate(t.Context(), inv, c); err != nil {
			t.Errorf("%s: %v", alg.name, err)
		}
		if _, err := (Validator{Revocations: set}).Validate(t.Context(), inv, c); !errors.Is(err, ErrRevoked) {
			t.Errorf("%s: the twin of a revoked delegation: %v", alg.name, err)
		}
		// A number that is reduced before it is used has a second spelling, which is refused.
		if pub.verify(nil, bytes.Repeat([]byte{0xff}, 64)) || pub.verify(nil, nil) {
			t.Errorf("%s: a signature out of range", alg.name)
		}
	}
}

// TestRefusedPayloads signs payloads with a field that nobody may sign.
func TestRefusedPayloads(t *testing.T) {
	k := generated(t, "ed25519")
	good, err := (&Delegation{Issuer: k.DID(), Audience: k.DID(), Subject: k.DID(), Command: "/"}).Seal(k)
	if err != nil {
		t.Fatal(err)
	}
	e, err := open(good)
	if err != nil {
		t.Fatal(err)
	}
	n := e.payload
	for name, edit := range map[string]func(key string, v datamodel.Node) (datamodel.Node, bool){
		"no subject":        drop("sub"),
		"no policy":         drop("pol"),
		"no expiry":         drop("exp"),
		"no nonce":          drop("nonce"),
		"subject a number":  replace("sub", literal.Int(1)),
		"audience null":     replace("aud", literal.Null()),
		"expiry a float":    replace("exp", literal.Float(1.5)),
		"expiry too late":   replace("exp", literal.Int(1<<53)),
		"command relative":  replace("cmd", literal.String("wasm/run")),
		"command slash":     replace("cmd", literal.String("/wasm/")),
		"command upper":     replace("cmd", literal.String("/Wasm")),
		"command empty":     replace("cmd", literal.String("/wasm//run")),
		"command spaces":    replace("cmd", literal.String("/wasm/ run")),
		"policy a map":      replace("pol", n),
		"command control":   replace("cmd", literal.String("/wasm\x00")),
		"nonce a string":    replace("nonce", literal.String("x")),
		"subject not a DID": replace("sub", literal.String("did:web:example.com")),
	} {
		edited, err := edited(n, edit)
		if err != nil {
			t.Fatal(err)
		}
		token, err := seal(k, tagDelegation, edited)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenDelegation(token); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, tag := range []string{"ucan/dlg@1.1.0", "ucan/dlg@2.0.0-rc.1", "ucan/dlg", "", "ucan/inv@1.0.0"} {
		token, err := seal(k, tag, n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenDelegation(token); err == nil {
			t.Errorf("the tag %q was accepted", tag)
		}
	}
	for _, alg := range algorithms[1:] {
		token, err := seal(disguised{k, alg.header()}, tagDelegation, n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenDelegation(token); !errors.Is(err, ErrToken) {
			t.Errorf("an Ed25519 signature under the header of %s: %v", alg.name, err)
		}
	}
}

// disguised signs with a key under the header of another kind.
type disguised struct {
	*Key
	header []byte
}

func (d disguised) Varsig() []byte { return d.header }

func drop(key string) func(string, datamodel.Node) (datamodel.Node, bool) {
	return func(k string, v datamodel.Node) (datamodel.Node, bool) { return v, k != key }
}

func replace(key string, by datamodel.Node) func(string, datamodel.Node) (datamodel.Node, bool) {
	return func(k string, v datamodel.Node) (datamodel.Node, bool) {
		if k == key {
			return by, true
		}
		return v, true
	}
}

func edited(n datamodel.Node, edit func(string, datamodel.Node) (datamodel.Node, bool)) (datamodel.Node, error) {
	return qp.BuildMap(basicnode.Prototype.Any, -1, func(ma datamodel.MapAssembler) {
		for it := n.MapIterator(); !it.Done(); {
			k, v, err := it.Next()
			if err != nil {
				panic(err) // qp turns it into an error
			}
			key, err := k.AsString()
			if err != nil {
				panic(err)
			}
			if v, keep := edit(key, v); keep {
				qp.MapEntry(ma, key, qp.Node(v))
			}
		}
	})
}
