package workflow

import (
	"fmt"
	"math"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
)

// Call is what a task asks for. Of an effect only Cmd and Params are set.
type Call struct {
	Cmd     string
	Mod     cid.Cid
	Fun     string         // empty for a WASI command
	Params  datamodel.Node // a list for a function, a map for a command or an effect
	Result  string         // "", bytes or string
	Profile string
	Fuel    uint64 // Wasm instructions
	Memory  uint32 // pages of 64 KiB
	Output  uint64 // bytes
	Clock   uint64 // nanoseconds
	Seed    uint64

	Hide       bool // all that is given and the result are meant to be hidden: see [Task.Secret]
	Declassify bool // the result is public, whatever is consumed
}

// Effect reports whether the call changes the world.
func (c Call) Effect() bool { return c.Cmd != CommandRun }

// readCall reads a task's args strictly: every field is checked, and none is unknown.
func readCall(cmd string, args datamodel.Node) (Call, error) {
	c := Call{Cmd: cmd, Params: args}
	if args.Kind() != datamodel.Kind_Map {
		return c, fmt.Errorf("args are not a map")
	}
	if c.Effect() {
		return c, nil
	}
	r := argReader{args: args}
	mod, ok := block.Link(r.get("mod", true))
	if !ok {
		r.fail("mod is not a link")
	}
	c.Mod = mod
	c.Fun = r.text("fun", false)
	c.Result = r.text("result", false)
	c.Profile = r.text("profile", true)
	c.Fuel = r.number("fuel", math.MaxInt64)
	c.Memory = uint32(r.number("memory", math.MaxUint32))
	c.Output = r.number("output", math.MaxInt64)
	c.Clock = r.number("clock", math.MaxInt64)
	c.Seed = r.number("seed", math.MaxInt64)
	c.Hide, c.Declassify = r.mark("secret"), r.mark("declassify")
	c.Params = r.get("params", true)
	want := datamodel.Kind_Map
	if c.Fun != "" {
		want = datamodel.Kind_List
	}
	if c.Params != nil && (c.Params.Kind() != want || c.Params.Length() > MaxParams && c.Fun != "") {
		r.fail("params are not a %s of at most %d", want, MaxParams)
	}
	if c.Result != "" && c.Result != "bytes" && c.Result != "string" {
		r.fail("result is %.20q", c.Result)
	}
	if r.err == nil && r.seen != args.Length() {
		r.fail("%d unknown args", args.Length()-r.seen)
	}
	return c, r.err
}

type argReader struct {
	args datamodel.Node
	seen int64
	err  error
}

func (r *argReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("malformed task: "+format, args...)
	}
}

func (r *argReader) get(key string, required bool) datamodel.Node {
	n, err := r.args.LookupByString(key)
	if err != nil {
		if required {
			r.fail("%s is missing", key)
		}
		return nil
	}
	r.seen++
	return n
}

func (r *argReader) text(key string, required bool) string {
	n := r.get(key, required)
	if n == nil {
		return ""
	}
	s, err := n.AsString()
	if err != nil || s == "" {
		r.fail("%s is not a string", key)
	}
	return s
}

// mark reads a field that is true or absent.
func (r *argReader) mark(key string) bool {
	n := r.get(key, false)
	if n == nil {
		return false
	}
	if b, err := n.AsBool(); err != nil || !b {
		r.fail("%s is not true", key)
	}
	return true
}

func (r *argReader) number(key string, limit uint64) uint64 {
	n := r.get(key, true)
	if n == nil {
		return 0
	}
	i, err := n.AsInt()
	if err != nil || i < 0 || uint64(i) > limit {
		r.fail("%s is not a number up to %d", key, limit)
		return 0
	}
	return uint64(i)
}
