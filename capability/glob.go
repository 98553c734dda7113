package capability

import "strings"

// glob is a pattern of the operator like, cut at its wildcards (UCAN Delegation 1.0, "Glob Matching"): a string matches if
// it begins with the first part, ends with the last, and has the others in between, in order. A single part is the whole
// string.
type glob []string

// parseGlob cuts a pattern at each '*'. `\*` is a literal star; a backslash before anything else is itself, since the
// specification knows one special character only.
func parseGlob(pattern string) glob {
	var parts glob
	var part strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch {
		case strings.HasPrefix(pattern[i:], `\*`):
			part.WriteByte('*')
			i++
		case pattern[i] == '*':
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(pattern[i])
		}
	}
	return append(parts, part.String())
}

// match takes the first place for each part, which leaves most for the next one.
func (g glob) match(b *budget, s string) bool {
	first, last := g[0], g[len(g)-1]
	if len(g) == 1 {
		b.spend(int64(len(s)) / 64)
		return s == first
	}
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, part := range g[1 : len(g)-1] {
		i := index(b, s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return true
}

// index is strings.Index at a cost that the budget bounds, however the two strings were chosen.
func index(b *budget, s, part string) int {
	for i := 0; i+len(part) <= len(s); i++ {
		b.spend(1 + int64(len(part))/64)
		if b.err != nil {
			return -1
		}
		if s[i:i+len(part)] == part {
			return i
		}
	}
	return -1
}
