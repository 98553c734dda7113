package trilemma

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var shell = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// TestReadme runs every command that the README and the pages in docs show, in a copy of the tree and an empty home. The one
// that cannot run is make test, which would run this test again: of it the Makefile must have the target, and the gate must be
// what calls it.
func TestReadme(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	tree := copyTree(t)
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", filepath.Join(bin, "trilemma"), "./cmd/trilemma").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, page := range append(pages, "README.md") {
		t.Run(page, func(t *testing.T) {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			script := ""
			for _, m := range shell.FindAllSubmatch(text, -1) {
				script += string(m[1])
			}
			if script == "" {
				t.Fatal("it shows no commands")
			}
			if page == "README.md" {
				makeTest(t)
				script = strings.ReplaceAll("\n"+script, "\nmake test\n", "\n")
			}
			run(t, tree, bin, script)
		})
	}
}

// run runs a shell script in which no command may fail.
func run(t *testing.T, tree, bin, script string) {
	t.Helper()
	cmd := exec.Command("bash", "-xeuo", "pipefail", "-c", script)
	cmd.Dir = tree
	env, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE", "GOPATH").Output()
	if err != nil {
		t.Fatal(err)
	}
	dirs := strings.Split(strings.TrimSpace(string(env)), "\n")
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "TRILEMMA_HOME=", "XDG_DATA_HOME=", "PATH="+bin+":"+os.Getenv("PATH"),
		"GOCACHE="+dirs[0], "GOMODCACHE="+dirs[1], "GOPATH="+dirs[2])
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// makeTest checks that make test exists and is what the gate runs.
func makeTest(t *testing.T) {
	t.Helper()
	for file, want := range map[string]string{"Makefile": "test:\n\t$(GO) test -timeout 30m ./...\n", ".ci/run": "\nmake test\n"} {
		data, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s has no %q (%v)", file, want, err)
		}
	}
}

// copyTree copies the tree without what git ignores or keeps.
func copyTree(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	dir := t.TempDir()
	files := strings.Split(strings.TrimSpace(string(out)), "\n")
	if !slices.Contains(files, "README.md") {
		t.Fatalf("no README among %d files", len(files))
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if os.IsNotExist(err) {
			continue // removed, but not yet from the index
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(f)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(dir, f)), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, f), data, info.Mode().Perm())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
