package snapshot

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/internal/fault"
)

// lockTimeout bounds how long a table that somebody alters keeps us waiting.
const lockTimeout = "2s"

// Read returns what conn's database holds. System schemas and ShipSQL's own
// schema are left out. It reads in one repeatable-read, read-only transaction
// and takes no lock that blocks anybody. Errors: lock_timeout (a table is being
// altered; try again), sql_error, unreachable.
func Read(ctx context.Context, conn *pgx.Conn) (*catalog.Catalog, error) {
	c := &catalog.Catalog{
		Engine:    "postgres",
		Tables:    map[catalog.Name]*catalog.Table{},
		Functions: map[catalog.Name][]catalog.Function{},
		Domains:   map[catalog.Name]*catalog.Domain{},
		Enums:     map[catalog.Name][]string{},
	}
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, conn, options, func(tx pgx.Tx) error { return read(ctx, tx, c) })
	if err != nil {
		return nil, classify(err)
	}
	addPartitionSizes(c)
	return c, nil
}

// read runs one query per kind of object, whatever their number.
func read(ctx context.Context, tx pgx.Tx, c *catalog.Catalog) error {
	if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '"+lockTimeout+"'"); err != nil {
		return err
	}
	if err := tx.QueryRow(ctx, serverQuery).Scan(&c.Version, &c.SearchPath); err != nil {
		return err
	}
	for _, step := range []struct {
		what, query string
		add         func(*catalog.Catalog, pgx.Rows) error
	}{
		{"tables", tablesQuery, addTable},
		{"columns", columnsQuery, addColumn},
		{"constraints", constraintsQuery, addConstraint},
		{"indexes", indexesQuery, addIndex},
		{"functions", functionsQuery, addFunction},
		{"domains", domainsQuery, addDomain},
		{"enums", enumsQuery, addEnum},
	} {
		if err := each(ctx, tx, step.query, func(rows pgx.Rows) error { return step.add(c, rows) }); err != nil {
			return fmt.Errorf("read %s: %w", step.what, err)
		}
	}
	return nil
}

func each(ctx context.Context, tx pgx.Tx, query string, f func(pgx.Rows) error) error {
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// addPartitionSizes adds every partition's size to the tables above it: a
// partitioned table has no storage of its own.
func addPartitionSizes(c *catalog.Catalog) {
	for _, leaf := range c.Tables {
		if leaf.Kind == catalog.PartitionedTable || !leaf.Size.Known {
			continue
		}
		for parent := c.Tables[leaf.PartitionOf]; parent != nil; parent = c.Tables[parent.PartitionOf] {
			parent.Size.Bytes += leaf.Size.Bytes
			parent.Size.Rows = sumRows(parent.Size.Rows, leaf.Size.Rows)
		}
	}
}

// sumRows adds estimates; what is unknown stays unknown.
func sumRows(a, b int64) int64 {
	if a < 0 || b < 0 {
		return -1
	}
	return a + b
}

func classify(err error) error {
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused) && refused.Code == "55P03":
		return fault.New(fault.LockTimeout, "the catalog can't be read while a table is being altered").Because(err).Then("try again")
	case errors.As(err, &refused):
		return fault.New(fault.SQLError, "the catalog can't be read").Because(err)
	}
	return fault.New(fault.Unreachable, "the catalog can't be read").Because(err)
}
