package circuits

import "github.com/trilemma-dev/trilemma/link"

// EndOf is how a run ends, as a number. It is false if no chip shows such an end, or if the outcome alone does not say what the number is: ends for want
// of fuel or by too much output, which [Statement.Of] compares.
func EndOf(o link.Outcome) (end uint64, ok bool) {
	end = endOf(o)
	return end, end != 0 && o.Kind != link.OutOfFuel && o.Kind != link.OutputFull
}
