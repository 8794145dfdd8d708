package main

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// ruleInfo describes all definitions of one rule.
type ruleInfo struct {
	Path    string `json:"path"`    // "pdp/rules/task_alive/verdict"
	Default bool   `json:"default"` // whether one of them is a default
	// DefaultValue is that default's value, where there is one.
	DefaultValue any `json:"default_value,omitempty"`
	// Annotations are the rule's METADATA, key by key the nearest there is: its own,
	// its document's, its package's, then the packages above it.
	Annotations map[string]any `json:"annotations"`
}

// describeRules lists every rule of every module, by path.
func describeRules(compiler *ast.Compiler) []ruleInfo {
	byPath := map[string]*ruleInfo{}
	for _, module := range compiler.Modules {
		for _, rule := range module.Rules {
			path := rulePath(module, rule)
			info := byPath[path]
			if info == nil {
				info = &ruleInfo{Path: path}
				byPath[path] = info
			}
			if rule.Default {
				info.setDefault(rule.Head.Value)
			}
			for _, annotations := range compiler.GetAnnotationSet().Chain(rule) {
				info.annotate(annotations.Annotations)
			}
		}
	}
	rules := make([]ruleInfo, 0, len(byPath))
	for _, info := range byPath {
		rules = append(rules, *info)
	}
	slices.SortFunc(rules, func(a, b ruleInfo) int { return strings.Compare(a.Path, b.Path) })
	return rules
}

func (info *ruleInfo) setDefault(term *ast.Term) {
	info.Default = true
	// A comprehension is no JSON before it is evaluated, and is left out.
	if value, err := ast.JSON(term.Value); err == nil {
		info.DefaultValue = value
	}
}

func (info *ruleInfo) annotate(from *ast.Annotations) {
	if from == nil {
		return
	}
	encoded, err := json.Marshal(from)
	if err != nil {
		return
	}
	var fields map[string]any
	if err := json.Unmarshal(encoded, &fields); err != nil {
		return
	}
	delete(fields, "scope")
	delete(fields, "location")
	if info.Annotations == nil {
		info.Annotations = map[string]any{}
	}
	for key, value := range fields {
		if _, nearer := info.Annotations[key]; !nearer {
			info.Annotations[key] = value
		}
	}
}

// rulePath leaves out what depends on a variable: p[x] is at p.
func rulePath(module *ast.Module, rule *ast.Rule) string {
	var segments []string
	for _, term := range module.Package.Path[1:] {
		segments = append(segments, segment(term))
	}
	for _, term := range rule.Head.Ref().GroundPrefix() {
		segments = append(segments, segment(term))
	}
	return strings.Join(segments, "/")
}

func segment(term *ast.Term) string {
	switch v := term.Value.(type) {
	case ast.String:
		return string(v)
	case ast.Var:
		return string(v)
	}
	return term.String()
}
