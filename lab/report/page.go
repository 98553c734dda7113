package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html"
	"html/template"

	"github.com/trilemma-dev/trilemma/lab"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

// attribute escapes text for an attribute or an element.
func attribute(s string) string { return html.EscapeString(s) }

// page is the report as one HTML file. It asks nobody for anything, runs no script, and forbids itself both.
func page(c *lab.Comparison, plots []Plot) ([]byte, error) {
	t, err := template.New("report").Parse(pageText)
	if err != nil {
		return nil, err
	}
	type shown struct {
		Plot
		Drawing template.HTML
	}
	digest := sha256.Sum256([]byte(pageStyle))
	v := struct {
		Policy, Origin string
		Style          template.CSS
		Plots          []shown
		Tables         []Table
	}{"default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'; base-uri 'none'; form-action 'none'", origin(c), template.CSS(pageStyle), nil, tablesOf(c)}
	for _, p := range plots {
		v.Plots = append(v.Plots, shown{p, template.HTML(p.SVG)}) // ours: names in it are escaped by the drawing
	}
	var b bytes.Buffer
	err = t.Execute(&b, v)
	return b.Bytes(), err
}
