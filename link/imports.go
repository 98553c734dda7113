package link

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trilemma-dev/trilemma/wasm"
)

// wasiModule is the one module whose functions a guest may import.
const wasiModule = "wasi_snapshot_preview1"

// checkImports refuses every import that is not a function of WASI preview 1, by name and with a hint where to go.
func checkImports(m *wasm.Module) error {
	for i := range m.Imports {
		im := &m.Imports[i]
		if im.Module == wasiModule && im.Kind == wasm.ExternFunc {
			continue
		}
		kind := [...]string{"function", "table", "memory", "global"}[im.Kind]
		return errorf(importHint(m, im), "import %s.%s (%s) is not available: a task may import functions of %s only",
			show(im.Module), show(im.Name), kind, wasiModule)
	}
	return nil
}

func importHint(m *wasm.Module, im *wasm.Import) string {
	mod, name := im.Module, im.Name
	switch {
	case mod == Primitives:
		return "the tape primitives belong to the linker: export a function with parameters, or read stdin through WASI"
	case im.Kind == wasm.ExternMemory:
		return "the module must define its memory: drop --import-memory"
	case im.Kind == wasm.ExternTable:
		return "the module must define its table: drop --import-table"
	case mod == wasiModule, mod == "wasi_unstable" && im.Kind != wasm.ExternFunc:
		return "WASI exports functions only"
	case mod == "wasi_unstable":
		return "this is WASI preview 0: rebuild with a toolchain from 2020 or later, for the target wasm32-wasip1"
	case strings.HasPrefix(mod, "wasi:"), strings.Contains(mod, ":") && strings.Contains(mod, "/"):
		return "this is the core of a component (WASI preview 2): build for wasm32-wasip1 instead"
	case mod == "env" && name == "abort" && im.Kind == wasm.ExternFunc && len(m.Types[im.Func].Params) == 4: // message, file, line, column
		return "AssemblyScript: compile with --use abort= so that a failed assertion traps"
	case mod == "env" && (name == "seed" || strings.HasPrefix(name, "console.") || strings.HasPrefix(name, "Date.")):
		return "AssemblyScript's browser bindings are not there: do not use " + show(name)
	case mod == "env" && (strings.HasPrefix(name, "emscripten_") || strings.HasPrefix(name, "_emscripten") ||
		strings.HasPrefix(name, "__syscall") || strings.HasPrefix(name, "invoke_") || name == "abort"), mod == "a" && len(name) <= 2:
		return "Emscripten's JavaScript environment is not there: build with -sSTANDALONE_WASM, without exceptions and file access"
	case mod == "gojs", mod == "go":
		return "this is GOOS=js: build with GOOS=wasip1 GOARCH=wasm"
	case mod == "wbg", strings.HasPrefix(mod, "__wbindgen"), strings.HasPrefix(name, "__wbindgen"):
		return "wasm-bindgen needs JavaScript: build for wasm32-wasip1 or export extern \"C\" functions"
	case mod == "GOT.mem", mod == "GOT.func":
		return "this is a dynamic library: link statically"
	case mod == "env" && im.Kind == wasm.ExternFunc:
		return fmt.Sprintf("%s was left undefined when the module was linked: link the object or library that defines it", show(name))
	case im.Kind == wasm.ExternGlobal:
		return "pass the value as a parameter"
	}
	return "pass what the function would return as a parameter"
}

// wasiFunc finds the shim's function for a guest's import, or says why there is none.
func wasiFunc(m, shim *wasm.Module, im *wasm.Import) (uint32, error) {
	e := shim.Export(im.Name)
	if e == nil || strings.HasPrefix(im.Name, internalPrefix) {
		return 0, errorf(nearest(im.Name, wasiNames(shim)), "%s has no function %s", wasiModule, show(im.Name))
	}
	want, _ := shim.TypeOfFunc(e.Index)
	if got := m.Types[im.Func]; !equalType(got, want) {
		return 0, errorf("", "import %s.%s has type %s, WASI says %s", wasiModule, im.Name, typeString(got), typeString(want))
	}
	return e.Index, nil
}

func wasiNames(shim *wasm.Module) (names []string) {
	for _, e := range shim.Exports {
		if !strings.HasPrefix(e.Name, internalPrefix) {
			names = append(names, e.Name)
		}
	}
	slices.Sort(names)
	return names
}

func equalType(a, b wasm.FuncType) bool {
	return slices.Equal(a.Params, b.Params) && slices.Equal(a.Results, b.Results)
}

// typeString writes t as (i32, i64) → (f32).
func typeString(t wasm.FuncType) string {
	list := func(ts []wasm.ValueType) string {
		s := make([]string, len(ts))
		for i, t := range ts {
			s[i] = t.String()
		}
		return "(" + strings.Join(s, ", ") + ")"
	}
	return list(t.Params) + " → " + list(t.Results)
}

// nearest returns a hint with the name closest to want by edit distance, or nothing if none is close.
func nearest(want string, names []string) string {
	best, at := len(want)/3+2, ""
	for _, n := range names {
		if d := editDistance(want, n); d < best {
			best, at = d, n
		}
	}
	if at == "" {
		return ""
	}
	return "did you mean " + at + "?"
}

// editDistance is the Levenshtein distance in bytes, of names cut to 64.
func editDistance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
