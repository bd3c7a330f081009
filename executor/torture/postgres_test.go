package torture_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // database/sql's driver "pgx"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/postgres"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/internal/privateserver"
)

// parser is shared by the tests of this process.
var parser = syntax.NewParser(syntax.Options{})

var postgresql = product{
	name:   postgres.Name,
	engine: func() executor.Engine { return postgres.New(parser) },
	start: func(tb privateserver.TB) server {
		return privateserver.OwnPostgres(tb, privateserver.Options{})
	},
	crash:   crashPostgres,
	connect: func(url string) (*sql.DB, error) { return sql.Open("pgx", url) },
	pairs:   append([]pair{concurrently, concurrently}, pairs...),
	reality: postgresReality,
	scenes: []scene{
		pgColumns, pgExchange, pgDetach, pgSwap, pgSelectInto, pgProcedure, pgCommitting, pgQualified, pgViews,
		pgTrigger, pgRows, pgConcurrently, pgUnnamed, pgReindex, pgEnum, pgBlock, pgTruncate, pgSearchPath, pgConstraints,
	},
	ledger: ledgerSQL{
		prefix: "shipsql.",
		rows:   "SELECT version, checksum, state, finished_at IS NOT NULL FROM shipsql.migrations WHERE history = 'default' AND kind = 'versioned' ORDER BY version::int",
		steps:  "SELECT version, n, state FROM shipsql.steps WHERE history = 'default' AND kind = 'versioned' ORDER BY version::int, n",
		exists: "SELECT count(*) FROM pg_class WHERE oid = to_regclass('shipsql.migrations')",
	},
	others:  "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()",
	remains: "SELECT datname FROM pg_database WHERE datname NOT LIKE 'torture%' AND datname NOT IN ('postgres', 'template0', 'template1')",
	heads:   []string{stepwise},
	bad: badStates{
		database: func(t *testing.T) string { return privateserver.Database(t) },
		replica: func(t *testing.T) string {
			return privateserver.OwnStandby(t, privateserver.OwnPostgres(t, privateserver.Options{})).URL("postgres")
		},
		login:  pgLogin,
		grants: pgGrants,
		full:   pgFull,
	},
}

// crashPostgres is SIGKILL of all processes, or the immediate shutdown of
// pg_ctl -m immediate.
func crashPostgres(s server, dice *rand.Rand) error {
	if dice.IntN(2) == 0 {
		return s.Kill()
	}
	return s.(*privateserver.Postgres).StopImmediately()
}

// pgCatalog describes what people make, ShipSQL's schema left out.
const pgCatalog = `
WITH ours AS (SELECT oid, nspname FROM pg_namespace WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'shipsql') AND nspname !~ '^pg_(toast|temp)')
SELECT format('schema %s', nspname) FROM ours
UNION ALL SELECT format('%s %s.%s %s %s: %s', c.relkind, nspname, relname, pg_get_expr(relpartbound, c.oid), pg_get_partkeydef(c.oid),
	(SELECT string_agg(format('%s %s %s %s', attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid)), ', ' ORDER BY attnum)
	 FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped))
	FROM pg_class c JOIN ours ON ours.oid = relnamespace WHERE relkind IN ('r', 'p', 'S')
UNION ALL SELECT format('view %s.%s %s', nspname, relname, pg_get_viewdef(c.oid)) FROM pg_class c JOIN ours ON ours.oid = relnamespace WHERE relkind IN ('v', 'm')
UNION ALL SELECT format('%s in %s, leaving %s', inhrelid::regclass, inhparent::regclass, inhdetachpending) FROM pg_inherits
UNION ALL SELECT format('%s valid %s', pg_get_indexdef(indexrelid), indisvalid AND indisready)
	FROM pg_index JOIN pg_class c ON c.oid = indexrelid JOIN ours ON ours.oid = relnamespace
UNION ALL SELECT format('constraint %s on %s.%s %s', conname, nspname, conrelid::regclass, pg_get_constraintdef(c.oid)) FROM pg_constraint c JOIN ours ON ours.oid = connamespace
UNION ALL SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t WHERE NOT tgisinternal
UNION ALL SELECT pg_get_functiondef(p.oid) FROM pg_proc p JOIN ours ON ours.oid = pronamespace
UNION ALL SELECT format('enum %s %s', typname, (SELECT string_agg(enumlabel, ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid))
	FROM pg_type t JOIN ours ON ours.oid = typnamespace WHERE typtype = 'e'
ORDER BY 1`

const pgTables = `SELECT format('%I.%I', nspname, relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind IN ('r', 'm') AND nspname NOT IN ('pg_catalog', 'information_schema', 'shipsql') AND nspname !~ '^pg_(toast|temp)' ORDER BY 1`

func postgresReality(db *sql.DB) (string, error) {
	ctx := context.Background()
	lines, err := list(ctx, db, pgCatalog)
	if err != nil {
		return "", err
	}
	tables, err := list(ctx, db, pgTables)
	if err != nil {
		return "", err
	}
	for _, table := range tables {
		rows, err := list(ctx, db, fmt.Sprintf("SELECT x::text FROM %s x ORDER BY 1", table))
		if err != nil {
			return "", err
		}
		lines = append(lines, table+": "+brief(rows))
	}
	return strings.Join(lines, "\n"), nil
}

// brief is rows as one text, of bounded length.
func brief(rows []string) string {
	text := strings.Join(rows, " ")
	if len(text) > 2000 {
		return fmt.Sprintf("%d rows %x", len(rows), sha256.Sum256([]byte(text)))
	}
	return text
}

// list is the one column of a query's rows.
func list(ctx context.Context, db *sql.DB, query string) (all []string, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}

// pgLogin makes a role of the database's name.
func pgLogin(b *bench) string {
	u, name := urlOf(b)
	b.exec("CREATE ROLE " + name + " LOGIN PASSWORD 'poor'")
	b.t.Cleanup(func() {
		_, err := b.db.ExecContext(context.Background(), "DROP OWNED BY "+name+"; DROP ROLE "+name)
		if err != nil {
			b.t.Error(err)
		}
	})
	u.User = url.UserPassword(name, "poor")
	return u.String()
}

func pgGrants(b *bench) {
	_, name := urlOf(b)
	b.exec("GRANT CREATE ON DATABASE " + name + " TO " + name)
}

// pgFull is a database whose table hog lies on a device that is always full.
func pgFull(t *testing.T) (string, string) {
	address := privateserver.OwnPostgres(t, privateserver.Options{}).URL("postgres")
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "CREATE TABLE hog (n int); CHECKPOINT")
	if err != nil {
		t.Fatal(err)
	}
	file, err := list(t.Context(), db, "SELECT current_setting('data_directory') || '/' || pg_relation_filepath('hog')")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(file[0]), os.Symlink("/dev/full", file[0])); err != nil {
		t.Fatal(err)
	}
	return address, "INSERT INTO hog SELECT generate_series(1, 1000);\n"
}
