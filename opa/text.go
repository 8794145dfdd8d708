package main

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// The reader of texts in inputs and bundle data: quotes, escapes, surrogates.

// string reads a string whose opening quote is the next byte.
func (p *parser) string() (string, error) {
	p.at++
	start := p.at
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return p.text[start : p.at-1], nil
		case c == '\\':
			return p.escaped(start)
		case c < 0x20:
			return "", p.fault("control character in a string")
		}
		p.at++
	}
	return "", p.fault("unterminated string")
}

// escaped reads on from the first backslash of a string that began at start.
func (p *parser) escaped(start int) (string, error) {
	var out strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case c == '"':
			out.WriteString(p.text[start:p.at])
			p.at++
			return out.String(), nil
		case c < 0x20:
			return "", p.fault("control character in a string")
		case c != '\\':
			p.at++
			continue
		}
		out.WriteString(p.text[start:p.at])
		r, err := p.escape()
		if err != nil {
			return "", err
		}
		out.WriteRune(r)
		start = p.at
	}
	return "", p.fault("unterminated string")
}

var shortEscapes = map[byte]rune{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

func (p *parser) escape() (rune, error) {
	if p.at+1 < len(p.text) {
		if r, ok := shortEscapes[p.text[p.at+1]]; ok {
			p.at += 2
			return r, nil
		}
	}
	r, ok := p.codeUnit()
	if !ok {
		return 0, p.fault("malformed escape")
	}
	if utf16.IsSurrogate(r) {
		low, ok := p.codeUnit()
		if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
			return 0, p.fault("lone surrogate")
		}
	}
	return r, nil
}

// codeUnit reads \uXXXX.
func (p *parser) codeUnit() (rune, bool) {
	if len(p.text)-p.at < 6 || p.text[p.at] != '\\' || p.text[p.at+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(p.text[p.at+2 : p.at+6]) {
		switch {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	p.at += 6
	return r, true
}
