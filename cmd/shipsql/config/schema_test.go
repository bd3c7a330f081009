package config_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
)

// What can be wrong only across values, or in a value's text: beyond a schema.
var beyondSchema = []string{"duplicates", "gates", "mixed", "nothing", "references", "two-documents", "syntax", "tab", "recursive", "layout"}

// An editor that follows the schema and the loader agree.
func TestSchemaAgreesWithTheLoader(t *testing.T) {
	schema := compiledSchema(t)
	files, _ := filepath.Glob("testdata/*.yaml")
	invalid, _ := filepath.Glob("testdata/invalid/*.yaml")
	for _, file := range append(files, invalid...) {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if slices.Contains(beyondSchema, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			_, loadErr := config.Load(file)
			schemaErr := schema.Validate(asJSON(t, file))
			if (loadErr == nil) != (schemaErr == nil) {
				t.Errorf("the loader says %v\nthe schema says %v", loadErr, schemaErr)
			}
		})
	}
}

func TestSchemaHasNoUnsupportedKey(t *testing.T) {
	text, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"gitlab", "ai", "freezes", "windows", "rehearsal", "declarative"} {
		if bytes.Contains(text, []byte(`"`+key+`"`)) {
			t.Errorf("%q is offered, but refused by the loader", key)
		}
	}
}

// The documentation's table of keys is generated; -update rewrites it.
func TestDocumentationHasTheReference(t *testing.T) {
	const begin, end, path = "<!-- reference -->\n", "<!-- /reference -->", "../../../docs/configuration.md"
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(content), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place between %q and %q", path, begin, end)
	}
	golden(t, path, before+begin+config.Reference()+end+after)
}

// The example that the documentation shows is one that loads.
func TestDocumentedExampleIsValid(t *testing.T) {
	content, err := os.ReadFile("../../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(content), "```yaml\n")
	example, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/configuration.md has no YAML example")
	}
	if _, err := config.Parse("shipsql.yaml", []byte(example)); err != nil {
		t.Error(err)
	}
}

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("shipsql.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("shipsql.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func asJSON(t *testing.T, file string) any {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := yaml.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	asText, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(asText))
	if err != nil {
		t.Fatal(err)
	}
	return instance
}
