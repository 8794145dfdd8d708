package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
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
type batch struct {
	query   query
	inputs  [][]byte
	timeout time.Duration
	limits  limits

	answers [][]byte
	next    atomic.Int64
	done    chan answer
	workers []*worker
}

type answer struct {
	index int
	body  []byte
}

// worker takes elements one after another. What it is at is there for others to see.
type worker struct {
	index     atomic.Int64 // of the element it evaluates; idle: none
	since     atomic.Int64 // when that began, in nanoseconds since the batch began
	abandoned atomic.Bool
}

const idle = -1

func newBatch(query query, inputs [][]byte, timeout time.Duration, limits limits) *batch {
	return &batch{
		query:   query,
		inputs:  inputs,
		timeout: timeout,
		limits:  limits,
		answers: make([][]byte, len(inputs)),
		// Never blocks a sender, not even one that has been abandoned.
		done: make(chan answer, len(inputs)),
	}
}

// run answers every element. An evaluation gets its deadline and is told to stop
// when it has passed. Some of OPA's functions do not listen: at twice the deadline
// the element is answered without them, another worker takes over, and stuck
// tells that this process must be replaced to get rid of them. As long as a batch
// runs, alive is called at least once for each deadline.
func (b *batch) run(alive func() error) (stuck bool, err error) {
	began := time.Now()
	for range min(b.limits.workers, len(b.inputs)) {
		b.start(began)
	}
	ticker := time.NewTicker(max(b.timeout/4, time.Millisecond))
	defer ticker.Stop()
	for pending := len(b.inputs); pending > 0; {
		select {
		case a := <-b.done:
			if b.answers[a.index] == nil {
				b.answers[a.index] = a.body
				pending--
			}
		case <-ticker.C:
			abandoned := b.abandon(began)
			pending -= abandoned
			stuck = stuck || abandoned > 0
			if err := alive(); err != nil {
				return stuck, err
			}
		}
	}
	return stuck, nil
}

func (b *batch) start(began time.Time) {
	w := &worker{}
	w.index.Store(idle)
	b.workers = append(b.workers, w)
	go func() {
		for !w.abandoned.Load() {
			i := int(b.next.Add(1)) - 1
			if i >= len(b.inputs) {
				return
			}
			w.since.Store(int64(time.Since(began)))
			w.index.Store(int64(i))
			body := b.query.answer(b.inputs[i], b.timeout, b.limits)
			w.index.Store(idle)
			b.done <- answer{i, body}
		}
	}()
}

// abandon answers the elements that are past twice the deadline in their workers' place.
func (b *batch) abandon(began time.Time) (count int) {
	for _, w := range b.workers {
		i := w.index.Load()
		late := time.Since(began)-time.Duration(w.since.Load()) > 2*b.timeout
		if i == idle || !late || w.abandoned.Load() || b.answers[i] != nil {
			continue
		}
		w.abandoned.Store(true)
		b.answers[i] = encodeError(evaluationError{"timeout", "the evaluation did not stop at its deadline"}, 2*b.timeout)
		b.start(began)
		count++
	}
	return count
}

// answer evaluates one element; whatever happens to it is its answer.
func (q query) answer(input []byte, timeout time.Duration, limits limits) (body []byte) {
	began := time.Now()
	defer func() {
		if r := recover(); r != nil {
			body = encodeError(evaluationError{"panic", fmt.Sprint(r)}, time.Since(began))
		}
	}()
	result, err := q.evaluate(input, timeout, limits)
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
func (q query) evaluate(input []byte, timeout time.Duration, limits limits) ([]byte, error) {
	if len(input) > limits.maxInputBytes {
		return nil, evaluationError{"input_invalid", fmt.Sprintf("input of %d bytes, at most %d are allowed", len(input), limits.maxInputBytes)}
	}
	document, err := parseObject(input)
	if err != nil {
		return nil, evaluationError{"input_invalid", err.Error()}
	}
	cancel := topdown.NewCancel()
	timer := time.AfterFunc(timeout, cancel.Cancel)
	defer timer.Stop()
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
