package circuits

// equal reads the same from both registers.
func equal(s *step, at int) ([]Lin, []Lin) {
	a, b, v := s.lane(at, "a"), s.lane(at+1, "b"), s.column("x", 64)
	s.read(at, a, slotA, v)
	s.read(at+1, b, slotB, v)
	s.fill = func(x *execution, r Row) { r.set(v, x.at(at)) }
	return []Lin{a, b}, nil
}

// equalConstant reads the constant: what is read bounds its lane.
func equalConstant(s *step, at int) ([]Lin, []Lin) {
	a, v := s.lane(at, "a"), s.column("x", 64)
	s.read(at, a, slotA, v)
	s.fill = func(x *execution, r Row) { r.set(v, x.at(at)) }
	return []Lin{a, v}, nil
}

func different(s *step, at int) ([]Lin, []Lin) {
	a, b, v, w := s.lane(at, "a"), s.lane(at+1, "b"), s.column("x", 64), s.column("y", 64)
	s.read(at, a, slotA, v)
	s.read(at+1, b, slotB, w)
	s.nonZero("they differ", v.Minus(w))
	s.fill = func(x *execution, r Row) {
		r.set(v, x.at(at))
		r.set(w, x.at(at+1))
	}
	return []Lin{a, b}, nil
}

// differentConstant fetches the constant whole, since nothing bounds it.
func differentConstant(s *step, at int) ([]Lin, []Lin) {
	a, v, k := s.lane(at, "a"), s.column("x", 64), s.extra(0, "constant")
	s.read(at, a, slotA, v)
	s.nonZero("they differ", v.Minus(k))
	s.fill = func(x *execution, r Row) { r.set(v, x.at(at)) }
	return []Lin{a}, []Lin{k}
}

func notZero(s *step, at int) ([]Lin, []Lin) {
	a, v := s.lane(at, "a"), s.column("x", 64)
	s.read(at, a, slotA, v)
	s.nonZero("it is not 0", v)
	s.fill = func(x *execution, r Row) { r.set(v, x.at(at)) }
	return []Lin{a}, nil
}

// number is a number by which what is read from a register is compared: itself, or if signed, less its least value, so that the order is that
// of unsigned numbers. It returns what is read, too.
func number(s *step, at int, name string, bits uint, signed bool) (number, read Lin, fill func(v uint64, r Row)) {
	if !signed {
		v := s.column(name, 64)
		return v, v, func(x uint64, r Row) { r.set(v, x) }
	}
	v, negative := s.limbs(name+" shifted", int(bits/16)), s.bit(name+" is negative")
	return v, v.Minus(Pow(bits - 1)).Plus(negative.Shl(bits)), func(x uint64, r Row) {
		x ^= 1 << (bits - 1)
		r.limbs(v, x)
		r.set(negative, bit(x>>(bits-1)&1 == 0))
	}
}

// ordered says that b − a is at least a constant, by a difference that is no number below zero.
func ordered(bits uint, signed bool, least int64) func(s *step, at int) ([]Lin, []Lin) {
	return func(s *step, at int) ([]Lin, []Lin) {
		a, b := s.lane(at, "a"), s.lane(at+1, "b")
		v, read, fill := number(s, at, "x", bits, signed)
		more := s.limbs("more", int(bits/16))
		if !signed { // what is read from b follows
			s.read(at, a, slotA, read)
			s.read(at+1, b, slotB, v.Plus(more, Int(least)))
			s.fill = func(x *execution, r Row) {
				fill(x.at(at), r)
				r.limbs(more, x.at(at+1)-x.at(at)-uint64(least))
			}
			return []Lin{a, b}, nil
		}
		// b's number is a's and the difference; that it is one of so many bits needs limbs of its own
		w := v.Plus(more, Int(least))
		high, negative := s.highLimbs("y", w, int(bits/16)), s.bit("y is negative")
		other := w.Minus(Pow(bits - 1)).Plus(negative.Shl(bits))
		s.read(at, a, slotA, read)
		s.read(at+1, b, slotB, other)
		s.fill = func(x *execution, r Row) {
			fill(x.at(at), r)
			flip := uint64(1) << (bits - 1)
			r.limbs(high, (x.at(at+1)^flip)>>16)
			r.set(negative, x.at(at+1)>>(bits-1)&1)
			r.limbs(more, (x.at(at+1)^flip)-(x.at(at)^flip)-uint64(least))
		}
		return []Lin{a, b}, nil
	}
}

// bounded says that a constant is what is read and something more (sign 1), or that and something more is what is read (−1). The sum
// bounds the constant's lane.
func bounded(bits uint, signed bool, sign int64) func(s *step, at int) ([]Lin, []Lin) {
	return func(s *step, at int) ([]Lin, []Lin) {
		a := s.lane(at, "a")
		v, read, fill := number(s, at, "x", bits, signed)
		more := s.limbs("more", int(bits/16))
		s.read(at, a, slotA, read)
		s.fill = func(x *execution, r Row) {
			fill(x.at(at), r)
			y := x.at(at)
			if signed {
				y ^= 1 << (bits - 1)
			}
			r.limbs(more, uint64(sign)*(x.lane(at+1)-y))
		}
		return []Lin{a, v.Plus(more.Times(sign))}, nil
	}
}
