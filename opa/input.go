package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"
)

// The reader of inputs and bundle data: strict JSON straight into OPA's values.
// It is stricter than encoding/json (no duplicate keys, no lone surrogates, no
// invalid UTF-8) and keeps every number as it is written.

const (
	// OPA writes out a number such as 1e99999999 digit by digit, past any deadline, so
	// numbers are refused by what is written, before they are numbers (DESIGN section 4).
	maxNumberDigits   = 64
	maxNumberExponent = 308

	// A call's arguments nest to 64 at most; the document around them adds a few levels.
	// The bound keeps the recursion here and in OPA's own visitors shallow.
	maxDepth = 128

	// Up to this many keys, comparing each with each is faster than a map.
	fewKeys = 12
)

// parseObject reads one JSON object and nothing after it.
func parseObject(raw []byte) (ast.Object, error) {
	return reading{input: everything}.parse(raw)
}

// parse reads an input, of which the object holds what the policy reads.
func (r reading) parse(raw []byte) (ast.Object, error) {
	value, err := r.parseValue(raw)
	if err != nil {
		return nil, err
	}
	object, ok := value.(ast.Object)
	if !ok {
		return nil, errors.New("not a JSON object")
	}
	return object, nil
}

func (r reading) parseValue(raw []byte) (ast.Value, error) {
	p := parsers.Get().(*parser)
	p.text, p.at, p.words = string(raw), 0, r.words
	defer p.release()
	if !utf8.ValidString(p.text) {
		return nil, errors.New("not valid UTF-8")
	}
	term, err := p.value(r.input, 0)
	if err != nil {
		return nil, err
	}
	if p.peek() != 0 || p.at < len(p.text) {
		return nil, p.fault("something follows the document")
	}
	return term.Value, nil
}

type parser struct {
	text  string
	at    int
	words map[string]*ast.Term
	keys  []string       // those of the objects being read, innermost last
	pairs [][2]*ast.Term // of these, those that are kept
	items []*ast.Term    // those of the arrays being read, innermost last
}

var parsers = sync.Pool{New: func() any { return &parser{} }}

// What grew beyond so many members is not kept for the next document.
const maxKeptMembers = 1 << 10

func (p *parser) release() {
	if max(cap(p.keys), cap(p.pairs), cap(p.items)) > maxKeptMembers {
		return
	}
	clear(p.keys[:cap(p.keys)])
	clear(p.pairs[:cap(p.pairs)])
	clear(p.items[:cap(p.items)])
	*p = parser{keys: p.keys[:0], pairs: p.pairs[:0], items: p.items[:0]}
	parsers.Put(p)
}

func (p *parser) fault(format string, args ...any) error {
	return fmt.Errorf("byte %d: %s", p.at, fmt.Sprintf(format, args...))
}

// peek skips white space and returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	for p.at < len(p.text) {
		switch c := p.text[p.at]; c {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return c
		}
	}
	return 0
}

// value reads a value. What is not wanted is checked all the same, and no term is made of it.
func (p *parser) value(wanted *part, depth int) (*ast.Term, error) {
	switch c := p.peek(); {
	case c == '"':
		s, err := p.string()
		if err != nil || wanted == nil {
			return nil, err
		}
		return p.term(s), nil
	case c == '{' || c == '[':
		if depth == maxDepth {
			return nil, p.fault("nested more than %d deep", maxDepth)
		}
		p.at++
		if c == '{' {
			return p.object(wanted, depth+1)
		}
		return p.array(wanted, depth+1)
	case c == '-' || isDigit(c):
		written, err := p.number()
		if err != nil || wanted == nil {
			return nil, err
		}
		if term := ast.InternedIntNumberTermFromString(written); term != nil {
			return term, nil
		}
		return ast.NewTerm(ast.Number(written)), nil
	case c == 't':
		return p.literal("true", ast.InternedTerm(true))
	case c == 'f':
		return p.literal("false", ast.InternedTerm(false))
	case c == 'n':
		return p.literal("null", ast.InternedNullTerm)
	}
	return nil, p.fault("expected a value")
}

// term shares the term of a text that the policy knows.
func (p *parser) term(text string) *ast.Term {
	if term, ok := p.words[text]; ok {
		return term
	}
	return ast.InternedTerm(text)
}

func (p *parser) literal(word string, term *ast.Term) (*ast.Term, error) {
	if !strings.HasPrefix(p.text[p.at:], word) {
		return nil, p.fault("expected a value")
	}
	p.at += len(word)
	return term, nil
}

func (p *parser) object(wanted *part, depth int) (*ast.Term, error) {
	firstKey, firstPair := len(p.keys), len(p.pairs)
	for first := true; ; first = false {
		more, err := p.next('}', first)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		if p.peek() != '"' {
			return nil, p.fault("expected a key")
		}
		key, err := p.string()
		if err != nil {
			return nil, err
		}
		if p.peek() != ':' {
			return nil, p.fault("expected ':'")
		}
		p.at++
		p.keys = append(p.keys, key)
		member := wanted
		if wanted != nil && !wanted.whole {
			member = wanted.under[key]
		}
		value, err := p.value(member, depth)
		if err != nil {
			return nil, err
		}
		switch {
		case member == nil:
		case member == wanted:
			p.pairs = append(p.pairs, [2]*ast.Term{p.term(key), value})
		default:
			p.pairs = append(p.pairs, [2]*ast.Term{member.key, value})
		}
	}
	if key, found := duplicate(p.keys[firstKey:]); found {
		return nil, p.fault("key %.64q appears twice", key)
	}
	p.keys = p.keys[:firstKey]
	if wanted == nil {
		return nil, nil
	}
	object := ast.NewObject(p.pairs[firstPair:]...)
	p.pairs = p.pairs[:firstPair]
	return ast.NewTerm(object), nil
}

func (p *parser) array(wanted *part, depth int) (*ast.Term, error) {
	if wanted != nil {
		// Its members are found by number, and no path names those.
		wanted = everything
	}
	firstItem := len(p.items)
	for first := true; ; first = false {
		more, err := p.next(']', first)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		item, err := p.value(wanted, depth)
		if err != nil {
			return nil, err
		}
		if wanted != nil {
			p.items = append(p.items, item)
		}
	}
	if wanted == nil {
		return nil, nil
	}
	// NewArray keeps the slice it is given, so it gets one of its own.
	array := ast.NewArray(append([]*ast.Term(nil), p.items[firstItem:]...)...)
	p.items = p.items[:firstItem]
	return ast.NewTerm(array), nil
}

// next reads the comma before a further member, or the end of the container.
func (p *parser) next(end byte, first bool) (bool, error) {
	c := p.peek()
	if c == end {
		p.at++
		return false, nil
	}
	if first {
		return true, nil
	}
	if c != ',' {
		return false, p.fault("expected ',' or '%c'", end)
	}
	p.at++
	return true, nil
}

func duplicate(keys []string) (string, bool) {
	if len(keys) <= fewKeys {
		for i, key := range keys {
			if slices.Contains(keys[:i], key) {
				return key, true
			}
		}
		return "", false
	}
	seen := make(map[string]struct{}, len(keys))
	for _, key := range keys {
		if _, found := seen[key]; found {
			return key, true
		}
		seen[key] = struct{}{}
	}
	return "", false
}

// number reads a number and returns it as it is written.
func (p *parser) number() (string, error) {
	start := p.at
	if p.text[p.at] == '-' {
		p.at++
	}
	leadingZero := p.at < len(p.text) && p.text[p.at] == '0'
	digits := p.digits()
	if digits == 0 || leadingZero && digits > 1 {
		return "", p.fault("malformed number")
	}
	if p.at < len(p.text) && p.text[p.at] == '.' {
		p.at++
		fraction := p.digits()
		if fraction == 0 {
			return "", p.fault("malformed number")
		}
		digits += fraction
	}
	if digits > maxNumberDigits {
		return "", p.fault("a number with more than %d digits", maxNumberDigits)
	}
	if p.at < len(p.text) && p.text[p.at]|0x20 == 'e' {
		p.at++
		if p.at < len(p.text) && (p.text[p.at] == '+' || p.text[p.at] == '-') {
			p.at++
		}
		from := p.at
		if p.digits() == 0 {
			return "", p.fault("malformed number")
		}
		exponent := 0
		for _, c := range p.text[from:p.at] {
			if exponent = exponent*10 + int(c-'0'); exponent > maxNumberExponent {
				return "", p.fault("a number with an exponent beyond %d", maxNumberExponent)
			}
		}
	}
	return p.text[start:p.at], nil
}

func (p *parser) digits() int {
	start := p.at
	for p.at < len(p.text) && isDigit(p.text[p.at]) {
		p.at++
	}
	return p.at - start
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
