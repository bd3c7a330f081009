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
	others:   "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()",
	remains:  "SELECT datname FROM pg_database WHERE datname NOT LIKE 'torture%' AND datname NOT IN ('postgres', 'template0', 'template1')",
	database: func(t *testing.T) string { return privateserver.Database(t) },
	replica: func(t *testing.T) string {
		return privateserver.OwnStandby(t, privateserver.OwnPostgres(t, privateserver.Options{})).URL("postgres")
	},
	login:  pgLogin,
	grants: pgGrants,
	full:   pgFull,
	heads:  []string{"-- shipsql: transaction=off\n"},
}

// crashPostgres is SIGKILL of all processes, or the immediate shutdown of
// pg_ctl -m immediate.
func crashPostgres(s server, dice *rand.Rand) error {
	if dice.IntN(2) == 0 {
		return s.Kill()
	}
	return s.(*privateserver.Postgres).StopImmediately()
}

func pgColumns(n int) []piece {
	return told(n,
		one("CREATE TABLE", "CREATE TABLE people_$N (id int PRIMARY KEY, a int)"),
		one("INSERT", "INSERT INTO people_$N SELECT i, i FROM generate_series(1, 500) i"),
		one("ADD COLUMN", "ALTER TABLE people_$N ADD COLUMN b int NOT NULL DEFAULT 5"),
		one("UPDATE", "UPDATE people_$N SET b = b * 2 + id"),
		one("MODIFY COLUMN", "ALTER TABLE people_$N ALTER COLUMN b TYPE bigint USING b + 1"),
		one("ADD INDEX", "CREATE INDEX people_$N_b ON people_$N (b)"),
		one("RENAME COLUMN", "ALTER TABLE people_$N RENAME COLUMN b TO c"),
		one("DROP COLUMN", "ALTER TABLE people_$N DROP COLUMN a"),
		one("DROP INDEX", "DROP INDEX people_$N_b"),
	)
}

func pgExchange(n int) []piece {
	return told(n,
		one("CREATE TABLE", "CREATE TABLE sales_$N (id int, what text) PARTITION BY RANGE (id)"),
		one("CREATE TABLE", "CREATE TABLE sales_$N_low PARTITION OF sales_$N FOR VALUES FROM (0) TO (100)"),
		one("CREATE TABLE", "CREATE TABLE sales_$N_new (id int, what text)"),
		one("INSERT", "INSERT INTO sales_$N VALUES (1, 'old')"),
		one("INSERT", "INSERT INTO sales_$N_new VALUES (2, 'new')"),
		one("DETACH PARTITION", "ALTER TABLE sales_$N DETACH PARTITION sales_$N_low"),
		one("ATTACH PARTITION", "ALTER TABLE sales_$N ATTACH PARTITION sales_$N_new FOR VALUES FROM (0) TO (100)"),
		one("INSERT", "INSERT INTO sales_$N SELECT id + 10, what FROM sales_$N_low"),
	)
}

func pgDetach(n int) []piece {
	return told(n,
		one("CREATE TABLE", "CREATE TABLE logs_$N (id int, what text) PARTITION BY RANGE (id)"),
		one("CREATE TABLE", "CREATE TABLE logs_$N_low PARTITION OF logs_$N FOR VALUES FROM (0) TO (100)"),
		one("CREATE TABLE", "CREATE TABLE logs_$N_high PARTITION OF logs_$N FOR VALUES FROM (100) TO (200)"),
		one("INSERT", "INSERT INTO logs_$N SELECT i, 'x' FROM generate_series(1, 150) i"),
		one("DETACH CONCURRENTLY", "ALTER TABLE logs_$N DETACH PARTITION logs_$N_low CONCURRENTLY"),
		one("UPDATE", "UPDATE logs_$N SET what = what || 'y'"),
	)
}

func pgSwap(n int) []piece {
	return told(n,
		one("CREATE TABLE … SELECT", "CREATE TABLE left_$N AS SELECT 'left' AS side"),
		one("CREATE TABLE … SELECT", "CREATE TABLE right_$N AS SELECT 'right' AS side"),
		one("swapping RENAME", "ALTER TABLE left_$N RENAME TO middle_$N"),
		one("swapping RENAME", "ALTER TABLE right_$N RENAME TO left_$N"),
		one("swapping RENAME", "ALTER TABLE middle_$N RENAME TO right_$N"),
		one("UPDATE", "UPDATE left_$N SET side = side || ' once'"),
	)
}

func pgSelectInto(n int) []piece {
	return told(n,
		one("UPDATE", count(10*n)),
		one("CREATE TABLE … SELECT", "CREATE TABLE copy_$N AS SELECT * FROM tally WHERE id = $0"),
		one("UPDATE", count(10*n)),
		one("INSERT", "INSERT INTO copy_$N SELECT id + 1, n FROM tally WHERE id = $0"),
		one("DROP TABLE", "DROP TABLE copy_$N"),
		one("CREATE TABLE … SELECT", "CREATE TABLE copy_$N AS SELECT * FROM tally WHERE id = $0"),
	)
}

// pgProcedure calls a procedure that does DDL, inside of a transaction, or alone
// where the file says transaction=off.
func pgProcedure(n int) []piece {
	return told(n,
		one("CREATE TABLE", "CREATE TABLE called_$N (id int)"),
		one("CREATE PROCEDURE", "CREATE PROCEDURE grow_$N() LANGUAGE plpgsql AS $body$ BEGIN ALTER TABLE called_$N ADD COLUMN x int; UPDATE tally SET n = n + 1 WHERE id = $0; END $body$"),
		doubtful("CALL", "CALL grow_$N()"),
		one("DROP PROCEDURE", "DROP PROCEDURE grow_$N()"),
	)
}

// pgCommitting calls a procedure that commits between its effects.
func pgCommitting(n int) []piece {
	body := "CREATE PROCEDURE commits_$N() LANGUAGE plpgsql AS $body$ BEGIN ALTER TABLE steps_$N ADD COLUMN x int; COMMIT; PERFORM pg_sleep(0.02); UPDATE tally SET n = n + 1 WHERE id = $0; COMMIT; PERFORM pg_sleep(0.02); ALTER TABLE steps_$N ADD COLUMN y int; END $body$"
	call := doubtful("CALL", "CALL commits_$N()",
		part{"ALTER TABLE steps_$N ADD COLUMN x int", pgColumnExists("steps_$N", "x")},
		part{"UPDATE tally SET n = n + 1 WHERE id = $0", "SELECT n FROM tally WHERE id = $0"},
		part{"ALTER TABLE steps_$N ADD COLUMN y int", pgColumnExists("steps_$N", "y")},
	)
	call.own, call.head = true, "-- shipsql: transaction=off\n"
	return told(n, one("CREATE TABLE", "CREATE TABLE steps_$N (id int)"), one("CREATE PROCEDURE", body), call, one("UPDATE", count(10*n+1)))
}

func pgColumnExists(table, column string) string {
	return fmt.Sprintf("SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('%s') AND attname = '%s'", table, column)
}

func pgQualified(n int) []piece {
	return told(n,
		one("CREATE SCHEMA", "CREATE SCHEMA house_$N"),
		one("qualified CREATE TABLE", "CREATE TABLE house_$N.rooms (id int PRIMARY KEY)"),
		one("qualified INSERT", "INSERT INTO house_$N.rooms VALUES (1), (2)"),
		one("qualified ADD COLUMN", `ALTER TABLE "house_$N"."rooms" ADD COLUMN size int DEFAULT 3`),
		one("qualified UPDATE", "UPDATE house_$N.rooms SET size = size + 1"),
		one("qualified CONCURRENTLY", "CREATE INDEX CONCURRENTLY rooms_size ON house_$N.rooms (size)"),
		one("qualified RENAME", "ALTER TABLE house_$N.rooms RENAME TO halls"),
		one("SET SCHEMA", "ALTER TABLE house_$N.halls SET SCHEMA public"),
		one("RENAME TABLE", "ALTER TABLE halls RENAME TO halls_$N"),
	)
}

func pgViews(n int) []piece {
	return told(n,
		one("CREATE TABLE … SELECT", "CREATE TABLE seen_$N AS SELECT 1 AS a"),
		one("CREATE VIEW", "CREATE VIEW view_$N AS SELECT a FROM seen_$N"),
		one("CREATE OR REPLACE VIEW", "CREATE OR REPLACE VIEW view_$N AS SELECT a, a + 1 AS b FROM seen_$N"),
		one("CREATE MATERIALIZED VIEW", "CREATE MATERIALIZED VIEW kept_$N AS SELECT * FROM view_$N"),
		one("UPDATE", "UPDATE seen_$N SET a = a + 1"),
		one("REFRESH", "REFRESH MATERIALIZED VIEW kept_$N"),
		one("DROP VIEW", "DROP MATERIALIZED VIEW kept_$N"),
		one("DROP VIEW", "DROP VIEW view_$N"),
	)
}

func pgTrigger(n int) []piece {
	return told(n,
		one("CREATE TABLE", "CREATE TABLE watched_$N (id int)"),
		one("CREATE FUNCTION", "CREATE FUNCTION watch_$N() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN UPDATE tally SET n = n + 1 WHERE id = $0; RETURN new; END $body$"),
		one("CREATE TRIGGER", "CREATE TRIGGER watch_$N AFTER INSERT ON watched_$N FOR EACH ROW EXECUTE FUNCTION watch_$N()"),
		one("INSERT with trigger", "INSERT INTO watched_$N VALUES (1), (2)"),
		one("DROP TRIGGER", "DROP TRIGGER watch_$N ON watched_$N"),
		one("INSERT", "INSERT INTO watched_$N VALUES (3)"),
		one("DROP FUNCTION", "DROP FUNCTION watch_$N()"),
	)
}

// pgRows are rows that change together.
func pgRows(n int) []piece {
	group := func(counters ...int) (p piece) {
		for _, i := range counters {
			p.statements = append(p.statements, statement{SQL: count(10*n + i), Kind: "grouped UPDATE"})
		}
		return p
	}
	return told(n, group(0, 1, 2), group(3, 4), one("DELETE", "DELETE FROM tally WHERE id = $9"),
		one("INSERT", "INSERT INTO tally SELECT $9, n + 10 FROM tally WHERE id = $0"), group(9, 0, 1))
}

func pgConcurrently(n int) []piece {
	return told(n,
		one("CREATE TABLE … SELECT", "CREATE TABLE big_$N AS SELECT i AS id, i % 7 AS b FROM generate_series(1, 500) i"),
		one("CREATE FUNCTION", "CREATE FUNCTION slow_$N(x int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $body$ BEGIN PERFORM pg_sleep(0.00005); RETURN x; END $body$"),
		one("CREATE INDEX CONCURRENTLY", "CREATE INDEX CONCURRENTLY big_$N_b ON big_$N (slow_$N(b))"),
		one("UPDATE", "UPDATE big_$N SET b = b + 1 WHERE id < 300"),
		one("CREATE INDEX CONCURRENTLY", "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS big_$N_id ON big_$N (id) WHERE id > 0"),
		one("DROP INDEX CONCURRENTLY", "DROP INDEX CONCURRENTLY big_$N_b"),
		silent("VACUUM", "VACUUM big_$N"),
		one("UPDATE", "UPDATE big_$N SET b = b + 1 WHERE id < 200"),
	)
}

func pgUnnamed(n int) []piece {
	return told(n,
		one("CREATE TABLE … SELECT", "CREATE TABLE plain_$N AS SELECT i AS id, i % 7 AS b FROM generate_series(1, 1000) i"),
		one("unnamed INDEX CONCURRENTLY", "CREATE INDEX CONCURRENTLY ON plain_$N (b)"),
		one("unnamed INDEX CONCURRENTLY", "CREATE INDEX CONCURRENTLY ON plain_$N (b)"),
		one("unnamed INDEX CONCURRENTLY", "CREATE INDEX CONCURRENTLY ON plain_$N USING hash (id)"),
		one("UPDATE", count(10*n)),
	)
}

func pgReindex(n int) []piece {
	return told(n,
		one("CREATE TABLE … SELECT", "CREATE TABLE worn_$N AS SELECT i AS id FROM generate_series(1, 2000) i"),
		one("ADD INDEX", "CREATE INDEX worn_$N_id ON worn_$N (id)"),
		silent("REINDEX CONCURRENTLY", "REINDEX INDEX CONCURRENTLY worn_$N_id"),
		one("UPDATE", count(10*n)),
		silent("REINDEX CONCURRENTLY", "REINDEX TABLE CONCURRENTLY worn_$N"),
		silent("VACUUM", "VACUUM (ANALYZE) worn_$N"),
		one("UPDATE", count(10*n)),
	)
}

func pgEnum(n int) []piece {
	use := one("INSERT", "INSERT INTO moody_$N VALUES ('good'), ('bad')")
	use.own = true // a new value is of no use in the transaction that makes it
	return told(n,
		one("CREATE TYPE", "CREATE TYPE mood_$N AS ENUM ('good')"),
		one("CREATE TABLE", "CREATE TABLE moody_$N (m mood_$N)"),
		one("ADD VALUE", "ALTER TYPE mood_$N ADD VALUE 'bad'"),
		use,
		one("UPDATE", count(10*n)),
	)
}

func pgBlock(n int) []piece {
	return told(n,
		doubtful("DO", "DO $body$ BEGIN UPDATE tally SET n = n + 1 WHERE id = $0; CREATE TABLE done_$N (); END $body$"),
		one("UPDATE", count(10*n)),
		doubtful("DO", "DO $body$ BEGIN UPDATE tally SET n = n * 10 WHERE id = $0; END $body$"),
	)
}

func pgTruncate(n int) []piece {
	return told(n,
		one("CREATE TABLE … SELECT", "CREATE TABLE brief_$N AS SELECT 1 AS a"),
		one("TRUNCATE", "TRUNCATE brief_$N"),
		one("INSERT", "INSERT INTO brief_$N VALUES (2)"),
	)
}

// pgSearchPath is a file whose statements mean what they mean only behind its SET.
func pgSearchPath(n int) []piece {
	inside := piece{own: true, statements: []statement{
		{Kind: "SET", SQL: "SET search_path = path_$N", Silent: true},
		{Kind: "INSERT", SQL: "INSERT INTO seats VALUES (1)"},
		{Kind: "CREATE INDEX CONCURRENTLY", SQL: "CREATE INDEX CONCURRENTLY seats_id ON seats (id)"},
		{Kind: "UPDATE", SQL: "UPDATE seats SET id = id + 10"},
		{Kind: "DROP INDEX CONCURRENTLY", SQL: "DROP INDEX CONCURRENTLY seats_id"},
		{Kind: "UPDATE", SQL: "UPDATE seats SET id = id + 100"},
	}}
	return told(n, one("CREATE SCHEMA", "CREATE SCHEMA path_$N"), one("qualified CREATE TABLE", "CREATE TABLE path_$N.seats (id int)"), inside)
}

func pgConstraints(n int) []piece {
	return told(n,
		one("CREATE TABLE", "CREATE TABLE parent_$N (id int PRIMARY KEY)"),
		one("CREATE TABLE", "CREATE TABLE child_$N (id int, parent int)"),
		one("ADD CONSTRAINT", "ALTER TABLE child_$N ADD CONSTRAINT child_$N_parent FOREIGN KEY (parent) REFERENCES parent_$N NOT VALID"),
		one("VALIDATE CONSTRAINT", "ALTER TABLE child_$N VALIDATE CONSTRAINT child_$N_parent"),
		one("ADD INDEX", "CREATE UNIQUE INDEX CONCURRENTLY child_$N_id ON child_$N (id)"),
		one("ADD CONSTRAINT", "ALTER TABLE child_$N ADD CONSTRAINT child_$N_id UNIQUE USING INDEX child_$N_id"),
		one("DROP CONSTRAINT", "ALTER TABLE child_$N DROP CONSTRAINT child_$N_parent"),
		one("DROP TABLE", "DROP TABLE parent_$N"),
	)
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
