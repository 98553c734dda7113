package capability_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
)

// fixtures reads a file of the official UCAN 1.0.0 fixtures, which lie beside the project and not in it.
func fixtures(t testing.TB, name string) datamodel.Node {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "data", "ucan", "1.0.0")
	data, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("the official fixtures are not there: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	n, err := block.DecodeJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func field(t testing.TB, n datamodel.Node, key string) datamodel.Node {
	t.Helper()
	v, err := n.LookupByString(key)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func items(t testing.TB, n datamodel.Node) (out []datamodel.Node) {
	t.Helper()
	for it := n.ListIterator(); !it.Done(); {
		_, v, err := it.Next()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

func fromJSON(t testing.TB, s string) datamodel.Node {
	t.Helper()
	n, err := block.DecodeJSON([]byte(s))
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return n
}

func policy(t testing.TB, s string) capability.Policy {
	t.Helper()
	p, err := capability.ParsePolicy(fromJSON(t, s))
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return p
}

func TestPolicyFixtures(t *testing.T) {
	all := fixtures(t, "policy.json")
	for _, kind := range []string{"valid", "invalid"} {
		n := 0
		for i, group := range items(t, field(t, all, kind)) {
			for j, pn := range items(t, field(t, group, "policies")) {
				n++
				p, err := capability.ParsePolicy(pn)
				if err != nil {
					t.Errorf("%s %d.%d: %v", kind, i, j, err)
					continue
				}
				err = p.Match(field(t, group, "args"))
				if kind == "valid" && err != nil || kind == "invalid" && !errors.Is(err, capability.ErrPolicy) {
					t.Errorf("%s %d.%d: %s: %v", kind, i, j, p, err)
				}
			}
		}
		if want := map[string]int{"valid": 17, "invalid": 8}[kind]; n != want {
			t.Errorf("%d %s policies, want %d", n, kind, want)
		}
	}
}

func ExamplePolicy() {
	args, err := block.DecodeJSON([]byte(`{"fuel": 2000000, "check": "rerun"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	rules, err := block.DecodeJSON([]byte(`[["<=", ".fuel", 1000000], ["==", ".check", "rerun"]]`))
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := capability.ParsePolicy(rules)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Match(args))
	// Output: the policy refuses the arguments: ["<=",".fuel",1000000] does not hold
}

// TestMatch holds each operator and selector to the specification's words; "?" is a statement that finds nothing.
func TestMatch(t *testing.T) {
	args := fromJSON(t, `{"a": [1, 2, {"b": 3}], "n": null, "s": "x*y\\z", "m": {"z": 1, "yy": 2, "x": 3}, "f": 1.5, "neg": -1,
		"max": 9007199254740993, "by": {"/": {"bytes": "1qnBjPjE"}}, "e": [], "t": true,
		"odd key]": {"\"": 7}, "l": {"/": "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4"}}`)
	for _, c := range []struct {
		want      bool
		statement string
	}{
		{true, `["==", ".", ` + mustJSON(t, args) + `]`},
		{true, `["==", ".a[2].b", 3]`},
		{true, `["==", ".a[-1][\"b\"]", 3.0]`},
		{true, `["==", ".a", [1.0, 2, {"b": 3.0}]]`},
		{false, `["==", ".a", [1, 2]]`},
		{false, `["==", ".m", {"z": 1, "yy": 2}]`},
		{false, `["==", ".m", {"z": 1, "yy": 2, "q": 3}]`},
		{false, `["==", ".t", 1]`},
		{true, `["==", ".t", true]`},
		{true, `["==", ".l", {"/": "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4"}]`},
		{true, `["==", ".by", {"/": {"bytes": "1qnBjPjE"}}]`},
		{false, `["==", ".by", {"/": {"bytes": "1qnBjPjF"}}]`},
		{true, `["==", ".by[3]", 140]`},
		{true, `["==", ".by[-6]", 214]`},
		{true, `["==", ".by[1:3]", {"/": {"bytes": "qcE"}}]`},
		{false, `["==", ".by[6]", 0]`},
		{true, `["==", ".a[:1]", [1]]`},
		{true, `["==", ".a[-2:-1]", [2]]`},
		{true, `["==", ".a[2:99]", [{"b": 3}]]`},
		{true, `["==", ".a[2:1]", []]`},
		{false, `["==", ".s[0:1]", "x"]`},
		{true, `["==", ".m[]", [3, 1, 2]]`}, // the order of DAG-CBOR's keys: x, z, yy
		{false, `["==", ".m[]", [1, 2, 3]]`},
		{true, `["==", ".a[]", [1, 2, {"b": 3}]]`},
		{true, `["==", ".[\"odd key]\"][\"\\\"\"]", 7]`},
		{true, `["==", ".missing", null]`},
		{true, `["==", ".missing?", null]`},
		{true, `["==", ".missing.deeper???", null]`},
		{true, `["==", ".a[99]?", null]`},
		{false, `["==", ".a[99]", null]`},
		{false, `["==", ".a[99].b?", null]`},
		{false, `["==", ".missing.deeper", null]`},
		{false, `["==", ".s.x", null]`},
		{true, `["==", ".s.x?", null]`},
		{true, `["!=", ".s", "x"]`},
		{false, `["!=", ".s", "x*y\\z"]`},
		{true, `["!=", ".missing", 1]`},
		// What finds nothing is neither true nor false.
		{false, `["!=", ".s.x", 1]`},
		{false, `["not", ["==", ".s.x", 1]]`},
		{false, `["not", ["not", ["==", ".s.x", 1]]]`},
		{true, `["not", ["==", ".missing", 1]]`},
		{true, `["or", [["==", ".s.x", 1], ["==", ".t", true]]]`},
		{true, `["or", [["==", ".t", true], ["==", ".s.x", 1]]]`},
		{false, `["or", [["==", ".s.x", 1], ["==", ".t", false]]]`},
		{false, `["not", ["or", [["==", ".s.x", 1], ["==", ".t", false]]]]`},
		{true, `["not", ["and", [["==", ".s.x", 1], ["==", ".t", false]]]]`},
		{false, `["and", [["==", ".s.x", 1], ["==", ".t", true]]]`},
		{true, `["any", ".a", [">", ".b", 2]]`},
		{false, `["not", ["any", ".a", [">", ".b", 3]]]`},
		{false, `["all", ".a", [">", ".", 0]]`},
		{true, `["not", ["all", ".a", [">", ".", 0]]]`},
		{true, `["all", ".m", [">", ".", 0]]`},
		{true, `["any", ".m", ["==", ".", 3]]`},
		{true, `["all", ".e", ["==", ".", 3]]`},
		{false, `["any", ".e", ["==", ".", 3]]`},
		{false, `["all", ".s", ["==", ".", 3]]`},
		{true, `["not", ["all", ".s", ["==", ".", 3]]]`},
		{true, `["or", []]`},
		{true, `["and", []]`},
		{true, `["<", ".f", 2]`},
		{true, `[">", ".f", 1]`},
		{true, `["<", ".neg", -0.5]`},
		{false, `[">=", ".s", 0]`},
		{false, `["<", ".s", 0]`},
		{false, `["<", ".n", 1]`},
		{false, `["==", ".max", 9007199254740992.0]`}, // as floats they would be equal
		{true, `[">", ".max", 9007199254740992.0]`},
		{true, `["like", ".s", "x\\*y*"]`},
		{true, `["like", ".s", "*\\z"]`},
		{true, `["like", ".s", "*"]`},
		{true, `["like", ".s", "x**\\z"]`},
		{false, `["like", ".s", "x"]`},
		{false, `["like", ".s", "*q*"]`},
		{false, `["like", ".s", "x*y\\z?"]`},
		{false, `["like", ".a", "*"]`},
		{true, `["not", ["like", ".a", "*"]]`},
		{true, `["==", ".a.[0]", 1]`},
		{true, `["==", ".a[0].", 1]`},
		{true, `["==", ".?", ` + mustJSON(t, args) + `]`},
	} {
		err := policy(t, "["+c.statement+"]").Match(args)
		if (err == nil) != c.want || err != nil && !errors.Is(err, capability.ErrPolicy) {
			t.Errorf("%.200s: want %v: %v", c.statement, c.want, err)
		}
	}
}

func mustJSON(t testing.TB, n datamodel.Node) string {
	t.Helper()
	data, err := block.EncodeJSON(n)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestLargeIntegers compares beyond the signed range and beyond what a float holds.
func TestLargeIntegers(t *testing.T) {
	largest := basicnode.NewUint(math.MaxUint64)
	for s, want := range map[string]bool{
		`["==", ".", 1.8446744073709551616e19]`: false, // as floats they would be equal
		`["<", ".", 1.8446744073709551616e19]`:  true,
		`[">", ".", 9223372036854775807]`:       true,
		`["<=", ".", -1]`:                       false, // as signed integers it would hold
	} {
		if err := policy(t, "["+s+"]").Match(largest); (err == nil) != want {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// TestLikeOverlaps has patterns whose parts could overlap or must be tried at several places.
func TestLikeOverlaps(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"ab*ba", "aba", false}, {"ab*ba", "abba", true}, {"*aab*", "aaab", true}, {"*a*b*c", "abbc", true}, {"*a*b*c", "acb", false},
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"a*", "a", true}, {"é*", "éa", true}, {`\*`, "*", true}, {`\*`, `\*`, false},
		{`a\b`, `a\b`, true}, {`\\*`, `\*`, true}, {`a\`, `a\`, true},
	} {
		err := policy(t, mustJSON(t, fromJSON(t, `[["like", ".", `+quote(c.pattern)+`]]`))).Match(fromJSON(t, quote(c.s)))
		if (err == nil) != c.want {
			t.Errorf("like %q, %q: %v", c.pattern, c.s, err)
		}
	}
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func TestPolicyRefused(t *testing.T) {
	deep := strings.Repeat(`["not", `, 40) + `["==", ".a", 1]` + strings.Repeat("]", 40)
	wide := `["and", [` + strings.TrimSuffix(strings.Repeat(`["==", ".", 1],`, 5000), ",") + `]]`
	for _, s := range []string{`{}`, `[[]]`, `["==", ".a", 1]`, `[["=="]]`, `[["==", ".a"]]`, `[["==", ".a", 1, 2]]`, `[["===", ".a", 1]]`,
		`[[1, ".a", 1]]`, `[["==", 1, 1]]`, `[["<", ".a", "1"]]`, `[["like", ".a", 1]]`, `[["and", ["==", ".a", 1]]]`, `[["not", []]]`,
		`[["and", ".a", []]]`, `[["not", [["==", ".a", 1]]]]`, `[["all", ".a", [["==", ".a", 1]]]]`, `[["any", ".a", 1]]`, `[` + deep + `]`, `[` + wide + `]`,
		`[["==", "", 1]]`, `[["==", "a", 1]]`, `[["==", "..a", 1]]`, `[["==", ".a..", 1]]`, `[["==", ".a..b", 1]]`, `[["==", ".1", 1]]`, `[["==", ".a b", 1]]`,
		`[["==", ".a[", 1]]`, `[["==", ".a[x]", 1]]`, `[["==", ".a[:]", 1]]`, `[["==", ".a[1:2:3]", 1]]`, `[["==", ".a[+1]", 1]]`,
		`[["==", ".a[9007199254740992]", 1]]`, `[["==", ".a[\"b]", 1]]`, `[["==", ".a[\"b\"", 1]]`, `[["==", ".a[\"b\"c]", 1]]`, `[["==", ".a.?", 1]]`,
		`[["==", ".a|.b", 1]]`, `[["==", ".` + strings.Repeat("a", 2000) + `", 1]]`} {
		if _, err := capability.ParsePolicy(fromJSON(t, s)); !errors.Is(err, capability.ErrToken) {
			t.Errorf("%.80s: %v", s, err)
		}
	}
}

// TestMatchIsBounded has small policies whose plain evaluation would take hours.
func TestMatchIsBounded(t *testing.T) {
	numbers := strings.TrimSuffix(strings.Repeat("1,", 100_000), ",")
	statements := strings.TrimSuffix(strings.Repeat(`["==", ".", 1],`, 4000), ",")
	for name, c := range map[string]struct{ policy, args string }{
		"statements × elements": {`[["all", ".", ["and", [` + statements + `]]]]`, "[" + numbers + "]"},
		"copied slices":         {`[["all", ".", ["any", ".[0:]", ["any", ".[0:]", ["==", ".", 2]]]]]`, "[" + strings.TrimSuffix(strings.Repeat("["+strings.Repeat("[1,1,1,1,1,1,1,1],", 200)+"1],", 1000), ",") + "]"},
		"wildcards":             {`[["like", ".", "*` + strings.Repeat("a", 200_000) + `b*"]]`, `"` + strings.Repeat("a", 500_000) + `"`},
		"equal lists":           {`[["all", ".", ["all", ".", ["==", ".", [` + numbers + `]]]]]`, "[" + strings.TrimSuffix(strings.Repeat("[["+numbers+"]],", 20), ",") + "]"},
	} {
		p, args := policy(t, c.policy), fromJSON(t, c.args)
		start := time.Now()
		err := p.Match(args)
		if took := time.Since(start); err == nil || !strings.Contains(err.Error(), "too long") || took > 2*time.Second {
			t.Errorf("%s: %.300v after %v", name, err, took)
		}
	}
}

func FuzzPolicy(f *testing.F) {
	for _, s := range []string{`[["==", ".a[0:1]", 1]]`, `[["not", ["any", ".m[]", ["like", ".[\"b\"]?", "x\\*y*"]]]]`, `[["or", [["<", ".f", 1.5]]]]`} {
		f.Add([]byte(s), []byte(`{"a": [1], "m": {"b": "x*y"}, "f": 1}`))
	}
	f.Fuzz(func(t *testing.T, pol, args []byte) {
		pn, err := block.DecodeJSON(pol)
		if err != nil {
			return
		}
		p, err := capability.ParsePolicy(pn)
		if err != nil {
			return
		}
		an, err := block.DecodeJSON(args)
		if err != nil {
			return
		}
		double, err := p.And(p)
		if err != nil {
			return // too many statements
		}
		if first, second := p.Match(an), double.Match(an); (first == nil) != (second == nil) {
			t.Fatalf("%s on %s: once %v, twice %v", pol, args, first, second)
		}
	})
}
