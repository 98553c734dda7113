package emit

import (
	"path"
	"slices"
	"strings"
)

// Sizes of the circuits for classes of chips, in constraints. A run leaves half of a small one unused for each class that it uses. What mixes use much
// has a larger one too, since each part costs as much as [PartOverhead] constraints beside its own: see [large].
const (
	classSize = 1 << 11

	// PartOverhead is what a part takes to prove beside its constraints, as many constraints: measured with circuits of 2¹⁰ to 2¹⁶.
	PartOverhead = 1300
)

// Rows of small circuits count one by one, so that they take what is left; those of large ones in blocks.
const (
	classBlock = 1
	largeBlock = 16
)

// large is the size of the larger circuit of a class that takes such a part of a mix, 0 if there is none: a run of a million instructions takes some dozens.
func large(peak float64) int {
	switch {
	case peak < .01:
		return 0
	case peak < .03:
		return 1 << 12
	case peak < .06:
		return 1 << 13
	}
	return 1 << 14
}

// alone is the part of a mix from which on a chip shares no circuit with others of its kin.
const alone = .003

// classes adds shapes for each class of chips, in the order of their first chips.
func (b *standard) classes() error {
	of, peak := make(map[string][]string), make(map[string]float64)
	var order []string
	for _, p := range b.plans {
		name := p.chip.Name
		if p.chip.Once || p.numbers > 0 || p.permutation != nil || p.ends() || b.whole(p) {
			continue
		}
		k := class(name, b.peak[name])
		if of[k] == nil {
			order = append(order, k)
		}
		of[k] = append(of[k], name)
		peak[k] += b.peak[name]
	}
	for _, k := range order {
		if err := b.class(k, of[k], classBlock, classSize); err != nil {
			return err
		}
		if size := large(peak[k]); size > 0 {
			if err := b.class(k+", many", of[k], largeBlock, size); err != nil {
				return err
			}
		}
	}
	return nil
}

// class adds a shape of so many constraints, or of so many that it holds some rows of each chip.
func (b *standard) class(name string, chips []string, block, size int) error {
	blocks, rows := 0, make(map[string]int)
	for _, c := range chips {
		blocks += b.BlockCost(c, block, block)
	}
	for _, c := range chips {
		rows[c] = max((size-reserve)/blocks, 4) * block
	}
	return b.add(name, block, rows)
}

// kin are the chips that share circuits as long as mixes do not use them: what programs do not do much. What some programs may do much has circuits of its
// own.
func kin() []kinship {
	return []kinship{
		{"far", []string{"* far"}},
		{"unlikely numbers", []string{"* of more", "* of 0"}},
		{"signed divisions of 32 bits", []string{"div_s32*", "rem_s32*"}},
		{"signed divisions of 64 bits", []string{"div_s64*", "rem_s64*"}},
		{"subtractions of constants", []string{"sub[36][24] constant*"}},
		{"bitwise with constants of 64 bits", []string{"and64 constant*", "xor64 constant*", "or64 constant*"}},
		{"turns by registers", []string{"rot[lr][36][24]"}},
		{"signed shifts of 64 bits", []string{"shr_s64*"}},
		{"counts of 64 bits", []string{"c[lt]z64", "popcnt64"}},
		{"comparisons of 64 bits", []string{"set if * 64"}},
		{"signed comparisons of 32 bits", []string{"set if * 32 signed"}},
		{"signed comparisons of 64 bits", []string{"set if * 64 signed"}},
		{"branches on 64 bits", []string{"branch if * 64"}},
		{"signed branches on 64 bits", []string{"branch if * 64 signed"}},
		{"narrow accesses of constant places", []string{"load8* absolute", "load16* absolute", "store8* absolute", "store16* absolute"}},
		{"narrow stores of constants", []string{"store8 constant *", "store16 constant *"}},
		{"narrow stores of wide registers", []string{"store8 wide *", "store16 wide *"}},
		{"loads that are not aligned", []string{"load?* +[123]*"}},
		{"stores that are not aligned", []string{"store?* +[123]*"}},
		{"stores of constants", []string{"store* constant *"}},
		{"stores of wide registers", []string{"store* wide *"}},
		{"accesses of constant places", []string{"* absolute"}},
		{"bytes that are no word", []string{"out_word of*", "in_word of*", "in_len*"}},
		{"bulk operations", []string{"memory.grow*", "memory.*.check*", "memory.* done", "memory.* of [1-7]*", "table.*", "segment *"}},
		{"cells and tables", []string{"input lengths", "elements", "segments", "cell table", "initial cell", "cell", "page"}},
	}
}

// kinship is the patterns of package path that chips' names are like.
type kinship struct {
	name string
	like []string
}

// class names the chips that are likely to be used as often as a chip of this name, which takes such a part of a mix.
func class(name string, peak float64) string {
	// Places in a word at which narrow accesses lie, and pieces of a bulk operation of one size, are as likely as each other.
	before, place, placed := strings.Cut(name, " +")
	narrow := matches("*8*", before) || matches("*16*", before) && (place == "0" || place == "2")
	switch {
	case placed && len(place) == 1 && narrow && !matches("* of *", before) && !matches("* constant", before) && !matches("* wide", before):
		return before
	case matches("load of *", name), matches("store of *", name):
		size, _, _ := strings.Cut(name, " at ")
		if strings.HasSuffix(size, " 8") {
			return size
		}
		return size[:len(size)-1] + "less than 8"
	case matches("memory.copy of 8 *", name):
		return "memory.copy of 8"
	case peak >= alone, matches("*_word of 8", name):
		return name
	}
	for _, k := range kin() {
		if slices.ContainsFunc(k.like, func(like string) bool { return matches(like, name) }) {
			return k.name
		}
	}
	return name
}

// matches reports whether a name is like a pattern.
func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}
