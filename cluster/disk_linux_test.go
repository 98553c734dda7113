package cluster_test

import (
	"os"
	"syscall"
	"testing"
)

// mount makes a disk of some size in memory, below dir. Only root may do that.
func mount(t *testing.T, dir, size string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

func remount(t *testing.T, dir string, flags uintptr, options string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, options); err != nil {
		t.Fatal(err)
	}
}

// smallDisk makes a disk of 16 MiB; grow gives it more room.
func smallDisk(t *testing.T, dir string) (grow func()) {
	t.Helper()
	mount(t, dir, "16m")
	return func() { remount(t, dir, 0, "size=256m") }
}

// frozenDisk makes a disk that can be frozen, so that nothing can be written to it, and thawed.
func frozenDisk(t *testing.T, dir string) (freeze func() (thaw func())) {
	t.Helper()
	mount(t, dir, "64m")
	return func() func() {
		remount(t, dir, syscall.MS_RDONLY, "")
		return func() { remount(t, dir, 0, "") }
	}
}
