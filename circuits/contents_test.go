package circuits

import "testing"

// TestContents checks what the verifier makes for the guests and all samples: every number is as narrow as its column says, which is what packing relies on, and a pc and a
// code name one entry, since entries of one name could be charged differently.
func TestContents(t *testing.T) {
	s := New()
	check := func(r *Run, name string) {
		for _, c := range s.Chips {
			if c.isProgram() {
				continue // the last lane of an entry may reach into the next, which is empty
			}
			at := c.given()
			if zeros := r.Contents[c.Name]; c.Zeros && !zeros.contains(make([]uint64, len(at))) {
				t.Errorf("%s: a row of zeros is none of %s", name, c.Name)
			}
			for _, row := range r.Contents[c.Name].Rows {
				for i, col := range at {
					if b := c.Columns[col].Bits; b < 64 && row[i]>>b != 0 {
						t.Errorf("%s: %s: %s is %#x, which has more than %d bits", name, c.Name, c.Columns[col].Name, row[i], b)
					}
				}
			}
		}
		seen := make(map[entryKey]bool)
		for _, kind := range programKinds() {
			for _, row := range r.Contents[kind.name].Rows {
				k := entryKey{uint32(row[0]), uint16(row[1])}
				if seen[k] {
					t.Errorf("%s: two entries of code %d at @%d", name, k.code, k.pc)
				}
				seen[k] = true
			}
		}
	}
	for _, w := range append(works(t), limited(t)...) {
		r, err := s.Fill(w.program, w.streams, w.limits)
		if err != nil {
			t.Fatal(err)
		}
		check(r, w.name)
	}
	for _, p := range samples(t) {
		check(honest(t, s, p, nil), p.Code[0].String())
	}
}

// TestLanes checks that operands end below the lane that follows, and what is not packed is a number of 64 bits.
func TestLanes(t *testing.T) {
	s := New()
	for op, list := range s.byOp {
		for _, c := range list {
			for i := range len(c.use.lanes) - 1 {
				if w := c.use.lanes[i].width(); laneShift[i]+w > laneShift[i+1] {
					t.Errorf("%s by %s: lane %d has %d bits", op, c.step.Name, i, w)
				}
			}
			if n := len(c.use.lanes); n > maxLanes || n > 0 && laneShift[n-1]+c.use.lanes[n-1].width() > wrap {
				t.Errorf("%s by %s: the word is too long", op, c.step.Name)
			}
		}
	}
}
