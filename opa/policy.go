package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Entrypoints beyond this number are prepared anew each time: a test run asks for
// each rule once, a server for a handful for ever.
const maxPreparedQueries = 1024

// policy is a compiled revision. One goroutine at a time asks it for queries; any
// number evaluate them.
type policy struct {
	revision string
	compiler *ast.Compiler
	store    storage.Store
	txn      storage.Transaction
	data     base
	reading  reading
	prepared map[string]query
}

// source is the element of a load request.
type source struct {
	Modules map[string]string `json:"modules"`
	Data    json.RawMessage   `json:"data"`
}

// loadPolicy compiles a revision and describes its rules. Its errors are for the
// author of the policy.
func loadPolicy(revision string, entrypoints []string, encoded []byte) (*policy, []ruleInfo, error) {
	if revision == "" {
		return nil, nil, errors.New("a policy needs a revision")
	}
	var from source
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&from); err != nil {
		return nil, nil, fmt.Errorf("the policy cannot be read: %w", err)
	}
	data, err := parseObject(from.Data)
	if err != nil {
		return nil, nil, fmt.Errorf("data: %w", err)
	}
	modules, err := parseModules(from.Modules)
	if err != nil {
		return nil, nil, err
	}
	ctx := context.Background()
	store := inmem.NewFromASTObject(data)
	// One read transaction for the life of the policy: nothing ever writes.
	txn, err := store.NewTransaction(ctx)
	if err != nil {
		return nil, nil, err
	}
	compiler := ast.NewCompiler().
		WithCapabilities(capabilities()).
		WithUnsafeBuiltins(refusedBuiltins()).
		WithStrict(true).
		WithPathConflictsCheck(storage.NonEmpty(ctx, store, txn))
	compiler.Compile(modules)
	if compiler.Failed() {
		store.Abort(ctx, txn)
		return nil, nil, explain(compiler.Errors)
	}
	p := &policy{revision: revision, compiler: compiler, store: store, txn: txn, data: base{data}, reading: readingOf(compiler.Modules), prepared: map[string]query{}}
	for _, entrypoint := range entrypoints {
		if err := p.require(entrypoint); err != nil {
			p.close()
			return nil, nil, err
		}
	}
	return p, describeRules(compiler), nil
}

func parseModules(sources map[string]string) (map[string]*ast.Module, error) {
	modules := make(map[string]*ast.Module, len(sources))
	var faults ast.Errors
	for path, text := range sources {
		module, err := ast.ParseModuleWithOpts(path, text, ast.ParserOptions{
			ProcessAnnotation: true,
			RegoVersion:       ast.RegoV1,
			Capabilities:      capabilities(),
		})
		var several ast.Errors
		switch {
		case errors.As(err, &several):
			faults = append(faults, several...)
		case err != nil:
			return nil, fmt.Errorf("%s: %w", path, err)
		case module == nil:
			return nil, fmt.Errorf("%s: the module is empty", path)
		default:
			modules[path] = module
		}
	}
	if len(faults) > 0 {
		return nil, explain(faults)
	}
	return modules, nil
}

func (p *policy) close() {
	if p != nil {
		p.store.Abort(context.Background(), p.txn)
	}
}

// require prepares an entrypoint that must exist.
func (p *policy) require(entrypoint string) error {
	ref, err := entrypointRef(entrypoint)
	if err != nil {
		return err
	}
	if len(p.compiler.GetRules(ref)) == 0 {
		return fmt.Errorf("the policy has no rule at its entrypoint %s (%s)", entrypoint, ref)
	}
	_, err = p.query(entrypoint)
	return err
}

// query returns what evaluates an entrypoint such as "pdp/main/decision".
func (p *policy) query(entrypoint string) (query, error) {
	if q, ok := p.prepared[entrypoint]; ok {
		return q, nil
	}
	ref, err := entrypointRef(entrypoint)
	if err != nil {
		return query{}, evaluationError{"undefined", err.Error()}
	}
	prepared, err := rego.New(
		rego.ParsedQuery(ast.NewBody(ast.NewExpr(ast.NewTerm(ref)))),
		rego.Compiler(p.compiler),
		rego.Store(p.store),
		rego.Transaction(p.txn),
		rego.StrictBuiltinErrors(true),
		rego.GenerateJSON(func(term *ast.Term, _ *rego.EvalContext) (any, error) { return term.Value, nil }),
	).PrepareForEval(context.Background())
	if err != nil {
		return query{}, evaluationError{"internal", err.Error()}
	}
	q := query{entrypoint: entrypoint, prepared: prepared, txn: p.txn, data: p.data, reading: p.reading}
	if len(p.prepared) < maxPreparedQueries {
		p.prepared[entrypoint] = q
	}
	return q, nil
}

func entrypointRef(entrypoint string) (ast.Ref, error) {
	ref := ast.Ref{ast.DefaultRootDocument}
	for segment := range strings.SplitSeq(entrypoint, "/") {
		if segment == "" {
			return nil, fmt.Errorf("entrypoint %q: it must look like pdp/main/decision", clip(entrypoint, 128))
		}
		ref = append(ref, ast.StringTerm(segment))
	}
	return ref, nil
}

// query is a prepared entrypoint; its value can be asked for by many at once.
type query struct {
	entrypoint string
	prepared   rego.PreparedEvalQuery
	txn        storage.Transaction
	data       base
	reading    reading
}

// value evaluates the entrypoint over one input.
func (q query) value(input ast.Value, cancel topdown.Cancel) (ast.Value, error) {
	values := newValues()
	results, err := q.prepared.Eval(context.Background(),
		rego.EvalParsedInput(input),
		rego.EvalTransaction(q.txn),
		rego.EvalExternalCancel(cancel),
		rego.EvalMetrics(metrics.NoOp()),
		rego.EvalBaseCache(q.data),
		rego.EvalVirtualCache(values),
	)
	// Not deferred: what a panic has left behind is not used again.
	values.release()
	if err != nil {
		return nil, classify(err)
	}
	if len(results) == 0 {
		return nil, evaluationError{"undefined", q.entrypoint + " is undefined for this input"}
	}
	if len(results) > 1 || len(results[0].Expressions) != 1 {
		return nil, evaluationError{"internal", q.entrypoint + " has more than one value"}
	}
	value, ok := results[0].Expressions[0].Value.(ast.Value)
	if !ok {
		return nil, evaluationError{"internal", q.entrypoint + " has a value of an unknown kind"}
	}
	return value, nil
}

func classify(err error) error {
	if topdown.IsCancel(err) {
		return evaluationError{"timeout", "the evaluation was stopped at its deadline"}
	}
	var fault *topdown.Error
	if errors.As(err, &fault) {
		return evaluationError{"builtin_error", err.Error()}
	}
	return evaluationError{"internal", err.Error()}
}
