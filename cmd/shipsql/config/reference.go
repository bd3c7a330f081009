package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/shipsql/shipsql/internal/secret"
)

// Reference is the table of all keys as Markdown, for docs/configuration.md.
func Reference() string {
	var b strings.Builder
	b.WriteString("| key | wants | default | meaning |\n|---|---|---|---|\n")
	reference(&b, reflect.TypeFor[shape](), "")
	return b.String()
}

func reference(b *strings.Builder, t reflect.Type, path string) {
	for _, f := range fieldsOf(t, path).known {
		standard := "`" + f.fallback + "`"
		switch {
		case f.required:
			standard = "required"
		case f.fallback == "":
			standard = ""
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", f.path, f.wants(), standard, strings.ReplaceAll(f.description, "|", `\|`))
		switch {
		case f.kind == reflect.TypeFor[secret.Source](), f.kind == reflect.TypeFor[[]secret.Source]():
		case f.kind.Kind() == reflect.Slice && f.kind.Elem().Kind() == reflect.Struct:
			reference(b, f.kind.Elem(), f.path+"[]")
		case f.kind.Kind() == reflect.Struct:
			reference(b, f.kind, f.path)
		}
	}
}

func (f *field) wants() string {
	switch {
	case len(f.enum) > 0:
		return "`" + strings.Join(f.enum, "`, `") + "`"
	case f.kind == reflect.TypeFor[secret.Source]():
		return "text or reference"
	case f.kind == reflect.TypeFor[[]secret.Source]():
		return "text or reference, or list"
	case f.kind == reflect.TypeFor[time.Duration]():
		return "duration"
	}
	switch f.kind.Kind() {
	case reflect.Struct:
		return "mapping"
	case reflect.Map:
		return "labels"
	case reflect.Slice:
		return "list"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "number"
	default:
		return "text or reference"
	}
}
