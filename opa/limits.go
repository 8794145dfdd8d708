package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
)

const mebibyte = 1 << 20

// Go takes its heap from the system 64 MiB at a time; with less than a few of
// those a policy of some size does not even compile.
const minMemoryBytes = 256 * mebibyte

type limits struct {
	fd             int
	memoryBytes    uint64
	gcPercent      int
	workers        int
	maxFrameBytes  int
	maxElements    int
	maxInputBytes  int
	maxResultBytes int
}

func parseLimits(args []string) (limits, error) {
	var l limits
	flags := flag.NewFlagSet("decide", flag.ContinueOnError)
	flags.IntVar(&l.fd, "fd", -1, "file descriptor of the inherited stream socket")
	flags.Uint64Var(&l.memoryBytes, "memory-bytes", 1024*mebibyte, "address space beyond what Go reserves at its start (RLIMIT_AS)")
	flags.IntVar(&l.gcPercent, "gc-percent", 800, "growth of the heap between collections, in percent")
	flags.IntVar(&l.workers, "workers", 0, "evaluations at once; 0: one for each processor")
	flags.IntVar(&l.maxFrameBytes, "max-frame-bytes", 64*mebibyte, "largest frame read")
	flags.IntVar(&l.maxElements, "max-elements", 4096, "most elements in a frame")
	flags.IntVar(&l.maxInputBytes, "max-input-bytes", 4*mebibyte, "largest input of an evaluation")
	flags.IntVar(&l.maxResultBytes, "max-result-bytes", 256<<10, "largest result of an evaluation")
	if err := flags.Parse(args); err != nil {
		return l, err
	}
	if flags.NArg() > 0 {
		return l, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if l.fd < 3 {
		return l, fmt.Errorf("--fd must name an inherited socket (3 or above)")
	}
	if l.memoryBytes < minMemoryBytes {
		return l, fmt.Errorf("--memory-bytes %d is below %d, which a policy needs", l.memoryBytes, minMemoryBytes)
	}
	if l.workers <= 0 {
		l.workers = runtime.GOMAXPROCS(0)
	}
	if l.gcPercent < 1 || l.maxFrameBytes < 1 || l.maxElements < 1 || l.maxInputBytes < 1 || l.maxResultBytes < 1 {
		return l, fmt.Errorf("limits must be positive")
	}
	return l, nil
}

// apply puts the limits that hold for the whole process in force.
func (l limits) apply() error {
	// Elsewhere RLIMIT_AS is missing or means something else; the soft limit still holds.
	if runtime.GOOS == "linux" {
		reserved, err := addressSpace()
		if err != nil {
			return fmt.Errorf("cannot tell how much address space is in use: %w", err)
		}
		if err := lower(syscall.RLIMIT_AS, reserved+l.memoryBytes); err != nil {
			return fmt.Errorf("cannot limit memory to %d bytes: %w", l.memoryBytes, err)
		}
	}
	// A core file would hold the inputs of decisions.
	if err := lower(syscall.RLIMIT_CORE, 0); err != nil {
		return fmt.Errorf("cannot forbid core files: %w", err)
	}
	// Garbage is collected eagerly from here on, instead of growing into the hard limit.
	debug.SetMemoryLimit(int64(l.memoryBytes / 4 * 3))
	debug.SetGCPercent(l.gcPercent)
	return nil
}

// addressSpace is what this process has of it now. Go reserves more than a
// gigabyte before main begins, how much depends on its version; without that sum
// a limit would say little about what policies may use.
func addressSpace() (uint64, error) {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	var pages uint64
	if _, err := fmt.Sscan(string(statm), &pages); err != nil {
		return 0, err
	}
	return pages * uint64(os.Getpagesize()), nil
}

func lower(resource int, to uint64) error {
	var now syscall.Rlimit
	if err := syscall.Getrlimit(resource, &now); err != nil {
		return err
	}
	to = min(to, now.Max)
	return syscall.Setrlimit(resource, &syscall.Rlimit{Cur: to, Max: to})
}
