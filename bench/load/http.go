package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
)

func dialHTTP(o options) (call, func(), error) {
	network, address := "tcp", o.target
	if path, found := strings.CutPrefix(o.target, "unix:"); found {
		network, address = "unix", path
	}
	dialer := net.Dialer{Timeout: connectTime}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		},
		MaxIdleConnsPerHost: o.inflight,
		DisableCompression:  true,
	}
	client := &http.Client{Transport: transport, Timeout: o.timeout}
	url := "http://localhost" + o.path
	return func(message []byte) (uint32, []byte, error) {
		response, err := client.Post(url, "application/json", bytes.NewReader(message))
		if err != nil {
			return 0, nil, err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(io.LimitReader(response.Body, messageBytes))
		return uint32(response.StatusCode), body, err
	}, transport.CloseIdleConnections, nil
}
