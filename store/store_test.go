package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/store"
)

type keeper interface {
	store.Blocks
	store.Records
	store.Memo
}

func keepers(t *testing.T) map[string]keeper {
	t.Helper()
	d, err := store.OpenDir(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]keeper{"memory": &store.Memory{}, "dir": d}
}

func ExampleMemory() {
	var m store.Memory
	b := block.Raw([]byte("kept"))
	if err := m.Put(context.Background(), b); err != nil {
		fmt.Println(err)
	}
	got, err := m.Get(context.Background(), b.CID)
	fmt.Println(string(got.Data), err)
	// Output: kept <nil>
}

func TestLaws(t *testing.T) {
	ctx := context.Background()
	for name, k := range keepers(t) {
		t.Run(name, func(t *testing.T) {
			b := block.Raw([]byte("content"))
			if _, err := k.Get(ctx, b.CID); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("Get before Put: %v", err)
			}
			for range 2 {
				if err := k.Put(ctx, b); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := k.Get(ctx, b.CID); err != nil || !bytes.Equal(got.Data, b.Data) {
				t.Errorf("Get after Put: %q, %v", got.Data, err)
			}
			if _, err := k.Load(ctx, "a/b"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("Load before Create: %v", err)
			}
			var made atomic.Int32
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					ok, err := k.Create(ctx, "a/b", []byte{byte(i)})
					if err != nil {
						t.Errorf("Create: %v", err)
					}
					if ok {
						made.Add(1)
					}
				})
			}
			wg.Wait()
			if made.Load() != 1 {
				t.Errorf("%d of 8 concurrent calls created the record", made.Load())
			}
			if err := k.Set(ctx, "a/b", []byte("new")); err != nil {
				t.Fatal(err)
			}
			if v, err := k.Load(ctx, "a/b"); err != nil || string(v) != "new" {
				t.Errorf("Load after Set: %q, %v", v, err)
			}
			if _, err := k.Find(ctx, "c"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("Find before Keep: %v", err)
			}
			for _, v := range []string{"one", "", "two"} {
				if err := k.Keep(ctx, "c", []byte(v)); err != nil {
					t.Fatal(err)
				}
				if got, err := k.Find(ctx, "c"); err != nil || string(got) != v {
					t.Errorf("Find after Keep(%q): %q, %v", v, got, err)
				}
			}
		})
	}
}

func TestDirRefusesKeys(t *testing.T) {
	d := keepers(t)["dir"]
	for _, key := range []string{"", "..", "a/../b", "/a", "a/", "a b", "a\x00", string(make([]byte, 300))} {
		if err := d.Set(context.Background(), key, nil); err == nil {
			t.Errorf("key %q was accepted", key)
		}
	}
}

// TestDirDamage changes a block's file on disk: the block must be gone, not wrong.
func TestDirDamage(t *testing.T) {
	root := t.TempDir()
	d, err := store.OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	b := block.Raw([]byte("content"))
	if err := d.Put(ctx, b); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "blocks", "*", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files: %v, %v", files, err)
	}
	if err := os.WriteFile(files[0], []byte("cont"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Get(ctx, b.CID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get of a damaged block: %v", err)
	}
	if err := d.Put(ctx, b); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Get(ctx, b.CID); err != nil {
		t.Errorf("Get after putting it again: %v", err)
	}
	if err := os.Truncate(files[0], 0); err != nil { // what a machine that lost its power leaves
		t.Fatal(err)
	}
	if err := d.Put(ctx, b); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Get(ctx, b.CID); err != nil || !bytes.Equal(got.Data, b.Data) {
		t.Errorf("Get after putting it over an empty file: %q, %v", got.Data, err)
	}
}

// TestMemoDamage cuts, garbles and empties the logs: every other entry is still found, and none is found wrong.
func TestMemoDamage(t *testing.T) {
	ctx := context.Background()
	root := t.TempDir()
	open := func() *store.Dir {
		d, err := store.OpenDir(root)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := open()
	if err := d.Keep(ctx, "a", []byte("first")); err != nil {
		t.Fatal(err)
	}
	logs, err := filepath.Glob(filepath.Join(root, "memos", "*"))
	if err != nil || len(logs) != 1 {
		t.Fatal(logs, err)
	}
	whole, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole { // a crash within an append, then life goes on in another process
		if err := os.WriteFile(logs[0], whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if v, err := d.Find(ctx, "a"); err == nil && string(v) != "first" {
			t.Fatalf("cut at %d: found %q", n, v)
		}
		if err := open().Keep(ctx, "a", []byte("second")); err != nil {
			t.Fatal(err)
		}
		if v, err := d.Find(ctx, "a"); err != nil || string(v) != "second" {
			t.Fatalf("cut at %d: then %q, %v", n, v, err)
		}
	}
	for bit := range len(whole) * 8 {
		bad := bytes.Clone(whole)
		bad[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(logs[0], bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if v, err := open().Find(ctx, "a"); err == nil && string(v) != "first" {
			t.Fatalf("bit %d: found %q", bit, v)
		}
	}
}

func TestMemos(t *testing.T) {
	ctx := context.Background()
	d := keepers(t)["dir"].(*store.Dir)
	want := map[string]string{"a": "1", "b": "2", "c": "3"}
	for k, v := range want {
		if err := d.Keep(ctx, k, []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]string{}
	if err := d.Memos(func(k string, v []byte) bool { got[k] = string(v); return true }); err != nil || !maps.Equal(got, want) {
		t.Errorf("Memos gave %v, %v", got, err)
	}
	calls := 0
	if err := d.Memos(func(string, []byte) bool { calls++; return false }); err != nil || calls != 1 {
		t.Errorf("Memos went on after false: %d calls, %v", calls, err)
	}
}
