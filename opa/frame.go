package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A frame is one message on the socket, in either direction:
//
//	u32  length of all that follows
//	u32  length of the header, then the header: one JSON object
//	for each element: u32 length, then its bytes
//
// All integers are big-endian. The Python side is pdp/engine/frames.py.

const (
	lengthBytes = 4

	// A header holds names only; policies, data and inputs travel in elements.
	maxHeaderBytes = 64 << 10

	// A read buffer larger than this is given back after its frame, so that one
	// large bundle does not stay in memory twice.
	keptBufferBytes = 8 << 20
)

// violation is a breach of the frame format: the peers no longer agree on where
// a message begins, so the process must end.
type violation struct{ what string }

func (v violation) Error() string { return "protocol violation: " + v.what }

type frameReader struct {
	source      io.Reader
	maxBytes    int
	maxElements int
	buffer      []byte
}

// read returns the next frame. Header and elements are valid until the next
// read. It returns io.EOF when the peer has closed the socket, also inside a frame.
func (f *frameReader) read() (header []byte, elements [][]byte, err error) {
	var prefix [lengthBytes]byte
	if _, err := io.ReadFull(f.source, prefix[:]); err != nil {
		return nil, nil, closed(err)
	}
	total := int(binary.BigEndian.Uint32(prefix[:]))
	if total > f.maxBytes {
		return nil, nil, violation{fmt.Sprintf("frame of %d bytes, at most %d are allowed", total, f.maxBytes)}
	}
	if cap(f.buffer) < total || cap(f.buffer) > keptBufferBytes {
		f.buffer = make([]byte, total)
	}
	rest := f.buffer[:total]
	if _, err := io.ReadFull(f.source, rest); err != nil {
		return nil, nil, closed(err)
	}
	header, rest, err = cut(rest)
	if err != nil {
		return nil, nil, err
	}
	if len(header) > maxHeaderBytes {
		return nil, nil, violation{fmt.Sprintf("header of %d bytes, at most %d are allowed", len(header), maxHeaderBytes)}
	}
	for len(rest) > 0 {
		if len(elements) == f.maxElements {
			return nil, nil, violation{fmt.Sprintf("more than %d elements in a frame", f.maxElements)}
		}
		var element []byte
		if element, rest, err = cut(rest); err != nil {
			return nil, nil, err
		}
		elements = append(elements, element)
	}
	return header, elements, nil
}

func cut(from []byte) (piece, rest []byte, err error) {
	if len(from) < lengthBytes {
		return nil, nil, violation{"a length is cut short"}
	}
	length := int(binary.BigEndian.Uint32(from))
	from = from[lengthBytes:]
	if length > len(from) {
		return nil, nil, violation{fmt.Sprintf("a piece of %d bytes in a frame that has %d left", length, len(from))}
	}
	return from[:length], from[length:], nil
}

func closed(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	return err
}

// appendFrame appends a whole frame to dst.
func appendFrame(dst, header []byte, elements [][]byte) []byte {
	total := lengthBytes + len(header)
	for _, element := range elements {
		total += lengthBytes + len(element)
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(total))
	dst = appendPiece(dst, header)
	for _, element := range elements {
		dst = appendPiece(dst, element)
	}
	return dst
}

func appendPiece(dst, piece []byte) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(piece))), piece...)
}
