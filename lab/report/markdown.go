package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trilemma-dev/trilemma/lab"
)

// escape makes text that no Markdown or HTML is read from.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "|", `\|`, "\n", " ", "\r", " ", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`).Replace(s)
}

// Short is the first table, as Markdown, with where it was measured.
func Short(c *lab.Comparison) string { return section(trilemma(c)) + "\n" + where(c) }

// markdown is the whole report.
func markdown(c *lab.Comparison) string {
	var b strings.Builder
	b.WriteString("# The modes, measured\n\n" + where(c) + "\n")
	for _, t := range tablesOf(c) {
		b.WriteString(section(t) + "\n")
	}
	return b.String()
}

func section(t Table) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n%s\n\n", escape(t.Title), escape(t.Text))
	line := func(cells []string) {
		for _, cell := range cells {
			b.WriteString("| " + escape(cell) + " ")
		}
		b.WriteString("|\n")
	}
	line(t.Head)
	b.WriteString(strings.Repeat("|---", len(t.Head)) + "|\n")
	for _, r := range t.Rows {
		line(r)
	}
	return b.String()
}

// where says how the numbers came about.
func where(c *lab.Comparison) string { return escape(origin(c)) + "\n" }

func origin(c *lab.Comparison) string {
	k, s := c.Computer, c.Settings
	out := fmt.Sprintf("Measured by trilemma bench trilemma (version %s) on %s/%s, %d cores", s.Build, k.OS, k.Arch, k.Cores)
	if k.Processor != "" {
		out += " of " + k.Processor
	}
	if k.Memory > 0 {
		out += ", " + size(float64(k.Memory)) + " of memory"
	}
	if k.Load != "" {
		out += ", load " + k.Load + " when it began"
	}
	out += ", " + k.Go
	var libraries []string
	for name, v := range k.Libraries {
		libraries = append(libraries, name[strings.LastIndexByte(name, '/')+1:]+" "+v)
	}
	slices.Sort(libraries)
	if len(libraries) > 0 {
		out += ", " + strings.Join(libraries, ", ")
	}
	return out + fmt.Sprintf(". Times are CPU time where the system tells it; medians of at most %d turns; spot-checks draw %d segments of %d steps, seed %d; a stage may take %s.",
		s.Turns, s.Samples, c.Segment, s.Seed, span(float64(s.Limit)))
}
