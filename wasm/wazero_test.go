package wasm_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/trilemma-dev/trilemma/wasm"
)

// The oracle of these tests is wazero with the features of the profile. Decode and Validate together accept what it accepts, but
// for the differences listed here: each is shown by a sample, and judged by the specification.

func newOracle(t testing.TB) func([]byte) error {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2&^api.CoreFeatureSIMD))
	t.Cleanup(func() { r.Close(ctx) })
	return func(b []byte) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("wazero panics: %v", p)
			}
		}()
		m, err := r.CompileModule(ctx, b)
		if err != nil {
			return err
		}
		return m.Close(ctx)
	}
}

// exception is a difference between this package and wazero that is wazero's.
type exception struct {
	name   string
	why    string
	sample string // bytes after the header; wazero accepts it if lenient, else refuses it, and this package the other way round

	lenient bool // wazero accepts what it should not
	ours    func(b []byte, e *wasm.Error) bool
	theirs  string // part of wazero's message, where it is too strict
}

var exceptions = []exception{
	{
		name: "disabled feature",
		why: "wazero reads the types of SIMD, exceptions and typed function references, tables with initializers, recursive type " +
			"groups and several imported memories whatever features are enabled",
		sample:  "\x01\x05\x01\x60\x00\x01\x7b", // type [] -> [v128]
		lenient: true,
		ours:    func(_ []byte, e *wasm.Error) bool { return e.Feature != "" && e.Feature != "limits" },
	},
	{
		name:    "mutable global in a constant",
		why:     "spec 3.3.10.2: global.get is constant only if the global is; wazero asks whether it is imported",
		sample:  "\x02\x08\x01\x01m\x01g\x03\x7f\x01\x06\x06\x01\x7f\x00\x23\x00\x0b",
		lenient: true,
		ours: func(_ []byte, e *wasm.Error) bool {
			return e.Kind == wasm.Invalid && strings.HasPrefix(e.Msg, "constant expression required: global")
		},
	},
	{
		name:    "any byte as an imported table's element type",
		why:     "spec 5.3.11: reftype is 0x70 or 0x6f; wazero takes the byte as it is",
		sample:  "\x02\x09\x01\x01m\x01t\x01\x35\x00\x00",
		lenient: true,
		ours: func(_ []byte, e *wasm.Error) bool {
			return e.Kind == wasm.Malformed && strings.HasPrefix(e.Msg, "malformed reference type")
		},
	},
	{
		name:    "data count that is cut off",
		why:     "spec 5.5.16: the section holds one u32; wazero takes the end of the file for the end of the number",
		sample:  "\x05\x03\x01\x00\x01\x0c\x01\x80",
		lenient: true,
		ours: func(b []byte, e *wasm.Error) bool {
			return strings.HasPrefix(e.Msg, "unexpected end") && int(e.Offset) == len(b)
		},
	},
	{
		name:    "unused bit of a signed number",
		why:     "spec 5.2.2: the unused bits of the last byte repeat the sign; wazero does not look at bit 6",
		sample:  "\x06\x0a\x01\x7f\x00\x41\xff\xff\xff\xff\x3f\x0b",
		lenient: true,
		ours: func(b []byte, e *wasm.Error) bool {
			if !strings.HasPrefix(e.Msg, "integer too large: unused bits") {
				return false
			}
			b = append([]byte{}, b...)
			b[e.Offset-1] ^= 0x40
			var again *wasm.Error
			_, err := accept(b)
			return err == nil || errors.As(err, &again) && again.Offset != e.Offset
		},
	},
	{
		name:    "select's type",
		why:     "spec 3.3.3.2: select t has the type [t t i32] -> [t]; wazero compares its operands with each other only",
		sample:  "\x01\x05\x01\x60\x00\x01\x7f\x03\x02\x01\x00\x0a\x0d\x01\x0b\x00\x41\x00\x41\x00\x41\x00\x1c\x01\x7e\x0b",
		lenient: true,
		ours: func(b []byte, e *wasm.Error) bool {
			return e.Kind == wasm.Invalid && e.Func >= 0 && hasTypedSelect(b, e.Func)
		},
	},
	{
		name:   "module name of an import",
		why:    "spec 2.2.1: any string, the empty one too, is a name",
		sample: "\x02\x07\x01\x00\x01g\x03\x7f\x00",
		theirs: "empty module name",
	},
	{
		name:   "empty custom section at the end",
		why:    "spec 5.5.3: a custom section's bytes may be none; wazero reports the end of the file",
		sample: "\x00\x02\x01x",
		theirs: "failed to read custom section",
	},
	{
		name:   "malformed name section",
		why:    "spec 7.4.1: errors in a name section must not refuse the module",
		sample: "\x00\x07\x04name\x01\x7f",
		theirs: "section custom:",
	},
	{
		name:   "count of select's types in two bytes",
		why:    "spec 5.4.3: it is a vector, and a u32 may be written with leading zeros",
		sample: "\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x0f\x01\x0d\x00\x41\x00\x41\x00\x41\x00\x1c\x81\x00\x7f\x1a\x0b",
		theirs: "too many type immediates",
	},
	{
		name:   "number after 0xfc in two bytes",
		why:    "spec 5.4.6: it is a u32; wazero's validator and compiler agree, its interpreter compares the next byte",
		sample: "\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x0d\x01\x0b\x00\x43\x00\x00\x00\x00\xfc\x80\x00\x1a\x0b",
		theirs: "unsupported misc instruction in interpreterir: 0xfc",
	},
	{
		name:   "table of more than 2^27 elements",
		why:    "a limit of wazero's implementation; the profile's own is lower",
		sample: "\x04\x08\x01\x70\x00\xff\xff\xff\xff\x0f",
		theirs: "table min must be at most",
	},
}

// excuse names the exception that explains two different verdicts, or is empty.
func excuse(b []byte, ours, theirs error) string {
	var e *wasm.Error
	errors.As(ours, &e)
	for _, x := range exceptions {
		if x.lenient && e != nil && x.ours(b, e) || !x.lenient && ours == nil && strings.Contains(theirs.Error(), x.theirs) {
			return x.name
		}
	}
	return ""
}

func hasTypedSelect(b []byte, fn int) bool {
	m, err := wasm.Decode(b)
	if err != nil {
		return false
	}
	i := fn - int(m.ImportedFuncs())
	if i < 0 {
		return false
	}
	for r := wasm.NewReader(m.Code[i].Body, 0); r.More(); {
		in, err := r.Next()
		if err != nil || in.Op == wasm.OpSelectT {
			return err == nil
		}
	}
	return false
}

func TestExceptions(t *testing.T) {
	oracle := newOracle(t)
	for _, x := range exceptions {
		b := []byte("\x00asm\x01\x00\x00\x00" + x.sample)
		_, ours := accept(b)
		theirs := oracle(b)
		t.Logf("%s\n\tours: %v\n\ttheirs: %v\n\t%s", x.name, ours, theirs, x.why)
		if (ours == nil) == (theirs == nil) || (ours == nil) == x.lenient {
			t.Errorf("%s: no longer needed: ours %v, theirs %v", x.name, ours, theirs)
		} else if got := excuse(b, ours, theirs); got != x.name {
			t.Errorf("%s: explained as %q: ours %v, theirs %v", x.name, got, ours, theirs)
		}
	}
}

// agree compares the verdicts on b. An exception is returned by name.
func agree(t testing.TB, oracle func([]byte) error, b []byte) string {
	t.Helper()
	m, ours := accept(b)
	if hazard(b, m, ours) {
		return "hazard"
	}
	asked := b
	if m != nil {
		asked = withoutCustoms(b, m)
	}
	theirs := oracle(asked)
	if (ours == nil) == (theirs == nil) {
		return ""
	}
	x := excuse(b, ours, theirs)
	if x == "" {
		t.Errorf("ours: %v\ntheirs: %v\n%x", ours, theirs, b)
	}
	return x
}

func TestAgreeOnSuite(t *testing.T) {
	oracle := newOracle(t)
	n := map[string]int{}
	for _, dir := range []string{"v1", "v2", "extended-const", "tail-call", "threads", "typed-function-references", "exception-handling"} {
		files, err := filepath.Glob(filepath.Join(specDir(t), dir, "testdata", "*.wasm"))
		if err != nil || len(files) == 0 {
			t.Fatal("no modules in ", dir, err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			x := agree(t, oracle, b)
			if x == "" {
				x = "same"
			}
			n[dir+":"+strings.ReplaceAll(x, " ", "-")]++
		}
	}
	golden(t, "testdata/agree.golden", strings.ReplaceAll(counts(n), " ", "\n")+"\n")
}

func FuzzAgainstWazero(f *testing.F) {
	seeds(f)
	oracle := newOracle(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		var e *wasm.Error
		if _, err := wasm.Decode(b); errors.As(err, &e) && e.Feature != "" {
			return // wazero may read on, and reserve memory for a count that follows
		}
		agree(t, oracle, b)
	})
}
