package main

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

// Answers are small; a server that sends more than the contract allows is told so.
const messageBytes = 16 << 20

// How long a server may take to accept the connection.
const connectTime = 10 * time.Second

// raw passes messages as the bytes they are, under the name that servers expect.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	message, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("not bytes: %T", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(message)}, nil
}

func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	body, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("not bytes: %T", v)
	}
	*body = data.Materialize()
	return nil
}

var _ encoding.CodecV2 = raw{}

func dialGRPC(o options) (call, func(), error) {
	connection, err := grpc.NewClient(
		target(o.target),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithNoProxy(),
		grpc.WithDefaultCallOptions(
			grpc.ForceCodecV2(raw{}), grpc.MaxCallRecvMsgSize(messageBytes),
		),
		// Whatever is answered counts, as it was answered.
		grpc.WithDisableRetry(),
		grpc.WithDisableServiceConfig(),
	)
	if err != nil {
		return nil, nil, err
	}
	closeIt := func() { connection.Close() }
	ctx, cancel := context.WithTimeout(context.Background(), connectTime)
	defer cancel()
	connection.Connect()
	for state := connection.GetState(); state != connectivity.Ready; state = connection.GetState() {
		if !connection.WaitForStateChange(ctx, state) {
			closeIt()
			return nil, nil, fmt.Errorf("no connection to %s within %s", o.target, connectTime)
		}
	}
	return func(message []byte) (uint32, []byte, error) {
		ctx, cancel := context.WithTimeout(context.Background(), o.timeout)
		defer cancel()
		var body []byte
		err := connection.Invoke(ctx, o.path, message, &body)
		if err != nil {
			found, _ := status.FromError(err)
			return uint32(found.Code()), []byte(found.Message()), nil
		}
		return 0, body, nil
	}, closeIt, nil
}

// target keeps names from being looked up anywhere.
func target(address string) string {
	if len(address) > 5 && address[:5] == "unix:" {
		return address
	}
	return "passthrough:///" + address
}
