package runtime

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"github.com/trilemma-dev/trilemma/link"
)

// slice is how much fuel is granted at a time. Between two grants the run is native code that Go cannot interrupt: neither a
// deadline nor the garbage collector gets through, so that a slice must be short. At 5 instructions per nanosecond this is
// a fifth of a millisecond, a thousand times what a grant costs.
const slice = 1 << 20

// run is one run, and the context that carries it into host functions. Host functions are called on the goroutine that
// runs the module, so that nothing in it is shared.
type run struct {
	context.Context
	streams [][]byte
	limit   uint64 // fuel
	output  uint64 // bytes
	metered bool
	look    func(api.Module) // at the instance when it has ended; nil: nobody does

	fuel    api.MutableGlobal // left of what was granted, as int64
	depth   api.MutableGlobal
	granted uint64

	written uint64
	out     [link.OutStreams][]byte
	closed  [link.OutStreams]bool

	ended   bool // by a host function
	outcome link.Outcome
	stopped error // ctx.Err(), if that ended the run
}

// unwind ends a run from inside a host function: wazero passes it through without a stack trace.
var errUnwind = sys.NewExitError(0)

// used is the sum of the charges so far.
func (r *run) used() uint64 {
	if !r.metered {
		return 0
	}
	return r.granted - r.fuel.Get() // modulo 2⁶⁴, as the global may be negative
}

// overdrawn reports whether the fuel has run out. That decides the outcome, whatever happened since.
func (r *run) overdrawn() bool {
	return r.metered && int64(r.fuel.Get()) < 0 && r.used() > r.limit
}

// end stops the module.
func (r *run) end(o link.Outcome) {
	r.ended, r.outcome = true, o
	panic(errUnwind)
}

// start runs the module from an empty instance to its end.
func (r *run) start(rt wazero.Runtime, code wazero.CompiledModule, pages uint32) (res link.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			res, err = link.Result{}, fmt.Errorf("%w: %v", ErrHost, p)
		}
	}()
	// A name would have to be unique; start is called below.
	mod, err := rt.InstantiateModule(r, code, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		return link.Result{}, fmt.Errorf("%w: %w", ErrHost, err)
	}
	defer mod.Close(r.Context)
	if r.metered {
		r.fuel, r.depth = global(mod, link.FuelGlobal), global(mod, link.DepthGlobal)
		r.granted = min(slice, r.limit)
		r.fuel.Set(r.granted)
		r.depth.Set(link.MaxDepthCells)
		global(mod, link.PagesGlobal).Set(uint64(pages))
	}
	_, err = mod.ExportedFunction(link.Start).Call(r)
	if r.look != nil {
		r.look(mod)
	}
	return r.result(err)
}

func global(mod api.Module, name string) api.MutableGlobal {
	return mod.ExportedGlobal(name).(api.MutableGlobal)
}

// result says how the run ended; err is what wazero returned.
func (r *run) result(err error) (link.Result, error) {
	switch {
	case r.stopped != nil:
		return link.Result{}, fmt.Errorf("runtime: run stopped: %w", r.stopped)
	case r.ended:
	case err == nil:
		r.outcome.Kind = link.OK
	default:
		trap, ok := traps[cause(err)]
		if !ok {
			return link.Result{}, fmt.Errorf("%w: %w", ErrHost, err)
		}
		r.outcome = link.Outcome{Kind: link.Trap, Trap: trap}
		if trap == link.TrapUnreachable && r.metered && int32(r.depth.Get()) < 0 {
			r.outcome = link.Outcome{Kind: link.TooDeep}
		}
	}
	res := link.Result{Outcome: r.outcome, Fuel: r.used(), Streams: r.out}
	if r.overdrawn() {
		res.Outcome, res.Fuel = link.Outcome{Kind: link.OutOfFuel}, r.limit
	}
	return res, nil
}

// traps maps the texts of wazero's errors, which it exports in no other way.
var traps = map[string]link.TrapKind{
	"unreachable":                   link.TrapUnreachable,
	"integer divide by zero":        link.TrapDivideByZero,
	"integer overflow":              link.TrapOverflow,
	"invalid conversion to integer": link.TrapConversion,
	"out of bounds memory access":   link.TrapMemory,
	"invalid table access":          link.TrapTable,
	"indirect call type mismatch":   link.TrapSignature,
}

// cause is the text of the innermost error.
func cause(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}
