package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/topdown"
)

// An error message may quote the policy or the input; operators need its beginning.
const maxMessageBytes = 1 << 10

// evaluationError says why an element has no result. Its codes: undefined,
// builtin_error, timeout, input_invalid, result_too_large, result_invalid, panic,
// revision_mismatch, internal.
type evaluationError struct{ code, message string }

func (e evaluationError) Error() string { return e.message }

// batch is the evaluation of one frame's elements, each on its own: parsed, timed
// and limited alone, so that none can change what another is answered.
//
// An evaluation has a deadline, and the watch tells it to stop when that has passed.
// Some of OPA's functions do not listen: at twice the deadline the watch answers in
// their place and another worker takes over. What is stuck stays so, therefore a process
// with such a batch ends once it is answered.
type batch struct {
	query   query
	inputs  [][]byte
	timeout time.Duration
	limits  limits
	peer    peer
	began   time.Time

	next    atomic.Int64 // the first element no worker has taken
	pending atomic.Int64 // elements without an answer
	answers []answer
	stuck   atomic.Bool
	ended   chan struct{}

	guard   sync.Mutex // guards what follows
	workers []*worker
}

// peer hears of a batch: for each quarter of a deadline that it lives, and once
// its answers. Both are called from several goroutines.
type peer interface {
	progress()
	answered(answers [][]byte, stuck bool)
}

type answer struct {
	given atomic.Bool
	body  []byte
}

// worker takes elements one after another. What it is at is there for the watch to see.
type worker struct {
	at        atomic.Pointer[task] // nil: nothing
	abandoned atomic.Bool
}

// task is the evaluation of one element.
type task struct {
	index  int
	since  time.Duration // when it began, since the batch began
	cancel topdown.Cancel
}

// run answers every element and returns when the peer has heard.
func (q query) run(inputs [][]byte, timeout time.Duration, limits limits, watch *watch, peer peer) {
	b := &batch{
		query:   q,
		inputs:  inputs,
		timeout: timeout,
		limits:  limits,
		peer:    peer,
		began:   time.Now(),
		answers: make([]answer, len(inputs)),
		ended:   make(chan struct{}),
	}
	if len(inputs) == 0 {
		peer.answered(nil, false)
		return
	}
	b.pending.Store(int64(len(inputs)))
	own := b.worker()
	for range min(limits.workers, len(inputs)) - 1 {
		go b.work(b.worker())
	}
	watch.begin(b)
	// This goroutine is a worker too: a single evaluation needs no other to wake up.
	b.work(own)
	<-b.ended
	watch.end()
}

func (b *batch) tick() time.Duration { return max(b.timeout/4, time.Millisecond) }

func (b *batch) worker() *worker {
	b.guard.Lock()
	defer b.guard.Unlock()
	w := &worker{}
	b.workers = append(b.workers, w)
	return w
}

func (b *batch) work(w *worker) {
	for !w.abandoned.Load() {
		i := int(b.next.Add(1)) - 1
		if i >= len(b.inputs) {
			return
		}
		t := &task{index: i, since: time.Since(b.began), cancel: topdown.NewCancel()}
		w.at.Store(t)
		body := b.query.answer(b.inputs[i], b.timeout, t.cancel, b.limits)
		w.at.Store(nil)
		b.give(i, body)
	}
}

// give answers an element; the first answer counts. Who gives the last one tells the peer.
func (b *batch) give(i int, body []byte) {
	if !b.answers[i].given.CompareAndSwap(false, true) {
		return
	}
	b.answers[i].body = body
	if b.pending.Add(-1) > 0 {
		return
	}
	answers := make([][]byte, len(b.answers))
	for i := range b.answers {
		answers[i] = b.answers[i].body
	}
	b.peer.answered(answers, b.stuck.Load())
	close(b.ended)
}

// look tells evaluations to stop that are past the deadline, and answers those that are
// past twice the deadline. It returns after how long to look again; 0: there is no need.
func (b *batch) look() time.Duration {
	again := b.tick()
	for _, w := range b.watched() {
		t := w.at.Load()
		if t == nil || w.abandoned.Load() {
			continue
		}
		age := time.Since(b.began) - t.since
		switch {
		case age < b.timeout:
			again = min(again, b.timeout-age)
		case age < 2*b.timeout:
			t.cancel.Cancel()
			again = min(again, 2*b.timeout-age)
		default:
			w.abandoned.Store(true)
			b.stuck.Store(true)
			go b.work(b.worker())
			b.give(t.index, encodeError(evaluationError{"timeout", "the evaluation did not stop at its deadline"}, 2*b.timeout))
		}
	}
	if b.pending.Load() == 0 {
		return 0
	}
	b.peer.progress()
	return max(again, time.Millisecond)
}

func (b *batch) watched() []*worker {
	b.guard.Lock()
	defer b.guard.Unlock()
	return slices.Clone(b.workers)
}

// answer evaluates one element; whatever happens to it is its answer.
func (q query) answer(input []byte, timeout time.Duration, cancel topdown.Cancel, limits limits) (body []byte) {
	began := time.Now()
	defer func() {
		if r := recover(); r != nil {
			body = encodeError(evaluationError{"panic", fmt.Sprint(r)}, time.Since(began))
		}
	}()
	result, err := q.evaluate(input, cancel, limits)
	took := time.Since(began)
	// Also where the evaluation ended by itself, after the deadline but before it noticed.
	if took > timeout {
		err = evaluationError{"timeout", "the deadline of " + timeout.String() + " passed"}
	}
	if err != nil {
		return encodeError(err, took)
	}
	result = append(result, `,"us":`...)
	result = strconv.AppendInt(result, took.Microseconds(), 10)
	return append(result, '}')
}

const resultPrefix = `{"result":`

// evaluate returns the beginning of an answer: resultPrefix and the result.
func (q query) evaluate(input []byte, cancel topdown.Cancel, limits limits) ([]byte, error) {
	if len(input) > limits.maxInputBytes {
		return nil, evaluationError{"input_invalid", fmt.Sprintf("input of %d bytes, at most %d are allowed", len(input), limits.maxInputBytes)}
	}
	document, err := q.reading.parse(input)
	if err != nil {
		return nil, evaluationError{"input_invalid", err.Error()}
	}
	value, err := q.value(document, cancel)
	if err != nil {
		return nil, err
	}
	w := resultWriter{out: make([]byte, 0, 512), limit: limits.maxResultBytes + len(resultPrefix)}
	w.out = append(w.out, resultPrefix...)
	if err := w.value(value, 0); err != nil {
		return nil, err
	}
	return w.out, nil
}

func encodeError(err error, took time.Duration) []byte {
	type body struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	e := evaluationError{"internal", err.Error()}
	errors.As(err, &e)
	encoded, err := json.Marshal(struct {
		Error body  `json:"error"`
		US    int64 `json:"us"`
	}{body{e.code, clip(e.message, maxMessageBytes)}, took.Microseconds()})
	if err != nil {
		return []byte(`{"error":{"code":"internal","message":"the error cannot be encoded"},"us":0}`)
	}
	return encoded
}

// clip keeps the first bytes of a message, whole characters only.
func clip(message string, limit int) string {
	if len(message) <= limit {
		return message
	}
	return strings.ToValidUTF8(message[:limit], "") + " …"
}
