package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/shipsql/shipsql/internal/nearest"
	"github.com/shipsql/shipsql/internal/secret"
)

// maxNodes bounds the work on a file whose aliases multiply.
const maxNodes = 100_000

// decoder reads YAML nodes into the structs of shape.go. It goes on after a
// problem, and remembers where every value stands for the checks that follow.
type decoder struct {
	folder   string // references to files are relative to it
	places   map[string]*yaml.Node
	failed   map[string]bool // paths with a problem
	problems []Problem
	nodes    int
}

// decode parses text and reads it into into, a pointer to a tagged struct.
func (d *decoder) decode(text []byte, into any) {
	d.places, d.failed = map[string]*yaml.Node{}, map[string]bool{}
	root, err := parse(text)
	if err != nil {
		d.problems = append(d.problems, *err)
		return
	}
	d.value(root, reflect.ValueOf(into).Elem(), field{})
}

// parse returns the root node of the one document in text.
func parse(text []byte) (*yaml.Node, *Problem) {
	var document, second yaml.Node
	reader := yaml.NewDecoder(bytes.NewReader(text))
	switch err := reader.Decode(&document); {
	case errors.Is(err, io.EOF) || err == nil && len(document.Content) == 0:
		return nil, &Problem{Line: 1, Column: 1, Message: "the file is empty", Next: "see docs/configuration.md for an example"}
	case err != nil:
		return nil, syntaxProblem(err)
	}
	if err := reader.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, &Problem{Line: max(second.Line, 1), Column: max(second.Column, 1), Message: "a second document; the file must be one"}
	}
	return document.Content[0], nil
}

func syntaxProblem(err error) *Problem {
	p := Problem{Line: 1, Column: 1, Message: "not YAML: " + err.Error()}
	if at, ok := errors.AsType[*yaml.LoadError](err); ok {
		p.Line, p.Column = max(at.Mark.Line, 1), max(at.Mark.Column, 1)
		p.Message = "not YAML: " + at.Message
	}
	return &p
}

func (d *decoder) value(n *yaml.Node, into reflect.Value, f field) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	d.places[f.path] = n
	if d.nodes++; d.nodes > maxNodes {
		if d.nodes == maxNodes+1 {
			d.fail(f.path, "", "the file holds more than %d values", maxNodes)
		}
		return
	}
	switch target := into.Addr().Interface().(type) {
	case *secret.Source:
		if text, ok := d.text(n, f.path); ok {
			*target = secret.Parse(text, d.folder)
		}
	case *time.Duration:
		d.duration(n, target, f.path)
	case *map[string]string:
		d.labels(n, target, f.path)
	default:
		d.byKind(n, into, f)
	}
}

func (d *decoder) byKind(n *yaml.Node, into reflect.Value, f field) {
	switch into.Kind() {
	case reflect.Struct:
		d.mapping(n, into, f.path)
	case reflect.Slice:
		d.list(n, into, f.path)
	case reflect.Bool:
		if d.scalar(n, "!!bool", f.path) {
			into.SetBool(strings.EqualFold(n.Value, "true"))
		}
	case reflect.Int, reflect.Int64:
		d.integer(n, into, f)
	default:
		d.string(n, into, f)
	}
}

// mapping reads the keys of a struct: the known ones go on, the others are
// problems, and so are required ones that are missing.
func (d *decoder) mapping(n *yaml.Node, into reflect.Value, path string) {
	fields := fieldsOf(into.Type(), path)
	if n.Kind != yaml.MappingNode {
		d.wrongType(n, "keys and values", path)
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		d.places[join(path, key.Value)] = key
		switch f, known := fields.named(key.Value); {
		case seen[key.Value]:
			d.fail(join(path, key.Value), "", "the key is given twice")
		case known:
			d.value(n.Content[i+1], into.Field(f.index), f)
		default:
			d.unknownKey(key.Value, fields, path)
		}
		seen[key.Value] = true
	}
	for _, f := range fields.known {
		if !seen[f.name] {
			d.missing(into.Field(f.index), f, path)
		}
	}
}

func (d *decoder) unknownKey(key string, fields fields, path string) {
	if slices.Contains(fields.notYet, key) {
		d.fail(join(path, key), "remove it", "not supported yet")
		return
	}
	next := "known here: " + strings.Join(fields.names(), ", ")
	if near, ok := nearest.Word(key, fields.names()); ok {
		next = fmt.Sprintf("did you mean %q?", near)
	}
	d.fail(join(path, key), next, "unknown key")
}

// missing gives a key that isn't there its default; a required one is a
// problem, at the place of the mapping that should have it.
func (d *decoder) missing(into reflect.Value, f field, parent string) {
	switch {
	case f.required:
		d.problemAt(d.places[parent], Problem{Path: f.path, Message: "missing", Next: f.description})
	case f.fallback != "":
		d.value(&yaml.Node{Kind: yaml.ScalarNode, Tag: f.fallbackTag(), Value: f.fallback}, into, f)
		delete(d.places, f.path)
	case into.Kind() == reflect.Struct && into.Type() != reflect.TypeFor[secret.Source]():
		for _, inner := range fieldsOf(into.Type(), f.path).known {
			if !inner.required {
				d.missing(into.Field(inner.index), inner, f.path)
			}
		}
	}
}

// list reads a list; a single provider or secret counts as a list of one.
func (d *decoder) list(n *yaml.Node, into reflect.Value, path string) {
	items := n.Content
	switch {
	case n.Kind == yaml.ScalarNode && into.Type() == reflect.TypeFor[[]secret.Source]():
		into.Set(reflect.MakeSlice(into.Type(), 1, 1))
		d.value(n, into.Index(0), field{path: path})
		return
	case n.Kind == yaml.MappingNode && path == "providers.github":
		items = []*yaml.Node{n}
	case n.Kind != yaml.SequenceNode && into.Type() == reflect.TypeFor[[]secret.Source]():
		d.wrongType(n, "text or a list", path)
		return
	case n.Kind != yaml.SequenceNode:
		d.wrongType(n, "a list", path)
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), len(items), len(items)))
	for i, item := range items {
		d.value(item, into.Index(i), field{path: fmt.Sprintf("%s[%d]", path, i)})
	}
}

// labels reads text by text; numbers and booleans are taken as written.
func (d *decoder) labels(n *yaml.Node, into *map[string]string, path string) {
	if n.Kind != yaml.MappingNode {
		d.wrongType(n, "keys and values", path)
		return
	}
	*into = map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i].Value, n.Content[i+1]
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		d.places[join(path, key)] = value
		if _, twice := (*into)[key]; twice {
			d.fail(join(path, key), "", "the key is given twice")
		}
		if value.Kind != yaml.ScalarNode || value.Tag == "!!null" {
			d.wrongType(value, "text", join(path, key))
		}
		(*into)[key] = value.Value
		d.nodes++
	}
}

// string reads text; one that is a choice must be one of the values known, and
// any other may be a reference, which is read here because it is no secret.
func (d *decoder) string(n *yaml.Node, into reflect.Value, f field) {
	text, ok := d.text(n, f.path)
	switch {
	case !ok:
	case slices.Contains(f.notYet, text):
		d.fail(f.path, "use one of: "+strings.Join(f.enum, ", "), "%q is not supported yet", text)
	case len(f.enum) > 0 && !slices.Contains(f.enum, text):
		d.fail(f.path, "use one of: "+strings.Join(f.enum, ", "), "unknown value %q", text)
	default:
		into.SetString(d.resolved(text, f.path))
	}
}

func (d *decoder) resolved(text, path string) string {
	source := secret.Parse(text, d.folder)
	if literal(source) {
		return text
	}
	value, err := source.Read()
	if err != nil {
		d.fail(path, "", "%v", err)
	}
	return value
}

func (d *decoder) integer(n *yaml.Node, into reflect.Value, f field) {
	if !d.scalar(n, "!!int", f.path) {
		return
	}
	number, err := strconv.ParseInt(n.Value, 0, into.Type().Bits())
	if err != nil {
		d.fail(f.path, "", "%s is not a number of %d bits", n.Value, into.Type().Bits())
	} else if f.minimum != "" && number < f.least() {
		d.fail(f.path, "", "must be at least %s", f.minimum)
	}
	into.SetInt(number)
}

func (d *decoder) duration(n *yaml.Node, into *time.Duration, path string) {
	const example = "write it like 500ms, 2s, 30m or 1h30m"
	parsed, err := time.ParseDuration(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode:
		d.wrongType(n, "a duration", path)
	case err != nil:
		d.fail(path, example, "%q is not a duration", n.Value)
	case parsed < 0:
		d.fail(path, example, "must not be negative")
	default:
		*into = parsed
	}
}

func (d *decoder) text(n *yaml.Node, path string) (string, bool) {
	return n.Value, d.scalar(n, "!!str", path)
}

var words = map[string]string{"!!str": "text", "!!int": "a number", "!!float": "a number with a fraction", "!!bool": "true or false", "!!null": "nothing"}

func (d *decoder) scalar(n *yaml.Node, tag, path string) bool {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == tag {
		return true
	}
	d.wrongType(n, words[tag], path)
	return false
}

func (d *decoder) wrongType(n *yaml.Node, want, path string) {
	next := ""
	if want == words["!!str"] && n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
		next = "put it in quotes"
	}
	d.problemAt(n, Problem{Path: path, Message: "wants " + want + ", got " + describe(n), Next: next})
}

// describe names what stands at n without showing the value: it may be a secret.
func describe(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode {
		return "keys and values"
	}
	if n.Kind == yaml.SequenceNode {
		return "a list"
	}
	if word, ok := words[n.ShortTag()]; ok {
		return word
	}
	return n.ShortTag()
}

// fail records a problem with the value at path, or at what holds it.
func (d *decoder) fail(path, next, format string, args ...any) {
	at := d.places[path]
	for parent := path; at == nil && parent != ""; at = d.places[parent] {
		parent = parentOf(parent)
	}
	d.problemAt(at, Problem{Path: path, Message: fmt.Sprintf(format, args...), Next: next})
}

func (d *decoder) problemAt(n *yaml.Node, p Problem) {
	if n != nil {
		p.Line, p.Column = n.Line, n.Column
	}
	d.failed[p.Path] = true
	d.problems = append(d.problems, p)
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// parentOf is the path of what holds path; "" is the file.
func parentOf(path string) string { return path[:max(strings.LastIndexAny(path, ".["), 0)] }
