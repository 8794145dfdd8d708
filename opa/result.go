package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"
)

// The writer of results: OPA's values to JSON, numbers exactly as they are, sets
// as sorted arrays, and no more of it than the limit allows.

const hexDigits = "0123456789abcdef"

type resultWriter struct {
	out   []byte
	limit int // bytes that out may grow to
}

func (w *resultWriter) value(value ast.Value, depth int) error {
	if depth > maxDepth {
		return evaluationError{"result_invalid", fmt.Sprintf("the result is nested more than %d deep", maxDepth)}
	}
	if len(w.out) > w.limit {
		return evaluationError{"result_too_large", "the result is larger than the limit"}
	}
	switch v := value.(type) {
	case ast.Null:
		w.out = append(w.out, "null"...)
	case ast.Boolean:
		if v {
			w.out = append(w.out, "true"...)
		} else {
			w.out = append(w.out, "false"...)
		}
	case ast.Number:
		return w.number(string(v))
	case ast.String:
		w.string(string(v))
	case *ast.Array:
		return w.array(v, depth)
	case ast.Set:
		return w.array(v.Sorted(), depth)
	case ast.Object:
		return w.object(v, depth)
	default:
		return evaluationError{"result_invalid", "the result holds " + ast.ValueName(v) + ", which is not JSON"}
	}
	if len(w.out) > w.limit {
		return evaluationError{"result_too_large", "the result is larger than the limit"}
	}
	return nil
}

func (w *resultWriter) array(array *ast.Array, depth int) error {
	w.out = append(w.out, '[')
	for i := range array.Len() {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		if err := w.value(array.Elem(i).Value, depth+1); err != nil {
			return err
		}
	}
	w.out = append(w.out, ']')
	return nil
}

func (w *resultWriter) object(object ast.Object, depth int) error {
	w.out = append(w.out, '{')
	first := true
	err := object.Iter(func(key, value *ast.Term) error {
		name, ok := key.Value.(ast.String)
		if !ok {
			return evaluationError{"result_invalid", "an object of the result has a key that is not a string"}
		}
		if !first {
			w.out = append(w.out, ',')
		}
		first = false
		w.string(string(name))
		w.out = append(w.out, ':')
		return w.value(value.Value, depth+1)
	})
	w.out = append(w.out, '}')
	return err
}

// number holds results to the limits of inputs, so that the reader's own number
// type, whatever it is, meets nothing that costs more than it looks.
func (w *resultWriter) number(written string) error {
	// Rego can compute what JSON would write differently, never what is no JSON number at all.
	if !withinNumberLimits(written) {
		return evaluationError{"result_invalid", "the result holds a number with too many digits or too large an exponent"}
	}
	w.out = append(w.out, written...)
	return nil
}

func withinNumberLimits(written string) bool {
	p := parser{text: written}
	if written == "" || written[0] != '-' && !isDigit(written[0]) {
		return false
	}
	_, err := p.number()
	return err == nil && p.at == len(written)
}

func (w *resultWriter) string(s string) {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, string(utf8.RuneError))
	}
	w.out = append(w.out, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		w.out = append(w.out, s[start:i]...)
		start = i + 1
		if c == '"' || c == '\\' {
			w.out = append(w.out, '\\', c)
		} else {
			w.out = append(w.out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	w.out = append(w.out, s[start:]...)
	w.out = append(w.out, '"')
}
