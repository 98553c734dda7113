package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/trilemma-dev/trilemma/lab"
)

// strict decodes one JSON object of known fields.
func strict(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return errors.New("more than one JSON object")
	}
	return nil
}

// digits writes a number with three significant digits and no exponent, thousands apart; a whole one as it is.
func digits(v float64) string {
	if v == math.Trunc(v) {
		return grouped(v)
	}
	places := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	if v >= 1000 {
		return grouped(math.Round(v))
	}
	return strconv.FormatFloat(v, 'f', min(places, 9), 64)
}

// grouped writes a whole number in groups of three.
func grouped(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// span writes milliseconds in the unit that suits them.
func span(ms float64) string {
	for _, u := range []struct {
		most float64
		unit string
		ms   float64
	}{{1, "µs", 1e-3}, {1e3, "ms", 1}, {120e3, "s", 1e3}, {7200e3, "min", 60e3}, {172800e3, "h", 3600e3}} {
		if ms < u.most {
			return digits(ms/u.ms) + " " + u.unit
		}
	}
	return digits(ms/86400e3) + " days"
}

// size writes bytes in the unit that suits them.
func size(bytes float64) string {
	switch {
	case bytes < 10_000:
		return digits(math.Round(bytes)) + " B"
	case bytes < 10<<20:
		return digits(bytes/(1<<10)) + " KiB"
	case bytes < 10<<30:
		return digits(bytes/(1<<20)) + " MiB"
	}
	return digits(bytes/(1<<30)) + " GiB"
}

// power writes a power of ten, and any other number in digits.
func power(v float64) string {
	if e := math.Round(math.Log10(v)); v > 0 && math.Abs(v/math.Pow(10, e)-1) < 1e-9 && e >= 4 {
		return "10" + raised(int(e))
	}
	if v >= 1e6 {
		e := math.Floor(math.Log10(v))
		return strconv.FormatFloat(v/math.Pow(10, e), 'f', 1, 64) + "·10" + raised(int(e))
	}
	return digits(v)
}

func raised(e int) string {
	return strings.Map(func(r rune) rune {
		if r == '-' {
			return '⁻'
		}
		return []rune("⁰¹²³⁴⁵⁶⁷⁸⁹")[r-'0']
	}, strconv.Itoa(e))
}

// percent writes a share.
func percent(v float64) string { return digits(v*100) + " %" }

// sure says how sure a checker is, shortly.
func sure(kind string, single float64) string {
	switch kind {
	case lab.SoundProbability:
		return fmt.Sprintf("finds one bad segment with %s", percent(single))
	case lab.SoundTrust:
		return "trust in the signer"
	}
	return kind
}

// stage shows what a stage takes; nothing if there is none.
func stage(s *lab.Stage) string {
	if s == nil {
		return "–"
	}
	t := s.CPU
	if t.Median == 0 {
		t = s.Wall
	}
	if s.Turns == 1 {
		return span(t.Median)
	}
	return fmt.Sprintf("%s (%s to %s)", span(t.Median), span(t.Low), span(t.High))
}

// maybe shows a time of a stage that may not be there.
func maybe(ms float64) string {
	if ms == 0 {
		return "–"
	}
	return span(ms)
}
