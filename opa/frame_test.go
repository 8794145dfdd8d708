package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
)

func reader(raw []byte) *frameReader {
	return &frameReader{source: bytes.NewReader(raw), maxBytes: 1 << 10, maxElements: 3}
}

func TestFramesAreReadAsTheyWereWritten(t *testing.T) {
	raw := appendFrame(nil, []byte(`{"op":"x"}`), [][]byte{[]byte("one"), {}, []byte("three")})
	raw = appendFrame(raw, []byte(`{}`), nil)
	f := reader(raw)
	header, elements, err := f.read()
	if err != nil || string(header) != `{"op":"x"}` || len(elements) != 3 || string(elements[2]) != "three" || len(elements[1]) != 0 {
		t.Fatal(string(header), elements, err)
	}
	if header, elements, err = f.read(); err != nil || string(header) != "{}" || len(elements) != 0 {
		t.Fatal(string(header), elements, err)
	}
	if _, _, err = f.read(); err != io.EOF {
		t.Fatal(err)
	}
}

func TestAPeerThatGoesAwayInsideAFrameIsTheEndAndNoViolation(t *testing.T) {
	raw := appendFrame(nil, []byte(`{}`), [][]byte{[]byte("one")})
	for cut := range raw {
		if _, _, err := reader(raw[:cut]).read(); err != io.EOF {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
}

func TestABreachOfTheFormatIsAViolationThatSaysWhat(t *testing.T) {
	u32 := func(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
	join := func(pieces ...[]byte) []byte { return bytes.Join(pieces, nil) }
	for want, raw := range map[string][]byte{
		"frame of 1025 bytes":   u32(1025),
		"frame of 4294967295":   u32(1<<32 - 1),
		"a length is cut short": join(u32(2), []byte("ab")),
		"a piece of 9 bytes":    join(u32(6), u32(9), []byte("{}")),
		"a piece of 4294967295": join(u32(10), u32(2), []byte("{}"), u32(1<<32-1)),
		"more than 3 elements":  appendFrame(nil, []byte("{}"), make([][]byte, 4)),
	} {
		_, _, err := reader(raw).read()
		var v violation
		if !errors.As(err, &v) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
