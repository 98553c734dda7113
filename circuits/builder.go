package circuits

import "github.com/consensys/gnark-crypto/ecc/bn254/fr"

// builder makes a chip.
type builder struct{ *Chip }

func build(name string) builder {
	b := builder{&Chip{Name: name}}
	b.bit("on")
	return b
}

// onIsBit is the constraint that every chip has.
const onIsBit = "on is a bit"

// column adds a column.
func (b builder) column(name string, bits int) Lin {
	b.Columns = append(b.Columns, Column{Name: name, Bits: bits})
	return column(len(b.Columns) - 1)
}

// wide adds a column of elements of the field.
func (b builder) wide(name string) Lin {
	l := b.column(name, fr.Bits)
	b.Columns[len(b.Columns)-1].Wide = true
	return l
}

// given adds a column that the verifier knows.
func (b builder) given(name string, bits int) Lin {
	l := b.column(name, bits)
	b.Columns[len(b.Columns)-1].Given = true
	return l
}

// bit adds a column of zeros and ones.
func (b builder) bit(name string) Lin {
	l := b.column(name, 1)
	b.law(name+" is a bit", Product{l, l.Minus(Int(1))})
	return l
}

// limbs adds n columns of 16 bits, and returns the number that they make, the first one the lowest.
func (b builder) limbs(name string, n int) (sum Lin) {
	for i := range n {
		l := b.column(name+string(rune('0'+i)), 16)
		b.below16(l)
		sum = sum.Plus(l.Shl(uint(16 * i)))
	}
	return sum
}

// highLimbs says that l is a number of n limbs, with columns for all but the lowest, which is what l has beside them. It returns the number that
// the columns make.
func (b builder) highLimbs(name string, l Lin, n int) Lin {
	high := b.limbs(name, n-1)
	b.below16(l.Minus(high.Shl(16)))
	return high
}

// byte adds a column of 8 bits.
func (b builder) byte(name string) Lin {
	l := b.column(name, 8)
	b.receive(BusByte, Field{{Of: l, Width: 8}})
	return l
}

// piece adds columns for a number of whole bytes, up to eight: limbs, and a byte on top where one is left.
func (b builder) piece(name string, bits uint) (sum Lin) {
	if n := bits / 16; n > 0 {
		sum = b.limbs(name, int(n))
	}
	if bits%16 != 0 {
		sum = sum.Plus(b.byte(name + " byte").Shl(bits - 8))
	}
	return sum
}

// small adds a column of fewer than 16 bits.
func (b builder) small(name string, bits int) Lin {
	l := b.column(name, bits)
	b.below16(l)
	b.below16(l.Shl(uint(16 - bits)))
	return l
}

// below16 says that l is below 2¹⁶.
func (b builder) below16(l Lin) {
	b.receive(BusRange, Field{{Of: l, Width: 16}})
}

// law adds a constraint.
func (b builder) law(name string, sum ...Product) {
	b.Constraints = append(b.Constraints, Constraint{name, sum})
}

// nonZero says that l is not 0.
func (b builder) nonZero(name string, l Lin) { b.NonZero = append(b.NonZero, NonZero{name, l}) }

func (b builder) message(m Message) { b.Messages = append(b.Messages, m) }

// receive and send add a message of a bus that has at most one value.
func (b builder) receive(bus BusID, key Field, value ...Lin) {
	b.message(Message{Bus: bus, Key: []Field{key}, Value: value})
}

func (b builder) send(bus BusID, key Field, value ...Lin) {
	b.message(Message{Bus: bus, Send: true, Key: []Field{key}, Value: value})
}

// edge adds the two messages of a step from one key to another on a bus.
func (b builder) edge(bus BusID, from, to Lin, old, now []Lin) {
	b.receive(bus, alone(from), old...)
	b.send(bus, alone(to), now...)
}

// source sends a first key, sink receives a last one.
func (b builder) source(bus BusID, key Lin, value ...Lin) {
	b.message(Message{Bus: bus, Send: true, Key: []Field{alone(key)}, Value: value, Role: Source})
}

func (b builder) sink(bus BusID, key Lin, value ...Lin) {
	b.message(Message{Bus: bus, Key: []Field{alone(key)}, Value: value, Role: Sink})
}
