//go:build unix

package cluster

import (
	"errors"
	"os"
	"syscall"
)

// lockExclusive takes a lock that ends with the process, however it ends.
func lockExclusive(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrBusy
	}
	return err
}
