//go:build !unix

package cluster

import "os"

// lockExclusive does nothing where there is no lock that ends with its process.
func lockExclusive(*os.File) error { return nil }
