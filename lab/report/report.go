// Package report shows a comparison of modes: as tables, plots and one page that needs nothing else. What it is given may come from a file that
// somebody else wrote: names are text, whatever they hold.
package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/trilemma-dev/trilemma/lab"
)

// Names of the files that [Write] writes, beside the plots.
const (
	Page     = "report.html"
	Markdown = "report.md"
	CSV      = "report.csv"
	JSON     = "report.json"
	Proving  = "client-side-proving.json"
)

// Read reads a comparison that [Write] wrote as JSON. Unknown fields are refused.
func Read(data []byte) (*lab.Comparison, error) {
	const most = 64 << 20
	if len(data) > most {
		return nil, fmt.Errorf("a report of more than %d bytes", most)
	}
	c := &lab.Comparison{}
	if err := strict(data, c); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	if c.Trilemma != lab.ComparisonVersion {
		return nil, fmt.Errorf("report: version %.40q instead of %q", c.Trilemma, lab.ComparisonVersion)
	}
	return c, nil
}

// Write writes all forms of the report into a directory.
func Write(dir string, c *lab.Comparison) error {
	files := map[string][]byte{Markdown: []byte(markdown(c)), CSV: table(c)}
	var err error
	if files[JSON], err = json.MarshalIndent(c, "", "  "); err != nil {
		return err
	}
	if files[Proving], err = json.MarshalIndent(proving(c), "", "  "); err != nil {
		return err
	}
	plots, err := plotsOf(c)
	if err != nil {
		return err
	}
	for _, p := range plots {
		files[p.File] = p.SVG
	}
	if files[Page], err = page(c, plots); err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
