package circuits

import "fmt"

// fetchOf is the message by which a chip fetches, or nil if it does not, or more than once.
func (c *Chip) fetchOf() (m *Message) {
	for i := range c.Messages {
		switch {
		case c.Messages[i].Bus != BusFetch || c.Messages[i].Send:
		case m != nil:
			return nil
		default:
			m = &c.Messages[i]
		}
	}
	return m
}

// lintCodes checks that each chip of steps fetches by a code of its own: a code stands for the laws that hold where it is fetched.
func (s *System) lintCodes() (errs []error) {
	codes := make(map[string]string)
	for _, c := range s.Chips {
		m := c.fetchOf()
		if !c.IsStep() || m == nil || len(m.Key[0]) < 2 {
			continue
		}
		code := coefText(m.Key[0][1].Of.K())
		if other, ok := codes[code]; ok {
			errs = append(errs, fmt.Errorf("circuits: chips %s and %s fetch by one code", other, c.Name))
		}
		codes[code] = c.Name
	}
	return errs
}

// step checks what a row of a step does with the state and the program, whatever it computes.
func (l *linter) step() {
	if !l.c.IsStep() {
		for i := range l.c.Messages {
			if m := &l.c.Messages[i]; m.Bus == BusState && !l.c.Once {
				l.fail("takes part in the state, and is no step")
			}
		}
		return
	}
	state, fetch := &l.c.Messages[0], l.c.fetchOf()
	if fetch == nil {
		l.fail("does not fetch one entry")
		return
	}
	word := fetch.Key[0]
	if len(word) < 2 || !word[0].Of.equal(state.Value[0]) || word[0].Shift != 0 || word[1].Shift != codeShift || len(word[1].Of.Terms) > 0 {
		l.fail("fetches something else than an entry at its program counter")
	}
	ends, sends := 0, 0
	fetched := make(map[int]bool)
	for _, lane := range fetch.parts() {
		if col, ok := lane.single(); ok {
			fetched[col] = true
		}
	}
	for i := range l.c.Messages {
		m := &l.c.Messages[i]
		switch {
		case m.Bus == BusEnd && m.Send:
			ends++
		case m.Bus == BusState && m.Send:
			sends++
		case m.Bus == BusRegisters && m.Send:
			for _, t := range m.firstKey().Minus(state.firstKey()).Terms {
				if !fetched[t.Column] {
					l.fail("uses a register by %s, which it does not fetch", l.c.Columns[t.Column].Name)
				}
			}
		}
	}
	if ends+sends != 1 {
		l.fail("goes on %d times and ends %d times", sends, ends)
	}
}
