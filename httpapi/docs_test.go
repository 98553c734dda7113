package httpapi

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCodes checks that docs/api.md explains every code, with its status and under the anchor that problems name.
func TestCodes(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "docs", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, `| <a id="`) {
			rows++
		}
	}
	if rows != len(Codes()) {
		t.Errorf("the page has %d codes, the program %d", rows, len(Codes()))
	}
	for _, c := range Codes() {
		status, _ := c.status()
		if want := fmt.Sprintf("| <a id=\"%s\"></a>`%s` | %d | ", c, c, status); !strings.Contains(string(data), want) {
			t.Errorf("docs/api.md has no row %s", want)
		}
	}
}
