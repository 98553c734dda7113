//go:build !linux

package cluster_test

import "testing"

func smallDisk(t *testing.T, _ string) func() {
	t.Skip("a small disk can be mounted on Linux only")
	return nil
}

func frozenDisk(t *testing.T, _ string) func() func() {
	t.Skip("a disk that takes no writes can be mounted on Linux only")
	return nil
}
