package store_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/store"
)

func revokerKey(t testing.TB, n int) *capability.Key {
	t.Helper()
	k, err := capability.KeyFromSeed(bytes.Repeat([]byte{byte(n + 1)}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func delegationCID(n int) cid.Cid { return block.Sum(cid.DagCBOR, []byte(strconv.Itoa(n))) }

func revocation(t testing.TB, k *capability.Key, c cid.Cid) *capability.Revocation {
	t.Helper()
	token, err := capability.Revoke(k, c)
	if err != nil {
		t.Fatal(err)
	}
	return &capability.Revocation{Delegation: c, Revoker: k.DID(), Token: token}
}

func TestRevocations(t *testing.T) {
	for name, k := range keepers(t) {
		t.Run(name, func(t *testing.T) {
			r := &store.Revocations{Records: k}
			one, other := delegationCID(1), delegationCID(2)
			if by, err := r.Revokers(t.Context(), one); err != nil || len(by) != 0 {
				t.Fatalf("before: %v, %v", by, err)
			}
			var wg sync.WaitGroup
			for n := range 8 { // two calls for each of four revokers, at once
				wg.Go(func() {
					if err := r.Keep(t.Context(), revocation(t, revokerKey(t, n%4), one)); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			by, err := r.Revokers(t.Context(), one)
			if err != nil {
				t.Fatal(err)
			}
			distinct := slices.Compact(slices.Sorted(slices.Values(by)))
			if len(distinct) != 4 {
				t.Errorf("revoked by %v", by)
			}
			if by, err := r.Revokers(t.Context(), other); err != nil || len(by) != 0 {
				t.Errorf("another delegation: %v, %v", by, err)
			}
			if err := k.Set(t.Context(), fmt.Sprintf("revoked/%s/0", one), []byte("damaged")); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Revokers(t.Context(), one); err == nil {
				t.Error("a damaged record is taken for none")
			}
		})
	}
}

// TestRevocationsSurviveKill kills a process in the middle of its work: what it said to have kept is there.
func TestRevocationsSurviveKill(t *testing.T) {
	const variable = "TRILEMMA_TEST_REVOKE_IN"
	if dir := os.Getenv(variable); dir != "" {
		d, err := store.OpenDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		r, k := &store.Revocations{Records: d}, revokerKey(t, 0)
		for n := 0; ; n++ {
			if err := r.Keep(t.Context(), revocation(t, k, delegationCID(n))); err != nil {
				t.Fatal(err)
			}
			fmt.Println("kept", n)
		}
	}
	dir := filepath.Join(t.TempDir(), "store")
	for round := range 3 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRevocationsSurviveKill$")
		cmd.Env = append(os.Environ(), variable+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		last := -1
		for sc := bufio.NewScanner(out); sc.Scan(); {
			if _, err := fmt.Sscanf(sc.Text(), "kept %d", &last); err == nil && last == 20*(round+1)+round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil || last < 20 {
			t.Fatalf("the process ended by itself after %d: %v", last, err)
		}
		d, err := store.OpenDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		r := &store.Revocations{Records: d}
		for n := range last + 1 {
			if by, err := r.Revokers(t.Context(), delegationCID(n)); err != nil || len(by) != 1 {
				t.Fatalf("round %d: revocation %d of %d: %v, %v", round, n, last, by, err)
			}
		}
	}
}
