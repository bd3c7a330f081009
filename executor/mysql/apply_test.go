package mysql_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/enginetest"
	"github.com/shipsql/shipsql/internal/fault"
)

func TestWhatAFailureSays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := b.ApplyFiles(map[string]string{"1_a.sql": "create table stays(id int);\ninsert into stays values (nothing)"})
	var failure *executor.Failure
	if !errors.As(err, &failure) || failure.SQLState != "42S22" || failure.Message != "Unknown column 'nothing' in 'VALUES' (error 1054)" {
		t.Fatalf("error %v", err)
	}
	_, err = b.ApplyFiles(map[string]string{"1_a.sql": "create table stays(id bigint);\ninsert into stays values (nothing)"})
	if !errors.As(err, &failure) || failure.Code != fault.ChangedAfterApply || failure.Detail != "-create table stays(id int)\n+create table stays(id bigint)" {
		t.Errorf("an edited prefix: %v, %q", err, failure.Detail)
	}
	b.MustApply(map[string]string{"1_a.sql": "create table stays(id int)"}) // the rest was taken out
}

// What the login may not see is the file's matter, not the ledger's.
func TestATableThatTheLoginMayNotSee(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	name, url := b.Login()
	b.Exec("grant all on " + b.Query("select database()") + ".* to " + name)
	_, err := openTarget(url).Apply(t.Context(), executor.Run{Migrations: load(t, map[string]string{"1_a.sql": "create table a(n int);\n\nalter table mysql.servers add column n int"})})
	var failure *executor.Failure
	if !errors.As(err, &failure) || failure.Path != "1_a.sql" || failure.Line != 3 || failure.Statement != 2 || failure.SQLState != "42000" ||
		!strings.Contains(failure.Message, "denied to user '"+name+"'") || !strings.Contains(failure.Message, "servers") || !strings.Contains(failure.Hint, "GRANT the login") {
		t.Errorf("%v: %+v", err, failure)
	}
	b.Want("select n, state from shipsql_steps", "1|done")
}

// An ALTER that copies is ended with the grace time, and leaves nothing.
func TestAnAlterThatTheGraceTimeEnds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create table a(n int)", "insert into a select seq from seq_1_to_1000")
	ctx, cancel := context.WithCancel(t.Context())
	_, err := b.Apply(ctx, executor.Run{
		Migrations: load(t, map[string]string{"1_x.sql": copying}), Limits: executor.Limits{Grace: 10 * time.Millisecond},
		Progress: func(e executor.Event) {
			if e.State == executor.EventRunning {
				cancel()
			}
		},
	})
	if !errors.Is(err, context.Canceled) || fault.CodeOf(err) != fault.Unreachable {
		t.Fatalf("error %v", err)
	}
	b.Want("select count(*) from shipsql_migrations", "0")
	b.Exec("drop table a") // waits for the end of the ALTER
}

func TestSettingsEndWithTheirFile(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, e enginetest.Engine) { settingsEnd(t, &bench{e.NewBench(t), t}) })
}

func settingsEnd(t *testing.T, b *bench) {
	t.Helper()
	b.MustApply(map[string]string{
		"1_a.sql": "set sql_mode = 'ANSI_QUOTES', @x = 7, names latin1; set foreign_key_checks = 0, time_zone = '+05:00'; create temporary table x(n int); " +
			"create table \"ä\"(n int, m varchar(100)); insert into \"ä\" values (@x, @@sql_mode)",
		"2_b.sql": "create temporary table x(n int); create table b as select @x as x, @@foreign_key_checks as k, @@time_zone as z, @@character_set_client as c, @@sql_mode = @@global.sql_mode as m",
	})
	b.Want("select x, k, z, c, m from b", "NULL|1|SYSTEM|utf8mb4|1")
	b.Want("select count(*) from shipsql_steps where state = 'done'", "7")
	// The first file of a session, too, has the server's settings.
	b.MustApply(map[string]string{"3_c.sql": "create table c as select @@foreign_key_checks as k, @@unique_checks as u"})
	b.Want("select k, u from c", "1|1")
}

func TestLimitsOfMariaDB(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create table seen(n int, l int)")
	// A quote that a backslash takes is no end of a string, so the directive is one.
	text := "insert into seen values (1, @@innodb_lock_wait_timeout);\nset @s = 'it\\'s';\n-- shipsql: lock_timeout=3s\ninsert into seen values (2, @@innodb_lock_wait_timeout)"
	if _, err := b.Apply(t.Context(), executor.Run{Limits: executor.Limits{LockTimeout: 9 * time.Second}, Migrations: load(t, map[string]string{"1_x.sql": text})}); err != nil {
		t.Fatal(explain(err))
	}
	b.Want("select n, l from seen order by n", "1|9\n2|3")
	_, err := b.ApplyFiles(map[string]string{"2_x.sql": "-- shipsql: statement_timeout=20ms\ninsert into seen select 9, sleep(60)"})
	if fault.CodeOf(err) != fault.SQLError || !strings.Contains(err.Error(), "longer than its limit") {
		t.Fatalf("error %v", explain(err))
	}
	_, err = b.ApplyFiles(map[string]string{"2_x.sql": "-- shipsql: lock_timeout=70ms\ninsert into seen values (3, @@lock_wait_timeout)"})
	if err != nil {
		t.Fatal(explain(err))
	}
	b.Want("select l from seen where n = 3", "1") // there are whole seconds only
}
