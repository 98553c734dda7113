package link

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/wasm"
)

// Resolve matches IPLD parameters with the signature of an export and returns the entry to link for: an integer takes an
// i32 or i64, a number (or "NaN", "inf", "-inf") an f32 or f64, bytes and strings two i32 (pointer, length). result is
// bytes, string, or empty for the results of the signature.
func Resolve(m *wasm.Module, fun string, params []datamodel.Node, result string) (Entry, error) {
	if fun == "" {
		return Entry{}, errorf("link a command with the empty entry", "no function is named")
	}
	f, err := exportedFunc(m, fun)
	if err != nil {
		return Entry{}, err
	}
	sig, _ := m.TypeOfFunc(f)
	e := Entry{Func: fun}
	left := sig.Params
	for i, p := range params {
		kind, n, err := match(p, left)
		if err != nil {
			return Entry{}, errorf("", "parameter %d of %s %s: %v", i, show(fun), typeString(sig), err)
		}
		e.Params = append(e.Params, kind)
		left = left[n:]
	}
	if len(left) > 0 {
		return Entry{}, errorf("", "%d parameters are too few for %s %s", len(params), show(fun), typeString(sig))
	}
	switch result {
	case "bytes":
		e.Results = []Kind{Bytes}
	case "string":
		e.Results = []Kind{String}
	case "":
		for _, t := range sig.Results {
			k := Kind(t.String())
			if t.IsRef() {
				return Entry{}, errorf("", "function %s %s has a reference as result", show(fun), typeString(sig))
			}
			e.Results = append(e.Results, k)
		}
	default:
		return Entry{}, errorf("", "unknown kind of result %.20q, want bytes or string", result)
	}
	return e, nil
}

// match finds the kind as which p can be passed to the first of the Wasm parameters left, and how many of them it takes.
func match(p datamodel.Node, left []wasm.ValueType) (Kind, int, error) {
	if len(left) == 0 {
		return "", 0, fmt.Errorf("one parameter too many")
	}
	t := left[0]
	switch p.Kind() {
	case datamodel.Kind_Int, datamodel.Kind_Bool:
		if !t.IsRef() {
			return Kind(t.String()), 1, nil
		}
	case datamodel.Kind_Float:
		if t == wasm.F32 || t == wasm.F64 {
			return Kind(t.String()), 1, nil
		}
	case datamodel.Kind_String:
		if t == wasm.F32 || t == wasm.F64 {
			return Kind(t.String()), 1, nil
		}
		if len(left) >= 2 && t == wasm.I32 && left[1] == wasm.I32 {
			return String, 2, nil
		}
	case datamodel.Kind_Bytes:
		if len(left) >= 2 && t == wasm.I32 && left[1] == wasm.I32 {
			return Bytes, 2, nil
		}
	}
	return "", 0, fmt.Errorf("a value of kind %s does not fit %s", p.Kind(), t)
}

// Streams lays a function's parameters out on its input streams.
func Streams(e Entry, params []datamodel.Node, clock, seed uint64) ([][]byte, error) {
	if len(params) != len(e.Params) {
		return nil, errorf("", "%d parameters, the entry has %d", len(params), len(e.Params))
	}
	s := make([][]byte, StreamParam+len(params))
	s[StreamConfig] = config(clock, seed)
	for i, p := range params {
		b, err := encodeParam(e.Params[i], p)
		if err != nil {
			return nil, errorf("", "parameter %d of %s: %v", i, show(e.Func), err)
		}
		s[StreamParam+i] = b
	}
	return s, nil
}

// CommandStreams lays the inputs of a WASI command out. args comes after [ProgramName], which every command finds as its
// first argument. Entries of env are KEY=VALUE.
func CommandStreams(args, env []string, stdin []byte, clock, seed uint64) ([][]byte, error) {
	s := make([][]byte, StreamParam)
	s[StreamConfig] = config(clock, seed)
	argv := append([]string{ProgramName}, args...)
	for stream, list := range map[int][]string{StreamArgs: argv, StreamEnv: env} {
		for _, item := range list {
			for i := range len(item) {
				if item[i] == 0 {
					return nil, errorf("", "an argument or environment entry holds a NUL: %.40q", item)
				}
			}
			s[stream] = append(append(s[stream], item...), 0)
		}
	}
	s[StreamStdin] = stdin
	for _, b := range s {
		if err := fits(b); err != nil {
			return nil, errorf("", "input of a command: %v", err)
		}
	}
	return s, nil
}

func config(clock, seed uint64) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, clock), seed)
}

func encodeParam(k Kind, p datamodel.Node) ([]byte, error) {
	switch k {
	case Bytes:
		b, err := p.AsBytes()
		if err == nil {
			err = fits(b)
		}
		return b, err
	case String:
		s, err := p.AsString()
		if err == nil && !utf8.ValidString(s) {
			err = fmt.Errorf("the string is not UTF-8")
		}
		if err == nil {
			err = fits(s)
		}
		return []byte(s), err
	}
	bits, err := scalarBits(k, p)
	return binary.LittleEndian.AppendUint64(nil, bits), err
}

// fits refuses a stream whose length is no i32.
func fits[T []byte | string](b T) error {
	if uint64(len(b)) > math.MaxInt32 {
		return fmt.Errorf("%d bytes are too many: a stream holds less than 2 GiB", len(b))
	}
	return nil
}

// scalarBits returns the 64-bit cell of a scalar: i32 and f32 are zero-extended.
func scalarBits(k Kind, p datamodel.Node) (uint64, error) {
	if k == F32 || k == F64 {
		f, err := number(p)
		if err != nil {
			return 0, err
		}
		if math.IsNaN(f) { // the canonical one
			return map[Kind]uint64{F32: nan32, F64: nan64}[k], nil
		}
		if k == F32 {
			if math.IsInf(float64(float32(f)), 0) && !math.IsInf(f, 0) {
				return 0, fmt.Errorf("%v does not fit f32", f)
			}
			return uint64(math.Float32bits(float32(f))), nil
		}
		return math.Float64bits(f), nil
	}
	if b, err := p.AsBool(); err == nil {
		if b {
			return 1, nil
		}
		return 0, nil
	}
	if u, ok := p.(datamodel.UintNode); ok { // above the signed range
		v, err := u.AsUint()
		if err == nil && k == I32 && v > math.MaxUint32 {
			return 0, fmt.Errorf("%d does not fit i32", v)
		}
		return v, err
	}
	v, err := p.AsInt()
	if err != nil {
		return 0, err
	}
	if k == I32 {
		if v < math.MinInt32 || v > math.MaxUint32 {
			return 0, fmt.Errorf("%d does not fit i32", v)
		}
		return uint64(uint32(v)), nil
	}
	return uint64(v), nil
}

func number(p datamodel.Node) (float64, error) {
	switch p.Kind() {
	case datamodel.Kind_Int:
		v, err := p.AsInt()
		if err == nil && int64(float64(v)) != v || v == math.MaxInt64 {
			return 0, fmt.Errorf("the integer %d is no exact number", v)
		}
		return float64(v), err
	case datamodel.Kind_String:
		switch s, err := p.AsString(); {
		case err != nil:
			return 0, err
		case s == "NaN":
			return math.NaN(), nil
		case s == "inf":
			return math.Inf(1), nil
		case s == "-inf":
			return math.Inf(-1), nil
		default:
			return 0, fmt.Errorf("%.20q is no number: \"NaN\", \"inf\" and \"-inf\" are", s)
		}
	}
	return p.AsFloat()
}

// Value returns what a run that ended in OK yields: the bytes of a command's standard output; a function's bytes, string
// or scalar (integers signed, numbers that are not finite as the strings "NaN", "inf", "-inf"); null for no result; a list
// for several. A string result that is not UTF-8 turns the outcome into a trap of kind [TrapResult]. Value is nil unless
// the outcome that is returned is OK.
func Value(e Entry, r Result) (datamodel.Node, Outcome) {
	if r.Outcome.Kind != OK {
		return nil, r.Outcome
	}
	if e.Func == "" {
		return basicnode.NewBytes(r.Streams[OutStdout]), r.Outcome
	}
	out := r.Streams[OutResult]
	if len(e.Results) == 1 && e.Results[0] == Bytes {
		return basicnode.NewBytes(out), r.Outcome
	}
	if len(e.Results) == 1 && e.Results[0] == String {
		if !utf8.Valid(out) {
			return nil, Outcome{Kind: Trap, Trap: TrapResult}
		}
		return basicnode.NewString(string(out)), r.Outcome
	}
	values := make([]datamodel.Node, len(e.Results))
	for i, k := range e.Results {
		if len(out) < 8*(i+1) { // cannot be: the stub writes every result
			return nil, Outcome{Kind: Trap, Trap: TrapResult}
		}
		values[i] = scalarNode(k, binary.LittleEndian.Uint64(out[8*i:]))
	}
	switch len(values) {
	case 0:
		return datamodel.Null, r.Outcome
	case 1:
		return values[0], r.Outcome
	}
	n, err := qp.BuildList(basicnode.Prototype.Any, int64(len(values)), func(la datamodel.ListAssembler) {
		for _, v := range values {
			qp.ListEntry(la, qp.Node(v))
		}
	})
	if err != nil {
		return nil, Outcome{Kind: Trap, Trap: TrapResult}
	}
	return n, r.Outcome
}

func scalarNode(k Kind, bits uint64) datamodel.Node {
	var f float64
	switch k {
	case I32:
		return basicnode.NewInt(int64(int32(bits)))
	case I64:
		return basicnode.NewInt(int64(bits))
	case F32:
		f = float64(math.Float32frombits(uint32(bits)))
	default:
		f = math.Float64frombits(bits)
	}
	switch {
	case math.IsNaN(f):
		return basicnode.NewString("NaN")
	case math.IsInf(f, 1):
		return basicnode.NewString("inf")
	case math.IsInf(f, -1):
		return basicnode.NewString("-inf")
	}
	return basicnode.NewFloat(f)
}
