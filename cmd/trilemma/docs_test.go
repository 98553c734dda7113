package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/lab"
)

// shapes are the JSON objects that commands print, by the names that docs/commands.md uses.
var shapes = map[string]any{
	"run":              wire.Run{},
	"exec":             wire.Exec{},
	"verify":           wire.Report{},
	"challenge-new":    wire.Challenge{},
	"challenge-answer": wire.Answer{},
	"dispute":          wire.Dispute{},
	"hearing-show":     wire.Hearing{},
	"spotcheck-plan":   planJSON{},
	"preflight":        wire.Preflight{},
	"keys":             keyJSON{},
	"module":           moduleJSON{},
	"workflow":         workflowJSON{},
	"bundle":           bundleJSON{},
	"receipt":          receiptJSON{},
	"invocation":       invocationJSON{},
	"block":            blockJSON{},
	"tokens":           tokensJSON{},
	"delegate":         tokenJSON{},
	"revocations":      revocationsJSON{},
	"bench-native":     lab.NativeReport{},
	"bench-machine":    lab.MachineReport{},
	"bench-prove":      lab.ProveReport{},
	"bench-backends":   lab.BackendReport{},
	"bench-spot":       lab.SpotReport{},
	"bench-trilemma":   lab.Comparison{},
	"bench-http":       lab.HTTPReport{},
	"bench-workers":    workersJSON{},
	"letters":          lettersJSON{},
	"worker-list":      wire.Queues{},
	"prove":            wire.Proofs{},
	"open":             openedJSON{},
	"setup-list":       setupJSON{},
	"setup":            setupFamilyJSON{},
	"ceremony":         ceremonyJSON{},
}

var made = regexp.MustCompile(`(?s)<!-- (flags|json|file) ([^ ]+) -->\n.*?<!-- end -->`)

// TestDocs checks what the documentation says against the program: flag tables, JSON fields, files that it shows, and that
// it has every command and every shape. With -update the tables are written anew.
func TestDocs(t *testing.T) {
	a := &app{streams: streams{getenv: func(string) string { return "" }}}
	root := a.root()
	commands := map[string]*cobra.Command{}
	var walk func(c *cobra.Command, path string)
	walk = func(c *cobra.Command, path string) {
		for _, sub := range c.Commands() {
			if name := strings.TrimPrefix(path+"-"+sub.Name(), "-"); sub.Name() != "help" && sub.Name() != "completion" {
				commands[name] = sub
				walk(sub, name)
			}
		}
	}
	walk(root, "")
	seen := map[string]bool{}
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		old, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fresh := made.ReplaceAllFunc(old, func(m []byte) []byte {
			parts := made.FindSubmatch(m)
			kind, name := string(parts[1]), string(parts[2])
			seen[kind+" "+name] = true
			var body string
			switch kind {
			case "flags":
				c := commands[name]
				if c == nil {
					t.Fatalf("%s: there is no command %s", file, name)
				}
				body = flagTable(c)
			case "json":
				s, ok := shapes[name]
				if !ok {
					t.Fatalf("%s: there is no JSON object %s", file, name)
				}
				body = "```text\n" + strings.Join(fields(reflect.TypeOf(s), ""), "\n") + "\n```\n"
			case "file":
				data, err := os.ReadFile(filepath.Join("..", "..", name))
				if err != nil {
					t.Fatal(err)
				}
				body = "```" + strings.TrimPrefix(filepath.Ext(name), ".") + "\n" + string(data) + "```\n"
			}
			return fmt.Appendf(nil, "<!-- %s %s -->\n%s<!-- end -->", kind, name, body)
		})
		if bytes.Equal(old, fresh) {
			continue
		}
		if !*update {
			t.Errorf("%s is not what the program says: run the test with -update", file)
		} else if err := os.WriteFile(file, fresh, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range commands {
		if !seen["flags "+name] && c.Runnable() {
			t.Errorf("the command %s is not documented", c.CommandPath())
		}
		if c.Example == "" {
			t.Errorf("the command %s has no example", c.CommandPath())
		}
	}
	for name := range shapes {
		if !seen["json "+name] {
			t.Errorf("the JSON object %s is not documented", name)
		}
	}
}

func flagTable(c *cobra.Command) string {
	var b strings.Builder
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Name == "json" || f.Hidden {
			return
		}
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		value := map[string]string{"bool": "", "duration": "duration", "string": "text", "stringArray": "text, repeatable"}
		kind, ok := value[f.Value.Type()]
		if !ok {
			kind = "integer"
		}
		def := ""
		switch f.DefValue {
		case "", "[]", "false", "0s":
		default:
			def = "`" + f.DefValue + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, kind, def, f.Usage)
	})
	if b.Len() == 0 {
		return "No flags of its own.\n"
	}
	return "| flag | value | default | meaning |\n|---|---|---|---|\n" + b.String()
}

// fields lists the fields of a JSON object, a line each: path, kind, and ? if it may be absent.
func fields(t reflect.Type, path string) (out []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && f.Tag.Get("json") == "" {
			out = append(out, fields(f.Type, path)...)
			continue
		}
		name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		optional := ""
		if strings.Contains(rest, "omitempty") {
			optional = "?"
		}
		out = append(out, field(f.Type, path+name, optional)...)
	}
	return out
}

func field(t reflect.Type, path, optional string) []string {
	say := func(kind string) []string { return []string{fmt.Sprintf("%-28s %s", path+optional, kind)} }
	switch {
	case t.Kind() == reflect.Pointer:
		return field(t.Elem(), path, optional)
	case t.String() == "json.RawMessage":
		return say("DAG-JSON")
	case t.String() == "[]uint8":
		return say("base64")
	case t == reflect.TypeFor[time.Time]():
		return say("time, RFC 3339")
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		return fields(t.Elem(), path+optional+"[].")
	case t.Kind() == reflect.Slice:
		return say("list of " + kindName(t.Elem()))
	case t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Struct:
		return fields(t.Elem(), path+optional+".LABEL.")
	case t.Kind() == reflect.Map:
		return say("map of " + kindName(t.Elem()))
	case t.Kind() == reflect.Struct:
		return fields(t, path+optional+".")
	}
	return say(kindName(t))
}

func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	}
	return "number"
}
