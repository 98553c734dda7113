package emit

import (
	"encoding/binary"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/trilemma-dev/trilemma/circuits"
)

// Rows is a filling in the order in which parts hold it: rows of tables stand where the verifier expects them, whether they are used or not. Parts need
// not hold those behind the last one that is used.
type Rows struct {
	sys  *System
	rows [][][]uint64                    // by chip, row, column
	need []int                           // how many of them parts have to hold, by chip
	pads [][]fr.Element                  // wires of a row that is none of them, by chip
	wide []map[circuits.Entry]fr.Element // by chip
}

// Rows arranges a filling. Its rows are read until the proof is made.
func (s *System) Rows(f *circuits.Filling, contents circuits.Contents) (*Rows, error) {
	r := &Rows{sys: s, rows: make([][][]uint64, len(s.plans)), need: make([]int, len(s.plans)), pads: make([][]fr.Element, len(s.plans)), wide: make([]map[circuits.Entry]fr.Element, len(s.plans))}
	for i, p := range s.plans {
		filled := f.Rows[p.chip.Name]
		r.wide[i] = f.Wide[p.chip.Name]
		r.pads[i] = make([]fr.Element, len(p.wires))
		p.pad(r.pads[i], contents[p.chip.Name])
		if !p.free() {
			for _, row := range filled {
				r.rows[i] = append(r.rows[i], row)
			}
			r.need[i] = len(filled)
			continue
		}
		at := p.givenColumns()
		byGiven := make(map[string][]uint64, len(filled))
		for _, row := range filled {
			byGiven[rowKey(row, at)] = row
		}
		n := len(contents[p.chip.Name].Rows)
		if p.numbers > 0 {
			n = p.numbers
		}
		for k := range n {
			row := make([]uint64, len(p.chip.Columns))
			p.scatter(row, contents[p.chip.Name], k)
			key := rowKey(row, at)
			if used, ok := byGiven[key]; ok {
				row = used
				delete(byGiven, key)
				r.need[i] = k + 1
			}
			r.rows[i] = append(r.rows[i], row)
		}
		if p.numbers > 0 && r.need[i] > 0 {
			r.need[i] = n
		}
		if len(byGiven) > 0 {
			return nil, fmt.Errorf("%s has %d rows that are not in the table", p.chip.Name, len(byGiven))
		}
	}
	return r, nil
}

// Whole makes parts hold all rows of tables that the verifier knows, whether they are used or not: so the parts do not tell which were used.
func (r *Rows) Whole() {
	for i, p := range r.sys.plans {
		if p.free() {
			r.need[i] = len(r.rows[i])
		}
	}
}

// free reports whether a chip is a table that the verifier knows, from which a filling takes the rows that it uses.
func (p *plan) free() bool {
	return p.chip.Table && !p.chip.Columns[circuits.On].Given && len(p.givenColumns()) > 0
}

// givenColumns are the columns that the verifier knows.
func (p *plan) givenColumns() (at []int) {
	for i, c := range p.chip.Columns {
		if c.Given {
			at = append(at, i)
		}
	}
	return at
}

// scatter writes row k of what the verifier knows to its columns.
func (p *plan) scatter(row []uint64, c circuits.Content, k int) {
	at := p.givenColumns()
	if p.numbers > 0 {
		row[at[0]] = p.number(k)
		return
	}
	for i, col := range at {
		row[col] = c.Rows[k][i]
	}
}

// pad writes what the verifier puts to the given wires of a row behind those that it knows. Such a row must send nothing that those do not send: if
// the multiplicity is free, it is the first one of them; if there are none, it is out of the range of all keys. Else it is zero.
func (p *plan) pad(wires []fr.Element, c circuits.Content) {
	if !p.free() || p.numbers > 0 {
		return
	}
	if len(c.Rows) == 0 {
		for _, w := range p.given {
			wires[w].SetInt64(-1)
		}
		return
	}
	row, columns := make([]uint64, len(p.chip.Columns)), make([]fr.Element, len(p.chip.Columns))
	p.scatter(row, c, 0)
	for i := range row {
		columns[i].SetUint64(row[i])
	}
	var a numbersAlgebra
	for _, w := range p.given {
		wires[w] = a.lin(&p.wires[w].of, columns)
	}
}

func rowKey(row []uint64, at []int) string {
	b := make([]byte, 0, 8*len(at))
	for _, i := range at {
		b = binary.LittleEndian.AppendUint64(b, row[i])
	}
	return string(b)
}

// Counts is how many rows of each chip parts have to hold.
func (r *Rows) Counts() map[string]int {
	n := make(map[string]int)
	for i, p := range r.sys.plans {
		if r.need[i] > 0 {
			n[p.chip.Name] = r.need[i]
		}
	}
	return n
}

// Part is some rows, in a shape. It reads them whenever it is asked for its columns.
type Part struct {
	Shape *Shape
	rows  *Rows
	from  []int // by chip
	count []int
}

// Cut gives each of the shapes the next rows of each chip: of tables in the order of the shapes, of other chips first where they stand in large
// blocks, all but as many as the other shapes need to be left with none. It is an error if the shapes do not take all.
func (r *Rows) Cut(shapes []*Shape) ([]Part, error) {
	out := make([]Part, len(shapes))
	for k, sh := range shapes {
		out[k] = Part{Shape: sh, rows: r, from: make([]int, len(r.rows)), count: make([]int, len(r.rows))}
	}
	for i, p := range r.sys.plans {
		next := 0
		for _, k := range byBlock(shapes, i) {
			out[k].from[i] = next
			if p.numbers > 0 && shapes[k].from[i] != next { // a slice that another part has, or that comes later
				continue
			}
			out[k].count[i] = shapes[k].takes(i, len(r.rows[i])-next)
			next += out[k].count[i]
		}
		if next < r.need[i] {
			return nil, fmt.Errorf("the shapes take %d of %d rows of %s", next, r.need[i], p.chip.Name)
		}
	}
	return out, nil
}

// takes is how many of so many rows of a chip the shape takes: whole blocks.
func (sh *Shape) takes(chip, left int) int {
	n := min(left, sh.rows[chip])
	return n - n%sh.block[chip]
}

// Columns writes the part's columns: as many as its shape has. v is zero.
func (p *Part) Columns(v []fr.Element) error {
	if len(v) != p.Shape.Columns() {
		return fmt.Errorf("shape %s has %d columns, not %d", p.Shape.name, p.Shape.Columns(), len(v))
	}
	for i, plan := range p.Shape.sys.plans {
		n := len(plan.wires)
		columns, wires := make([]fr.Element, len(plan.chip.Columns)), make([]fr.Element, n)
		for k := range p.Shape.rows[i] {
			if k < p.count[i] {
				p.rows.elements(columns, i, p.from[i]+k)
				plan.fill(wires, columns)
			} else {
				copy(wires, p.rows.pads[i])
			}
			if k%p.Shape.block[i] == 0 {
				v[0] = wires[0]
				v = v[1:]
			}
			copy(v[:n-1], wires[1:])
			v = v[n-1:]
		}
	}
	return nil
}

// elements turns a row into field elements.
func (r *Rows) elements(out []fr.Element, chip, n int) {
	for c, v := range r.rows[chip][n] {
		out[c].SetUint64(v)
	}
	if len(r.wide[chip]) == 0 {
		return
	}
	for c := range out {
		if v, ok := r.wide[chip][circuits.Entry{Row: n, Column: c}]; ok {
			out[c] = v
		}
	}
}

// fill computes a row's wires from its columns.
func (p *plan) fill(wires, columns []fr.Element) {
	var a numbersAlgebra
	for i := range p.wires {
		w := &p.wires[i]
		wires[i] = a.lin(&w.of, columns)
		if w.inverse {
			wires[i].Inverse(&wires[i])
			wires[i].Mul(&wires[i], &columns[circuits.On])
		}
	}
}
