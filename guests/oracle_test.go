package guests_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/trilemma-dev/trilemma/link"
)

func TestFib(t *testing.T) {
	g := open(t, "fib")
	a, b := uint64(0), uint64(1)
	for n := range 200 {
		if n <= 25 {
			same(t, fmt.Sprint("fib ", n), uint64(g.int(t, "fib", n)), a)
		}
		same(t, fmt.Sprint("fib_loop ", n), uint64(g.int(t, "fib_loop", n)), a)
		a, b = b, a+b
	}
}

func TestSHA256(t *testing.T) {
	g := open(t, "sha256")
	check := func(t rapid.TB, data []byte) {
		want := sha256.Sum256(data)
		same(t, fmt.Sprintf("sha256 of %x", data), g.bytes(t, "sha256", data), want[:])
		for range 2 {
			want = sha256.Sum256(want[:])
		}
		same(t, fmt.Sprintf("sha256_chain of %x", data), g.bytes(t, "sha256_chain", data, 3), want[:])
	}
	for n := range 130 { // every way in which the padding can fall
		check(t, bytes.Repeat([]byte{byte(n)}, n))
	}
	rapid.Check(t, func(t *rapid.T) { check(t, rapid.SliceOfN(rapid.Byte(), 0, 1000).Draw(t, "data")) })
}

// random is the sequence of c/random.h, digest its digest.
func random(n int, seed *uint64) []uint32 {
	out := make([]uint32, n)
	for i := range out {
		*seed = *seed*6364136223846793005 + 1442695040888963407
		out[i] = uint32(*seed >> 32)
	}
	return out
}

func digest(words []uint32) uint64 {
	h := uint64(14695981039346656037)
	for _, w := range words {
		h = (h ^ uint64(w)) * 1099511628211
	}
	return h
}

func pack(words []uint32) (b []byte) {
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

func TestSort(t *testing.T) {
	g := open(t, "sort")
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.OneOf(rapid.Uint32(), rapid.Uint32Range(0, 3)), 0, 400).Draw(t, "words")
		in := pack(words)
		slices.Sort(words)
		same(t, "sort", g.bytes(t, "sort", in), pack(words))
		same(t, "sorted again", g.bytes(t, "sort", pack(words)), pack(words))
		slices.Reverse(words)
		in = pack(words)
		slices.Sort(words)
		same(t, "sort from the other end", g.bytes(t, "sort", in), pack(words))
	})
	for _, n := range []int{0, 1, 2, 16, 17, 1000, 50_000} {
		seed := uint64(n)
		words := random(n, &seed)
		slices.Sort(words)
		same(t, fmt.Sprint("sort_random ", n), uint64(g.int(t, "sort_random", n, n)), digest(words))
	}
}

func product(a, b []uint32, n int) []uint32 {
	out := make([]uint32, n*n)
	for i := range n {
		for j := range n {
			for k := range n {
				out[i*n+j] += a[i*n+k] * b[k*n+j]
			}
		}
	}
	return out
}

func TestMatrix(t *testing.T) {
	g := open(t, "matrix")
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 12).Draw(t, "n")
		draw := rapid.SliceOfN(rapid.Uint32(), n*n, n*n)
		a, b := draw.Draw(t, "a"), draw.Draw(t, "b")
		same(t, "product", g.bytes(t, "matrix_product", pack(a), pack(b), n), pack(product(a, b, n)))
	})
	for _, n := range []int{0, 1, 7, 60} {
		seed := uint64(n)
		a, b := random(n*n, &seed), random(n*n, &seed)
		same(t, fmt.Sprint("matrix_random ", n), uint64(g.int(t, "matrix_random", n, n)), digest(product(a, b, n)))
	}
}

// TestThreshold also checks that the fuel tells nothing but how many values there are.
func TestThreshold(t *testing.T) {
	g := open(t, "threshold")
	fuel := map[string]uint64{}
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 5))
		values, threshold := rapid.SliceOfN(number, 0, 20).Draw(t, "values"), number.Draw(t, "threshold")
		all, sum, list := true, new(big.Int), []byte(nil)
		for _, v := range values {
			all = all && v >= threshold
			sum.Add(sum, new(big.Int).SetUint64(v))
			list = binary.LittleEndian.AppendUint64(list, v)
			check(t, g, fuel, "at_least", v >= threshold, 1, v, threshold)
		}
		check(t, g, fuel, "all_at_least", all, len(values), list, threshold)
		check(t, g, fuel, "sum_at_least", sum.Cmp(new(big.Int).SetUint64(threshold)) >= 0, len(values), list, threshold)
	})
}

func check(t rapid.TB, g *guest, fuel map[string]uint64, fun string, want bool, values int, args ...any) {
	t.Helper()
	v, r := g.run(t, fun, "", args...)
	got, err := v.AsInt()
	if err != nil {
		t.Fatal(err)
	}
	same(t, fun, got == 1, want)
	key := fmt.Sprint(fun, values)
	if old, ok := fuel[key]; ok {
		same(t, "fuel of "+key, r.Fuel, old)
	}
	fuel[key] = r.Fuel
}

var token = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|true|false|null|[][{}:,]`)

// jsonOracle is what encoding/json says of a text: the letters of its tokens, and what json_check answers.
func jsonOracle(t rapid.TB, text []byte) (kinds string, check int64) {
	if !json.Valid(text) {
		var v any
		syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(append(slices.Clone(text), 0), &v)) // 0 belongs nowhere
		if !ok {
			t.Fatalf("no syntax error in %q", text)
		}
		return "", -syntax.Offset // bytes read, the wrong one included
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		t.Fatal(err)
	}
	for _, m := range token.FindAll(compact.Bytes(), -1) {
		switch m[0] {
		case '"':
			kinds += "s"
		case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			kinds += "0"
		default:
			kinds += string(m[:1])
		}
	}
	return kinds, int64(len(kinds))
}

func checkJSON(t rapid.TB, g *guest, text []byte) {
	t.Helper()
	kinds, n := jsonOracle(t, text)
	same(t, fmt.Sprintf("json_check of %q", text), g.int(t, "json_check", text), n)
	got := string(g.bytes(t, "json_tokens", text))
	if n < 0 {
		same(t, fmt.Sprintf("the end of json_tokens of %q", text), strings.HasSuffix(got, "!"), true)
		return
	}
	same(t, fmt.Sprintf("json_tokens of %q", text), got, kinds)
}

func TestJSON(t *testing.T) {
	g := open(t, "json")
	for _, s := range []string{
		"", " ", "0", "-", "-0", "01", "1.", "1.5e+9", "1e", "1e+", ".5", "+1", "0x1", "1 2", "\x00", "nul", "nulL", "truefalse", `"`, `"\`, `"\u12`, `"\u12g4"`,
		`"\u00e9\ud800"`, "\"\xff\"", "\"\x1f\"", "\"\x7f\"", "\xff", "é", "[]", "[", "]", "[1,]", "[,1]", "[1 2]", "[1}", "{}", "{", "}", `{"a"}`, `{"a":}`, `{"a":1,}`,
		`{"a":1 "b":2}`, `{1:2}`, `{"a":1]`, `{"a":[{},[]],"b":null} `, "{\"a\"\t:\r\n[true , false]}", "[1]]",
		strings.Repeat("[", 10000) + strings.Repeat("]", 10000), strings.Repeat("[", 10001) + strings.Repeat("]", 10001),
		strings.Repeat(`{"":`, 10001),
	} {
		checkJSON(t, g, []byte(s))
	}
	pieces := rapid.SampledFrom(strings.Split(` 	 {  } [ ] : , " \ "a" "\n" "\u00e9" 0 12 -3 4.5 6e7 - . e + true false null nul t u x é [] {} "a":`+"\n\x00", " "))
	rapid.Check(t, func(t *rapid.T) {
		checkJSON(t, g, []byte(strings.Join(rapid.SliceOfN(pieces, 0, 12).Draw(t, "pieces"), "")))
	})
	values := rapid.MapOfN(rapid.String(), rapid.SliceOfN(rapid.Float64(), 0, 3), 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		text, err := json.MarshalIndent([]any{values.Draw(t, "value"), true, nil, rapid.String().Draw(t, "string")}, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		checkJSON(t, g, text)
		text[rapid.IntRange(0, len(text)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		checkJSON(t, g, text)
	})
}

var word = regexp.MustCompile(`[A-Za-z\x{80}-\x{10ffff}]+(?:'[A-Za-z\x{80}-\x{10ffff}]+)*`)

type entry struct {
	word  string
	count int
}

// wordsOracle counts the words of a text, in their order.
func wordsOracle(text []byte) (list []entry) {
	counts := map[string]int{}
	for _, w := range word.FindAll(text, -1) {
		for i, c := range w {
			if c >= 'A' && c <= 'Z' {
				w[i] = c + 'a' - 'A'
			}
		}
		counts[string(w)]++
	}
	for w, n := range counts {
		list = append(list, entry{w, n})
	}
	slices.SortFunc(list, func(a, b entry) int { return cmp.Compare(a.word, b.word) })
	return list
}

func table(list []entry) string {
	var b strings.Builder
	for _, e := range list {
		fmt.Fprintf(&b, "%s %d\n", e.word, e.count)
	}
	return b.String()
}

// checkWords counts a text in parts, merges them, and takes the most frequent words.
func checkWords(t rapid.TB, g *guest, text []byte, parts, top int) {
	t.Helper()
	list := wordsOracle(bytes.Clone(text))
	merged := []byte(nil)
	for i := range parts {
		merged = g.bytes(t, "words_merge", merged, g.bytes(t, "words_count", text, i, parts))
	}
	same(t, fmt.Sprintf("the table, from %d parts", parts), string(merged), table(list))
	slices.SortStableFunc(list, func(a, b entry) int { return b.count - a.count })
	same(t, "the most frequent", string(g.bytes(t, "words_top", merged, top)), table(list[:min(top, len(list))]))
}

func TestWords(t *testing.T) {
	g := open(t, "words")
	pieces := rapid.SampledFrom(strings.Split(`a b A it's It's ' '' - . é É x 7 z'z rock'n'roll `+"\n \xff \x00", " "))
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(pieces, 0, 60).Draw(t, "pieces"), rapid.SampledFrom([]string{"", " "}).Draw(t, "between"))
		checkWords(t, g, []byte(text), rapid.IntRange(1, 9).Draw(t, "parts"), rapid.IntRange(0, 9).Draw(t, "top"))
	})
}

// TestBook counts the words of Newton's Opticks, which the Go distribution holds for its own tests.
func TestBook(t *testing.T) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "src", "testdata", "Isaac.Newton-Opticks.txt"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("this Go distribution holds no book")
	}
	if err != nil {
		t.Fatal(err)
	}
	g := open(t, "words")
	checkWords(t, g, text, 8, 100)
	first, _, _ := strings.Cut(string(g.bytes(t, "words_top", g.bytes(t, "words_count", text, 0, 1), 1)), " ")
	same(t, "the most frequent word of a book", first, "the")
}

func TestWC(t *testing.T) {
	g := open(t, "wc")
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte(" \t\n\v\f\rab"))), 0, 3000).Draw(t, "text")
		words := bytes.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n\v\f\r", r) })
		lines := bytes.Count(text, []byte("\n"))
		for want, args := range map[string][]string{
			fmt.Sprintln(lines, len(words), len(text)): nil,
			fmt.Sprintln(lines):                        {"-l"},
			fmt.Sprintln(len(words), len(text)):        {"-c", "-w"},
		} {
			r := g.command(t, text, args...)
			same(t, fmt.Sprint("outcome of ", args), r.Outcome, link.Outcome{Kind: link.OK})
			same(t, fmt.Sprint("wc ", args), string(r.Streams[link.OutStdout]), want)
		}
	})
	for _, arg := range []string{"file", "-x", "-", "--"} {
		r := g.command(t, nil, arg)
		same(t, "outcome", r.Outcome, link.Outcome{Kind: link.Exit, Code: 2})
		same(t, "message", string(r.Streams[link.OutStderr]), "wc: unknown argument "+arg+"\n")
	}
}
