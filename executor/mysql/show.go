package mysql

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/shipsql/shipsql/executor/mysql/syntax"
)

var (
	autoIncrement = regexp.MustCompile(`(\n\).*?) AUTO_INCREMENT=\d+`)
	// MySQL names a column's character set when its collation was spelled out, as it
	// is in a table that was made from what SHOW CREATE shows.
	impliedCharset = regexp.MustCompile(` CHARACTER SET \w+( COLLATE \w+)`)
)

// normal is a SHOW CREATE text without what differs between two schemas, or
// between two moments, though the definition is the same: the counter of
// generated keys, character sets that collations imply, and in stored programs,
// which are kept as they were written, quotes around names. The schemas are the
// object's and the one that the program was written for.
func normal(create string, kind syntax.ObjectKind, schemas ...string) string {
	stored := false
	switch kind {
	case syntax.Trigger, syntax.Procedure, syntax.Function, syntax.Event, syntax.Package, syntax.PackageBody:
		stored = true
	}
	for _, schema := range schemas {
		create = strings.ReplaceAll(create, quoted(schema)+".", "")
		if stored {
			create = unquotedQualifier(schema).ReplaceAllString(create, "$1")
		}
	}
	if stored {
		return strings.ReplaceAll(create, "`", "")
	}
	return impliedCharset.ReplaceAllString(autoIncrement.ReplaceAllString(create, "$1"), "$1")
}

// unquotedQualifier finds a schema's name before a dot, as in db.t.
func unquotedQualifier(schema string) *regexp.Regexp {
	return regexp.MustCompile(`(^|[^\w$.\x60])` + regexp.QuoteMeta(schema) + `\s*\.\s*`)
}

// show reads one object's SHOW CREATE text and its fingerprint, "" for absence.
func (c *connection) show(ctx context.Context, o syntax.Object) (create, fingerprint string, err error) {
	name := quoted(o.Name.Name)
	if o.Name.Schema != "" {
		name = quoted(o.Name.Schema) + "." + name
	}
	rows, err := c.QueryContext(ctx, "SHOW CREATE "+strings.ToUpper(string(o.Kind))+" "+name)
	switch number(err) {
	case errNoSuchTable, 1049, 1305, 1347, 1360, 1539, 4089, 4091: // no such schema, routine, trigger, event, sequence; of another kind
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	defer rows.Close() //nolint:errcheck // Err tells
	columns, _ := rows.Columns()
	for rows.Next() {
		values := make([]sql.RawBytes, len(columns))
		dest := make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return "", "", err
		}
		for i, column := range columns {
			if strings.HasPrefix(column, "Create") || column == "SQL Original Statement" {
				create = string(values[i])
				break
			}
		}
	}
	sum := sha256.Sum256([]byte(normal(create, o.Kind, orDefault(o.Name.Schema, c.database), c.database)))
	return create, hex.EncodeToString(sum[:]), rows.Err()
}
