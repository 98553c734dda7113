package wasm_test

import (
	"errors"
	"strings"

	"github.com/trilemma-dev/trilemma/wasm"
)

// hazard reports whether wazero must not be asked about b because it reserves memory for a claimed count before it looks
// whether the file can hold that many: gigabytes for a file of twenty bytes. m and ours are this package's verdict.
func hazard(b []byte, m *wasm.Module, ours error) bool {
	var e *wasm.Error
	if errors.As(ours, &e) && (strings.Contains(e.Msg, "claimed") || e.Feature == "limits" ||
		strings.HasPrefix(e.Msg, "unexpected end") && int(e.Offset) != len(b)) { // wazero reads on behind a section's end
		return true
	}
	if m == nil {
		m, _ = wasm.Decode(b)
	}
	if m != nil {
		n := uint64(0)
		for _, c := range m.Code {
			for _, g := range c.Locals {
				n += uint64(g.Count)
			}
		}
		return n > 1<<22
	}
	// Not decoded: look at the claims that wazero may reach before it meets the error.
	for s := (scan{b: b, i: min(8, len(b))}); s.i < len(b); {
		id, size := s.byte(), s.leb()
		end := min(s.i+size, len(b)) // wazero notices at the end of the section only
		in := scan{b: b[:end], i: s.i}
		n := in.leb()
		switch {
		case id == 0:
			if n > in.left() || string(b[in.i:in.i+n]) == "name" && nameBomb(scan{b: b, i: in.i + n}, end) {
				return true
			}
		case id != 8 && id != 12 && n > in.left():
			return true
		case id == 10:
			for ; n > 0 && in.i < end; n-- {
				body := in.leb()
				next, locals := in.i+body, 0
				for g := in.leb(); g > 0 && in.i < end; g-- {
					locals += in.leb()
					in.byte()
				}
				if locals > 1<<20 {
					return true
				}
				in.i = next
			}
		}
		s.i = end
	}
	return false
}

// nameBomb walks a name section as wazero does, which does not mind where a subsection ends.
func nameBomb(s scan, end int) bool {
	text := func() bool {
		n := s.leb()
		s.i += n
		return s.i > len(s.b)
	}
	names := func() bool {
		n := s.leb()
		if n > s.left() {
			return true
		}
		for ; n > 0; n-- {
			if s.leb(); text() {
				return true
			}
		}
		return false
	}
	for s.i < end {
		id, size := s.byte(), s.leb()
		switch id {
		case 0:
			if text() {
				return true
			}
		case 1:
			if names() {
				return true
			}
		case 2:
			n := s.leb()
			if n > s.left() {
				return true
			}
			for ; n > 0; n-- {
				if s.leb(); names() {
					return true
				}
			}
		default:
			s.i += size
		}
	}
	return false
}

// withoutCustoms drops the custom sections of b, which decodes to m. The specification lets their contents be ignored; wazero
// refuses malformed and repeated name sections and an empty custom section at the end of the file.
func withoutCustoms(b []byte, m *wasm.Module) []byte {
	if len(m.Customs) == 0 {
		return b
	}
	out := append([]byte{}, b[:8]...)
	for s := (scan{b: b, i: 8}); s.i < len(b); {
		at := s.i
		id, size := s.byte(), s.leb()
		if s.i += size; id != 0 {
			out = append(out, b[at:s.i]...)
		}
	}
	return out
}

// scan reads numbers without caring about their form.
type scan struct {
	b []byte
	i int
}

func (s *scan) left() int { return max(0, len(s.b)-s.i) }

func (s *scan) byte() byte {
	if s.i >= len(s.b) {
		return 0
	}
	s.i++
	return s.b[s.i-1]
}

func (s *scan) leb() int {
	v := 0
	for shift := 0; shift < 35; shift += 7 {
		c := s.byte()
		v |= int(c&0x7f) << shift
		if c < 0x80 {
			break
		}
	}
	return v
}
