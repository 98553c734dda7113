package lab

import (
	"fmt"
	"math/rand/v2"
)

// source is where inputs get their numbers from: the same every time.
func source() *rand.PCG { return rand.NewPCG(1, 2) }

// noise returns n bytes without a pattern.
func noise(n int) []byte {
	r, out := source(), make([]byte, n)
	for i := range out {
		out[i] = byte(r.Uint64())
	}
	return out
}

// name makes a number a word that can be spoken; different numbers below 2⁶⁰ give different words.
func name(n uint64) (w []byte) {
	const consonants, vowels = "bdfghjklmnprstvz", "aeiou"
	for {
		w = append(w, consonants[n%16], vowels[n/16%5])
		if n /= 80; n == 0 {
			return w
		}
	}
}

// prose returns n bytes of text, lines of words: short words are frequent, and there are many rare ones, as in a book.
func prose(n int) []byte {
	r, out, column := source(), make([]byte, 0, n+64), 0
	for len(out) < n {
		word := name(r.Uint64() >> (64 - 14) >> (r.Uint64() % 15)) // each bit less as likely as the others
		if column += len(word) + 1; column > 72 {
			out[len(out)-1], column = '\n', 0
		}
		out = append(append(out, word...), ' ')
	}
	return out[:n]
}

// records returns a JSON list of n records.
func records(n int) []byte {
	r, out := source(), []byte("[")
	for i := range n {
		if i > 0 {
			out = append(out, ",\n "...)
		}
		a, b := r.Uint64(), r.Uint64()
		out = fmt.Appendf(out, `{"id": %d, "name": "%s \u00e9", "tags": ["%s", null, %v], "place": {"x": %d.%02d, "y": -%de3}}`,
			i, name(a>>40), name(b>>50), b%2 == 0, a%1000, b%100, b>>60)
	}
	return append(out, "]\n"...)
}

// counts returns a table of n words as the guest words writes it, but for the order.
func counts(n int) (out []byte) {
	r := source()
	for range n {
		v := r.Uint64()
		out = fmt.Appendf(out, "%s %d\n", name(v>>30), v%1000)
	}
	return out
}
