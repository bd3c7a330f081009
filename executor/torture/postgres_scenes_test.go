package torture_test

import "fmt"

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
		one("CREATE TABLE … SELECT", "CREATE TABLE copy_$N AS SELECT id, n FROM tally WHERE id = $0"),
		one("UPDATE", count(10*n)),
		one("INSERT", "INSERT INTO copy_$N SELECT id + 1, n FROM tally WHERE id = $0"),
		one("DROP TABLE", "DROP TABLE copy_$N"),
		one("CREATE TABLE … SELECT", "CREATE TABLE copy_$N AS SELECT id, n FROM tally WHERE id = $0"),
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
	call.own, call.head = true, stepwise
	return told(n, one("CREATE TABLE", "CREATE TABLE steps_$N (id int)"), one("CREATE PROCEDURE", body), call, one("UPDATE", count(10*n+1)))
}

func pgColumnExists(table, column string) string {
	return fmt.Sprintf("SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('%s') AND attname = '%s'", table, column)
}

func pgQualified(n int) []piece {
	return told(n,
		one("CREATE SCHEMA", "CREATE SCHEMA house_$N"),
		one("qualified CREATE TABLE", "CREATE TABLE house_$N.rooms_$N (id int PRIMARY KEY)"),
		one("qualified INSERT", "INSERT INTO house_$N.rooms_$N VALUES (1), (2)"),
		one("qualified ADD COLUMN", `ALTER TABLE "house_$N"."rooms_$N" ADD COLUMN size int DEFAULT 3`),
		one("qualified UPDATE", "UPDATE house_$N.rooms_$N SET size = size + 1"),
		one("qualified CONCURRENTLY", "CREATE INDEX CONCURRENTLY rooms_size_$N ON house_$N.rooms_$N (size)"),
		one("qualified RENAME", "ALTER TABLE house_$N.rooms_$N RENAME TO halls_$N"),
		one("SET SCHEMA", "ALTER TABLE house_$N.halls_$N SET SCHEMA public"),
		one("RENAME TABLE", "ALTER TABLE halls_$N RENAME TO hall_$N"),
	)
}

func pgViews(n int) []piece {
	return told(n,
		one("CREATE TABLE … SELECT", "CREATE TABLE seen_$N AS SELECT 1 AS a"),
		one("CREATE VIEW", "CREATE VIEW view_$N AS SELECT a FROM seen_$N"),
		one("CREATE OR REPLACE VIEW", "CREATE OR REPLACE VIEW view_$N AS SELECT a, a + 1 AS b FROM seen_$N"),
		one("CREATE MATERIALIZED VIEW", "CREATE MATERIALIZED VIEW kept_$N AS SELECT a, b FROM view_$N"),
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
