package reviewer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"go.yaml.in/yaml/v4"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/nearest"
	"github.com/shipsql/shipsql/reviewer/finding"
)

// maxPolicy bounds .shipsql.yaml, which is read before anything is believed.
const maxPolicy = 1 << 20

// LoadPolicy reads .shipsql.yaml. Unknown keys, wrong types and unknown rules
// are errors with line, column and the nearest valid word: all of them at once,
// joined.
//
//	rules:
//	  drop-table: warning            # off, notice, warning or error
//	self_suppressible: [drop-column] # a file may silence it although it is an error
//	suppress:
//	  - files: ["migrations/2019*"]
//	    rules: [table-without-primary-key]   # left out: all
//	    reason: "before we had rules"
func LoadPolicy(text []byte) (Policy, error) {
	if len(text) > maxPolicy {
		return Policy{}, fault.New(fault.Invalid, "the policy is larger than %d bytes", maxPolicy)
	}
	var document, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF) || err == nil && len(document.Content) == 0:
		return Policy{}, nil
	case err != nil:
		return Policy{}, fault.New(fault.Invalid, "the policy is no YAML").Because(err)
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return Policy{}, fault.New(fault.Invalid, "the policy holds more than one YAML document").Then("keep one")
	}
	l := policyLoader{ids: IDs()}
	if top := document.Content[0]; top.Tag != "!!null" {
		l.top(top)
	}
	if len(l.errs) > 0 {
		return Policy{}, errors.Join(l.errs...)
	}
	return l.policy, nil
}

// policyLoader reads a policy and collects what is wrong with it.
type policyLoader struct {
	policy Policy
	ids    []string
	errs   []error
}

func (l *policyLoader) refuse(n *yaml.Node, next, format string, args ...any) {
	l.errs = append(l.errs, fault.New(fault.Invalid, format, args...).At(fmt.Sprintf("%d:%d", n.Line, n.Column)).Then("%s", next))
}

// soon are keys of the contract whose feature isn't built yet.
var soon = []string{"naming", "ai"}

func (l *policyLoader) top(n *yaml.Node) {
	keys := map[string]func(*yaml.Node){
		"rules":             l.rules,
		"self_suppressible": func(n *yaml.Node) { l.policy.SelfSuppressible = l.ruleList(n) },
		"suppress":          l.suppress,
	}
	l.mapping(n, keys)
}

// mapping hands each value to its key's reader.
func (l *policyLoader) mapping(n *yaml.Node, keys map[string]func(*yaml.Node)) {
	names := make([]string, 0, len(keys))
	for name := range keys {
		names = append(names, name)
	}
	slices.Sort(names)
	l.pairs(n, func(key, value *yaml.Node) {
		read, known := keys[key.Value]
		switch {
		case known:
			read(value)
		case slices.Contains(soon, key.Value) && keys["rules"] != nil:
			l.refuse(key, "take it out", "%s is not supported yet", key.Value)
		default:
			l.refuse(key, hint(key.Value, names), "unknown key %q", key.Value)
		}
	})
}

// pairs visits the entries of a mapping; a key twice is refused.
func (l *policyLoader) pairs(n *yaml.Node, visit func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		l.refuse(n, "write key: value", "a mapping is wanted here")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if seen[key.Value] {
			l.refuse(key, "keep one of them", "%q is given twice", key.Value)
			continue
		}
		seen[key.Value] = true
		visit(key, n.Content[i+1])
	}
}

// hint names the word that was probably meant, or all there are.
func hint(word string, candidates []string) string {
	if meant, ok := nearest.Word(word, candidates); ok {
		return "did you mean " + meant + "?"
	}
	if len(candidates) > 8 {
		return "the rules are listed in docs/rules.md"
	}
	return "use one of " + strings.Join(candidates, ", ")
}

func (l *policyLoader) rules(n *yaml.Node) {
	l.policy.Rules = map[string]Severity{}
	l.pairs(n, func(key, value *yaml.Node) {
		if !l.rule(key) {
			return
		}
		severity := finding.Severity(value.Value)
		if value.Kind != yaml.ScalarNode || !severity.Valid() {
			l.refuse(value, hint(value.Value, []string{"off", "notice", "warning", "error"}), "%q is no severity", value.Value)
			return
		}
		l.policy.Rules[key.Value] = severity
	})
}

// rule refuses what is no rule's id.
func (l *policyLoader) rule(n *yaml.Node) bool {
	if n.Kind == yaml.ScalarNode && slices.Contains(l.ids, n.Value) {
		return true
	}
	l.refuse(n, hint(n.Value, l.ids), "there is no rule %q", n.Value)
	return false
}

func (l *policyLoader) ruleList(n *yaml.Node) []string {
	var ids []string
	l.items(n, func(item *yaml.Node) {
		if l.rule(item) {
			ids = append(ids, item.Value)
		}
	})
	return ids
}

// items visits the entries of a list; a single value counts as one.
func (l *policyLoader) items(n *yaml.Node, visit func(*yaml.Node)) {
	switch n.Kind {
	case yaml.SequenceNode:
		for _, item := range n.Content {
			visit(item)
		}
	case yaml.ScalarNode:
		visit(n)
	default:
		l.refuse(n, "write [a, b]", "a list is wanted here")
	}
}

func (l *policyLoader) suppress(n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		l.refuse(n, `write - files: ["old/*"]`, "a list is wanted here")
		return
	}
	for _, item := range n.Content {
		l.suppression(item)
	}
}

func (l *policyLoader) suppression(n *yaml.Node) {
	var s Suppression
	l.mapping(n, map[string]func(*yaml.Node){
		"files":  func(n *yaml.Node) { l.items(n, func(item *yaml.Node) { s.Files = l.glob(s.Files, item) }) },
		"rules":  func(n *yaml.Node) { s.Rules = l.ruleList(n) },
		"reason": func(n *yaml.Node) { s.Reason = n.Value },
	})
	if n.Kind == yaml.MappingNode && len(s.Files) == 0 {
		l.refuse(n, `write files: ["old/*"]`, "a suppression needs files")
	}
	l.policy.Suppress = append(l.policy.Suppress, s)
}

func (l *policyLoader) glob(files []string, n *yaml.Node) []string {
	if n.Kind != yaml.ScalarNode || !doublestar.ValidatePattern(n.Value) {
		l.refuse(n, "use * for a part of a name and ** for folders", "%q is no pattern for files", n.Value)
		return files
	}
	return append(files, n.Value)
}
