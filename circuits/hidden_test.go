package circuits

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/internal/guesttest"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// The streams of the runs of this test: what is hidden, and what is not.
const (
	publicIn, hiddenIn   = 0, 1
	publicOut, hiddenOut = 0, 2
)

// taped reads some words of a hidden and of a public stream, asks how long they are if it is told to, and writes a public and a hidden stream.
type taped struct {
	in    []byte
	reads []uint64
	asks  bool
	out   []byte
	salt  byte
	most  uint64 // bound of the output; 0: its bucket
	fuel  uint64 // bound; 0: its bucket
}

func (w taped) program(t testing.TB) *machine.Program {
	t.Helper()
	var c code
	for _, stream := range []uint64{hiddenIn, publicIn} {
		c.set(1, stream)
		if w.asks || stream == publicIn {
			c.add(machine.Instr{Op: machine.OpInLen, D: 2, A: 1, W: 3})
		}
		for _, i := range w.reads {
			if stream == hiddenIn || i == 0 {
				c.set(3, i)
				c.add(machine.Instr{Op: machine.OpInWord, D: 4, A: 1, B: 3})
			}
		}
	}
	for stream, data := range [][]byte{publicOut: []byte("shown"), hiddenOut: w.out} {
		for chunk := range slices.Chunk(data, 8) {
			var v [8]byte
			copy(v[:], chunk)
			c.set(5, uint64(stream), binary.LittleEndian.Uint64(v[:]), uint64(len(chunk)))
			c.add(machine.Instr{Op: machine.OpOutWord, A: 5, B: 6, T: 7})
		}
	}
	return withState(t, c...)
}

func (w taped) streams() [][]byte { return [][]byte{[]byte("to be seen"), nil} }

func (w taped) cover() *Cover {
	salt, most, fuel := hidden.Salt{31: w.salt, 5: 1}, w.most, w.fuel
	if most == 0 {
		most = hidden.Bucket(uint64(len(w.out)))
	}
	if fuel == 0 {
		fuel = 64
	}
	return &Cover{
		Hidden:  &Hidden{Inputs: map[int]hidden.Commitment{hiddenIn: hidden.Commit(w.in, salt)}, Outputs: map[int]Sealed{hiddenOut: {hidden.Commit(w.out, salt), most}}},
		Secrets: &Secrets{Inputs: map[int]hidden.Opening{hiddenIn: {Stream: w.in, Salt: salt}}, Outputs: map[int]hidden.Salt{hiddenOut: salt}},
		Fuel:    fuel,
	}
}

func (w taped) run(t testing.TB, s *System) *Run {
	t.Helper()
	r, err := s.FillHidden(w.program(t), w.streams(), limits, w.cover())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// bytesOf are n bytes, none of them 0.
func bytesOf(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(1 + i%251)
	}
	return b
}

// all are the indices of a stream's words.
func allOf(n int) (all []uint64) {
	for i := range uint64(n+7) / 8 {
		all = append(all, i, i)
	}
	return all
}

// TestHidden: runs that hide streams of all lengths around those of words and blocks are accepted, and stated with bounds.
func TestHidden(t *testing.T) {
	s := New()
	for _, n := range []int{0, 1, 7, 8, 9, 15, 16, 40, 47, 48, 49, 55, 56, 95, 96, 97, 100, 144} {
		w := taped{in: bytesOf(n), reads: allOf(n), asks: true, out: bytesOf(150 - n)}
		r := w.run(t, s)
		if err := s.Check(r.Filling, r.Contents); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
		if st := &r.Statement; !st.Of(r.Result.Outcome, 64, limits) || st.Hidden == nil || st.Inputs[hiddenIn] != nil || st.Outputs[hiddenOut] != nil {
			t.Errorf("%d bytes: stated as %+v", n, st)
		}
	}
}

// TestHiddenGuests: guests run on hidden parameters, and what is looked up of them is offered as often.
func TestHiddenGuests(t *testing.T) {
	s := New()
	data := bytesOf(119)
	for _, g := range []struct {
		module, fun string
		args        []datamodel.Node
	}{
		{"sha256", "sha256", []datamodel.Node{basicnode.NewBytes(data)}},
		{"threshold", "at_least", []datamodel.Node{basicnode.NewInt(1 << 40), basicnode.NewInt(7)}},
		{"threshold", "sum_at_least", []datamodel.Node{basicnode.NewBytes(bytesOf(80)), basicnode.NewInt(7)}},
	} {
		p, streams := guesttest.Call(t, g.module, g.fun, g.args...)
		open := honest(t, s, p, streams)
		opening := hidden.Opening{Stream: streams[link.StreamParam], Salt: hidden.Salt{31: 7}}
		streams[link.StreamParam] = nil
		c := &Cover{Hidden: &Hidden{Inputs: map[int]hidden.Commitment{link.StreamParam: opening.Commitment()}, Outputs: map[int]Sealed{}},
			Secrets: &Secrets{Inputs: map[int]hidden.Opening{link.StreamParam: opening}}, Fuel: hidden.Bucket(open.Result.Fuel)}
		for i, out := range open.Result.Streams {
			c.Hidden.Outputs[i] = Sealed{hidden.Commit(out, opening.Salt), hidden.Bucket(uint64(len(out)))}
		}
		c.Secrets.Outputs = map[int]hidden.Salt{0: opening.Salt, 1: opening.Salt, 2: opening.Salt}
		r, err := s.FillHidden(p, streams, limits, c)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Check(r.Filling, r.Contents); err != nil {
			t.Errorf("%s: %v", g.fun, err)
		}
		if !r.Statement.Of(r.Result.Outcome, c.Fuel, limits) {
			t.Errorf("%s is not stated", g.fun)
		}
	}
}

// TestHiddenEnds: what cannot be stated of a run that hides something.
func TestHiddenEnds(t *testing.T) {
	s := New()
	w := taped{in: bytesOf(20), reads: allOf(20), out: bytesOf(20)}
	ok := link.Outcome{Kind: link.OK}
	for name, c := range map[string]struct {
		change func(st *Statement)
		ends   link.Outcome
		lim    link.Limits
	}{
		"an end by fuel":                        {func(st *Statement) { st.End = endFuel | 1<<62 }, link.Outcome{Kind: link.OutOfFuel}, limits},
		"an end by output":                      {func(st *Statement) { st.End = endOutput | 1<<62 }, link.Outcome{Kind: link.OutputFull}, limits},
		"more output than is allowed":           {func(*Statement) {}, ok, link.Limits{Fuel: 64, Memory: limits.Memory, Output: 36}},
		"more fuel than is allowed":             {func(*Statement) {}, ok, link.Limits{Fuel: 63, Memory: limits.Memory, Output: 100}},
		"an input that is hidden and public":    {func(st *Statement) { st.Inputs[hiddenIn] = []byte("x") }, ok, limits},
		"an output that is hidden and public":   {func(st *Statement) { st.Outputs[hiddenOut] = []byte("x") }, ok, limits},
		"an input that there is not":            {func(st *Statement) { st.Inputs = st.Inputs[:1] }, ok, limits},
		"an output that there is not":           {func(st *Statement) { st.Hidden.Outputs[3] = Sealed{} }, ok, limits},
		"an output longer than a tape":          {func(st *Statement) { st.Hidden.Outputs[1] = Sealed{Most: 1 << 32} }, ok, link.Limits{Fuel: 64, Memory: limits.Memory, Output: 1 << 40}},
		"an input of which the number is below": {func(st *Statement) { st.Hidden.Inputs[-1] = hidden.Commitment{} }, ok, limits},
	} {
		r := w.run(t, s)
		if lim := c.lim; !r.Statement.Of(ok, 64, link.Limits{Fuel: 64, Memory: lim.Memory, Output: 37}) {
			t.Fatal("the honest run is not stated")
		}
		c.change(&r.Statement)
		if r.Statement.Of(c.ends, r.Statement.Fuel, c.lim) {
			t.Errorf("%s is stated", name)
		}
	}
}

// TestWrongSecrets: secrets that do not open what is hidden, and a run that goes on beyond what is said of it, are refused before anything is filled.
func TestWrongSecrets(t *testing.T) {
	s := New()
	w := taped{in: bytesOf(20), reads: allOf(20), asks: true, out: bytesOf(20)}
	for name, change := range map[string]func(c *Cover){
		"another salt of the input":  func(c *Cover) { c.Secrets.Inputs[hiddenIn] = hidden.Opening{Stream: w.in} },
		"another input":              func(c *Cover) { c.Secrets.Inputs[hiddenIn] = hidden.Opening{Stream: bytesOf(21)} },
		"no input":                   func(c *Cover) { c.Secrets.Inputs = nil },
		"another salt of the output": func(c *Cover) { c.Secrets.Outputs[hiddenOut] = hidden.Salt{} },
		"no salt":                    func(c *Cover) { c.Secrets.Outputs = nil },
		"more output":                func(c *Cover) { c.Hidden.Outputs[hiddenOut] = Sealed{c.Hidden.Outputs[hiddenOut].Commitment, 19} },
		"more fuel":                  func(c *Cover) { c.Fuel = 5 },
		"an input that is public":    func(c *Cover) { c.Hidden.Inputs[publicIn] = hidden.Commitment{} },
		"an output that is not":      func(c *Cover) { c.Hidden.Outputs[3] = Sealed{} },
	} {
		c := w.cover()
		change(c)
		if _, err := s.FillHidden(w.program(t), w.streams(), limits, c); !errors.Is(err, ErrSecrets) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// offer makes how often rows of hidden streams are looked up what is looked up: a forger is free to.
func (f *forged) offer() {
	asked := make(map[tuple]uint64)
	each := func(do func(c *Chip, m *Message, key tuple, row Row)) {
		for _, c := range f.sys.Chips {
			k := f.sys.compiled()[c.Name]
			v := make([]fr.Element, len(c.Columns))
			for i, r := range f.f.Rows[c.Name] {
				f.f.values(c, i, v)
				for n := range c.Messages {
					if m := &c.Messages[n]; m.Bus == BusInput || m.Bus == BusLengths {
						key := k.tuple(n, v)
						key[2].SetUint64(uint64(m.Bus))
						do(c, m, key, r)
					}
				}
			}
		}
	}
	each(func(c *Chip, m *Message, key tuple, r Row) {
		if !m.Send && r[On] == 1 {
			asked[key]++
		}
	})
	each(func(c *Chip, m *Message, key tuple, r Row) {
		if c.Permutation != nil && m.Send {
			r[m.Mult] = asked[key]
			delete(asked, key)
		}
	})
}

// taken replaces the rows of a hidden stream by those of another run.
func (f *forged) taken(r *Run, names ...string) {
	for _, name := range names {
		f.f.Rows[name] = nil
		delete(f.f.Wide, name)
		for _, row := range r.Filling.Rows[name] {
			f.add(name, slices.Clone(row))
		}
		for at, e := range r.Filling.Wide[name] {
			f.f.Put(name, at, e)
		}
	}
}

// against checks the filling against what the verifier knows of another run: given columns are its.
func (f *forged) against(contents Contents) {
	f.contents = contents
	for _, name := range []string{nameHiddenIn, nameHiddenOut, nameStatement} {
		for i, given := range contents[name].Rows {
			if name == nameStatement {
				given = append([]uint64{1}, given...)
			}
			copy(f.f.Rows[name][i], given)
		}
	}
}

// wide is what a wide column holds.
func (f *forged) wide(chip string, row int, column string) fr.Element {
	return f.f.Wide[chip][Entry{row, f.sys.Chip(chip).Column(column)}]
}

// add64 adds a power of two to a column.
func (f *forged) plus(chip string, row int, column string, n uint) {
	at := Entry{row, f.sys.Chip(chip).Column(column)}
	e, wide := f.f.Wide[chip][at]
	if !wide {
		e.SetUint64(f.f.Rows[chip][row][at.Column])
	}
	var by fr.Element
	by.SetBigInt(pow2(n))
	f.f.Put(chip, at, *e.Add(&e, &by))
}

// blocks fills the rows of a hidden stream anew, with so many words in each row, and returns the commitment that comes out. tail is what is absorbed beside the length.
func (f *forged) blocks(stream, rows string, o hidden.Opening, tail uint64, sizes ...int) hidden.Commitment {
	given := slices.Clone(f.f.Rows[stream][0][:7])
	f.f.Rows[stream], f.f.Rows[rows] = nil, nil
	fill := &filler{sys: f.sys, filling: f.f}
	fill.hidden(stream, rows, given, &o)
	words, _ := hidden.Split(o.Stream)
	f.f.Rows[rows] = nil
	s := hidden.Start(o.Salt, uint64(len(o.Stream)), tail)
	fill.elements(f.sys.Chip(stream), 0, "after0", s[:]...)
	at := new(big.Int).SetUint64(given[1])
	for _, n := range sizes {
		s = fill.block(rows, at, s, words[:n])
		words = words[n:]
		at = new(big.Int).Add(at, new(big.Int).Lsh(big.NewInt(int64(n)), tapeShift))
	}
	fill.elements(f.sys.Chip(stream), 0, "last1", s[1:]...)
	f.put(stream, 0, "closed", b2u(sizes[len(sizes)-1] < hidden.BlockWords))
	return s[0].Bytes()
}

// TestHiddenForgeries changes runs that hide streams in ways that somebody might profit from: some of whoever proves, some of whoever committed too. Each is refused.
func TestHiddenForgeries(t *testing.T) {
	s := New()
	base := taped{in: bytesOf(70), reads: allOf(70), asks: true, out: bytesOf(61)}
	// with is a run that differs in something, checked against what the verifier knows of the base.
	with := func(change func(w *taped)) func(f *forged) {
		return func(f *forged) {
			w := base
			change(&w)
			r := w.run(f, s)
			f.f = r.Filling.clone()
			contents := s.Contents(w.program(f), f.run.Statement)
			f.against(contents)
		}
	}
	// longer reads on behind the end of the base's stream, where a longer one has zeros.
	longer := func(index uint64, change func(f *forged)) func(f *forged) {
		return func(f *forged) {
			w := base
			w.in, w.asks, w.reads = append(bytesOf(70), make([]byte, 80)...), false, append(allOf(70), index)
			r := w.run(f, s)
			f.f = r.Filling.clone()
			f.taken(f.run, nameHiddenIn, nameWordsIn)
			f.against(s.Contents(w.program(f), f.run.Statement))
			change(f)
		}
	}
	recommitted := func(f *forged, c hidden.Commitment) {
		st := f.run.Statement
		st.Hidden = &Hidden{Inputs: map[int]hidden.Commitment{hiddenIn: c}, Outputs: st.Hidden.Outputs}
		f.against(s.Contents(base.program(f), st))
	}
	in, out := s.Chip(nameHiddenIn), s.Chip(nameHiddenOut)
	for _, g := range []struct {
		name, want string
		change     func(f *forged)
	}{
		{"nothing is changed", "", nil},
		{"a commitment is opened with another salt", "bus sponge does not balance", with(func(w *taped) { w.salt = 9 })},
		{"a commitment is opened with another first word", "bus sponge does not balance", with(func(w *taped) { w.in = slices.Concat([]byte{9}, w.in[1:]) })},
		{"a commitment is opened with another last word", "bus sponge does not balance", with(func(w *taped) { w.in = slices.Concat(w.in[:57], []byte{9}, w.in[58:]) })},
		{"a commitment is opened with another tail", "bus sponge does not balance", with(func(w *taped) { w.in = slices.Concat(w.in[:69], []byte{9}) })},
		{"a commitment is opened with a byte of 0 more", "bus sponge does not balance", with(func(w *taped) { w.in = append(slices.Clone(w.in), 0) })},
		{"a commitment is opened with a byte less", "bus sponge does not balance", with(func(w *taped) { w.in = w.in[:69] })},
		{"a commitment is opened with a word of 0 more", "bus sponge does not balance", with(func(w *taped) { w.in = append(slices.Clone(w.in[:64]), make([]byte, 8)...) })},
		{"another output is written", "bus sponge does not balance", with(func(w *taped) { w.out = slices.Concat([]byte{9}, w.out[1:]) })},
		{"a word of output is left out", "bus sponge does not balance", with(func(w *taped) { w.out = w.out[8:] })},
		{"the last word of output is left out", "bus sponge does not balance", with(func(w *taped) { w.out = w.out[:56] })},
		{"a word of output is written more", "bus sponge does not balance", with(func(w *taped) { w.out = append(slices.Clone(w.out[:56]), bytesOf(8)...) })},
		{"a word of output is left out, and committed to", "bus output does not balance", func(f *forged) {
			w := base
			w.out = w.out[:56]
			r := w.run(f, s)
			f.f = r.Filling.clone()
			f.taken(f.run, nameHiddenOut, nameWordsOut)
			f.against(s.Contents(w.program(f), f.run.Statement))
		}},
		{"a word of output is written, and not committed to", "bus output does not balance", func(f *forged) {
			w := base
			w.out = w.out[:56]
			f.taken(w.run(f, s), nameHiddenOut, nameWordsOut)
			st := f.run.Statement
			st.Hidden = &Hidden{Inputs: st.Hidden.Inputs, Outputs: w.cover().Hidden.Outputs}
			f.against(s.Contents(base.program(f), st))
		}},
		{"the output is longer than is said", "bus range does not balance", func(f *forged) {
			st := f.run.Statement
			st.Hidden = &Hidden{Inputs: st.Hidden.Inputs, Outputs: map[int]Sealed{hiddenOut: {st.Hidden.Outputs[hiddenOut].Commitment, 60}}}
			f.against(s.Contents(base.program(f), st))
			f.less(nameHiddenOut, 0, "room0", 1)
		}},
		{"a word behind the last one is read, in its row", "uses3 only if it is there", longer(9, func(*forged) {})},
		{"a word behind the last one is read, in its row, as if it were there", "bus sponge does not balance", longer(9, func(f *forged) {
			f.put(nameWordsIn, 1, "there1", 1)
			f.put(nameWordsIn, 1, "there2", 1)
		})},
		{"a word behind the last one is read, in no row", "bus input does not balance", longer(14, func(*forged) {})},
		{"a word behind the last one is read, in a row of its own", "bus sponge does not balance", longer(14, func(f *forged) {
			f.blocks(nameHiddenIn, nameWordsIn, hidden.Opening{Stream: append(bytesOf(70), make([]byte, 80)...), Salt: base.cover().Secrets.Inputs[hiddenIn].Salt}, 0, 6, 6, 6)
			f.against(f.contents)
		})},
		{"the tail is read behind itself", "the state is what comes out of the permutation", longer(9, func(f *forged) { f.put(nameHiddenIn, 0, "words0", 9) })},
		{"the length is another one", "the state is what comes out of the permutation", func(f *forged) {
			f.put("in_len", 0, "size", 71)
			f.put(nameHiddenIn, 0, "there6", 1)
		}},
		{"a word is another one than goes into the sponge", "the state is what comes out of the permutation", func(f *forged) { f.put(nameWordsIn, 0, "word2_0", 7) }},
		{"a word is more by 2^64, the next one less by 1", "bus range does not balance", func(f *forged) {
			f.plus(nameWordsIn, 0, "word0_3", 16)
			f.put(nameWordsIn, 0, "word1_0", f.get(nameWordsIn, 0, "word1_0")-1)
		}},
		{"a word of output is more by 2^64, the next one less by 1", "bus output does not balance", func(f *forged) {
			f.plus(nameWordsOut, 0, "word0", 64)
			f.put(nameWordsOut, 0, "word1", f.get(nameWordsOut, 0, "word1")-1)
		}},
		{"the tail is more by 2^64, the length less by 1", "byte 5 is 0 if it is not there", func(f *forged) {
			f.plus(nameHiddenIn, 0, "byte0", 64)
			f.put(nameHiddenIn, 0, "there5", 0)
		}},
		{"a row that is not full comes in the middle", "bus sponge does not balance", func(f *forged) {
			o := base.cover().Secrets.Inputs[hiddenIn]
			_, tail := hidden.Split(o.Stream)
			recommitted(f, f.blocks(nameHiddenIn, nameWordsIn, o, tail, 2, 6))
		}},
		{"a row that is not full comes in the middle, and the state is said to be open", "there4 only behind another one", func(f *forged) {
			o := base.cover().Secrets.Inputs[hiddenIn]
			_, tail := hidden.Split(o.Stream)
			recommitted(f, f.blocks(nameHiddenIn, nameWordsIn, o, tail, 2, 6))
			f.put(nameWordsIn, 0, "there4", 1)
		}},
		{"a row of no words", "bus sponge does not balance", func(f *forged) {
			o := base.cover().Secrets.Inputs[hiddenIn]
			_, tail := hidden.Split(o.Stream)
			recommitted(f, f.blocks(nameHiddenIn, nameWordsIn, o, tail, 6, 2, 0))
		}},
		{"the tail is longer than is said", "byte 6 is 0 if it is not there", func(f *forged) {
			o := base.cover().Secrets.Inputs[hiddenIn]
			_, tail := hidden.Split(o.Stream)
			recommitted(f, f.blocks(nameHiddenIn, nameWordsIn, o, tail|9<<48, 6, 2))
			f.put(nameHiddenIn, 0, "byte6", 9)
		}},
		{"the tail has bits beyond its bytes", "bus input does not balance", func(f *forged) {
			o := base.cover().Secrets.Inputs[hiddenIn]
			_, tail := hidden.Split(o.Stream)
			recommitted(f, f.blocks(nameHiddenIn, nameWordsIn, o, tail+1<<48, 6, 2))
			f.plus(nameHiddenIn, 0, "byte5", 8)
		}},
		{"bytes of the tail are missing in between", "there4 only behind another one", func(f *forged) {
			f.put(nameHiddenIn, 0, "there3", 0)
			f.put(nameHiddenIn, 0, "there6", 1)
		}},
		{"a stream is opened twice", "hidden input has 2 rows, not 1", func(f *forged) {
			f.add(nameHiddenIn, slices.Clone(f.f.Rows[nameHiddenIn][0]))
			for _, column := range []string{"salt", "after0", "after1", "after2", "last1", "last2"} {
				f.f.Put(nameHiddenIn, Entry{1, in.Column(column)}, f.wide(nameHiddenIn, 0, column))
			}
		}},
		{"a stream is opened by nobody", "hidden output has 0 rows, not 1", func(f *forged) { f.drop(nameHiddenOut, 0) }},
		{"a stream is another one", "stream is 1, and has to be 2", func(f *forged) { f.put(nameHiddenOut, 0, "stream", 1) }},
		{"words of another stream", "bus input does not balance", func(f *forged) { f.plus(nameWordsIn, 0, "at", 0) }},
		{"words of another place", "bus input does not balance", func(f *forged) { f.plus(nameWordsIn, 1, "at", tapeShift) }},
		{"the sponge begins elsewhere", "the state is what comes out of the permutation", func(f *forged) { f.f.Put(nameHiddenOut, Entry{0, out.Column("after0")}, fr.One()) }},
		{"fuel above the bound", "bus range does not balance", func(f *forged) {
			st := f.run.Statement
			st.Fuel = 2
			f.against(s.Contents(base.program(f), st))
			f.less(nameStatement, 0, "slack0", f.run.Result.Fuel-2)
		}},
		{"fuel that is a bound without being said to be", "fuel is a bound only if that is said", func(f *forged) {
			f.contents = s.Contents(base.program(f), f.run.Statement)
			f.contents[nameStatement].Rows[0][3] = 0
			f.against(f.contents)
		}},
	} {
		t.Run(g.name, func(t *testing.T) {
			r := base.run(t, s)
			f := &forged{t, s, r, r.Filling.clone(), r.Contents}
			if g.change != nil {
				g.change(f)
			}
			f.offer()
			s.settle(f.f, f.contents)
			f.fetched()
			switch err := s.Check(f.f, f.contents); {
			case g.change == nil && err != nil:
				t.Errorf("refused: %v", err)
			case g.change != nil && (!errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), g.want)):
				t.Errorf("want %q: %v", g.want, err)
			default:
				t.Log(err)
			}
		})
	}
}

// TestSlackOfAnExactRun: of a run that hides nothing no more fuel can be stated than was charged.
func TestSlackOfAnExactRun(t *testing.T) {
	s := New()
	p := withState(t, machine.Instr{Op: machine.OpCharge, W: 5})
	r := honest(t, s, p, nil)
	st := r.Statement
	st.Fuel += 3
	f := &forged{t, s, r, r.Filling.clone(), nil}
	f.against(s.Contents(p, st))
	for _, slack := range []uint64{0, 3} {
		f.put(nameStatement, 0, "slack0", slack)
		s.settle(f.f, f.contents)
		if err := s.Check(f.f, f.contents); !errors.Is(err, ErrRefused) {
			t.Errorf("slack %d: %v", slack, err)
		}
	}
}

// TestHiddenColumns changes every column of every row of hidden streams: nothing but the honest content is accepted.
func TestHiddenColumns(t *testing.T) {
	s := New()
	for _, w := range []taped{{in: bytesOf(70), reads: allOf(70), asks: true, out: bytesOf(61)}, {in: bytesOf(96), reads: []uint64{3, 11}, out: bytesOf(48)}, {in: bytesOf(3), out: nil}} {
		r := w.run(t, s)
		for _, name := range []string{nameHiddenIn, nameWordsIn, nameHiddenOut, nameWordsOut} {
			c := s.Chip(name)
			for row := range r.Filling.Rows[name] {
				for col := range c.Columns {
					f := &forged{t, s, r, r.Filling.clone(), r.Contents}
					honest, was := f.f.Wide[name][Entry{row, col}], f.f.Rows[name][row][col]
					if !c.Columns[col].Wide {
						honest.SetUint64(was)
					}
					var one fr.Element
					one.SetOne()
					for _, v := range append(wideChanges(was), *one.Add(&one, &honest), fr.NewElement(0), fr.NewElement(1)) {
						if v == honest {
							continue
						}
						f.f.Put(name, Entry{row, col}, v)
						s.settle(f.f, f.contents)
						if err := s.Check(f.f, f.contents); !errors.Is(err, ErrRefused) {
							t.Errorf("%s row %d: %s may be %s: %v", name, row, c.Columns[col].Name, v.String(), err)
						}
					}
				}
			}
		}
	}
}

// TestHiddenPermutation: the chips' permutation is that of the commitment, in padding as well.
func TestHiddenPermutation(t *testing.T) {
	s := New()
	for _, name := range []string{nameHiddenIn, nameWordsIn, nameHiddenOut, nameWordsOut} {
		c := s.Chip(name)
		v := make([]fr.Element, len(c.Columns))
		if !s.compiled()[name].permutes(v) {
			t.Errorf("%s: a row of zeros is refused", name)
		}
		v[On].SetOne()
		if s.compiled()[name].permutes(v) {
			t.Errorf("%s: a row that counts may be empty", name)
		}
		if n := len(fmt.Sprint(c.Permutation.In())); n == 0 {
			t.Errorf("%s takes nothing", name)
		}
	}
}
