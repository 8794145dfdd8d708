package main

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"syscall"
)

const mebibyte = 1 << 20

// Go reserves most of this address space before main begins; with less it dies
// at some allocation without saying which limit it met.
const minMemoryBytes = 768 * mebibyte

type limits struct {
	fd             int
	memoryBytes    uint64
	heapBytes      int64
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
	flags.Uint64Var(&l.memoryBytes, "memory-bytes", 2048*mebibyte, "address space of this process (RLIMIT_AS)")
	flags.Int64Var(&l.heapBytes, "heap-bytes", 0, "memory at which garbage is collected eagerly; 0: derived from memory-bytes")
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
		return l, fmt.Errorf("--memory-bytes %d is below %d, which Go needs to run", l.memoryBytes, minMemoryBytes)
	}
	if l.heapBytes == 0 {
		// What Go reserves cannot be used, and the collector needs room to work in.
		l.heapBytes = int64(l.memoryBytes-minMemoryBytes)*3/4 + 64*mebibyte
	}
	if l.workers <= 0 {
		l.workers = runtime.GOMAXPROCS(0)
	}
	if l.heapBytes < 0 || l.gcPercent < 1 || l.maxFrameBytes < 1 || l.maxElements < 1 || l.maxInputBytes < 1 || l.maxResultBytes < 1 {
		return l, fmt.Errorf("limits must be positive")
	}
	return l, nil
}

// apply puts the limits that hold for the whole process in force.
func (l limits) apply() error {
	// Elsewhere RLIMIT_AS is missing or means something else; the soft limit still holds.
	if runtime.GOOS == "linux" {
		if err := lower(syscall.RLIMIT_AS, l.memoryBytes); err != nil {
			return fmt.Errorf("cannot limit memory to %d bytes: %w", l.memoryBytes, err)
		}
	}
	// A core file would hold the inputs of decisions.
	if err := lower(syscall.RLIMIT_CORE, 0); err != nil {
		return fmt.Errorf("cannot forbid core files: %w", err)
	}
	debug.SetMemoryLimit(l.heapBytes)
	debug.SetGCPercent(l.gcPercent)
	return nil
}

func lower(resource int, to uint64) error {
	var now syscall.Rlimit
	if err := syscall.Getrlimit(resource, &now); err != nil {
		return err
	}
	to = min(to, now.Max)
	return syscall.Setrlimit(resource, &syscall.Rlimit{Cur: to, Max: to})
}
