package workflow

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// parseYAML reads one YAML document of the JSON shape. Anchors, aliases, tags of one's own and duplicate keys are refused:
// what is written is what is meant, and nothing multiplies.
func parseYAML(src []byte) (v *value, err error) {
	defer func() { // the library panics on some malformed documents
		if r := recover(); r != nil {
			v, err = nil, &syntaxError{0, 0, fmt.Sprintf("malformed YAML: %v", r)}
		}
	}()
	if len(src) > maxYAML {
		return nil, &syntaxError{1, 1, fmt.Sprintf("the document has %d bytes, the limit for YAML is %d: JSON may be larger", len(src), maxYAML)}
	}
	if !utf8.Valid(src) {
		return nil, &syntaxError{1, 1, "the file is not UTF-8"}
	}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		return nil, yamlError(err)
	}
	var second yaml.Node
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, &syntaxError{max(second.Line, 1), 1, "more than one YAML document"}
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, &syntaxError{1, 1, "an empty document"}
	}
	return fromYAML(doc.Content[0], 0)
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

func yamlError(err error) error {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		if line, e := strconv.Atoi(m[1]); e == nil {
			return &syntaxError{line, 1, strings.Replace(msg, m[0], "", 1)}
		}
	}
	if errors.Is(err, io.EOF) {
		msg = "an empty document"
	}
	return &syntaxError{1, 1, msg}
}

func fromYAML(n *yaml.Node, depth int) (*value, error) {
	v := &value{line: n.Line, col: n.Column}
	fail := func(format string, args ...any) (*value, error) {
		return nil, &syntaxError{n.Line, n.Column, fmt.Sprintf(format, args...)}
	}
	if depth > maxDepth {
		return fail("nested deeper than %d", maxDepth)
	}
	if n.Anchor != "" || n.Kind == yaml.AliasNode {
		return fail("anchors and aliases are not allowed: write the value out")
	}
	switch n.Kind {
	case yaml.SequenceNode:
		v.kind = kindList
		for _, c := range n.Content {
			item, err := fromYAML(c, depth+1)
			if err != nil {
				return nil, err
			}
			v.items = append(v.items, item)
		}
		return v, nil
	case yaml.MappingNode:
		return v, v.yamlMap(n, depth)
	}
	switch n.ShortTag() {
	case "!!null":
		v.kind = kindNull
	case "!!bool":
		v.kind = kindBool
		if err := n.Decode(&v.b); err != nil {
			return fail("malformed boolean %.40q", n.Value)
		}
	case "!!int":
		i, ok := new(big.Int).SetString(strings.ReplaceAll(n.Value, "_", ""), 0)
		if !ok || len(n.Value) > 400 {
			return fail("malformed integer %.40q", n.Value)
		}
		v.kind, v.i = kindInt, i
	case "!!float":
		v.kind = kindFloat
		if err := n.Decode(&v.f); err != nil {
			return fail("malformed number %.40q", n.Value)
		}
	case "!!str", "!!timestamp": // a date is text here
		v.kind, v.s = kindString, n.Value
	case "!!binary":
		b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), ""))
		if err != nil {
			return fail("malformed !!binary")
		}
		v.kind, v.keys, v.keyAt = kindMap, []string{"bytes"}, [][2]int{{n.Line, n.Column}}
		v.items = []*value{{kind: kindString, line: n.Line, col: n.Column, s: base64.StdEncoding.EncodeToString(b)}}
	default:
		return fail("the tag %.40q is not allowed", n.Tag)
	}
	return v, nil
}

func (v *value) yamlMap(n *yaml.Node, depth int) error {
	v.kind = kindMap
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode || k.ShortTag() == "!!merge" || k.Anchor != "" {
			return &syntaxError{k.Line, k.Column, "a key must be a plain string"}
		}
		if seen[k.Value] {
			return &syntaxError{k.Line, k.Column, fmt.Sprintf("the key %q comes twice", k.Value)}
		}
		seen[k.Value] = true
		item, err := fromYAML(n.Content[i+1], depth+1)
		if err != nil {
			return err
		}
		v.keys, v.keyAt, v.items = append(v.keys, k.Value), append(v.keyAt, [2]int{k.Line, k.Column}), append(v.items, item)
	}
	return nil
}
