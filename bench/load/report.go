package main

import "google.golang.org/protobuf/encoding/protowire"

// Fields of pdp.v1 that a report is made of.
const (
	responseDecisionID = 4
	requestOutcomes    = 8
	outcomeDecisionID  = 1
	outcomeStatus      = 2
	outcomeOutput      = 3
	statusSucceeded    = 1
)

// What a tool might return: the outcome is known to the service, and kept.
var output = []byte(`{"result":"done","items":[{"id":"m-1","title":"Minutes"},{"id":"m-2","title":"Agenda"}]}`)

// reports lets request i carry the outcome of request i-lanes: the one before it of its task.
type reports struct {
	lanes     int
	decisions []string
	finished  []chan struct{}
}

func newReports(lanes, requests int) *reports {
	r := &reports{lanes: lanes}
	if lanes == 0 {
		return r
	}
	r.decisions = make([]string, requests)
	r.finished = make([]chan struct{}, requests)
	for i := range r.finished {
		r.finished[i] = make(chan struct{})
	}
	return r
}

// attach gives the request with the outcome, once there is one to report.
func (r *reports) attach(i int, request []byte) []byte {
	if r.lanes == 0 || i < r.lanes {
		return request
	}
	<-r.finished[i-r.lanes]
	decision := r.decisions[i-r.lanes]
	if decision == "" {
		return request
	}
	outcome := protowire.AppendTag(nil, outcomeDecisionID, protowire.BytesType)
	outcome = protowire.AppendString(outcome, decision)
	outcome = protowire.AppendTag(outcome, outcomeStatus, protowire.VarintType)
	outcome = protowire.AppendVarint(outcome, statusSucceeded)
	outcome = protowire.AppendTag(outcome, outcomeOutput, protowire.BytesType)
	outcome = protowire.AppendBytes(outcome, output)
	message := protowire.AppendTag(append([]byte(nil), request...), requestOutcomes, protowire.BytesType)
	return protowire.AppendBytes(message, outcome)
}

// finish keeps the decision that was answered, for the report of it.
func (r *reports) finish(i int, body []byte) {
	if r.lanes == 0 {
		return
	}
	defer close(r.finished[i])
	for len(body) > 0 {
		number, kind, n := protowire.ConsumeTag(body)
		if n < 0 {
			return
		}
		body = body[n:]
		if number == responseDecisionID && kind == protowire.BytesType {
			id, n := protowire.ConsumeString(body)
			if n >= 0 {
				r.decisions[i] = id
			}
			return
		}
		n = protowire.ConsumeFieldValue(number, kind, body)
		if n < 0 {
			return
		}
		body = body[n:]
	}
}
