//go:build unix

package store_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/store"
)

// crashDir tells the test's binary that it is the process to be killed, and where its store is.
const crashDir = "TRILEMMA_TEST_CRASH_DIR"

// content is what a writer keeps under its i-th name.
func content(i int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%d ", i), 1000+i%5000) }

// TestCrashWriter is no test by itself: TestCrash runs it in a process of its own, which writes until it is killed and says
// what was written.
func TestCrashWriter(t *testing.T) {
	dir := os.Getenv(crashDir)
	if dir == "" {
		t.Skip("run by TestCrash")
	}
	ctx := context.Background()
	d, err := store.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		key := fmt.Sprintf("a/%d", i)
		_, err := d.Create(ctx, key, content(i))
		err = errors.Join(err, d.Set(ctx, "last", content(i)), d.Put(ctx, block.Raw(content(i))), d.Keep(ctx, fmt.Sprint(i), content(i)))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("wrote %d\n", i)
	}
}

// TestCrash kills a writer at any moment: what it said that it wrote is there, what it was about to write is there whole or
// not at all, and the store can be written to.
func TestCrash(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	for round := range 12 {
		child := exec.Command(os.Args[0], "-test.run=^TestCrashWriter$")
		child.Env = append(os.Environ(), crashDir+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(20*time.Second, func() { _ = child.Process.Kill() }) // a writer that says nothing
		last := -1
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if _, err := fmt.Sscanf(lines.Text(), "wrote %d", &last); err == nil && last == 1 {
				kill.Reset(time.Duration(round) * 1700 * time.Microsecond)
			}
		}
		if err := child.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("the writer ended by itself: %v", err)
		}
		if last < 1 {
			t.Fatal("the writer wrote nothing")
		}
		d, err := store.OpenDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for i := range last + 2 {
			said := i <= last
			v, err := d.Load(ctx, fmt.Sprintf("a/%d", i))
			if err == nil && !bytes.Equal(v, content(i)) || err != nil && (said || !errors.Is(err, store.ErrNotFound)) {
				t.Fatalf("round %d: record %d of %d: %d bytes, %v", round, i, last, len(v), err)
			}
			b, err := d.Get(ctx, block.Raw(content(i)).CID)
			if err == nil && !bytes.Equal(b.Data, content(i)) || err != nil && (said || !errors.Is(err, store.ErrNotFound)) {
				t.Fatalf("round %d: block %d of %d: %d bytes, %v", round, i, last, len(b.Data), err)
			}
			v, err = d.Find(ctx, fmt.Sprint(i))
			if err == nil && !bytes.Equal(v, content(i)) || err != nil && (said || !errors.Is(err, store.ErrNotFound)) {
				t.Fatalf("round %d: memo %d of %d: %d bytes, %v", round, i, last, len(v), err)
			}
		}
		if v, err := d.Load(ctx, "last"); err != nil || !bytes.Equal(v, content(last)) && !bytes.Equal(v, content(last+1)) {
			t.Fatalf("round %d: the record that is replaced has %d bytes, %v", round, len(v), err)
		}
	}
}
