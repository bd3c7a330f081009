package config

import (
	"encoding/json"
	"reflect"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/shipsql/shipsql/internal/secret"
)

// Schema is the JSON Schema of shipsql.yaml, for editors: the same description
// that the decoder follows. It can't say what [Parse] checks across values.
func Schema() ([]byte, error) {
	reflector := jsonschema.Reflector{
		FieldNameTag:               "yaml",
		RequiredFromJSONSchemaTags: true,
		ExpandedStruct:             true,
		DoNotReference:             true,
		Anonymous:                  true,
		Mapper:                     mapped,
	}
	schema := reflector.Reflect(&shape{})
	schema.ID = "https://github.com/shipsql/shipsql/shipsql.schema.json"
	schema.Title = "shipsql.yaml"
	return json.MarshalIndent(schema, "", "  ")
}

// mapped describes the types that stand in the file as something else.
func mapped(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[secret.Source]():
		return &jsonschema.Schema{Type: "string", MinLength: new(uint64(1)), Examples: []any{"env:NAME", "file:PATH"}}
	case reflect.TypeFor[time.Duration]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{
			{Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`},
			{Const: 0},
		}}
	case reflect.TypeFor[map[string]string]():
		return &jsonschema.Schema{Type: "object", AdditionalProperties: &jsonschema.Schema{
			OneOf: []*jsonschema.Schema{{Type: "string"}, {Type: "number"}, {Type: "boolean"}},
		}}
	}
	return nil
}

// JSONSchemaExtend allows one mapping where a list of one is meant.
func (providers) JSONSchemaExtend(schema *jsonschema.Schema) { oneOrList(schema, "github") }

// JSONSchemaExtend allows one secret or two.
func (gitHub) JSONSchemaExtend(schema *jsonschema.Schema) {
	list := oneOrList(schema, "webhook_secret")
	list.MinItems, list.MaxItems = new(uint64(1)), new(uint64(maxWebhookSecrets))
}

// oneOrList allows a single item instead of a property's list, and returns the list.
func oneOrList(schema *jsonschema.Schema, property string) *jsonschema.Schema {
	list, _ := schema.Properties.Get(property)
	description := list.Description
	list.Description = ""
	schema.Properties.Set(property, &jsonschema.Schema{
		Description: description, OneOf: []*jsonschema.Schema{list, list.Items},
	})
	return list
}
