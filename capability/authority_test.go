package capability_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"pgregory.net/rapid"

	"github.com/trilemma-dev/trilemma/capability"
)

// statements is a policy over the arguments {"fuel": int, "mod": string, "to": [string]}.
func statements() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		leaf := rapid.Custom(func(t *rapid.T) string {
			return rapid.SampledFrom([]string{
				fmt.Sprintf(`["<=", ".fuel", %d]`, rapid.IntRange(0, 4).Draw(t, "fuel")),
				fmt.Sprintf(`["==", ".mod", %q]`, rapid.SampledFrom([]string{"a", "b"}).Draw(t, "mod")),
				`["any", ".to", ["like", ".", "*@a"]]`, `["all", ".to", ["like", ".", "x*"]]`, `["!=", ".none.deep", 1]`, `["==", ".none", null]`,
			}).Draw(t, "leaf")
		})
		out := make([]string, rapid.IntRange(0, 2).Draw(t, "statements"))
		for i := range out {
			a, b := leaf.Draw(t, "a"), leaf.Draw(t, "b")
			out[i] = rapid.SampledFrom([]string{a, `["not", ` + a + `]`, `["or", [` + a + `, ` + b + `]]`, `["and", [` + a + `, ` + b + `]]`}).Draw(t, "statement")
		}
		return "[" + strings.Join(out, ", ") + "]"
	})
}

// TestDelegationsNarrow draws chains, good and bad, and asks the same of each of their beginnings, each time by the one
// who holds it. Law: what the longer chain allows, the shorter allowed too; and every link by itself allows it.
func TestDelegationsNarrow(t *testing.T) {
	names := []string{"service", "alice", "bob", "carol"}
	keys := make([]*capability.Key, len(names))
	for i, name := range names {
		keys[i] = seeded(t, name)
	}
	key := rapid.SampledFrom(keys)
	commands := rapid.SampledFrom([]string{"/", "/wasm", "/wasm/run", "/wasm/runner", "/prove"})
	allowed, refused := 0, make(map[error]int)
	narrow := func(r *rapid.T) {
		proofs := &capability.Container{}
		var links []*capability.Delegation
		var ids []cid.Cid
		holder := keys[0]
		holders := []*capability.Key{holder}
		for i := range rapid.IntRange(1, 5).Draw(r, "links") {
			from := holder
			if rapid.IntRange(0, 19).Draw(r, "stranger") == 0 {
				from = key.Draw(r, "from")
			}
			holder = key.Draw(r, "to")
			d := &capability.Delegation{Issuer: from.DID(), Audience: holder.DID(), Command: commands.Draw(r, "cmd"), Nonce: []byte{byte(i)},
				Policy: policy(t, statements().Draw(r, "policy"))}
			if sub := rapid.IntRange(0, 9).Draw(r, "subject"); sub == 0 {
				d.Subject = keys[1].DID()
			} else if sub > 2 || i == 0 {
				d.Subject = keys[0].DID()
			}
			if rapid.IntRange(0, 4).Draw(r, "bounds") == 0 {
				d.NotBefore = unix(noon.Add(time.Duration(rapid.IntRange(-2, 1).Draw(r, "nbf")) * time.Second))
				d.Expires = unix(noon.Add(time.Duration(rapid.IntRange(-1, 2).Draw(r, "exp")) * time.Second))
			}
			links, ids, holders = append(links, d), append(ids, add(t, proofs, sealed(t, from, d))), append(holders, holder)
		}
		args := fromJSON(t, fmt.Sprintf(`{"fuel": %d, "mod": %q, "to": [%s]}`, rapid.IntRange(0, 4).Draw(r, "fuel"),
			rapid.SampledFrom([]string{"a", "b"}).Draw(r, "mod"), rapid.SampledFrom([]string{``, `"x@a"`, `"y@a", "x@b"`}).Draw(r, "to")))
		cmd := rapid.SampledFrom([]string{"/wasm", "/wasm/run", "/prove"}).Draw(r, "asked")
		v := capability.Validator{Now: at(noon), Subject: keys[0].DID()}
		before := true // the subject itself may do everything
		for n := range len(links) + 1 {
			by := holders[n]
			_, err := v.Validate(t.Context(), sealed(t, by, &capability.Invocation{Issuer: by.DID(), Subject: keys[0].DID(), Command: cmd, Args: args, Proofs: ids[:n]}), proofs)
			if err == nil && !before {
				r.Fatalf("%d links allow what %d links do not", n, n-1)
			}
			before = err == nil
			for _, reason := range []error{capability.ErrAudience, capability.ErrSubject, capability.ErrClaim, capability.ErrCommand, capability.ErrPolicy, capability.ErrExpired, capability.ErrTooEarly} {
				if errors.Is(err, reason) {
					refused[reason]++
				}
			}
			if err != nil || n == 0 {
				continue
			}
			allowed++
			d := links[n-1]
			covered := d.Command == "/" || d.Command == cmd || strings.HasPrefix(cmd, d.Command+"/")
			inTime := (d.NotBefore == nil || *d.NotBefore <= noon.Unix()) && (d.Expires == nil || *d.Expires >= noon.Unix())
			if !covered || !inTime || d.Policy.Match(args) != nil || d.Issuer != holders[n-1].DID() || d.Subject != "" && d.Subject != keys[0].DID() {
				r.Fatalf("link %d does not allow %s: %+v", n, cmd, d)
			}
		}
	}
	for range 10 { // enough that every reason to refuse comes up
		rapid.Check(t, narrow)
	}
	t.Logf("%d allowed, refused: %v", allowed, refused)
	if allowed == 0 || len(refused) < 7 {
		t.Errorf("the draw is one-sided: %d allowed, refused %v", allowed, refused)
	}
}
