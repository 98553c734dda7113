package httpapi_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/guests"
	"github.com/trilemma-dev/trilemma/httpapi"
	"github.com/trilemma-dev/trilemma/internal/wire"
)

// alice is somebody with a key and delegations.
type alice struct {
	t      *testing.T
	s      *service
	key    *capability.Key
	proofs *capability.Container
	chain  []cid.Cid
	nonce  byte
}

// guarded is a service that wants tokens, by a clock that can be moved.
func guarded(t *testing.T, change func(*httpapi.Config)) (*service, *time.Time) {
	now := time.Now().Add(-time.Hour)
	s := serve(t, func(c *httpapi.Config) {
		c.Open = false
		c.Now = func() time.Time { return now }
		if change != nil {
			change(c)
		}
	})
	now = now.Add(5 * time.Second)
	return s, &now
}

// knows makes alice, to whom the service delegates a command under a policy, "" for none.
func (s *service) knows(t *testing.T, command, policy string) *alice {
	t.Helper()
	a := &alice{t: t, s: s, proofs: &capability.Container{}}
	var err error
	if a.key, err = capability.GenerateKey("ed25519"); err != nil {
		t.Fatal(err)
	}
	d := capability.Delegation{Issuer: s.key.DID(), Audience: a.key.DID(), Subject: s.key.DID(), Command: command, Nonce: []byte{1}}
	if policy != "" {
		n, err := block.DecodeJSON([]byte(policy))
		if err == nil {
			d.Policy, err = capability.ParsePolicy(n)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	token, err := d.Seal(s.key)
	if err != nil {
		t.Fatal(err)
	}
	id, err := a.proofs.Add(token)
	if err != nil {
		t.Fatal(err)
	}
	a.chain = []cid.Cid{id}
	return a
}

// forge is what is changed of an invocation before it is signed.
type forge func(*capability.Invocation, *capability.Binding)

// sign adds a token to a request.
func (a *alice) sign(r request, now time.Time, command string, use *capability.Use, change forge) request {
	a.t.Helper()
	a.nonce++
	expires, issued := now.Add(time.Minute).Unix(), now.Unix()
	inv := capability.Invocation{Issuer: a.key.DID(), Subject: a.s.key.DID(), Command: command, Proofs: a.chain, Nonce: []byte{a.nonce}, Expires: &expires, IssuedAt: &issued}
	b := capability.Binding{Method: r.method, Path: r.path, Digest: sha256.Sum256(r.body), Use: use}
	if change != nil {
		change(&inv, &b)
	}
	var err error
	if inv.Args, err = b.Args(); err != nil {
		a.t.Fatal(err)
	}
	token, err := inv.Seal(a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	all := &capability.Container{}
	for _, p := range append([][]byte{token}, a.tokens()...) {
		if _, err := all.Add(p); err != nil {
			a.t.Fatal(err)
		}
	}
	text, err := all.Encode(capability.Base64URL)
	if err != nil {
		a.t.Fatal(err)
	}
	return r.with("Authorization", "Bearer "+string(text))
}

func (a *alice) tokens() (out [][]byte) {
	for _, token := range a.proofs.All() {
		out = append(out, token)
	}
	return out
}

func putRequest(data []byte) request {
	return request{method: http.MethodPut, path: "/v1/blocks/" + block.Raw(data).CID.String(), body: data}
}

// TestTokens sends tokens of which one thing is wrong.
func TestTokens(t *testing.T) {
	s, now := guarded(t, nil)
	a := s.knows(t, capability.CommandPut, "")
	put := putRequest([]byte("content"))
	call[wire.Stored](s, a.sign(put, *now, capability.CommandPut, nil, nil), http.StatusCreated)

	s.refused(put, httpapi.CodeNoToken)
	s.refused(put.with("Authorization", "Basic YTpi"), httpapi.CodeToken)
	s.refused(put.with("Authorization", "Bearer nonsense"), httpapi.CodeToken)
	s.refused(put.with("Authorization", "Bearer C"+strings.Repeat("A", 70_000)), httpapi.CodeToken)
	past := now.Add(-10 * time.Minute).Unix()
	for name, c := range map[string]struct {
		change forge
		code   httpapi.Code
	}{
		"expired":       {func(i *capability.Invocation, _ *capability.Binding) { i.Expires = &past }, httpapi.CodeExpired},
		"for ever":      {func(i *capability.Invocation, _ *capability.Binding) { i.Expires = nil }, httpapi.CodeReplay},
		"no nonce":      {func(i *capability.Invocation, _ *capability.Binding) { i.Nonce = nil }, httpapi.CodeReplay},
		"before start":  {func(i *capability.Invocation, _ *capability.Binding) { i.IssuedAt = &past }, httpapi.CodeReplay},
		"other method":  {func(_ *capability.Invocation, b *capability.Binding) { b.Method = http.MethodGet }, httpapi.CodeBinding},
		"other path":    {func(_ *capability.Invocation, b *capability.Binding) { b.Path += "?x=1" }, httpapi.CodeBinding},
		"other body":    {func(_ *capability.Invocation, b *capability.Binding) { b.Digest[0]++ }, httpapi.CodeBinding},
		"other command": {func(i *capability.Invocation, _ *capability.Binding) { i.Command = capability.CommandGet }, httpapi.CodeCommand},
		"other subject": {func(i *capability.Invocation, _ *capability.Binding) { i.Subject = a.key.DID(); i.Proofs = nil }, httpapi.CodeToken},
		"no proof":      {func(i *capability.Invocation, _ *capability.Binding) { i.Proofs = nil }, httpapi.CodeDenied},
		"missing proof": {func(i *capability.Invocation, _ *capability.Binding) {
			i.Proofs = []cid.Cid{block.Sum(cid.DagCBOR, []byte("x"))}
		}, httpapi.CodeToken},
		"narrower":        {func(i *capability.Invocation, _ *capability.Binding) { i.Command = capability.CommandPut + "/small" }, httpapi.CodeCommand},
		"for another one": {func(i *capability.Invocation, _ *capability.Binding) { i.Audience = a.key.DID() }, httpapi.CodeToken},
	} {
		t.Run(name, func(t *testing.T) { s.refused(a.sign(put, *now, capability.CommandPut, nil, c.change), c.code) })
	}

	once := a.sign(put, *now, capability.CommandPut, nil, nil)
	call[wire.Stored](s, once, http.StatusCreated)
	s.refused(once, httpapi.CodeReplay)

	later := a.sign(put, *now, capability.CommandPut, nil, nil)
	*now = now.Add(2 * time.Minute)
	s.refused(later, httpapi.CodeExpired)

	// What is taken back is taken back at once.
	revocation, err := capability.Revoke(s.key, a.chain[0])
	if err != nil {
		t.Fatal(err)
	}
	set := &capability.Container{}
	if _, err := set.Add(revocation); err != nil {
		t.Fatal(err)
	}
	text, err := set.Encode(capability.Raw)
	if err != nil {
		t.Fatal(err)
	}
	said := call[wire.Revocations](s, request{method: http.MethodPost, path: "/v1/revocations", body: text}, http.StatusOK)
	if len(said.Revoked) != 1 || said.Revoked[0].CID != a.chain[0].String() {
		t.Errorf("revoked %+v", said)
	}
	s.refused(a.sign(put, *now, capability.CommandPut, nil, nil), httpapi.CodeRevoked)

	if text := s.log.String(); strings.Contains(text, "Bearer") || strings.Contains(text, string(a.tokens()[0])) {
		t.Error("the log holds a token")
	}
}

// TestPolicies caps fuel and modules by delegation: what an invocation states must be what the request asks for.
func TestPolicies(t *testing.T) {
	s, now := guarded(t, nil)
	root := &alice{t: t, s: s, key: s.key, proofs: &capability.Container{}}
	module, err := guests.Module("fib")
	if err != nil {
		t.Fatal(err)
	}
	put := putRequest(module)
	call[wire.Stored](s, root.sign(put, *now, capability.CommandPut, nil, nil), http.StatusCreated)
	id := block.Raw(module).CID.String()
	compile := func(fuel int) wire.Workflow {
		r := post("/v1/workflows", fmt.Sprintf(`{"trilemma": "workflow/1", "tasks": {"f": {"fuel": %d, "run": {"mod": %q, "fun": "fib", "params": [5]}}}}`, fuel, id))
		return call[wire.Workflow](s, root.sign(r, *now, capability.CommandPut, nil, nil), http.StatusCreated)
	}
	small, large := compile(1000), compile(5000)
	use := func(w wire.Workflow) *capability.Use {
		return &capability.Use{Fuel: w.Fuel, Memory: w.Memory, Modules: w.Modules, Check: w.Check}
	}
	a := s.knows(t, capability.CommandRun, fmt.Sprintf(`[["<=", ".fuel", 2000], ["all", ".modules", ["==", ".", %q]]]`, id))
	ask := func(w wire.Workflow) request { return post("/v1/runs", fmt.Sprintf(`{"workflow": %q}`, w.Workflow)) }
	call[wire.Job](s, a.sign(ask(small), *now, capability.CommandRun, use(small), nil), http.StatusAccepted)
	s.refused(a.sign(ask(large), *now, capability.CommandRun, use(large), nil), httpapi.CodePolicy)
	s.refused(a.sign(ask(large), *now, capability.CommandRun, use(small), nil), httpapi.CodeBinding)
	s.refused(a.sign(ask(small), *now, capability.CommandRun, nil, nil), httpapi.CodePolicy)
	s.refused(a.sign(get("/v1/jobs"), *now, capability.CommandJobRead, nil, nil), httpapi.CodeCommand)
}

// TestDevelopment checks who needs no token in the development mode: only what comes from this machine itself.
func TestDevelopment(t *testing.T) {
	s := serve(t, nil)
	call[wire.Jobs](s, get("/v1/jobs"), http.StatusOK)
	s.refused(get("/v1/jobs").with("Origin", "https://example.org"), httpapi.CodeForeign)
	s.refused(get("/v1/jobs").with("Sec-Fetch-Site", "cross-site"), httpapi.CodeForeign)
	s.refused(get("/v1/jobs").with("X-Forwarded-For", "192.0.2.1"), httpapi.CodeNoToken)
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.url+"/v1/jobs", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "rebound.example.org"
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close() // it is only read
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("another host's name: %d", resp.StatusCode)
	}
	if sv := call[wire.Service](s, get("/v1/service"), http.StatusOK); !sv.Development || sv.DID != s.key.DID() {
		t.Errorf("service %+v", sv)
	}
}

// TestPublic lets everybody read, and nobody write.
func TestPublic(t *testing.T) {
	s, now := guarded(t, func(c *httpapi.Config) { c.Public = true })
	root := &alice{t: t, s: s, key: s.key, proofs: &capability.Container{}}
	put := putRequest([]byte("content"))
	s.refused(put, httpapi.CodeNoToken)
	stored := call[wire.Stored](s, root.sign(put, *now, capability.CommandPut, nil, nil), http.StatusCreated)
	if resp, data := s.send(get("/ipfs/" + stored.CID + "?format=raw")); resp.StatusCode != http.StatusOK || string(data) != "content" {
		t.Errorf("%d %q", resp.StatusCode, data)
	}
	s.refused(get("/v1/jobs"), httpapi.CodeNoToken)
	s.refused(get("/v1/receipts"), httpapi.CodeNoToken)
}
