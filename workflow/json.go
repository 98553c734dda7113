package workflow

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// jsonParser is a strict JSON reader (RFC 8259) that keeps places and refuses what others let pass: duplicate keys,
// strings that are not UTF-8, lone surrogates, text after the end.
type jsonParser struct {
	src  []byte
	pos  int
	line int
	bol  int // position of the line's first byte

	values int // met so far

	seen, seenCol int // columns of this line counted so far: seenCol runes stand in src[bol:seen]
}

// syntaxError is a complaint about the text itself.
type syntaxError struct {
	line, col int
	msg       string
}

func (e *syntaxError) Error() string { return e.msg }

func parseJSON(src []byte) (*value, error) {
	p := &jsonParser{src: src, line: 1}
	if !utf8.Valid(src) {
		return nil, p.errorf("the file is not UTF-8")
	}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.pos < len(p.src) {
		return nil, p.errorf("text after the end of the document")
	}
	return v, nil
}

// col returns the column of pos. A document may be one long line, so runes are counted once.
func (p *jsonParser) col() int {
	if p.seen < p.bol || p.seen > p.pos {
		p.seen, p.seenCol = p.bol, 0
	}
	p.seenCol += utf8.RuneCount(p.src[p.seen:p.pos])
	p.seen = p.pos
	return p.seenCol + 1
}

func (p *jsonParser) errorf(format string, args ...any) error {
	return &syntaxError{p.line, p.col(), fmt.Sprintf(format, args...)}
}

func (p *jsonParser) space() {
	for p.pos < len(p.src) {
		switch p.src[p.pos] {
		case '\n':
			p.line++
			p.bol = p.pos + 1
		case ' ', '\t', '\r':
		default:
			return
		}
		p.pos++
	}
}

func (p *jsonParser) peek() byte {
	p.space()
	if p.pos >= len(p.src) {
		return 0
	}
	return p.src[p.pos]
}

func (p *jsonParser) found() string {
	if p.pos >= len(p.src) {
		return "the end of the file"
	}
	r, _ := utf8.DecodeRune(p.src[p.pos:])
	return strconv.QuoteRune(r)
}

func (p *jsonParser) value(depth int) (*value, error) {
	c := p.peek()
	v := &value{line: p.line, col: p.col()}
	if depth > maxDepth {
		return nil, p.errorf("nested deeper than %d", maxDepth)
	}
	if p.values++; p.values > maxValues {
		return nil, p.errorf("more than %d values", maxValues)
	}
	switch {
	case c == '{':
		return v, p.object(v, depth)
	case c == '[':
		return v, p.list(v, depth)
	case c == '"':
		v.kind = kindString
		var err error
		v.s, err = p.string()
		return v, err
	case c == '-' || c >= '0' && c <= '9':
		return v, p.number(v)
	}
	for word, set := range map[string]value{"null": {kind: kindNull}, "true": {kind: kindBool, b: true}, "false": {kind: kindBool}} {
		if strings.HasPrefix(string(p.src[p.pos:min(len(p.src), p.pos+5)]), word) {
			p.pos += len(word)
			v.kind, v.b = set.kind, set.b
			return v, nil
		}
	}
	return nil, p.errorf("a value is expected, found %s", p.found())
}

func (p *jsonParser) object(v *value, depth int) error {
	v.kind = kindMap
	p.pos++
	if p.peek() == '}' {
		p.pos++
		return nil
	}
	seen := make(map[string]bool)
	for {
		if p.peek() != '"' {
			return p.errorf("a key in double quotes is expected, found %s", p.found())
		}
		at := [2]int{p.line, p.col()}
		key, err := p.string()
		if err != nil {
			return err
		}
		if seen[key] {
			return &syntaxError{at[0], at[1], fmt.Sprintf("the key %q comes twice", key)}
		}
		seen[key] = true
		if p.peek() != ':' {
			return p.errorf("':' is expected after the key, found %s", p.found())
		}
		p.pos++
		item, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		v.keys, v.keyAt, v.items = append(v.keys, key), append(v.keyAt, at), append(v.items, item)
		switch p.peek() {
		case ',':
			p.pos++
		case '}':
			p.pos++
			return nil
		default:
			return p.errorf("',' or '}' is expected, found %s", p.found())
		}
	}
}

func (p *jsonParser) list(v *value, depth int) error {
	v.kind = kindList
	p.pos++
	if p.peek() == ']' {
		p.pos++
		return nil
	}
	for {
		item, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		v.items = append(v.items, item)
		switch p.peek() {
		case ',':
			p.pos++
		case ']':
			p.pos++
			return nil
		default:
			return p.errorf("',' or ']' is expected, found %s", p.found())
		}
	}
}

// string reads a string. The text between the quotes is decoded by encoding/json, which must not have replaced anything.
func (p *jsonParser) string() (string, error) {
	start := p.pos
	for p.pos++; p.pos < len(p.src); p.pos++ {
		switch c := p.src[p.pos]; {
		case c == '\\':
			p.pos++
		case c == '"':
			p.pos++
			raw := p.src[start:p.pos]
			var s string
			if err := json.Unmarshal(raw, &s); err != nil {
				return "", p.errorf("malformed string")
			}
			if strings.ContainsRune(s, utf8.RuneError) && !strings.ContainsRune(string(raw), utf8.RuneError) &&
				!strings.Contains(strings.ToLower(string(raw)), `\ufffd`) {
				return "", p.errorf("half of a surrogate pair in a string")
			}
			return s, nil
		case c < 0x20:
			return "", p.errorf("control character in a string")
		}
	}
	return "", p.errorf("the string does not end")
}

func (p *jsonParser) number(v *value) error {
	start := p.pos
	for p.pos < len(p.src) && strings.IndexByte("+-0123456789.eE", p.src[p.pos]) >= 0 {
		p.pos++
	}
	text := string(p.src[start:p.pos])
	if !json.Valid([]byte(text)) || len(text) > 400 {
		p.pos = start
		return p.errorf("malformed number %.40q", text)
	}
	if !strings.ContainsAny(text, ".eE") {
		v.kind = kindInt
		v.i, _ = new(big.Int).SetString(text, 10)
		return nil
	}
	v.kind = kindFloat
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return p.errorf("the number %.40q does not fit 64 bits", text)
	}
	v.f = f
	return nil
}
