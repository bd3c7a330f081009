package layout

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// template is a compiled path template of Bytebase.
type template struct {
	path   *regexp.Regexp
	fields []string // what each group is
}

// The fields of a template and what they match; a path's other parts are matched
// by ** (any folders) and * (a part of a name).
var templateFields = map[string]string{
	"ENV_ID":      `([^/]+?)`,
	"ENV_NAME":    `([^/]+?)`,
	"DB_NAME":     `([^/]+?)`,
	"VERSION":     `[vV]?(\d+(?:\.\d+)*)`,
	"TYPE":        `(ddl|dml|data|migrate|baseline)`,
	"DESCRIPTION": `([^/]*?)`,
}

var templatePiece = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}|\*\*/?|\*`)

// compileTemplate refuses a template without a version, or with unknown fields.
func compileTemplate(text string) (template, error) {
	var t template
	var b strings.Builder
	b.WriteString(`(?i)\A`)
	rest := strings.TrimPrefix(strings.TrimPrefix(text, "./"), "/")
	last := 0
	for _, m := range templatePiece.FindAllStringSubmatchIndex(rest, -1) {
		b.WriteString(regexp.QuoteMeta(rest[last:m[0]]))
		last = m[1]
		switch piece := rest[m[0]:m[1]]; {
		case piece == "*":
			b.WriteString(`[^/]*`)
		case piece[0] == '*':
			b.WriteString(`(?:[^/]+/)*`)
		default:
			field := rest[m[2]:m[3]]
			if templateFields[field] == "" || slices.Contains(t.fields, field) {
				return t, fault.New(fault.Invalid, "the template %q has the field %s, which is unknown or stands there twice", text, field).
					Then("the fields are ENV_ID, DB_NAME, VERSION, TYPE and DESCRIPTION")
			}
			b.WriteString(templateFields[field])
			t.fields = append(t.fields, field)
		}
	}
	b.WriteString(regexp.QuoteMeta(rest[last:]) + `\z`)
	if !slices.Contains(t.fields, "VERSION") {
		return t, fault.New(fault.Invalid, "the template %q has no {{VERSION}}", text).Then("versions are what migrations are ordered by")
	}
	path, err := regexp.Compile(b.String())
	if err != nil {
		return t, fault.New(fault.Invalid, "the template %q can't be read", text).Because(err)
	}
	t.path = path
	return t, nil
}

// name reads a path below the folder.
func (t template) name(path string) (fileName, bool) {
	m := t.path.FindStringSubmatch(path)
	if m == nil || !IsSQL(path) {
		return fileName{}, false
	}
	found := map[string]string{}
	for i, field := range t.fields {
		found[field] = m[i+1]
	}
	n := fileName{
		version: found["VERSION"], name: found["DESCRIPTION"],
		target: executor.Destination{Environment: cmp.Or(found["ENV_ID"], found["ENV_NAME"]), Database: found["DB_NAME"]},
	}
	switch strings.ToLower(found["TYPE"]) {
	case "baseline":
		n.kind = executor.Baseline
	case "dml", "data":
		n.change = executor.DML
	case "ddl", "migrate":
		n.change = executor.DDL
	}
	return n, true
}
