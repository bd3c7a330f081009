package snapshot

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/shipsql/shipsql/executor/catalog"
)

// Queryer is what reads: a *sql.Conn, *sql.DB or *sql.Tx.
type Queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Read returns what the connection's current database holds. ShipSQL's ledger
// and sequences are left out. It takes no lock that blocks anybody. Errors are
// the driver's, with what was being read.
func Read(ctx context.Context, q Queryer) (*catalog.Catalog, error) {
	r := reader{Queryer: q, Catalog: &catalog.Catalog{
		Engine:    "mysql",
		Tables:    map[catalog.Name]*catalog.Table{},
		Functions: map[catalog.Name][]catalog.Function{},
		Domains:   map[catalog.Name]*catalog.Domain{},
		Enums:     map[catalog.Name][]string{},
	}}
	if err := r.each(ctx, serverQuery, r.server); err != nil {
		return nil, fmt.Errorf("read the server's version: %w", err)
	}
	checks := mysqlChecksQuery
	if r.Engine == "mariadb" {
		checks = mariadbChecksQuery
	}
	for _, step := range []struct {
		what, query string
		add         func(*sql.Rows) error
	}{
		{"tables", tablesQuery, r.table},
		{"columns", columnsQuery, r.column},
		{"indexes", indexesQuery, r.index},
		{"foreign keys", foreignKeysQuery, r.foreignKey},
		{"checks", checks, r.check},
		{"functions", functionsQuery, r.function},
	} {
		if err := r.each(ctx, step.query, step.add); err != nil {
			return nil, fmt.Errorf("read %s: %w", step.what, err)
		}
	}
	return r.Catalog, nil
}

// reader fills a catalog. What belongs to a table that another statement made
// since is left out.
type reader struct {
	Queryer
	*catalog.Catalog

	schema string
}

func (r *reader) each(ctx context.Context, query string, add func(*sql.Rows) error) error {
	rows, err := r.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := add(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (r *reader) server(rows *sql.Rows) error {
	if err := rows.Scan(&r.Version, &r.schema); err != nil {
		return err
	}
	if strings.Contains(strings.ToLower(r.Version), "mariadb") {
		r.Engine = "mariadb"
	}
	r.SearchPath = []string{r.schema}
	return nil
}

func (r *reader) name(table string) catalog.Name { return catalog.Name{Schema: r.schema, Name: table} }

func (r *reader) table(rows *sql.Rows) error {
	var name, kind, options string
	t := &catalog.Table{Kind: catalog.BaseTable}
	if err := rows.Scan(&name, &kind, &options, &t.Size.Rows, &t.Size.Bytes); err != nil {
		return err
	}
	t.Name = r.name(name)
	switch {
	case strings.HasSuffix(kind, "VIEW"):
		t.Kind, t.Size = catalog.View, catalog.Size{}
	case strings.Contains(options, "partitioned"):
		t.Kind = catalog.PartitionedTable
	}
	t.Size.Known = t.Kind != catalog.View
	r.Tables[t.Name] = t
	return nil
}

func (r *reader) column(rows *sql.Rows) error {
	var table, dataType, extra string
	var value sql.NullString
	var c catalog.Column
	if err := rows.Scan(&table, &c.Name, &c.Type, &dataType, &c.NotNull, &value, &extra); err != nil {
		return err
	}
	c.Identity = strings.Contains(extra, "auto_increment")
	c.Generated = strings.Contains(extra, "virtual") || strings.Contains(extra, "stored") || strings.Contains(extra, "persistent")
	c.Default = r.defaultOf(value, dataType, extra)
	if t := r.Tables[r.name(table)]; t != nil {
		t.Columns = append(t.Columns, c)
	}
	return nil
}

// defaultOf is a column's default as an expression. MariaDB shows one, with NULL
// for none; MySQL shows a literal's bare value, unless extra says otherwise.
func (r *reader) defaultOf(value sql.NullString, dataType, extra string) string {
	switch {
	case !value.Valid, r.Engine == "mariadb" && strings.EqualFold(value.String, "NULL"):
		return ""
	case r.Engine == "mariadb", strings.Contains(extra, "default_generated"), numeric[dataType]:
		return value.String
	}
	return "'" + strings.ReplaceAll(value.String, "'", "''") + "'"
}

var numeric = map[string]bool{
	"tinyint": true, "smallint": true, "mediumint": true, "int": true, "bigint": true, "decimal": true, "float": true, "double": true, "bit": true, "year": true,
}
