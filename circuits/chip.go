// Package circuits says what makes a run of the machine right, as data: tables of small numbers (chips), polynomial constraints on single
// rows, and messages that rows exchange over buses. A run is right if and only if some filling of the tables satisfies every constraint and every
// bus balances; docs/circuits.md argues that.
//
// Nothing here knows a proof system. Challenges, inverses, running sums, commitments and the layout of tables belong to the backends, which
// all turn the same chips into proofs. [System.Check] decides about a filling directly; it is what every backend is measured against.
package circuits

import (
	"math/big"

	"github.com/trilemma-dev/trilemma/machine"
)

// Column is one column of a chip: unsigned numbers of at most Bits bits in an honest filling. Nothing makes a dishonest one stay below that:
// what bounds a column is a constraint or a message, and [System.Lint] finds out whether there is one where it is needed.
type Column struct {
	Name  string
	Bits  int
	Given bool // the verifier knows the content: it belongs to the program, a tape or the statement
	Wide  bool // any elements of the field instead: see [Filling]
}

// On is the column that every chip has first: 1 in the rows that count, 0 in padding. It is the multiplicity of every message of a row, but for those of tables.
const On = 0

// Product is a product of one to three factors of degree 1.
type Product []Lin

// Constraint says that a sum of products is zero, in every row, padding included.
type Constraint struct {
	Name string
	Sum  []Product
}

// NonZero says that a value is not zero in any row that counts. A backend shows it with an inverse.
type NonZero struct {
	Name string
	Of   Lin
}

// Argument says that a value is below a bound for a reason that [System.Lint] does not see. docs/circuits.md gives the reason, and a test checks it.
type Argument struct {
	Name  string
	Of    Lin
	Below *big.Int
}

// Role says what a message on a [Stepping] bus is.
type Role uint8

// The roles. Messages that step come in pairs, in the order receive, send: an edge from the older key to the newer.
const (
	Step   Role = iota
	Source      // sends a first key
	Sink        // receives a last key
)

// Message is a tuple that each row sends or receives on a bus.
type Message struct {
	Bus   BusID
	Send  bool
	Key   []Field
	Value []Lin
	Mult  int // the column that says how often: On, or in tables another one
	Role  Role
}

// Lane is a part of a packed field. It lies Shift bits up; the side that the verifier knows holds numbers of at most Width bits in it.
type Lane struct {
	Of    Lin
	Shift uint
	Width uint
}

// Field is one field of a tuple's key: one number, or several packed into one. See [System.Lint] for when that is sound.
type Field []Lane

// Lin is the field's value.
func (f Field) Lin() (l Lin) {
	for _, lane := range f {
		l = l.Plus(lane.Of.Shl(lane.Shift))
	}
	return l
}

// alone is a field that is not packed.
func alone(l Lin) Field { return Field{{Of: l}} }

// Chip is a table: its shape and its laws. It is immutable once it belongs to a [System].
type Chip struct {
	Name        string
	Columns     []Column
	Constraints []Constraint
	NonZero     []NonZero
	Messages    []Message
	Permutation *Permutation // nil: none
	Argued      []Argument
	Table       bool // its rows are given by the verifier; of those of free multiplicity a filling holds the ones that are used
	Once        bool // exactly one row counts
	Zeros       bool // of a table: a row of zeros is one of its own
}

// Kind is a kind of bus.
type Kind uint8

// The kinds of bus. Let X and γ be challenges of the bus. A backend adds up, over all messages, ± multiplicity times
//
//	Keyed     (γⁿ + γⁿ⁻¹·value₁ + … + valueₙ)/(X − key): sound only if no key is sent twice
//	Stepping  as Keyed; keys are unique because they are nodes of paths that only go upward
//	Plain     1/(X − key₁ − γ·key₂ − γ²·key₃ …): the only one where multiplicities may be free
//	Sum       γ·value, without a key
const (
	Keyed Kind = iota
	Stepping
	Plain
	Sum
)

// BusID names a bus.
type BusID uint8

// Bus is a bus.
type Bus struct {
	Name         string
	Kind         Kind
	Keys, Values int // arity
	// Below bounds the values, by position: whoever receives may rely on it, whoever sends must see to it.
	Below []*big.Int
	// KeyBelow bounds the keys, where the last key of the only path is checked; nil if nothing does.
	KeyBelow *big.Int
	// Unit, on a Stepping bus, is what every edge is a positive multiple of; Reach bounds an edge.
	Unit, Reach *big.Int
	// Index bounds the absolute value of what a step's key is apart from 2^Clock times the step's clock, whatever the row says; nil if keys
	// have no clock.
	Index *big.Int
	Clock uint
	// Tabled, on a Keyed bus, says that the other side is a table, so that what is sent is what is there.
	Tabled bool
	// Origin, on a Stepping bus, bounds first keys to so many bits, so that every key is such a number and a multiple of Unit; 0 if nothing
	// relies on that.
	Origin uint
}

// System is all chips and buses. It is made by [New], and safe for concurrent use.
type System struct {
	Buses []Bus
	Chips []*Chip

	byOp     map[machine.Op][]candidate
	helpers  map[windowKey]*helper
	noFuel   candidate                   // of every operation
	compiled func() map[string]*compiled // once, when it is first needed
}

// Chip returns the chip of a name, or nil.
func (s *System) Chip(name string) *Chip {
	for _, c := range s.Chips {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Column returns the index of a column, or −1.
func (c *Chip) Column(name string) int {
	for i := range c.Columns {
		if c.Columns[i].Name == name {
			return i
		}
	}
	return -1
}
