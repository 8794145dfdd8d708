// Command load sends prepared requests with a fixed number in flight and records every answer.
//
// The requests come as frames in a file: u32 length, then the message, big-endian. They are sent as
// they are, so this program knows nothing of what it measures. Each is sent once. What came back
// goes to another file, in the order of the requests: u64 start and u64 duration in nanoseconds
// (start counted from the first measured moment), u32 status (gRPC's code, or the HTTP status), u32
// length, body.
package main

import (
	"bufio"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

type options struct {
	protocol, target, path, in, out string
	inflight, warm                  int
	seconds                         float64
	timeout                         time.Duration
	lanes                           int
}

type answer struct {
	start, took time.Duration
	status      uint32
	body        []byte
}

// A call sends one message and gives its status and body; an error means no answer at all.
type call func(message []byte) (uint32, []byte, error)

func main() {
	var o options
	flag.StringVar(&o.protocol, "protocol", "grpc", "grpc or http (HTTP/1.1 POST of JSON)")
	flag.StringVar(&o.target, "target", "", "unix:PATH or HOST:PORT")
	flag.StringVar(&o.path, "path", "", "method or URL path")
	flag.StringVar(&o.in, "in", "", "file of requests")
	flag.StringVar(&o.out, "out", "", "file for answers")
	flag.IntVar(&o.inflight, "inflight", 1, "requests in flight")
	flag.IntVar(&o.warm, "warm", 0, "requests sent before the clock starts")
	flag.Float64Var(&o.seconds, "seconds", 1, "no request starts later than this")
	flag.DurationVar(&o.timeout, "timeout", 10*time.Second, "of one request")
	flag.IntVar(&o.lanes, "report", 0, "request i reports the outcome of request i-N; 0: none")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	requests, err := readFrames(o.in)
	if err != nil {
		return err
	}
	if o.inflight < 1 || o.warm < 0 || o.warm > len(requests) || o.lanes < 0 {
		return fmt.Errorf("impossible: %d in flight, %d of %d to warm up", o.inflight, o.warm, len(requests))
	}
	var do call
	var done func()
	switch o.protocol {
	case "grpc":
		do, done, err = dialGRPC(o)
	case "http":
		do, done, err = dialHTTP(o)
	default:
		err = fmt.Errorf("unknown protocol %q", o.protocol)
	}
	if err != nil {
		return err
	}
	defer done()
	answers := make([]answer, len(requests))
	reports := newReports(o.lanes, len(requests))
	if _, err := send(do, requests, answers, reports, 0, o.warm, o.inflight, time.Time{}); err != nil {
		return err
	}
	end := time.Now().Add(time.Duration(o.seconds * float64(time.Second)))
	sent, err := send(do, requests, answers, reports, o.warm, len(requests), o.inflight, end)
	if err != nil {
		return err
	}
	return writeAnswers(o.out, answers[:sent])
}

// send sends requests[from:to], none after end, and says how far it came.
func send(do call, requests [][]byte, answers []answer, reports *reports, from, to, inflight int,
	end time.Time,
) (int, error) {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var group sync.WaitGroup
	next.Store(int64(from))
	began := time.Now()
	for range inflight {
		group.Add(1)
		go func() {
			defer group.Done()
			for failed.Load() == nil && (end.IsZero() || time.Now().Before(end)) {
				i := int(next.Add(1) - 1)
				if i >= to {
					return
				}
				message := reports.attach(i, requests[i])
				start := time.Now()
				status, body, err := do(message)
				took := time.Since(start)
				reports.finish(i, body)
				if err != nil {
					failed.CompareAndSwap(nil, &err)
					return
				}
				answers[i] = answer{start.Sub(began), took, status, body}
			}
		}()
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return min(int(next.Load()), to), nil
}

func readFrames(path string) ([][]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var frames [][]byte
	for len(raw) > 0 {
		if len(raw) < 4 || uint64(binary.BigEndian.Uint32(raw)) > uint64(len(raw)-4) {
			return nil, fmt.Errorf("%s: cut short after %d requests", path, len(frames))
		}
		n := 4 + int(binary.BigEndian.Uint32(raw))
		frames = append(frames, raw[4:n:n])
		raw = raw[n:]
	}
	return frames, nil
}

func writeAnswers(path string, answers []answer) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	w := bufio.NewWriterSize(file, 1<<20)
	var head [24]byte
	for _, a := range answers {
		binary.BigEndian.PutUint64(head[0:], uint64(a.start))
		binary.BigEndian.PutUint64(head[8:], uint64(a.took))
		binary.BigEndian.PutUint32(head[16:], a.status)
		binary.BigEndian.PutUint32(head[20:], uint32(len(a.body)))
		w.Write(head[:])
		w.Write(a.body)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return file.Close()
}
