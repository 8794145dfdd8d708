package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// The conversation: the peer sends a request and waits for the frame that answers
// it; requests and answers carry the same id.
//
//	load      element: {"modules": {path: Rego}, "data": {...}}
//	          answer: ok, workers; element: {"rules": [...]} or {"error": "..."}
//	          A refused policy leaves the one before it in force.
//	evaluate  elements: inputs; answer: for each, in order,
//	          {"result": ..., "us": n} or {"error": {"code": "...", "message": "..."}, "us": n}
//	          Frames with the op progress may come before it.
//
// Anything else is a violation and ends the process.

// A longer deadline than this is a mistake of the caller, not a policy's need.
const maxTimeout = time.Minute

// Beside 0 for a peer that closed the socket and 2 for a violation or a bad argument.
const exitStuck = 3

type request struct {
	Op          string   `json:"op"`
	ID          uint64   `json:"id"`
	Revision    string   `json:"revision"`
	Entrypoints []string `json:"entrypoints"` // load
	Entrypoint  string   `json:"entrypoint"`  // evaluate
	TimeoutMS   int64    `json:"timeout_ms"`  // evaluate, for each element
}

type reply struct {
	Op string `json:"op"`
	ID uint64 `json:"id"`
	OK *bool  `json:"ok,omitempty"` // load
	// Workers tells the peer how many elements are evaluated at once.
	Workers int `json:"workers,omitempty"` // load
	// Replace says that this process ends: an evaluation of this batch cannot be stopped.
	Replace bool `json:"replace,omitempty"` // evaluate
}

type server struct {
	socket io.ReadWriter
	limits limits
	frames frameReader
	policy *policy
	watch  watch
	out    []byte
}

// decide serves frames on the inherited socket until the peer closes it.
func decide(args []string) error {
	limits, err := parseLimits(args)
	if err != nil {
		return err
	}
	if err := limits.apply(); err != nil {
		return err
	}
	// Time zones named "Local" must mean the same on every host.
	time.Local = time.UTC
	// A terminal or an init system signals the whole group; the PDP alone decides
	// when this process ends, by closing the socket.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// Blocking reads, not the runtime's poller, because there is one peer and
	// nothing else to do while it is silent.
	socket := os.NewFile(uintptr(limits.fd), "socket")
	if socket == nil {
		return fmt.Errorf("--fd %d is not open", limits.fd)
	}
	defer socket.Close()
	s := server{
		socket: socket,
		limits: limits,
		frames: frameReader{source: socket, maxBytes: limits.maxFrameBytes, maxElements: limits.maxElements},
	}
	return s.run()
}

func (s *server) run() error {
	for {
		header, elements, err := s.frames.read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var request request
		decoder := json.NewDecoder(bytes.NewReader(header))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&request); err != nil {
			return violation{"header: " + err.Error()}
		}
		switch request.Op {
		case "load":
			err = s.load(request, elements)
		case "evaluate":
			err = s.evaluate(request, elements)
		default:
			err = violation{fmt.Sprintf("unknown op %.32q", request.Op)}
		}
		if err != nil {
			return err
		}
	}
}

func (s *server) load(request request, elements [][]byte) error {
	if len(elements) != 1 {
		return violation{fmt.Sprintf("load needs 1 element, got %d", len(elements))}
	}
	var body any
	loaded, rules, err := loadPolicy(request.Revision, request.Entrypoints, elements[0])
	ok := err == nil
	if ok {
		s.policy.close()
		s.policy = loaded
		body = map[string]any{"rules": rules}
	} else {
		body = map[string]any{"error": err.Error()}
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return s.send(reply{Op: "load", ID: request.ID, OK: &ok, Workers: s.limits.workers}, [][]byte{encoded})
}

func (s *server) evaluate(request request, elements [][]byte) error {
	timeout := time.Duration(request.TimeoutMS) * time.Millisecond
	if timeout <= 0 || timeout > maxTimeout {
		return violation{fmt.Sprintf("timeout_ms %d is not within 1 and %d", request.TimeoutMS, maxTimeout.Milliseconds())}
	}
	query, err := s.query(request)
	if err != nil {
		answers := make([][]byte, len(elements))
		for i := range answers {
			answers[i] = encodeError(err, 0)
		}
		return s.send(reply{Op: "evaluate", ID: request.ID}, answers)
	}
	x := &exchange{server: s, id: request.ID}
	query.run(elements, timeout, s.limits, &s.watch, x)
	return x.failed
}

func (s *server) query(request request) (query, error) {
	if s.policy == nil || s.policy.revision != request.Revision {
		return query{}, evaluationError{"revision_mismatch", "the revision asked for is not the one loaded"}
	}
	return s.policy.query(request.Entrypoint)
}

func (s *server) send(header reply, elements [][]byte) error {
	encoded, err := json.Marshal(header)
	if err != nil {
		return err
	}
	if cap(s.out) > keptBufferBytes {
		s.out = nil
	}
	s.out = appendFrame(s.out[:0], encoded, elements)
	_, err = s.socket.Write(s.out)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return nil // the peer is gone; the next read says so
	}
	return err
}

// exchange is the peer of one batch.
type exchange struct {
	server *server
	id     uint64

	sending sync.Mutex // guards what follows
	over    bool
	failed  error
}

func (x *exchange) progress() {
	x.sending.Lock()
	defer x.sending.Unlock()
	if !x.over {
		x.failed = x.server.send(reply{Op: "progress", ID: x.id}, nil)
		x.over = x.failed != nil
	}
}

func (x *exchange) answered(answers [][]byte, stuck bool) {
	x.sending.Lock()
	defer x.sending.Unlock()
	if !x.over {
		x.failed = x.server.send(reply{Op: "evaluate", ID: x.id, Replace: stuck}, answers)
		x.over = true
	}
	if stuck {
		fmt.Fprintln(os.Stderr, "an evaluation did not stop at its deadline; this process ends to be rid of it")
		os.Exit(exitStuck)
	}
}
