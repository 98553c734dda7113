package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trilemma-dev/trilemma/lab"
)

var update = flag.Bool("update", false, "rewrite golden files")

// fixed is measurements of an earlier time, with what follows from them.
func fixed(t testing.TB) *lab.Comparison {
	t.Helper()
	data, err := os.ReadFile("testdata/comparison.json")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Read(data)
	if err != nil {
		t.Fatal(err)
	}
	c.Conclude()
	return c
}

// TestGolden checks what fixed measurements are shown as.
func TestGolden(t *testing.T) {
	c := fixed(t)
	metrics, err := json.MarshalIndent(proving(c), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{"report.md": []byte(markdown(c)), "report.csv": table(c), "proving.json": metrics} {
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(got)); d != "" {
			t.Errorf("%s: run the test with -update if this is meant (-want +got):\n%s", name, d)
		}
	}
}

// TestWrite checks that all files are there, that the JSON is the comparison again, and that the CSV has a line for each row, all of one length.
func TestWrite(t *testing.T) {
	c, dir := fixed(t), t.TempDir()
	if err := Write(dir, c); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{Page, Markdown, CSV, JSON, Proving, "trilemma.svg", "check.svg", "produce.svg", "evidence.svg", "crossover.svg"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, JSON))
	if err != nil {
		t.Fatal(err)
	}
	again, err := Read(data)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(c, again); d != "" {
		t.Errorf("read again (-want +got):\n%s", d)
	}
	lines, err := csv.NewReader(bytes.NewReader(table(c))).ReadAll()
	if err != nil || len(lines) != 1+len(c.Rows)+len(c.Baselines) {
		t.Errorf("%d lines of CSV, %v", len(lines), err)
	}
}

// hostile is a name that would be more than a name if it were not escaped.
const hostile = `<script>alert(1)</script>" onload="x" </svg>|` + "`*[a](javascript:x)"

// TestHostileNames checks that whatever a report names stays text, on the page, in plots and in Markdown.
func TestHostileNames(t *testing.T) {
	c := fixed(t)
	for _, rows := range [][]lab.Row{c.Rows, c.Baselines} {
		for i := range rows {
			r := &rows[i]
			if r.Guest == "fib" {
				r.Guest = hostile
			}
			if r.Mode == "rerun" {
				r.Soundness.Kind = hostile
			}
			if r.Mode == "spot" {
				r.Mode = hostile
			}
			if r.Skipped != "" {
				r.Skipped = hostile
			}
		}
	}
	c.Computer.Processor, c.Settings.Build = hostile, hostile
	c.Conclude()
	plots, err := plotsOf(c)
	if err != nil {
		t.Fatal(err)
	}
	html, err := page(c, plots)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script", `onload="x"`, "</svg>|"} {
		if strings.Contains(string(html), bad) {
			t.Errorf("the page holds %s", bad)
		}
	}
	if n, want := strings.Count(string(html), "</svg>"), len(plots); n != want {
		t.Errorf("%d drawings end, of %d", n, want)
	}
	if !strings.Contains(string(html), "&lt;script&gt;") {
		t.Error("the page does not name it")
	}
	for _, p := range plots {
		wellFormed(t, p)
	}
	if text := markdown(c); strings.Contains(text, "<script") || strings.Contains(text, "[a](") || strings.Contains(text, "</svg>|`") {
		t.Error("Markdown holds it as it is")
	}
}

// wellFormed checks that a drawing is XML of SVG's elements, with no style, no script and no link.
func wellFormed(t *testing.T, p Plot) {
	t.Helper()
	known := map[string]bool{"svg": true, "g": true, "path": true, "text": true}
	d := xml.NewDecoder(bytes.NewReader(p.SVG))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", p.File, err)
		}
		if e, ok := token.(xml.StartElement); ok {
			if !known[e.Name.Local] {
				t.Errorf("%s has an element %s", p.File, e.Name.Local)
			}
			for _, a := range e.Attr {
				if n := a.Name.Local; n == "style" || n == "href" || strings.HasPrefix(n, "on") {
					t.Errorf("%s has an attribute %s", p.File, n)
				}
			}
		}
	}
}

// TestPageAsksNobody checks that the page needs nothing else: no address but the names of formats, no script, no style but the one that its policy
// names; and that its drawings say what they are to who cannot see them.
func TestPageAsksNobody(t *testing.T) {
	c := fixed(t)
	plots, err := plotsOf(c)
	if err != nil {
		t.Fatal(err)
	}
	html, err := page(c, plots)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range regexp.MustCompile(`(?i)(https?:)?//[a-z0-9.]+|url\(|@import|src=|href=|<script|<link|<iframe|\sstyle=|\son[a-z]+=`).FindAllString(string(html), -1) {
		if a != "http://www.w3.org" {
			t.Errorf("the page has %q", a)
		}
	}
	for _, want := range []string{`default-src 'none'; style-src 'sha256-`, `name="viewport"`, "prefers-color-scheme: dark", `<html lang="en">`, "overflow-x: auto"} {
		if !strings.Contains(strings.ReplaceAll(string(html), "&#39;", "'"), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if n := strings.Count(string(html), `role="img" aria-label="`); n != len(plots) || n != 5 {
		t.Errorf("%d of %d drawings are named", n, len(plots))
	}
	for _, p := range plots {
		wellFormed(t, p)
	}
}

// TestNothingMeasured checks that a comparison without measurements is shown too.
func TestNothingMeasured(t *testing.T) {
	c := &lab.Comparison{Trilemma: lab.ComparisonVersion}
	c.Conclude()
	if err := Write(t.TempDir(), c); err != nil {
		t.Error(err)
	}
}

// TestReadRefuses checks what is no report.
func TestReadRefuses(t *testing.T) {
	for _, text := range []string{"", "{}", `{"trilemma": "comparison/2"}`, `{"trilemma": "comparison/1", "more": 1}`, `{"trilemma": "comparison/1"} {}`, `{"trilemma": "comparison/1", "rows": {}}`} {
		if c, err := Read([]byte(text)); err == nil {
			t.Errorf("%s: %+v", text, c)
		}
	}
}

// TestUnits checks how numbers are written.
func TestUnits(t *testing.T) {
	for got, want := range map[string]string{
		span(0.5): "500 µs", span(0.0123): "12.3 µs", span(12.345): "12.3 ms", span(1500): "1.50 s", span(150e3): "2.50 min", span(4 * 3600e3): "4 h", span(5 * 86400e3): "5 days",
		size(0): "0 B", size(1234): "1,234 B", size(20480): "20 KiB", size(123456789): "118 MiB",
		power(1e6): "10⁶", power(2.5e7): "2.5·10⁷", power(100): "100", power(1e-3): "0.00100", digits(1234567): "1,234,567", digits(0.00012): "0.000120", percent(0.5): "50 %",
		spanTick(1e-3): "1 µs", spanTick(100): "100 ms", spanTick(1e4): "10 s", sizeTick(0.1): "none", sizeTick(1e4): "10 kB", timesTick(1e5): "×10⁵",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
