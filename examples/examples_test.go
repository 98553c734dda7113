package examples

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/programtest"
)

// tree copies the examples and the guests, so that what is made for them does not lie among the sources.
func tree(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for to, from := range map[string]string{"examples": ".", "guests/wasm": "../guests/wasm"} {
		to = filepath.Join(dir, to)
		files, err := os.ReadDir(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(to, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			data, err := os.ReadFile(filepath.Join(from, f.Name()))
			if err == nil {
				err = os.WriteFile(filepath.Join(to, f.Name()), data, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// results runs a workflow and has the bundle verified by rerun in another process. It returns the results by label.
func results(t *testing.T, p *programtest.Program, file string, flags ...string) map[string]json.RawMessage {
	t.Helper()
	car := filepath.Join(t.TempDir(), "run.car")
	r := p.Run(t, "", append([]string{"run", file, "-o", car, "--json"}, flags...)...)
	if r.Status != 0 {
		t.Fatalf("run: status %d: %s", r.Status, r.Stderr)
	}
	var run struct {
		Tasks map[string]struct{ Out json.RawMessage }
	}
	if err := json.Unmarshal([]byte(r.Stdout), &run); err != nil {
		t.Fatal(err)
	}
	if v := p.Run(t, "", "verify", car, "--mode", "rerun"); v.Status != 0 || !strings.HasSuffix(v.Stdout, "\nvalid\n") {
		t.Fatalf("verify: status %d: %s%s", v.Status, v.Stdout, v.Stderr)
	}
	out := map[string]json.RawMessage{}
	for label, task := range run.Tasks {
		out[label] = task.Out
	}
	return out
}

var word = regexp.MustCompile(`[a-z\x80-\xff]+('[a-z\x80-\xff]+)*`)

// TestWords: the most frequent words of the book are those that a map counts.
func TestWords(t *testing.T) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	book, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "src/testdata/Isaac.Newton-Opticks.txt"))
	if err != nil {
		t.Fatal(err)
	}
	dir := tree(t)
	if err := os.WriteFile(filepath.Join(dir, "examples/opticks.txt"), book, 0o644); err != nil {
		t.Fatal(err)
	}
	var got string
	if err := json.Unmarshal(results(t, programtest.New(t), filepath.Join(dir, "examples/words.yaml"))["top"], &got); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, w := range word.FindAll(bytes.ToLower(book), -1) {
		counts[string(w)]++
	}
	var words []string
	for w := range counts {
		words = append(words, w)
	}
	slices.SortFunc(words, func(a, b string) int { return cmp.Or(counts[b]-counts[a], cmp.Compare(a, b)) })
	want := ""
	for _, w := range words[:20] {
		want += fmt.Sprintf("%s %d\n", w, counts[w])
	}
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestIntegers: the diamond's ends are what arithmetic here says.
func TestIntegers(t *testing.T) {
	got := map[string]int64{}
	for label, out := range results(t, programtest.New(t), filepath.Join(tree(t), "examples/integers.yaml")) {
		var n int64
		if err := json.Unmarshal(out, &n); err != nil {
			t.Fatal(err)
		}
		got[label] = n
	}
	a, b := int64(0), int64(1)
	for range 90 {
		a, b = b, a+b
	}
	least := int64(0)
	if uint64(got["sort"]) >= uint64(got["matrix"]) {
		least = 1
	}
	if got["seed"] != a || got["compare"] != least || got["sort"] == got["matrix"] || len(got) != 4 {
		t.Errorf("%v; want seed %d, compare %d", got, a, least)
	}
}

// TestImage: the effect wrote what the last task gave.
func TestImage(t *testing.T) {
	dir, files := tree(t), t.TempDir()
	module, err := os.ReadFile(programtest.BuildWASI(t, "../guests/image"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "examples/image.wasm"), module, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := block.DecodeJSON(results(t, programtest.New(t), filepath.Join(dir, "examples/image.json"), "--files", files)["encode"])
	if err != nil {
		t.Fatal(err)
	}
	want, err := out.AsBytes()
	if err != nil {
		t.Fatal(err)
	}
	picture, err := os.ReadFile(filepath.Join(files, "picture.png"))
	if err != nil || !bytes.Equal(picture, want) {
		t.Errorf("%d bytes were written, the result has %d (%v)", len(picture), len(want), err)
	}
}

// TestPrivate: whoever verifies learns that the income is above the threshold, by a proof, and nothing that has the income has to leave its owner.
func TestPrivate(t *testing.T) {
	if testing.Short() {
		t.Skip("keys take a while to make")
	}
	p, dir := programtest.New(t), tree(t)
	car, private := filepath.Join(dir, "private.car"), filepath.Join(dir, "my.secrets")
	for _, args := range [][]string{
		{"run", filepath.Join(dir, "examples/private.yaml"), "--secrets", private, "-o", car},
		{"prove", car, "--secrets", private, "--scheme", "small"},
		{"verify", car, "--mode", "all", "--allow-dev-setup", "--json"},
	} {
		r := p.Run(t, "", args...)
		if r.Status != 0 {
			t.Fatalf("%v: status %d: %s%s", args, r.Status, r.Stdout, r.Stderr)
		}
	}
	bundle, err := os.ReadFile(car)
	if err != nil {
		t.Fatal(err)
	}
	income := binary.LittleEndian.AppendUint64(nil, 6123456) // as the module reads it
	if bytes.Contains(bundle, income) || bytes.Contains(bundle, []byte("6123456")) || bytes.Contains(bundle, income[:4]) {
		t.Error("the income is in the bundle")
	}
	if opened, err := os.ReadFile(private); err != nil || !bytes.Contains(opened, income) {
		t.Errorf("the income is not in its owner's file (%v)", err)
	}
	r := p.Run(t, "", "inspect", car, "--json")
	if r.Status != 0 || !strings.Contains(r.Stdout, `"answer"`) {
		t.Errorf("inspect: status %d: %s%s", r.Status, r.Stdout, r.Stderr)
	}
}
