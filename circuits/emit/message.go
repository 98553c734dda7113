package emit

import (
	"github.com/trilemma-dev/trilemma/circuits"
)

// algebra is arithmetic of values of any kind: variables of a circuit, or numbers.
type algebra[V any] interface {
	lin(l *lin, row []V) V
	add(a, b V) V
	sub(a, b V) V
	mul(a, b V) V
	one() V
}

// challenge is X and the powers of γ, from the first one on, of each bus; and the point at which given columns are evaluated.
type challenge[V any] struct {
	x     []V
	g     [][]V
	point V
}

// newChallenge sorts the challenges in the order of [System.Labels].
func newChallenge[V any](a algebra[V], s *System, shared []V) *challenge[V] {
	c := &challenge[V]{x: make([]V, len(s.x)), g: make([][]V, len(s.g)), point: shared[s.point]}
	for b, bus := range s.sys.Buses {
		if s.x[b] >= 0 {
			c.x[b] = shared[s.x[b]]
		}
		if s.g[b] < 0 {
			continue
		}
		g := shared[s.g[b]]
		c.g[b] = []V{g}
		for len(c.g[b]) < max(bus.Keys-1, bus.Values) {
			c.g[b] = append(c.g[b], a.mul(c.g[b][len(c.g[b])-1], g))
		}
	}
	return c
}

// fraction is the numerator and denominator of what a message adds to its bus, but for its sign and multiplicity; unit says that the numerator is 1. See
// [circuits.Kind]. It is for buses with keys.
func fraction[V any](a algebra[V], m *message, row []V, c *challenge[V]) (num, den V, unit bool) {
	key := a.lin(&m.key[0], row)
	for i := 1; i < len(m.key); i++ {
		if k := &m.key[i]; !k.constant() || !k.k.IsZero() {
			key = a.add(key, a.mul(c.g[m.bus][i-1], a.lin(k, row)))
		}
	}
	den = a.sub(c.x[m.bus], key)
	n := len(m.value)
	if n == 0 {
		return a.one(), den, true
	}
	// γⁿ + γⁿ⁻¹·v₁ + … + vₙ
	num = a.add(c.g[m.bus][n-1], a.lin(&m.value[n-1], row))
	for i := range n - 1 {
		num = a.add(num, a.mul(c.g[m.bus][n-2-i], a.lin(&m.value[i], row)))
	}
	return num, den, false
}

// sum reports whether the message is on a bus without keys.
func (m *message) sum() bool { return m.kind == circuits.Sum }
