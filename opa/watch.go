package main

import (
	"sync"
	"time"
)

// watch looks at the batch that is being worked on, again and again while there is one.
// Its timer stays armed from one batch to the next: arming one for each, and one for each
// evaluation, wakes another thread every time, which costs a single call a tenth of what
// it costs at all.
type watch struct {
	guard sync.Mutex
	timer *time.Timer
	due   time.Time // of the timer; zero: it is not armed
	batch *batch
}

func (w *watch) begin(b *batch) {
	w.guard.Lock()
	defer w.guard.Unlock()
	w.batch = b
	w.arm(b.tick())
}

func (w *watch) end() {
	w.guard.Lock()
	defer w.guard.Unlock()
	w.batch = nil
}

// arm makes the timer fire after so long, or before.
func (w *watch) arm(after time.Duration) {
	due := time.Now().Add(after)
	if !w.due.IsZero() && !due.Before(w.due) {
		return
	}
	w.due = due
	if w.timer == nil {
		w.timer = time.AfterFunc(after, w.fire)
	} else {
		w.timer.Reset(after)
	}
}

func (w *watch) fire() {
	w.guard.Lock()
	defer w.guard.Unlock()
	w.due = time.Time{}
	if w.batch == nil {
		return
	}
	if again := w.batch.look(); again > 0 {
		w.arm(again)
	}
}
