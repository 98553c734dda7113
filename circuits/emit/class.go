package emit

import (
	"strings"

	"github.com/trilemma-dev/trilemma/circuits"
)

// Sizes of the circuits for classes of chips, in constraints. A run leaves half of a small one unused for each class that it uses; what the mixes use
// much has a larger one too, since each part costs as much as overhead constraints beside its own.
const (
	classSize = 1 << 12
	largeSize = 1 << 14
	overhead  = 2500
)

// large is the share of a mix's constraints from which on a class has a large circuit: one part in so many.
const large = 50

// classes adds shapes for each class of chips, in the order of their first chips.
func (b *standard) classes(mixes []Mix) error {
	of := make(map[string][]string)
	var order []string
	for _, p := range b.plans {
		if p.group() == other || p.ends() {
			continue
		}
		k := class(p.chip.Name)
		if of[k] == nil {
			order = append(order, k)
		}
		of[k] = append(of[k], p.chip.Name)
	}
	for _, k := range order {
		if err := b.class(k, of[k], classSize); err != nil {
			return err
		}
		if !b.much(of[k], mixes) {
			continue
		}
		if err := b.class(k+", many", of[k], largeSize); err != nil {
			return err
		}
	}
	return nil
}

func (b *standard) class(name string, chips []string, size int) error {
	block := blockRows
	if len(chips)*blockRows*32 > size {
		block = 1
	}
	rows := make(map[string]int)
	b.share(rows, chips, block, size-reserve, nil)
	return b.add(name, block, rows)
}

// much reports whether chips are used much in one of the mixes.
func (b *standard) much(chips []string, mixes []Mix) bool {
	for _, m := range mixes {
		all, these := 0, 0
		for chip, n := range m {
			all += n * b.Cost(chip)
		}
		for _, chip := range chips {
			these += m[chip] * b.Cost(chip)
		}
		if these*large > all {
			return true
		}
	}
	return false
}

// ends reports whether a chip's rows end a run, so that there is one at most.
func (p *plan) ends() bool {
	for i := range p.messages {
		if p.messages[i].bus == circuits.BusEnd {
			return true
		}
	}
	return false
}

// class names the chips that are likely to be used as often as a chip of this name: the ways in which a branch goes, the places in a word at
// which narrow accesses lie, the signs of a division. Wide accesses are mostly aligned, so that the others are a class of their own.
func class(name string) string {
	op, _, _ := strings.Cut(name, " ")
	for _, ways := range [][3]string{{"jump if ", "go on if ", "if "}, {"yes: ", "no: ", "set "}} {
		for _, way := range ways[:2] {
			if cond, ok := strings.CutPrefix(name, way); ok {
				return ways[2] + cond
			}
		}
	}
	switch {
	case strings.HasPrefix(op, "div_"), strings.HasPrefix(op, "rem_"):
		return op
	case strings.HasPrefix(name, "load of "), strings.HasPrefix(name, "store of "):
		bytes, _, _ := strings.Cut(name, " at ")
		return bytes
	case strings.HasPrefix(op, "load"), strings.HasPrefix(op, "store"):
		before, place, ok := strings.Cut(name, " +")
		if !ok || place == "" {
			return name
		}
		at, rest := place[:1], place[1:]
		switch {
		case strings.Contains(op, "8"):
			at = "any"
		case strings.Contains(op, "16"):
			at = map[string]string{"0": "even", "2": "even", "1": "odd", "3": "odd"}[at]
		case at != "0":
			at = "other"
		}
		return before + " +" + at + rest
	case strings.HasPrefix(op, "memory.") || strings.HasPrefix(op, "table.") || op == "out_word":
		if strings.Contains(name, " of 8") {
			return op + " of 8"
		}
		return strings.TrimSuffix(op, ".check")
	}
	return name
}
