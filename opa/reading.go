package main

import "github.com/open-policy-agent/opa/v1/ast"

// What a policy reads of its input, found once when it is loaded. An input is checked as a
// whole, but only what can be read of it becomes values.

// part says what is read of a value: all of it, or of an object what is under some of its
// keys. Of a nil part nothing is read.
type part struct {
	key   *ast.Term // that it is under
	whole bool
	under map[string]*part
}

var everything = &part{whole: true}

// add follows a reference as far as it names keys: what it names is read as a whole, and so
// is what it goes through with a variable or an index.
func (p *part) add(path ast.Ref) {
	for _, term := range path {
		key, ok := term.Value.(ast.String)
		if p.whole || !ok {
			break
		}
		next := p.under[string(key)]
		if next == nil {
			next = &part{key: ast.InternedTerm(string(key)), under: map[string]*part{}}
			p.under[string(key)] = next
		}
		p = next
	}
	p.whole, p.under = true, nil
}

// Texts longer than this are prose and do not come again in inputs; so many words are more
// than a policy of any size has.
const maxWordBytes, maxWords = 64, 1 << 14

// reading is how the inputs of a policy are read.
type reading struct {
	input *part
	words map[string]*ast.Term // texts that the policy knows, as terms to be shared
}

// readingOf walks compiled modules. Every way to the input is a reference that begins with
// it; one that is `input` alone, as in a function's argument, reads all of it.
func readingOf(modules map[string]*ast.Module) reading {
	r := reading{input: &part{under: map[string]*part{}}, words: map[string]*ast.Term{}}
	var visitor *ast.GenericVisitor
	visitor = ast.NewGenericVisitor(func(node any) bool {
		switch node := node.(type) {
		case *ast.Term:
			r.learn(node)
		case *ast.Head:
			visitor.Walk(node.Reference) // which the visitor itself leaves out
		case ast.Ref:
			if len(node) > 0 && node[0].Equal(ast.InputRootDocument) {
				r.input.add(node[1:])
				for _, term := range node[1:] {
					visitor.Walk(term)
				}
				return true
			}
		case ast.Var:
			if node.Equal(ast.InputRootDocument.Value) {
				r.input.add(nil)
			}
		}
		return false
	})
	for _, module := range modules {
		visitor.Walk(module)
	}
	return r
}

func (r reading) learn(term *ast.Term) {
	if text, ok := term.Value.(ast.String); ok && len(text) <= maxWordBytes && len(r.words) < maxWords {
		r.words[string(text)] = ast.InternedTerm(string(text))
	}
}
