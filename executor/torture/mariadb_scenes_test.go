package torture_test

import "fmt"

func myColumns(n int) []piece {
	return told(n,
		one("CREATE TABLE", "CREATE TABLE people_$N (id int PRIMARY KEY, a int)"),
		one("INSERT", "INSERT INTO people_$N VALUES (1, 1), (2, 2), (3, 3)"),
		one("ADD COLUMN", "ALTER TABLE people_$N ADD COLUMN b int NOT NULL DEFAULT 5"),
		one("UPDATE", "UPDATE people_$N SET b = b * 2 + id"),
		one("MODIFY COLUMN", "ALTER TABLE people_$N MODIFY COLUMN b bigint NOT NULL DEFAULT 7"),
		one("ADD INDEX", "ALTER TABLE people_$N ADD INDEX people_$N_b (b)"),
		one("ADD INDEX", "CREATE INDEX people_$N_a ON people_$N (a)"),
		one("RENAME COLUMN", "ALTER TABLE people_$N RENAME COLUMN b TO c"),
		one("MODIFY COLUMN", "ALTER TABLE people_$N CHANGE COLUMN c d int COMMENT 'was c'"),
		one("DROP COLUMN", "ALTER TABLE people_$N DROP COLUMN a"),
		one("DROP INDEX", "DROP INDEX people_$N_b ON people_$N"),
	)
}

// myClauses are several changes in one ALTER.
func myClauses(n int) []piece {
	return told(n,
		one("CREATE TABLE", "CREATE TABLE many_$N (id int PRIMARY KEY AUTO_INCREMENT, a int, b varchar(10)) COMMENT 'x'"),
		one("INSERT", "INSERT INTO many_$N (id, a, b) SELECT x.id * 100 + y.id + 1, x.id, y.n FROM tally x JOIN tally y"),
		one("ALTER of many clauses", "ALTER TABLE many_$N ADD COLUMN c int DEFAULT 1, DROP COLUMN a, ADD INDEX (b), COMMENT 'y'"),
		one("UPDATE", "UPDATE many_$N SET c = c + 1 WHERE id < 300"),
		one("ALTER of many clauses", "ALTER TABLE many_$N ADD COLUMN a int FIRST, MODIFY COLUMN b varchar(300), ALGORITHM=COPY"),
		one("RENAME TABLE", "ALTER TABLE many_$N RENAME TO several_$N"),
		one("INSERT", "INSERT INTO several_$N (id, a, b, c) SELECT id + 10000, 7, b, c + 1 FROM several_$N"),
	)
}

func myExchange(n int) []piece {
	return told(n,
		one("CREATE TABLE", "CREATE TABLE sales_$N (id int NOT NULL, what varchar(20)) PARTITION BY RANGE (id) (PARTITION low VALUES LESS THAN (100), PARTITION high VALUES LESS THAN (200))"),
		one("CREATE TABLE", "CREATE TABLE sales_$N_new (id int NOT NULL, what varchar(20))"),
		one("INSERT", "INSERT INTO sales_$N VALUES (1, 'old'), (101, 'high')"),
		one("INSERT", "INSERT INTO sales_$N_new VALUES (2, 'new')"),
		doubtful("EXCHANGE PARTITION", "ALTER TABLE sales_$N EXCHANGE PARTITION low WITH TABLE sales_$N_new"),
		one("INSERT", "INSERT INTO sales_$N VALUES (3, 'third')"),
		one("ADD PARTITION", "ALTER TABLE sales_$N ADD PARTITION (PARTITION top VALUES LESS THAN (300))"),
		doubtful("TRUNCATE PARTITION", "ALTER TABLE sales_$N TRUNCATE PARTITION low"),
		one("INSERT", "INSERT INTO sales_$N VALUES (4, 'fourth')"),
		one("DROP PARTITION", "ALTER TABLE sales_$N DROP PARTITION high"),
	)
}

func mySwap(n int) []piece {
	rename := "RENAME TABLE left_$N TO middle_$N, right_$N TO left_$N, middle_$N TO right_$N"
	return told(n,
		one("CREATE TABLE", "CREATE TABLE left_$N (side varchar(20))"),
		one("CREATE TABLE", "CREATE TABLE right_$N (side varchar(20))"),
		one("INSERT", "INSERT INTO left_$N VALUES ('left')"),
		one("INSERT", "INSERT INTO right_$N VALUES ('right')"),
		doubtful("swapping RENAME", rename,
			part{"RENAME TABLE left_$N TO middle_$N", myExists("middle_$N")},
			part{"RENAME TABLE right_$N TO left_$N", myExists("left_$N")},
			part{"RENAME TABLE middle_$N TO right_$N", myExists("right_$N")}),
		one("UPDATE", "UPDATE left_$N SET side = concat(side, ' once')"),
		one("RENAME TABLE", "RENAME TABLE left_$N TO first_$N"),
	)
}

func myExists(table string) string {
	return fmt.Sprintf("SELECT count(*) FROM information_schema.tables WHERE table_schema = database() AND table_name = '%s'", table)
}

func myGone(table string) string {
	return fmt.Sprintf("SELECT count(*) = 0 FROM information_schema.tables WHERE table_schema = database() AND table_name = '%s'", table)
}

func mySelectInto(n int) []piece {
	return told(n,
		one("UPDATE", count(10*n)),
		doubtful("CREATE TABLE … SELECT", "CREATE TABLE copy_$N AS SELECT id, n FROM tally WHERE id = $0"),
		one("UPDATE", count(10*n)),
		one("INSERT", "INSERT INTO copy_$N SELECT id + 1, n FROM tally WHERE id = $0"),
		one("UPDATE", "UPDATE copy_$N SET n = n + 5"),
		one("DROP TABLE", "DROP TABLE copy_$N"),
		doubtful("CREATE TABLE … SELECT", "CREATE TABLE copy_$N (extra int DEFAULT 3) SELECT id, n FROM tally WHERE id = $0"),
	)
}

// mariadbReplace is about statements that MySQL lacks.
func mariadbReplace(n int) []piece {
	return told(n,
		doubtful("CREATE TABLE … SELECT", "CREATE TABLE twin_$N AS SELECT id, n FROM tally WHERE id = $0"),
		one("INSERT", "INSERT INTO twin_$N SELECT id + 1, n FROM tally WHERE id = $0"),
		doubtful("CREATE OR REPLACE TABLE", "CREATE OR REPLACE TABLE twin_$N AS SELECT id, n FROM tally WHERE id = $0",
			part{"DROP TABLE twin_$N", myGone("twin_$N")},
			part{"CREATE TABLE twin_$N AS SELECT id, n FROM tally WHERE id = $0", myExists("twin_$N")}),
		one("UPDATE", "UPDATE twin_$N SET n = n + 5"),
		one("CREATE SEQUENCE", "CREATE SEQUENCE numbers_$N START WITH 7"),
		one("UPDATE", count(10*n)),
		one("DROP SEQUENCE", "DROP SEQUENCE numbers_$N"),
	)
}

// myProcedure calls a procedure that does DDL, which commits in its middle.
func myProcedure(n int) []piece {
	body := one("CREATE PROCEDURE", "CREATE PROCEDURE grow_$N() BEGIN UPDATE tally SET n = n + 1 WHERE id = $0; DO sleep(0.02); ALTER TABLE called_$N ADD COLUMN x int; DO sleep(0.02); UPDATE tally SET n = n + 1 WHERE id = $1; END")
	return told(n,
		one("CREATE TABLE", "CREATE TABLE called_$N (id int)"),
		body,
		doubtful("CALL", "CALL grow_$N()",
			part{"UPDATE tally SET n = n + 1 WHERE id = $0", "SELECT n FROM tally WHERE id = $0"},
			part{"ALTER TABLE called_$N ADD COLUMN x int", "SELECT count(*) FROM information_schema.columns WHERE table_schema = database() AND table_name = 'called_$N' AND column_name = 'x'"},
			part{"UPDATE tally SET n = n + 1 WHERE id = $1", "SELECT n FROM tally WHERE id = $1"}),
		one("UPDATE", count(10*n+2)),
		one("DROP PROCEDURE", "DROP PROCEDURE grow_$N"),
	)
}

// myCounting calls a procedure that changes rows only.
func myCounting(n int) []piece {
	return told(n,
		one("CREATE PROCEDURE", "CREATE PROCEDURE count_$N(IN many int) BEGIN UPDATE tally SET n = n + many WHERE id = $0; END"),
		doubtful("CALL", "CALL count_$N(1)"),
		one("UPDATE", count(10*n)),
		doubtful("CALL", "CALL count_$N(2)"),
	)
}

func myQualified(n int) []piece {
	return told(n,
		one("qualified CREATE TABLE", "CREATE TABLE "+database+".rooms_$N (id int PRIMARY KEY)"),
		one("qualified INSERT", "INSERT INTO "+database+".rooms_$N VALUES (1), (2)"),
		one("qualified ADD COLUMN", "ALTER TABLE `"+database+"`.`rooms_$N` ADD COLUMN size int DEFAULT 3"),
		one("qualified UPDATE", "UPDATE "+database+".rooms_$N SET size = size + 1"),
		one("qualified ADD INDEX", "CREATE INDEX rooms_size ON "+database+".rooms_$N (size)"),
		one("qualified RENAME", "RENAME TABLE "+database+".rooms_$N TO "+database+".halls_$N"),
		one("qualified CREATE TRIGGER", "CREATE TRIGGER "+database+".halls_size_$N BEFORE INSERT ON "+database+".halls_$N FOR EACH ROW SET NEW.size = 9"),
		one("qualified INSERT", "INSERT INTO "+database+".halls_$N (id) VALUES (7)"),
		one("qualified DROP", "DROP TRIGGER "+database+".halls_size_$N"),
		one("qualified CREATE VIEW", "CREATE VIEW "+database+".tall_$N AS SELECT id FROM "+database+".halls_$N"),
		one("qualified DROP", "DROP VIEW "+database+".tall_$N"),
	)
}

func myViews(n int) []piece {
	return told(n,
		one("CREATE TABLE", "CREATE TABLE seen_$N (a int)"),
		one("CREATE VIEW", "CREATE VIEW view_$N AS SELECT a FROM seen_$N"),
		one("INSERT", "INSERT INTO view_$N (a) VALUES (1)"),
		one("CREATE OR REPLACE VIEW", "CREATE OR REPLACE VIEW view_$N AS SELECT a, a + 1 AS b FROM seen_$N"),
		one("ALTER VIEW", "ALTER VIEW view_$N AS SELECT a + 2 AS c FROM seen_$N"),
		one("DROP VIEW", "DROP VIEW view_$N"),
		one("UPDATE", "UPDATE seen_$N SET a = a + 1"),
	)
}

func myTrigger(n int) []piece {
	trigger := one("CREATE TRIGGER", "CREATE TRIGGER watch_$N AFTER INSERT ON watched_$N FOR EACH ROW BEGIN UPDATE tally SET n = n + 1 WHERE id = $0; UPDATE tally SET n = n + 10 WHERE id = $0; END")
	trigger.statements[0].Delimited = true
	return told(n,
		one("CREATE TABLE", "CREATE TABLE watched_$N (id int)"),
		trigger,
		one("INSERT with trigger", "INSERT INTO watched_$N VALUES (1), (2)"),
		one("DROP TRIGGER", "DROP TRIGGER watch_$N"),
		one("INSERT", "INSERT INTO watched_$N VALUES (3)"),
	)
}

// myRows are rows that change together.
func myRows(n int) []piece {
	group := func(statements ...string) (p piece) {
		for _, sql := range statements {
			p.statements = append(p.statements, statement{SQL: sql, Kind: "grouped DML"})
		}
		return p
	}
	return told(n,
		group(count(10*n), count(10*n+1), count(10*n+2)),
		group("DELETE FROM tally WHERE id = $9", "INSERT INTO tally SELECT $9, n + 10 FROM tally WHERE id = $0", count(10*n+9)),
		group("REPLACE INTO tally SELECT id, n + 3 FROM tally WHERE id IN ($0, $1)", "INSERT INTO tally VALUES ($1, 0) ON DUPLICATE KEY UPDATE n = n + 4"),
		group("UPDATE tally a JOIN tally b ON b.id = $0 SET a.n = a.n + b.n WHERE a.id = $3"),
	)
}

func myTruncate(n int) []piece {
	return told(n,
		one("CREATE TABLE", "CREATE TABLE brief_$N (a int)"),
		one("INSERT", "INSERT INTO brief_$N VALUES (1)"),
		doubtful("TRUNCATE", "TRUNCATE TABLE brief_$N"),
		one("INSERT", "INSERT INTO brief_$N VALUES (2)"),
	)
}

func myDrops(n int) []piece {
	return told(n,
		one("CREATE TABLE", "CREATE TABLE gone_$N_a (a int)"),
		one("CREATE TABLE", "CREATE TABLE IF NOT EXISTS gone_$N_b (a int)"),
		one("CREATE TABLE … LIKE", "CREATE TABLE gone_$N_c LIKE gone_$N_a"),
		doubtful("DROP of two tables", "DROP TABLE gone_$N_a, gone_$N_b",
			part{"DROP TABLE gone_$N_a", myGone("gone_$N_a")}, part{"DROP TABLE gone_$N_b", myGone("gone_$N_b")}),
		one("DROP TABLE IF EXISTS", "DROP TABLE IF EXISTS gone_$N_c"),
		one("UPDATE", count(10*n)),
	)
}

func myForeignKey(n int) []piece {
	return told(n,
		one("CREATE TABLE", "CREATE TABLE parent_$N (id int PRIMARY KEY)"),
		one("CREATE TABLE", "CREATE TABLE child_$N (id int PRIMARY KEY, parent int, KEY child_$N_parent (parent), CONSTRAINT child_$N_up FOREIGN KEY (parent) REFERENCES parent_$N (id))"),
		one("INSERT", "INSERT INTO parent_$N VALUES (1)"),
		one("INSERT", "INSERT INTO child_$N VALUES (1, 1)"),
		one("ADD CONSTRAINT", "ALTER TABLE child_$N ADD CONSTRAINT child_$N_self FOREIGN KEY (parent) REFERENCES child_$N (id)"),
		one("DROP CONSTRAINT", "ALTER TABLE child_$N DROP FOREIGN KEY child_$N_up"),
		one("CREATE TABLE", "CREATE TABLE grandchild_$N (parent int, CONSTRAINT grandchild_$N_up FOREIGN KEY (parent) REFERENCES child_$N (id))"),
		// The key that the server made for the first constraint gives way to the
		// second one's, which a replay on SHOW CREATE's text can't foresee (§6.4.6).
		doubtful("ADD CONSTRAINT over a generated key", "ALTER TABLE grandchild_$N ADD CONSTRAINT grandchild_$N_also FOREIGN KEY (parent) REFERENCES parent_$N (id)"),
		one("ADD CONSTRAINT", "ALTER TABLE child_$N ADD CONSTRAINT child_$N_positive CHECK (id > 0)"),
		one("ADD COLUMN", "ALTER TABLE parent_$N ADD COLUMN name varchar(20)"),
	)
}

func myMaintenance(n int) []piece {
	rebuild := silent("rebuild", "ALTER TABLE kept_$N ENGINE=InnoDB")
	rebuild.statements[0].Doubtful = true
	return told(n,
		one("CREATE TABLE", "CREATE TABLE kept_$N (a int)"),
		silent("ANALYZE", "ANALYZE TABLE kept_$N"),
		one("INSERT", "INSERT INTO kept_$N VALUES (1)"),
		silent("OPTIMIZE", "OPTIMIZE TABLE kept_$N"),
		one("UPDATE", "UPDATE kept_$N SET a = a + 1"),
		rebuild,
		one("UPDATE", "UPDATE kept_$N SET a = a + 1"),
	)
}

func myRoutines(n int) []piece {
	return told(n,
		one("CREATE FUNCTION", "CREATE FUNCTION twice_$N(x int) RETURNS int DETERMINISTIC RETURN x * 2"),
		doubtful("CREATE EVENT", // an event is not replayed: it would begin to run, so nothing is foreseen (§6.4.4)
			"CREATE EVENT later_$N ON SCHEDULE AT '2037-01-01 00:00:00' DO UPDATE tally SET n = 0"),
		one("UPDATE with function", "UPDATE tally SET n = n + twice_$N(3) WHERE id = $0"),
		one("DROP EVENT", "DROP EVENT later_$N"),
		one("DROP FUNCTION", "DROP FUNCTION twice_$N"),
	)
}

// mySession is a file whose statements mean what they mean only behind its SET.
func mySession(n int) []piece {
	inside := piece{own: true, statements: []statement{
		{Kind: "SET", SQL: "SET @more = 7", Silent: true},
		{Kind: "UPDATE", SQL: "UPDATE tally SET n = n + @more WHERE id = $0"},
		{Kind: "ADD COLUMN", SQL: "ALTER TABLE set_$N ADD COLUMN b int"},
		{Kind: "UPDATE", SQL: "UPDATE tally SET n = n + @more WHERE id = $0"},
		{Kind: "DROP COLUMN", SQL: "ALTER TABLE set_$N DROP COLUMN b"},
		{Kind: "UPDATE", SQL: "UPDATE tally SET n = n + @more WHERE id = $0"},
	}}
	return told(n, one("CREATE TABLE", "CREATE TABLE set_$N (a int)"), inside)
}
