package store_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/trilemma-dev/trilemma/store"
)

// FuzzMemoLog gives a log to whoever can write to the disk: reading it neither fails nor panics, and what is kept afterwards
// is found.
func FuzzMemoLog(f *testing.F) {
	f.Add([]byte("\na MQ== 8e71fd0d\n"), []byte("value"))
	f.Add([]byte("\na MQ== 00000000"), []byte(""))
	f.Add([]byte("a a a\n\n\n \n"), []byte("\n"))
	ctx := context.Background()
	root := f.TempDir()
	d, err := store.OpenDir(root)
	if err != nil {
		f.Fatal(err)
	}
	if err := d.Keep(ctx, "a", []byte("there")); err != nil {
		f.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(root, "memos", "*"))
	if err != nil || len(names) != 1 {
		f.Fatal(names, err)
	}
	f.Fuzz(func(t *testing.T, log, value []byte) {
		if err := os.WriteFile(names[0], log, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := store.OpenDir(root)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := d.Find(ctx, "a"); err == nil && len(v) > len(log) {
			t.Fatalf("found %q in %q", v, log)
		}
		if err := d.Memos(func(string, []byte) bool { return true }); err != nil {
			t.Fatal(err)
		}
		if err := d.Keep(ctx, "a", value); err != nil {
			t.Fatal(err)
		}
		if v, err := d.Find(ctx, "a"); err != nil || !bytes.Equal(v, value) {
			t.Fatalf("kept %q behind %q, found %q, %v", value, log, v, err)
		}
	})
}
