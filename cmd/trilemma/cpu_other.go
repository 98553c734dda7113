//go:build !unix

package main

import "time"

// processCPU is zero: the CPU time is not known on this system.
func processCPU() time.Duration { return 0 }

func processPeak() int64 { return 0 }

func peakSince() int64 { return 0 }
