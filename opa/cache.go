package main

import (
	"slices"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// The caches of evaluations, in place of OPA's: theirs are trees of maps, made anew for
// every evaluation, and cost as much as the rules whose values they hold.

// base is the policy's data, which never changes while the policy is in force: every
// reference into it is a lookup, and nothing has to be kept.
type base struct{ data ast.Object }

// Get returns the value of a ground reference. What is not found is left to the store,
// which finds what is written differently (the number 1 for the key "1"), and so is the
// root, of which the store hides a part.
func (b base) Get(ref ast.Ref) ast.Value {
	if len(ref) < 2 {
		return nil
	}
	value, err := b.data.Find(ref[1:])
	if err != nil {
		return nil
	}
	return value
}

// Put keeps nothing.
func (b base) Put(ast.Ref, ast.Value) {}

// A table that had to grow beyond this is not kept for the next evaluation.
const maxKeptEntries = 1 << 10

// values holds the values that one evaluation has computed for rules and functions, by
// reference: a stack of tables, of which the last is in use. A `with` pushes one, because
// under it the same reference may mean another value.
type values struct {
	frames []*frame
	depth  int
}

var _ topdown.VirtualCache = (*values)(nil)

var valuesPool = sync.Pool{New: func() any { return &values{} }}

func newValues() *values {
	v := valuesPool.Get().(*values)
	v.Push()
	return v
}

// release forgets everything. To be called when the evaluation has ended.
func (v *values) release() {
	for v.depth > 0 {
		v.Pop()
	}
	valuesPool.Put(v)
}

// Push makes an empty table the one in use.
func (v *values) Push() {
	if v.depth == len(v.frames) {
		v.frames = append(v.frames, newFrame())
	}
	v.depth++
}

// Pop forgets the table in use and returns to the one before it.
func (v *values) Pop() {
	v.depth--
	if f := v.frames[v.depth]; len(f.entries) > maxKeptEntries {
		v.frames[v.depth] = newFrame()
	} else {
		f.clear()
	}
}

// Get returns the value, or nil and whether the reference is known to be undefined.
func (v *values) Get(ref ast.Ref) (*ast.Term, bool) {
	f := v.frames[v.depth-1]
	if e := f.slots[f.find(ref, hashOf(ref))]; e != 0 {
		value := f.entries[e-1].value
		return value, value == nil
	}
	return nil, false
}

// Put sets a value; nil: the reference is undefined.
func (v *values) Put(ref ast.Ref, value *ast.Term) {
	v.frames[v.depth-1].put(ref, value)
}

// Keys lists the references that have a value.
func (v *values) Keys() []ast.Ref {
	var keys []ast.Ref
	for _, e := range v.frames[v.depth-1].entries {
		if e.value != nil {
			keys = append(keys, slices.Clone(e.ref))
		}
	}
	return keys
}

// frame is a hash table with open addressing.
type frame struct {
	slots   []int32 // 0, or the number of an entry; their count is a power of two
	entries []entry
	terms   []*ast.Term // of the references, which are only lent to Put
}

type entry struct {
	hash  uint64
	ref   ast.Ref
	value *ast.Term
}

const fewestSlots = 256

func newFrame() *frame { return &frame{slots: make([]int32, fewestSlots)} }

func (f *frame) clear() {
	clear(f.slots)
	clear(f.entries)
	clear(f.terms)
	f.entries, f.terms = f.entries[:0], f.terms[:0]
}

// find returns the slot that holds the reference, or the free one where it belongs.
func (f *frame) find(ref ast.Ref, hash uint64) int {
	mask := len(f.slots) - 1
	for i := int(hash) & mask; ; i = (i + 1) & mask {
		e := f.slots[i]
		if e == 0 || f.entries[e-1].hash == hash && ast.RefEqual(f.entries[e-1].ref, ref) {
			return i
		}
	}
}

func (f *frame) put(ref ast.Ref, value *ast.Term) {
	hash := hashOf(ref)
	slot := f.find(ref, hash)
	if e := f.slots[slot]; e != 0 {
		f.entries[e-1].value = value
		return
	}
	start := len(f.terms)
	f.terms = append(f.terms, ref...)
	f.entries = append(f.entries, entry{hash, f.terms[start:len(f.terms):len(f.terms)], value})
	f.slots[slot] = int32(len(f.entries))
	if 2*len(f.entries) > len(f.slots) {
		f.grow()
	}
}

func (f *frame) grow() {
	f.slots = make([]int32, 2*len(f.slots))
	mask := len(f.slots) - 1
	for n, e := range f.entries {
		i := int(e.hash) & mask
		for f.slots[i] != 0 {
			i = (i + 1) & mask
		}
		f.slots[i] = int32(n + 1)
	}
}

// hashOf leaves out what comes first: the root of all references, or a function, few of
// which are called with the same arguments.
func hashOf(ref ast.Ref) uint64 {
	hash := uint64(len(ref))
	for _, term := range ref[min(1, len(ref)):] {
		hash = (hash ^ uint64(term.Hash())) * 0x9e3779b97f4a7c15
		hash ^= hash >> 32
	}
	return hash
}
