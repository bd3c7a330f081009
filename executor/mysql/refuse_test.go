package mysql_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

func TestWhatNeverRuns(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.MustApply(map[string]string{"1_a.sql": "create table a(n int)"})
	for text, says := range map[string]string{
		"do release_lock('x')":                                                    "RELEASE_LOCK",
		"select RELEASE_ALL_LOCKS()":                                              "RELEASE_LOCK",
		"create procedure p() begin do `release_lock`('x'); end":                  "RELEASE_LOCK",
		"prepare s from 'do release_lock(1)'":                                     "RELEASE_LOCK",
		"select get_lock('shipsql/x', 0)":                                         "GET_LOCK",
		"kill 7":                                                                  "KILL",
		"set global max_connections = 7":                                          "SET GLOBAL",
		"set @@global.max_connections = 7":                                        "SET GLOBAL",
		"set session sort_buffer_size = 1, global max_connections = 7":            "SET GLOBAL",
		"delete from shipsql_migrations":                                          "ledger",
		"drop table a, shipsql_steps":                                             "ledger",
		"alter table shipsql_meta add column x int":                               "ledger",
		"/*!50000 update shipsql_meta set epoch = 7 */":                           "ledger",
		"rename table shipsql_meta to x":                                          "ledger",
		"create trigger t before insert on shipsql_steps for each row set @a = 1": "ledger",
		"commit":                      "transaction control",
		"start transaction":           "transaction control",
		"savepoint x":                 "transaction control",
		"rollback":                    "transaction control",
		"set autocommit = 0":          "autocommit",
		"set completion_type = 2":     "completion_type",
		"xa start 'x'":                "XA",
		"lock tables a write":         "LOCK TABLES",
		"flush tables with read lock": "whole server",
		"use mysql":                   "USE",
		"set role none":               "SET ROLE",
		"shutdown":                    "whole server",
		"load data local infile '/etc/passwd' into table a": "LOAD DATA LOCAL",
		"source other.sql": "client",
	} {
		_, err := b.ApplyFiles(map[string]string{"1_a.sql": "create table a(n int)", "2_b.sql": "create table ran(n int);\n" + text + ";"})
		var failure *executor.Failure
		if !errors.As(err, &failure) || !strings.Contains(err.Error()+failure.Hint, says) || failure.Line != 2 {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if failure.Code != fault.Denied && failure.Code != fault.Unsupported && failure.Code != fault.Invalid {
			t.Errorf("%s: code %s", text, failure.Code)
		}
	}
	b.WantTable("ran", false)
	b.Want("select count(*) from shipsql_migrations", "1")
}

func TestWhatLooksSimilarRuns(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	database := b.Query("select database()")
	b.MustApply(map[string]string{"1_a.sql": "use `" + database + "`;\ncreate table release_locks(kill_it int, commit_it int, note varchar(100));\n" +
		"insert into release_locks values (1, 2, 'RELEASE_LOCK, and then KILL');\n-- COMMIT;\nselect get_lock('mine', 0);\nflush privileges;\nset @x = 1;\ndelimiter //\n" +
		"create procedure p() begin start transaction; insert into release_locks(kill_it) values (2); commit; end//\ndelimiter ;\ncall p();\nselect note from release_locks where note like '%shipsql_meta%';"})
	b.Want("select count(*) from release_locks", "2")
}
