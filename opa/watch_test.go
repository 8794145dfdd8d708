package main

import (
	"sync/atomic"
	"testing"
	"time"
)

// looker is the peer of a batch that does not end by itself.
type looker struct{ looks atomic.Int64 }

func (l *looker) progress()               { l.looks.Add(1) }
func (l *looker) answered([][]byte, bool) {}

func unfinished(timeout time.Duration, peer peer) *batch {
	b := &batch{timeout: timeout, peer: peer, began: time.Now()}
	b.pending.Store(1)
	return b
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 1000 {
		if holds() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal(what)
}

func TestABatchIsLookedAtForAsLongAsItLastsAndNotAfterwards(t *testing.T) {
	var w watch
	for range 3 {
		peer := &looker{}
		w.begin(unfinished(8*time.Millisecond, peer))
		eventually(t, "a batch is not looked at again", func() bool { return peer.looks.Load() > 2 })
		w.end()
		seen := peer.looks.Load()
		time.Sleep(20 * time.Millisecond)
		if peer.looks.Load() != seen {
			t.Error("a batch is looked at after its end")
		}
	}
}

func TestAShortDeadlineDoesNotWaitForTheTimerOfALongOne(t *testing.T) {
	var w watch
	w.begin(unfinished(time.Hour, &looker{}))
	w.end()
	peer := &looker{}
	w.begin(unfinished(4*time.Millisecond, peer))
	eventually(t, "the watch waits for the timer of the batch before", func() bool { return peer.looks.Load() > 0 })
}

func TestAnEvaluationIsToldToStopAtItsDeadlineAndAnsweredForAtTwiceThat(t *testing.T) {
	b := unfinished(40*time.Millisecond, &looker{})
	b.ended, b.answers, b.inputs = make(chan struct{}), make([]answer, 1), make([][]byte, 1)
	b.next.Store(1)
	cancelled := make(chan time.Duration, 1)
	b.worker().at.Store(&task{cancel: onCancel(func() {
		select {
		case cancelled <- time.Since(b.began):
		default:
		}
	})})
	var w watch
	w.begin(b)
	if after := <-cancelled; after < b.timeout {
		t.Errorf("told after %s", after)
	}
	<-b.ended
	if after := time.Since(b.began); after < 2*b.timeout || !b.stuck.Load() {
		t.Errorf("answered for after %s", after)
	}
	w.end()
}

type onCancel func()

func (f onCancel) Cancel()         { f() }
func (f onCancel) Cancelled() bool { return false }
