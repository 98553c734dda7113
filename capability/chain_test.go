package capability_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
)

// noon is the time at which these tests happen.
var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func unix(t time.Time) *int64 {
	u := t.Unix()
	return &u
}

// seeded is a key that is the same in every run.
func seeded(t testing.TB, name string) *capability.Key {
	t.Helper()
	seed := sha256.Sum256([]byte(name))
	k, err := capability.KeyFromSeed(seed[:])
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func add(t testing.TB, c *capability.Container, token []byte) cid.Cid {
	t.Helper()
	id, err := c.Add(token)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func sealed(t testing.TB, k *capability.Key, v interface {
	Seal(capability.Signer) ([]byte, error)
}) []byte {
	t.Helper()
	token, err := v.Seal(k)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestDelegationFixtures(t *testing.T) {
	all := fixtures(t, "delegation.json")
	for _, c := range items(t, field(t, all, "valid")) {
		name := str(t, field(t, c, "name"))
		token, err := base64.StdEncoding.DecodeString(str(t, field(t, c, "token")))
		if err != nil {
			t.Fatal(err)
		}
		d, err := capability.OpenDelegation(token)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, want := block.Sum(cid.DagCBOR, token).String(), str(t, field(t, c, "cid")); got != want {
			t.Errorf("%s: CID %s, want %s", name, got, want)
		}
		p := field(t, field(t, c, "envelope"), "payload")
		exp, err := field(t, p, "exp").AsInt()
		if err != nil {
			t.Fatal(err)
		}
		got := []string{d.Issuer, d.Audience, d.Subject, d.Command, base64.StdEncoding.EncodeToString(d.Nonce), fmt.Sprintf("%d %v %v %v", *d.Expires, d.NotBefore, d.Policy, d.Meta)}
		want := []string{str(t, field(t, p, "iss")), str(t, field(t, p, "aud")), str(t, field(t, p, "sub")), str(t, field(t, p, "cmd")),
			str(t, field(t, p, "nonce")), fmt.Sprintf("%d <nil> [] <nil>", exp)}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		// Ed25519 is deterministic: the issuer's own key gives the same token again. The name says that it is Bob.
		secret, err := base64.StdEncoding.DecodeString(str(t, field(t, field(t, all, "principals"), "bob")))
		if err != nil {
			t.Fatal(err)
		}
		k, err := capability.KeyFromSeed(secret[2:]) // after the multicodec of an Ed25519 secret
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(sealed(t, k, d), token) {
			t.Errorf("%s: sealed again, the token differs", name)
		}
	}
}

func str(t testing.TB, n datamodel.Node) string {
	t.Helper()
	s, err := n.AsString()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fixtureErrors are this package's errors by the fixtures' names.
var fixtureErrors = map[string]error{
	"InvalidClaim": capability.ErrClaim, "UnavailableProof": capability.ErrUnavailable, "Expired": capability.ErrExpired,
	"TooEarly": capability.ErrTooEarly, "InvalidAudience": capability.ErrAudience, "InvalidSubject": capability.ErrSubject,
	"InvalidSignature": capability.ErrSignature, "MatchError": capability.ErrPolicy,
}

func TestInvocationFixtures(t *testing.T) {
	all := fixtures(t, "invocation.json")
	for _, kind := range []string{"valid", "invalid"} {
		for _, c := range items(t, field(t, all, kind)) {
			t.Run(str(t, field(t, c, "name")), func(t *testing.T) {
				token, err := field(t, c, "invocation").AsBytes()
				if err != nil {
					t.Fatal(err)
				}
				proofs := &capability.Container{}
				for _, p := range items(t, field(t, c, "proofs")) {
					proof, err := p.AsBytes()
					if err != nil {
						t.Fatal(err)
					}
					add(t, proofs, proof)
				}
				when, err := field(t, c, "time").AsInt()
				if err != nil {
					t.Fatal(err)
				}
				_, err = capability.Validator{Now: at(time.Unix(when, 0))}.Validate(t.Context(), token, proofs)
				if kind == "valid" {
					if err != nil {
						t.Error(err)
					}
					return
				}
				want := str(t, field(t, field(t, c, "error"), "name"))
				for name, sentinel := range fixtureErrors {
					if errors.Is(err, sentinel) != (name == want) {
						t.Errorf("want %s only, got: %v", want, err)
					}
				}
			})
		}
	}
}

// family is a service, Alice whom it trusts, Bob whom she trusts, and Mallory.
type family struct {
	service, alice, bob, mallory *capability.Key
	proofs                       *capability.Container
}

func newFamily(t testing.TB) *family {
	return &family{seeded(t, "service"), seeded(t, "alice"), seeded(t, "bob"), seeded(t, "mallory"), &capability.Container{}}
}

// give seals a delegation from one to another; edit may change it first.
func (f *family) give(t testing.TB, from, to *capability.Key, edit func(*capability.Delegation)) cid.Cid {
	t.Helper()
	d := &capability.Delegation{Issuer: from.DID(), Audience: to.DID(), Subject: f.service.DID(), Command: "/wasm", Nonce: []byte{1}}
	if edit != nil {
		edit(d)
	}
	return add(t, f.proofs, sealed(t, from, d))
}

func (f *family) ask(t testing.TB, by *capability.Key, edit func(*capability.Invocation), proofs ...cid.Cid) []byte {
	t.Helper()
	inv := &capability.Invocation{Issuer: by.DID(), Subject: f.service.DID(), Command: "/wasm/run", Args: fromJSON(t, `{"fuel": 1000, "mod": "x"}`),
		Proofs: proofs, Nonce: []byte{7}, Expires: unix(noon.Add(time.Minute))}
	if edit != nil {
		edit(inv)
	}
	return sealed(t, by, inv)
}

func (f *family) validator() capability.Validator {
	return capability.Validator{Now: at(noon), Executor: f.service.DID(), Subject: f.service.DID()}
}

func TestValidate(t *testing.T) {
	f := newFamily(t)
	root := f.give(t, f.service, f.alice, nil)
	toBob := f.give(t, f.alice, f.bob, func(d *capability.Delegation) {
		d.Policy = policy(t, `[["<=", ".fuel", 1000]]`)
		d.NotBefore, d.Expires = unix(noon), unix(noon)
	})
	line := f.give(t, f.alice, f.bob, func(d *capability.Delegation) { d.Subject, d.Command = "", "/" })
	type edit = func(*capability.Invocation)
	del := func(from, to *capability.Key, e func(*capability.Delegation)) []cid.Cid {
		return []cid.Cid{root, f.give(t, from, to, e)}
	}
	for name, c := range map[string]struct {
		by     *capability.Key
		edit   edit
		proofs []cid.Cid
		want   error
	}{
		"the subject itself":                {f.service, nil, nil, nil},
		"given":                             {f.alice, nil, []cid.Cid{root}, nil},
		"given on, to the second":           {f.bob, nil, []cid.Cid{root, toBob}, nil},
		"powerline":                         {f.bob, nil, []cid.Cid{root, line}, nil},
		"addressed":                         {f.bob, func(i *capability.Invocation) { i.Audience = f.service.DID() }, []cid.Cid{root, toBob}, nil},
		"addressed to another":              {f.bob, func(i *capability.Invocation) { i.Audience = f.alice.DID() }, []cid.Cid{root, toBob}, capability.ErrAudience},
		"no proof":                          {f.bob, nil, nil, capability.ErrClaim},
		"somebody else's proof":             {f.mallory, nil, []cid.Cid{root, toBob}, capability.ErrAudience},
		"leaf first":                        {f.bob, nil, []cid.Cid{toBob, root}, capability.ErrClaim},
		"without the root":                  {f.bob, nil, []cid.Cid{toBob}, capability.ErrClaim},
		"named twice":                       {f.alice, nil, []cid.Cid{root, root}, capability.ErrToken},
		"unknown":                           {f.alice, nil, []cid.Cid{block.Sum(cid.DagCBOR, []byte("x"))}, capability.ErrUnavailable},
		"an invocation as proof":            {f.alice, nil, []cid.Cid{add(t, f.proofs, f.ask(t, f.service, nil))}, capability.ErrToken},
		"the proof under another CID":       {f.alice, nil, []cid.Cid{rawCID(root)}, capability.ErrUnavailable},
		"command beside":                    {f.alice, func(i *capability.Invocation) { i.Command = "/wasmer/run" }, []cid.Cid{root}, capability.ErrCommand},
		"command above":                     {f.alice, func(i *capability.Invocation) { i.Command = "/" }, []cid.Cid{root}, capability.ErrCommand},
		"command that was not given":        {f.bob, nil, del(f.alice, f.bob, func(d *capability.Delegation) { d.Command = "/" }), capability.ErrCommand},
		"powerline of another command":      {f.bob, nil, del(f.alice, f.bob, func(d *capability.Delegation) { d.Subject, d.Command = "", "/prove" }), capability.ErrCommand},
		"widened behind a powerline":        {f.mallory, func(i *capability.Invocation) { i.Command = "/prove" }, append(del(f.alice, f.bob, func(d *capability.Delegation) { d.Subject, d.Command, d.Nonce = "", "/", []byte{2} }), f.give(t, f.bob, f.mallory, func(d *capability.Delegation) { d.Subject, d.Command = "", "/" })), capability.ErrCommand},
		"policy":                            {f.bob, func(i *capability.Invocation) { i.Args = fromJSON(t, `{"fuel": 1001}`) }, []cid.Cid{root, toBob}, capability.ErrPolicy},
		"policy about what is not there":    {f.bob, func(i *capability.Invocation) { i.Args = fromJSON(t, `{}`) }, []cid.Cid{root, toBob}, capability.ErrPolicy},
		"expired":                           {f.bob, nil, del(f.alice, f.bob, func(d *capability.Delegation) { d.Expires = unix(noon.Add(-time.Second)) }), capability.ErrExpired},
		"too early":                         {f.bob, nil, del(f.alice, f.bob, func(d *capability.Delegation) { d.NotBefore = unix(noon.Add(time.Second)) }), capability.ErrTooEarly},
		"expired itself":                    {f.alice, func(i *capability.Invocation) { i.Expires = unix(noon.Add(-time.Second)) }, []cid.Cid{root}, capability.ErrExpired},
		"about another subject":             {f.mallory, func(i *capability.Invocation) { i.Subject = f.mallory.DID() }, nil, capability.ErrSubject},
		"delegation of another subject":     {f.bob, nil, del(f.alice, f.bob, func(d *capability.Delegation) { d.Subject = f.alice.DID() }), capability.ErrSubject},
		"delegation by a stranger":          {f.bob, nil, del(f.mallory, f.bob, nil), capability.ErrAudience},
		"root by a stranger":                {f.bob, nil, []cid.Cid{f.give(t, f.mallory, f.bob, nil)}, capability.ErrClaim},
		"root powerline":                    {f.bob, nil, []cid.Cid{f.give(t, f.service, f.bob, func(d *capability.Delegation) { d.Subject = "" })}, capability.ErrClaim},
		"the subject, by a chain of others": {f.service, nil, []cid.Cid{root}, capability.ErrAudience},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := f.validator().Validate(t.Context(), f.ask(t, c.by, c.edit, c.proofs...), f.proofs)
			if !errors.Is(err, c.want) || (err == nil) != (g != nil) || g != nil && len(g.Chain) != len(c.proofs) {
				t.Errorf("want %v, got %v", c.want, err)
			}
		})
	}
}

func rawCID(c cid.Cid) cid.Cid { return cid.NewCidV1(cid.Raw, c.Hash()) }

// TestSkew checks the four ends of the two intervals.
func TestSkew(t *testing.T) {
	f := newFamily(t)
	root := f.give(t, f.service, f.alice, func(d *capability.Delegation) { d.NotBefore, d.Expires = unix(noon), unix(noon.Add(time.Hour)) })
	token := f.ask(t, f.alice, func(i *capability.Invocation) { i.Expires = nil }, root)
	for _, c := range []struct {
		skew, at time.Duration
		want     error
	}{
		{0, -1 * time.Second, capability.ErrTooEarly}, {0, 0, nil}, {0, time.Hour + 900*time.Millisecond, nil}, {0, time.Hour + time.Second, capability.ErrExpired},
		{time.Minute, -61 * time.Second, capability.ErrTooEarly}, {time.Minute, -time.Minute, nil}, {time.Minute, time.Hour + time.Minute, nil},
		{time.Minute, time.Hour + 61*time.Second, capability.ErrExpired},
	} {
		v := f.validator()
		v.Now, v.Skew = at(noon.Add(c.at)), c.skew
		if _, err := v.Validate(t.Context(), token, f.proofs); !errors.Is(err, c.want) {
			t.Errorf("skew %v, at %v: %v, want %v", c.skew, c.at, err, c.want)
		}
	}
}

// liar gives other tokens than those that are asked for.
type liar struct{ token []byte }

func (l liar) Proof(cid.Cid) ([]byte, bool) { return l.token, true }

func TestProofsAreHashedAgain(t *testing.T) {
	f := newFamily(t)
	f.give(t, f.service, f.alice, nil)
	var good []byte
	for _, token := range f.proofs.All() {
		good = token
	}
	token := f.ask(t, f.alice, nil, block.Sum(cid.DagCBOR, []byte("another")))
	if _, err := f.validator().Validate(t.Context(), token, liar{good}); !errors.Is(err, capability.ErrUnavailable) {
		t.Errorf("a token under a foreign CID: %v", err)
	}
}

// long is a chain of n links from the service, and an invocation by its end.
func long(t testing.TB, kind string, n int) (token []byte, proofs *capability.Container, subject string) {
	t.Helper()
	keys := make([]*capability.Key, n+1)
	for i := range keys {
		keys[i] = newKey(t, kind)
	}
	proofs = &capability.Container{}
	pol := policy(t, `[["<=", ".fuel", 1000000], ["==", ".check", "rerun"], ["any", ".mods", ["like", ".", "bafy*"]]]`)
	var ids []cid.Cid
	for i := range n {
		ids = append(ids, add(t, proofs, sealed(t, keys[i], &capability.Delegation{Issuer: keys[i].DID(), Audience: keys[i+1].DID(),
			Subject: keys[0].DID(), Command: "/wasm/run", Policy: pol, Nonce: []byte{byte(i)}, Expires: unix(noon.Add(time.Hour))})))
	}
	return sealed(t, keys[n], &capability.Invocation{Issuer: keys[n].DID(), Subject: keys[0].DID(), Command: "/wasm/run", Proofs: ids,
		Args: fromJSON(t, `{"fuel": 1000, "check": "rerun", "mods": ["bafy1"]}`)}), proofs, keys[0].DID()
}

func TestLongChains(t *testing.T) {
	for _, kind := range kinds {
		token, proofs, subject := long(t, kind, 64)
		v := capability.Validator{Now: at(noon), Subject: subject}
		if g, err := v.Validate(t.Context(), token, proofs); err != nil || len(g.Chain) != 64 {
			t.Errorf("%s: %v", kind, err)
		}
	}
	f := newFamily(t)
	inv := &capability.Invocation{Issuer: f.bob.DID(), Subject: f.service.DID(), Command: "/wasm/run", Args: fromJSON(t, `{}`)}
	for i := range capability.MaxProofs + 1 {
		inv.Proofs = append(inv.Proofs, block.Sum(cid.DagCBOR, []byte{byte(i), byte(i >> 8)}))
	}
	if _, err := inv.Seal(f.bob); !errors.Is(err, capability.ErrToken) {
		t.Errorf("%d proofs: %v", len(inv.Proofs), err)
	}
}

// TestCycles has chains that come back to a principal. They allow nothing more, and end.
func TestCycles(t *testing.T) {
	f := newFamily(t)
	a := f.give(t, f.service, f.alice, nil)
	b := f.give(t, f.alice, f.bob, func(d *capability.Delegation) { d.Command = "/wasm/run" })
	c := f.give(t, f.bob, f.alice, func(d *capability.Delegation) { d.Command = "/wasm/run" })
	v := f.validator()
	if _, err := v.Validate(t.Context(), f.ask(t, f.alice, nil, a, b, c), f.proofs); err != nil {
		t.Errorf("there and back: %v", err)
	}
	wide := func(i *capability.Invocation) { i.Command = "/wasm" }
	if _, err := v.Validate(t.Context(), f.ask(t, f.alice, wide, a, b, c), f.proofs); !errors.Is(err, capability.ErrCommand) {
		t.Errorf("wider by a cycle: %v", err)
	}
	if _, err := v.Validate(t.Context(), f.ask(t, f.bob, nil, a, b, c, b), f.proofs); !errors.Is(err, capability.ErrToken) {
		t.Errorf("round twice: %v", err)
	}
	for _, who := range []*capability.Key{f.alice, f.bob} {
		good, refused := v.Chains(t.Context(), f.proofs, who.DID())
		if len(good) == 0 || len(refused) > 0 {
			t.Errorf("%d chains, %v", len(good), refused)
		}
	}
}

// TestOnlyTheSignerSaysIt flips every bit of a chain: no flip is accepted.
func TestOnlyTheSignerSaysIt(t *testing.T) {
	f := newFamily(t)
	root := f.give(t, f.service, f.alice, nil)
	token, _ := f.proofs.Proof(root)
	for bit := range len(token) * 8 {
		flipped := bytes.Clone(token)
		flipped[bit/8] ^= 1 << (bit % 8)
		proofs := &capability.Container{}
		id := add(t, proofs, flipped)
		if _, err := f.validator().Validate(t.Context(), f.ask(t, f.alice, nil, id), proofs); err == nil {
			t.Fatalf("bit %d flipped and still accepted", bit)
		}
	}
}

func FuzzOpenDelegation(f *testing.F) {
	k := seeded(f, "service")
	token := sealed(f, k, &capability.Delegation{Issuer: k.DID(), Audience: k.DID(), Subject: k.DID(), Command: "/wasm", Nonce: []byte{1},
		Policy: policy(f, `[["any", ".a[1:]", ["like", ".b?", "x*"]]]`), Expires: unix(noon)})
	f.Add(token)
	f.Fuzz(func(t *testing.T, data []byte) {
		if d, err := capability.OpenDelegation(data); err == nil && !bytes.Equal(data, token) && d.Issuer == k.DID() {
			t.Fatalf("a forged token: %x", data)
		}
	})
}

func TestDescribe(t *testing.T) {
	f := newFamily(t)
	f.give(t, f.service, f.alice, func(d *capability.Delegation) {
		d.Policy = policy(t, `[["<=", ".fuel", 1000], ["or", [["==", ".check", "rerun"], ["not", ["like", ".mod", "x*"]]]], ["all", ".a", ["any", ".b", ["!=", ".", 1]]]]`)
		d.Expires = unix(noon)
	})
	f.give(t, f.mallory, f.bob, nil)
	f.give(t, f.alice, f.bob, func(d *capability.Delegation) { d.Subject, d.Command, d.NotBefore = "", "/", unix(noon.Add(time.Hour)) })
	add(t, f.proofs, f.ask(t, f.service, nil))
	add(t, f.proofs, f.ask(t, f.bob, nil, block.Sum(cid.DagCBOR, []byte("x"))))
	add(t, f.proofs, []byte("no token"))
	token, err := capability.Revoke(f.alice, block.Sum(cid.DagCBOR, []byte("x")))
	if err != nil {
		t.Fatal(err)
	}
	add(t, f.proofs, token)
	names := strings.NewReplacer(f.service.DID(), "Service", f.alice.DID(), "Alice", f.bob.DID(), "Bob", f.mallory.DID(), "Mallory")
	got := make(map[string]error)
	v := f.validator()
	v.Subject, v.Executor = "", ""
	for _, d := range v.Describe(context.Background(), f.proofs) {
		got[names.Replace(d.Says)] = d.Refused
	}
	want := map[string]error{
		`Service lets Alice do /wasm on Service until 2026-01-01T12:00:00Z, if .fuel <= 1000 and (.check is "rerun" or not (.mod is like "x*")) and for all of .a (for one of .b (. is not 1)).`: nil,
		`Mallory lets Bob do /wasm on Service for ever.`:                                                                         capability.ErrUnavailable,
		`Alice lets Bob do everything on whatever it was given itself from 2026-01-01T13:00:00Z for ever.`:                       capability.ErrTooEarly,
		`Service asks to do /wasm/run on Service with {"fuel":1000,"mod":"x"} until 2026-01-01T12:01:00Z, by its own authority.`: nil,
		`Bob asks to do /wasm/run on Service with {"fuel":1000,"mod":"x"} until 2026-01-01T12:01:00Z, by a delegation.`:          capability.ErrUnavailable,
		`8 bytes that are no good token.`:                                     capability.ErrToken,
		`Alice revokes ` + block.Sum(cid.DagCBOR, []byte("x")).String() + `.`: nil,
	}
	for says, refused := range want {
		err, ok := got[says]
		if !ok || !errors.Is(err, refused) {
			t.Errorf("%s\nwant %v, got %v (%v)", says, refused, err, ok)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d descriptions: %q", len(got), got)
	}
}

// TestDescribeIsBounded has a full container of as many subjects as links, in which every link ends a way from every subject.
func TestDescribeIsBounded(t *testing.T) {
	const half = capability.MaxTokens / 2
	c := &capability.Container{}
	from := seeded(t, "hub")
	for i := range half {
		k := seeded(t, fmt.Sprint("subject ", i))
		add(t, c, sealed(t, k, &capability.Delegation{Issuer: k.DID(), Audience: from.DID(), Subject: k.DID(), Command: "/"}))
	}
	for i := range half {
		to := seeded(t, fmt.Sprint("link ", i))
		add(t, c, sealed(t, from, &capability.Delegation{Issuer: from.DID(), Audience: to.DID(), Command: "/", Expires: unix(noon.Add(-time.Hour))}))
		from = to
	}
	start := time.Now()
	all := capability.Validator{Now: at(noon)}.Describe(t.Context(), c)
	if took := time.Since(start); len(all) != 2*half || took > 20*time.Second {
		t.Errorf("%d descriptions after %v", len(all), took)
	}
	start = time.Now()
	good, refused := capability.Validator{Now: at(noon)}.Chains(t.Context(), c, from.DID())
	if took := time.Since(start); len(good) != 0 || len(refused) == 0 || took > 20*time.Second {
		t.Errorf("%d chains, %d refused after %v", len(good), len(refused), took)
	}
}

// BenchmarkValidate measures a chain of 64 links from sealed tokens to a grant.
func BenchmarkValidate(b *testing.B) {
	for _, kind := range kinds {
		b.Run(kind, func(b *testing.B) {
			token, proofs, subject := long(b, kind, 64)
			v := capability.Validator{Now: at(noon), Subject: subject}
			for b.Loop() {
				if _, err := v.Validate(b.Context(), token, proofs); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/chain")
		})
	}
}
