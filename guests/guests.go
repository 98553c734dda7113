// Package guests holds the sample tasks as WebAssembly modules, built from C by build.sh. They compute with integers only. Those in c are
// functions, which import nothing, and take and give bytes and strings as the canonical ABI says; those in wasi are commands.
package guests

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed wasm/*.wasm
var files embed.FS

const dir, ext = "wasm", ".wasm"

// Names returns the modules' names in order.
func Names() ([]string, error) {
	list, err := fs.Glob(files, path.Join(dir, "*"+ext))
	for i, f := range list {
		list[i] = strings.TrimSuffix(path.Base(f), ext)
	}
	return list, err
}

// Module returns the bytes of the module of a name, such as "fib".
func Module(name string) ([]byte, error) {
	b, err := files.ReadFile(path.Join(dir, name+ext))
	if err != nil {
		return nil, fmt.Errorf("guests: there is no module %q: %w", name, err)
	}
	return b, nil
}
