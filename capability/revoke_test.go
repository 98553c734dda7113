package capability_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/capability"
)

// revoked is a set of revocations in memory.
type revoked map[cid.Cid][]string

func (r revoked) Revokers(_ context.Context, c cid.Cid) ([]string, error) { return r[c], nil }

type broken struct{ err error }

func (b broken) Revokers(context.Context, cid.Cid) ([]string, error) { return nil, b.err }

// TestRevoked lets each of four principals revoke each link of a chain: the issuers' revocations count, and nobody else's.
func TestRevoked(t *testing.T) {
	for _, kind := range kinds {
		service, alice, bob, carol := newKey(t, kind), newKey(t, kind), newKey(t, kind), newKey(t, kind)
		f := &family{service: service, alice: alice, bob: bob, mallory: carol, proofs: &capability.Container{}}
		links := []cid.Cid{f.give(t, service, alice, nil), f.give(t, alice, bob, nil), f.give(t, bob, carol, nil)}
		token := f.ask(t, carol, nil, links...)
		for i, link := range links {
			for j, who := range []*capability.Key{service, alice, bob, carol} {
				v := f.validator()
				set := revoked{}
				v.Revocations = set
				tok, err := capability.Revoke(who, link)
				if err != nil {
					t.Fatal(err)
				}
				r, err := v.Revocation(t.Context(), tok, f.proofs)
				// The subject, and whoever issued the link or one before it, may revoke it.
				if may := j <= i; may != (err == nil) || !may && !errors.Is(err, capability.ErrClaim) {
					t.Errorf("%s: principal %d revokes link %d: %v", kind, j, i, err)
				}
				set[link] = []string{who.DID()}
				// In the set, the word of any issuer in the chain counts.
				if _, err := v.Validate(t.Context(), token, f.proofs); errors.Is(err, capability.ErrRevoked) != (who != carol) {
					t.Errorf("%s: link %d revoked by principal %d: %v", kind, i, j, err)
				}
				if r != nil && (r.Revoker != who.DID() || !r.Delegation.Equals(link)) {
					t.Errorf("%s: %+v", kind, r)
				}
			}
		}
		v := f.validator()
		lost := errors.New("the set is lost")
		v.Revocations = broken{lost}
		if _, err := v.Validate(t.Context(), token, f.proofs); !errors.Is(err, lost) {
			t.Errorf("without an answer: %v", err)
		}
	}
}

func TestRevocationRefused(t *testing.T) {
	f := newFamily(t)
	root := f.give(t, f.service, f.alice, nil)
	toBob := f.give(t, f.alice, f.bob, nil)
	v := f.validator()
	say := func(k *capability.Key, edit func(*capability.Invocation)) []byte {
		inv := &capability.Invocation{Issuer: k.DID(), Subject: k.DID(), Command: capability.CommandRevoke, Args: fromJSON(t, `{"ucan": {"/": "`+toBob.String()+`"}}`)}
		edit(inv)
		return sealed(t, k, inv)
	}
	deputy := add(t, f.proofs, sealed(t, f.alice, &capability.Delegation{Issuer: f.alice.DID(), Audience: f.mallory.DID(), Subject: f.alice.DID(),
		Command: capability.CommandRevoke, Policy: policy(t, `[["==", ".ucan", {"/": "`+toBob.String()+`"}]]`)}))
	// A stranger's own chain to Bob does not make the stranger an issuer of Alice's.
	f.give(t, f.mallory, f.alice, func(d *capability.Delegation) { d.Subject = f.mallory.DID() })
	for name, c := range map[string]struct {
		token []byte
		want  error
	}{
		"by the issuer": {say(f.alice, func(*capability.Invocation) {}), nil},
		"with a path": {say(f.alice, func(i *capability.Invocation) {
			i.Args = fromJSON(t, `{"ucan": {"/": "`+toBob.String()+`"}, "pth": [{"/": "`+root.String()+`"}]}`)
		}), nil},
		"for the issuer": {say(f.mallory, func(i *capability.Invocation) { i.Subject, i.Proofs = f.alice.DID(), []cid.Cid{deputy} }), nil},
		"by a stranger":  {say(f.mallory, func(*capability.Invocation) {}), capability.ErrClaim},
		"without leave":  {say(f.bob, func(i *capability.Invocation) { i.Subject, i.Proofs = f.alice.DID(), []cid.Cid{deputy} }), capability.ErrAudience},
		"of something else": {say(f.mallory, func(i *capability.Invocation) {
			i.Subject, i.Proofs, i.Args = f.alice.DID(), []cid.Cid{deputy}, fromJSON(t, `{"ucan": {"/": "`+root.String()+`"}}`)
		}), capability.ErrPolicy},
		"of nothing":    {say(f.alice, func(i *capability.Invocation) { i.Args = fromJSON(t, `{}`) }), capability.ErrToken},
		"of a name":     {say(f.alice, func(i *capability.Invocation) { i.Args = fromJSON(t, `{"ucan": "x"}`) }), capability.ErrToken},
		"and more":      {say(f.alice, func(i *capability.Invocation) { i.Args = fromJSON(t, `{"ucan": {"/": "`+toBob.String()+`"}, "x": 1}`) }), capability.ErrToken},
		"other command": {say(f.alice, func(i *capability.Invocation) { i.Command = "/ucan/revoke/all" }), capability.ErrCommand},
		"a delegation":  {mustProof(t, f, toBob), capability.ErrToken},
	} {
		if _, err := v.Revocation(t.Context(), c.token, f.proofs); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	// Without the evidence only the subject is believed.
	if _, err := v.Revocation(t.Context(), say(f.alice, func(*capability.Invocation) {}), nil); !errors.Is(err, capability.ErrUnavailable) {
		t.Errorf("no evidence: %v", err)
	}
	if _, err := v.Revocation(t.Context(), say(f.service, func(*capability.Invocation) {}), nil); err != nil {
		t.Errorf("the subject: %v", err)
	}
}

func mustProof(t testing.TB, f *family, c cid.Cid) []byte {
	t.Helper()
	token, ok := f.proofs.Proof(c)
	if !ok {
		t.Fatal("no such proof")
	}
	return token
}

func TestReplay(t *testing.T) {
	f := newFamily(t)
	use := func(r *capability.Replay, now time.Time, nonce byte, exp time.Time, by *capability.Key) error {
		return r.Use(&capability.Invocation{Issuer: by.DID(), Nonce: []byte{nonce}, Expires: unix(exp)}, now)
	}
	r := &capability.Replay{Skew: time.Second, Most: 3}
	soon := noon.Add(time.Minute)
	if err := errors.Join(use(r, noon, 1, soon, f.alice), use(r, noon, 2, soon, f.alice), use(r, noon, 1, soon, f.bob)); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"again":               use(r, noon, 1, soon, f.alice),
		"again, other expiry": use(r, noon, 1, soon.Add(time.Second), f.alice),
		"at its last moment":  use(r, soon.Add(time.Second), 1, soon, f.alice),
		"full":                use(r, noon, 3, soon, f.alice),
		"too long":            use(r, noon, 4, noon.Add(5*time.Minute+2*time.Second), f.alice),
		"no nonce":            r.Use(&capability.Invocation{Issuer: f.alice.DID(), Expires: unix(soon)}, noon),
		"no expiry":           r.Use(&capability.Invocation{Issuer: f.alice.DID(), Nonce: []byte{9}}, noon),
	} {
		if !errors.Is(err, capability.ErrReplay) {
			t.Errorf("%s: %v", name, err)
		}
	}
	later := soon.Add(2 * time.Second)
	if err := use(r, later, 5, later, f.alice); err != nil || r.Len() != 1 {
		t.Errorf("after they expired: %v, %d remembered", err, r.Len())
	}
	fresh := &capability.Replay{Since: noon}
	inv := &capability.Invocation{Issuer: f.alice.DID(), Nonce: []byte{1}, Expires: unix(soon)}
	if err := fresh.Use(inv, noon); !errors.Is(err, capability.ErrReplay) {
		t.Errorf("from before the start: %v", err)
	}
	inv.IssuedAt = unix(noon.Add(time.Second))
	if err := fresh.Use(inv, noon.Add(time.Second)); err != nil {
		t.Error(err)
	}
}

// TestReplayAtOnce has one winner of many.
func TestReplayAtOnce(t *testing.T) {
	var r capability.Replay
	f := newFamily(t)
	results := make(chan error)
	for range 50 {
		go func() {
			results <- r.Use(&capability.Invocation{Issuer: f.alice.DID(), Nonce: []byte{1}, Expires: unix(noon)}, noon)
		}()
	}
	won := 0
	for range 50 {
		if <-results == nil {
			won++
		}
	}
	if won != 1 {
		t.Errorf("%d of 50 won", won)
	}
}
