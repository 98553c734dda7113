//go:build unix

package main

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// processCPU is the CPU time that this process has used, or zero if the system does not tell.
func processCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// processPeak is the most memory that this process has had, in bytes, or zero if the system does not tell.
func processPeak() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" { // the only one that counts bytes
		return int64(u.Maxrss)
	}
	return int64(u.Maxrss) << 10
}

// peakSince is the most memory that this process has had since it was last asked, where the system keeps that; elsewhere it is since the beginning.
func peakSince() int64 {
	peak, ok := residentPeak()
	if ok {
		ok = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) == nil // proc_pid_clear_refs(5)
	}
	if !ok {
		return processPeak()
	}
	return peak
}

// residentPeak is what Linux says of the peak.
func residentPeak() (int64, bool) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, false
	}
	defer f.Close() // only read from
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if kib, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(kib), " kB"), 10, 64)
			return n << 10, err == nil
		}
	}
	return 0, false
}
