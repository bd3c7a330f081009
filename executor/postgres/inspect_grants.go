package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/executor"
)

// userSchemas is the condition on pg_namespace n that leaves out the system's
// schemas, temporary ones and the ledger's.
const userSchemas = `n.nspname NOT IN ('pg_catalog', 'information_schema', 'shipsql')
	AND n.nspname NOT LIKE 'pg\_toast%' AND n.nspname NOT LIKE 'pg\_temp\_%'`

// grants finds what Apply needs and the login lacks: in the ledger, in the
// schemas in use, and on tables that others own.
func (i *inspector) grants(ctx context.Context) error {
	for _, part := range []func(context.Context) error{i.ledgerGrants, i.schemaGrants, i.ownership} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// ledgerGrants asks for as little as the ledger's present state allows.
func (i *inspector) ledgerGrants(ctx context.Context) error {
	var mayCreate, schema, maySchema, tables, mayTables bool
	err := i.session.QueryRow(ctx, `SELECT has_database_privilege(current_database(), 'CREATE'),
		count(DISTINCT n.oid) > 0, coalesce(bool_and(has_schema_privilege(n.oid, 'USAGE, CREATE')), false),
		count(c.oid) > 0, coalesce(bool_and(has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
			AND has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')), false)
		FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname IN ('meta', 'migrations', 'steps')
		WHERE n.nspname = 'shipsql'`).Scan(&mayCreate, &schema, &maySchema, &tables, &mayTables)
	if err != nil {
		return err
	}
	login := ident(i.Login)
	lacks := executor.Privilege{Needed: true, Why: "the ledger in the database records what was applied, so nothing can be applied without it"}
	switch {
	case tables && !mayTables:
		lacks.What = "read and write the ledger (schema shipsql)"
		lacks.Grant = []string{"GRANT USAGE ON SCHEMA shipsql TO " + login, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shipsql TO " + login}
	case schema && !tables && !maySchema:
		lacks.What = "create the ledger's tables in the schema shipsql"
		lacks.Grant = []string{"GRANT USAGE, CREATE ON SCHEMA shipsql TO " + login}
	case !schema && !mayCreate:
		lacks.What = "create the ledger's schema (shipsql)"
		lacks.Grant = []string{fmt.Sprintf("GRANT CREATE ON DATABASE %s TO %s", ident(i.Database), login)}
	default:
		return nil
	}
	i.Lacks = append(i.Lacks, lacks)
	return nil
}

// schemaGrants wants to create tables wherever there are some, and where an
// unqualified CREATE TABLE goes. One such schema is needed.
func (i *inspector) schemaGrants(ctx context.Context) error {
	rows, err := i.session.Query(ctx, `SELECT n.nspname::text, has_schema_privilege(n.oid, 'USAGE') AND has_schema_privilege(n.oid, 'CREATE')
		FROM pg_namespace n WHERE `+userSchemas+` AND (n.nspname = current_schema() OR EXISTS (
			SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND `+notOfAnExtension+`))
		ORDER BY 1`)
	if err != nil {
		return err
	}
	type schema struct {
		Name string
		May  bool
	}
	schemas, err := pgx.CollectRows(rows, pgx.RowToStructByPos[schema])
	anywhere := slices.ContainsFunc(schemas, func(s schema) bool { return s.May })
	for _, s := range schemas {
		if !s.May {
			i.Lacks = append(i.Lacks, executor.Privilege{
				What: "create tables in the schema " + s.Name, Why: "migrations that create tables or indexes there fail", Needed: !anywhere,
				Grant: []string{fmt.Sprintf("GRANT USAGE, CREATE ON SCHEMA %s TO %s", ident(s.Name), ident(i.Login))},
			})
		}
	}
	return err
}

// notOfAnExtension leaves out the relations c that belong to an extension.
const notOfAnExtension = `NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')`

// maxListed bounds the statements of one privilege.
const maxListed = 10

// ownership: only an owner, or a member of the owning role, may alter a table.
func (i *inspector) ownership(ctx context.Context) error {
	rows, err := i.session.Query(ctx, `SELECT o.rolname::text, o.rolsuper, count(*)::int,
		(array_agg(format('%I.%I', n.nspname, c.relname) ORDER BY n.nspname, c.relname))[1:$1]::text[]
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles o ON o.oid = c.relowner
		WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND `+userSchemas+` AND `+notOfAnExtension+`
		  AND NOT pg_has_role(c.relowner, 'USAGE') GROUP BY 1, 2 ORDER BY 1`, maxListed)
	if err != nil {
		return err
	}
	type owner struct {
		Name   string
		Super  bool
		Count  int
		Tables []string
	}
	owners, err := pgx.CollectRows(rows, pgx.RowToStructByPos[owner])
	for _, o := range owners {
		lacks := executor.Privilege{
			What:  fmt.Sprintf("alter %d tables that belong to %s, e.g. %s", o.Count, o.Name, o.Tables[0]),
			Why:   "only a table's owner may alter it: migrations of these tables fail",
			Grant: []string{fmt.Sprintf("GRANT %s TO %s", ident(o.Name), ident(i.Login))},
		}
		if o.Count == 1 {
			lacks.What = fmt.Sprintf("alter 1 table that belongs to %s: %s", o.Name, o.Tables[0])
		}
		if o.Super { // its membership would be worth everything
			lacks.Grant = i.handOver(o.Tables)
		}
		i.Lacks = append(i.Lacks, lacks)
	}
	return err
}

func (i *inspector) handOver(tables []string) []string {
	var statements []string
	for _, table := range tables {
		statements = append(statements, fmt.Sprintf("ALTER TABLE %s OWNER TO %s", table, ident(i.Login)))
	}
	return statements
}
