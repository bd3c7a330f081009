package config

import (
	"reflect"
	"strconv"
	"strings"
)

// field is one key of a mapping as the tags of shape.go describe it.
type field struct {
	name, path  string
	index       int
	required    bool
	enum        []string
	notYet      []string // values that are refused by name
	fallback    string   // the default, as it would stand in the file
	minimum     string
	description string
	kind        reflect.Type
}

// fields are the keys of one mapping.
type fields struct {
	known  []field
	notYet []string // keys that are refused by name
}

func fieldsOf(t reflect.Type, path string) fields {
	var all fields
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		if t.Field(i).Name == "_" {
			all.notYet = strings.Fields(tag.Get("notyet"))
			continue
		}
		f := field{
			name: tag.Get("yaml"), path: join(path, tag.Get("yaml")), index: i,
			notYet: strings.Fields(tag.Get("notyet")), description: tag.Get("jsonschema_description"), kind: t.Field(i).Type,
		}
		for keyword := range strings.SplitSeq(tag.Get("jsonschema"), ",") {
			f.read(keyword)
		}
		all.known = append(all.known, f)
	}
	return all
}

func (f *field) read(keyword string) {
	name, value, _ := strings.Cut(keyword, "=")
	switch name {
	case "required":
		f.required = true
	case "enum":
		f.enum = append(f.enum, value)
	case "default":
		f.fallback = value
	case "minimum":
		f.minimum = value
	}
}

func (f *field) least() int64 {
	least, _ := strconv.ParseInt(f.minimum, 10, 64)
	return least
}

// fallbackTag is the YAML type of the default.
func (f *field) fallbackTag() string {
	switch f.kind.Kind() {
	case reflect.Bool:
		return "!!bool"
	case reflect.Int, reflect.Int64:
		return "!!int"
	default:
		return "!!str"
	}
}

func (all fields) named(name string) (field, bool) {
	for _, f := range all.known {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}

func (all fields) names() []string {
	names := make([]string, len(all.known))
	for i, f := range all.known {
		names[i] = f.name
	}
	return names
}
