package circuits

import "github.com/trilemma-dev/trilemma/link"

// EndOf is how a run ends, as a number. It is false if no chip shows such an end.
func EndOf(o link.Outcome) (end uint64, ok bool) { return endOf(o) }
