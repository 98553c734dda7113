package circuits

import (
	"errors"
	"fmt"
	"slices"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// ErrRefused says that a filling does not show what it should. What [System.Check] returns wraps it.
var ErrRefused = errors.New("circuits: refused")

// Filling is rows for the chips of a system, by the chip's name. Each row has a number for every column.
type Filling struct {
	Rows map[string][]Row
	// Wide holds the entries that are no numbers of 64 bits, by chip. An honest filling has some in columns that are [Column.Wide], and no others.
	Wide map[string]map[Entry]fr.Element
}

// Entry is a place in a chip's rows.
type Entry struct{ Row, Column int }

// Put puts an element of the field into a column.
func (f *Filling) Put(chip string, at Entry, e fr.Element) {
	if f.Wide == nil {
		f.Wide = make(map[string]map[Entry]fr.Element)
	}
	if f.Wide[chip] == nil {
		f.Wide[chip] = make(map[Entry]fr.Element)
	}
	f.Wide[chip][at] = e
}

// Rows is how many rows of each chip count.
func (f *Filling) Count(chip string) (n int) {
	for _, r := range f.Rows[chip] {
		if r[On] != 0 {
			n++
		}
	}
	return n
}

// Content is what the verifier knows of a chip: rows of its given columns.
type Content struct {
	Rows [][]uint64
	has  func(given []uint64) bool // in place of Rows, for tables that have [Chip.Numbers]
}

// Contents is the content of all chips that have given columns, by name: see [System.Contents].
type Contents map[string]Content

// maxGiven is how many given columns a table of free multiplicity has at most.
const maxGiven = 2 + maxLanes + maxExtra + 1

func padded(given []uint64) (p [maxGiven]uint64) {
	copy(p[:], given)
	return p
}

// given returns the positions of a chip's given columns.
func (c *Chip) given() (at []int) {
	for i := range c.Columns {
		if c.Columns[i].Given {
			at = append(at, i)
		}
	}
	return at
}

// checkGiven compares the given columns of a filling with what the verifier knows. A table whose multiplicities are free, on plain buses,
// holds any of its rows, any number of times, and rows of zeros, with which backends pad it: their multiplicities are as free. Every other chip holds exactly its rows.
func (s *System) checkGiven(f *Filling, contents Contents) error {
	for _, c := range s.Chips {
		at := c.given()
		if len(at) == 0 {
			continue
		}
		content, rows := contents[c.Name], f.Rows[c.Name]
		free := c.Table && !c.Columns[On].Given
		has := content.has
		if has == nil && free {
			set := make(map[[maxGiven]uint64]bool, len(content.Rows))
			for _, r := range content.Rows {
				set[padded(r)] = true
			}
			has = func(given []uint64) bool { return set[padded(given)] }
		}
		if !free && len(rows) != len(content.Rows) {
			return fmt.Errorf("%w: %s has %d rows, not %d", ErrRefused, c.Name, len(rows), len(content.Rows))
		}
		given := make([]uint64, len(at))
		for i, r := range rows {
			for k, col := range at {
				given[k] = r[col]
				if _, wide := f.Wide[c.Name][Entry{i, col}]; wide {
					return fmt.Errorf("%w: %s row %d: %s is not what the verifier knows", ErrRefused, c.Name, i, c.Columns[col].Name)
				}
				if !free && r[col] != content.Rows[i][k] {
					return fmt.Errorf("%w: %s row %d: %s is %d, and has to be %d", ErrRefused, c.Name, i, c.Columns[col].Name, r[col], content.Rows[i][k])
				}
			}
			if free && !has(given) && slices.ContainsFunc(given, func(v uint64) bool { return v != 0 }) {
				return fmt.Errorf("%w: %s row %d: %v is no row of the table", ErrRefused, c.Name, i, given)
			}
		}
	}
	return nil
}
