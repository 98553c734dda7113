package lab

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// Computer is where a comparison ran, and with what.
type Computer struct {
	OS        string            `json:"os"`
	Arch      string            `json:"arch"`
	Processor string            `json:"processor"` // as the system names it; empty: it does not
	Cores     int               `json:"cores"`
	Memory    int64             `json:"memory_bytes"` // 0: not known
	Load      string            `json:"load"`         // of 1, 5 and 15 minutes, when the comparison began; empty: not known
	Go        string            `json:"go"`
	Libraries map[string]string `json:"libraries"`
}

// libraries are those whose versions a measurement depends on.
func libraries() []string {
	return []string{"github.com/tetratelabs/wazero", "github.com/consensys/gnark", "github.com/consensys/gnark-crypto"}
}

func thisComputer() Computer {
	c := Computer{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.GOMAXPROCS(0), Go: runtime.Version(), Libraries: map[string]string{}}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			for _, name := range libraries() {
				if m.Path == name {
					c.Libraries[name] = m.Version
				}
			}
		}
	}
	c.Processor = field("/proc/cpuinfo", "model name")
	kib, _, _ := strings.Cut(field("/proc/meminfo", "MemTotal"), " ")
	if n, err := strconv.ParseInt(kib, 10, 54); err == nil {
		c.Memory = n << 10
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		if f := strings.Fields(string(load)); len(f) >= 3 {
			c.Load = strings.Join(f[:3], " ")
		}
	}
	return c
}

// field is a value that a file of Linux's has, of the form "name: value"; empty if there is none.
func field(file, name string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// PeakMemory is the most memory that this process has had at once, in bytes; 0 where the system does not tell.
func PeakMemory() int64 {
	kib, _, _ := strings.Cut(field("/proc/self/status", "VmHWM"), " ")
	n, err := strconv.ParseInt(kib, 10, 54)
	if err != nil {
		return 0
	}
	return n << 10
}
