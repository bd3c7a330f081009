package mysql_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/privateserver"
)

// The ledger is written by another connection than the one that runs the file: what
// a statement left uncommitted there is committed before the ledger says that it
// is done.
func TestWhatAStatementLeavesOpenIsCommittedFirst(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"autocommit off in a call":  "call off()",
		"transaction begun by call": "call begun()",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.Exec("create table a(n int)", "create procedure p() insert into a values (1)",
				"create procedure off() begin set autocommit = 0; insert into a values (1); end",
				"create procedure begun() begin start transaction; insert into a values (1); end")
			b.MustApply(map[string]string{"1_a.sql": text})
			b.Want("select count(*) from a", "1")
		})
	}
}

// What failed half-way is not committed by whatever comes next on the session.
func TestWhatAFailedStatementLeavesOpenIsRolledBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create table a(n int)", "create procedure begun() begin start transaction; insert into a values (1); insert into nowhere values (1); end")
	if _, err := b.ApplyFiles(map[string]string{"1_a.sql": "call begun()"}); err == nil {
		t.Fatal("the call went through")
	}
	b.Want("select count(*) from a", "0")
}

// The second connection takes several statements as one text, with values in it: what
// people write is never read as a part of that text.
func TestTextsOfOthersStayValues(t *testing.T) {
	t.Parallel()
	const odd = "o'neil \\' ? ; drop table victim; -- \u2028 😀 \" ` \\"
	b := newBench(t)
	b.Exec("create table victim(n int)")
	table := "`a``; drop table victim; -- ?`"
	run := executor.Run{
		Migrations: load(t, map[string]string{"1_a.sql": "create table " + table + " (n int comment 'it''s ; drop table victim; \\\\'); alter table " + table + " add column m int; drop table " + table + "; create table z(n int)"}),
		Actor:      odd, Release: odd, ToolVersion: odd,
	}
	if _, err := b.Apply(t.Context(), run); err != nil {
		t.Fatal(explain(err))
	}
	b.Want("select count(*) from victim", "0")
	if got := b.Query("select actor, `release`, tool_version from shipsql_migrations"); got != strings.Join([]string{odd, odd, odd}, "|") {
		t.Errorf("the ledger keeps %q", got)
	}
}

// A statement may take longer than the server lets idle connections live.
func TestTheLedgerWaitsForALongStatement(t *testing.T) {
	t.Parallel()
	server := privateserver.OwnMariaDB(t, privateserver.MariaDBOptions{Relaxed: true, Settings: map[string]string{"wait_timeout": "1"}})
	if err := server.CreateDatabase(t.Context(), "app"); err != nil {
		t.Fatal(err)
	}
	target := openTarget(server.URL("app"))
	run := executor.Run{Migrations: load(t, map[string]string{"1_a.sql": "create procedure slow() do sleep(1.5);\ncall slow();"})}
	if _, err := target.Apply(t.Context(), run); err != nil {
		t.Fatal(explain(err))
	}
}

// What changes nothing is noted with what comes next, however much it is.
func TestManyStatementsThatChangeNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.MustApply(map[string]string{"1_a.sql": strings.Repeat("do 1; ", 450) + "create table a(n int)"})
	b.Want("select count(*) from shipsql_steps where state = 'done'", "451")
}

// A baseline of very many files is more than the server takes as one text, and is
// one transaction all the same.
func TestAVeryLargeBaseline(t *testing.T) {
	t.Parallel()
	const many = 1200
	b, files := newBench(t), map[string]string{}
	for n := range many {
		files[fmt.Sprintf("%04d_%s.sql", n+1, strings.Repeat("x", 200))] = "select 1"
	}
	mark := executor.Mark{Migrations: load(t, files), Actor: "ann"}
	target := openTarget(b.URL)
	b.MustApply(map[string]string{"0_first.sql": "create table a(n int)"}) // makes the ledger
	b.Exec("create trigger refuses before insert on shipsql_migrations for each row begin if new.version = '1100' then signal sqlstate '45000'; end if; end")
	if err := target.Baseline(t.Context(), mark); err == nil {
		t.Fatal("the baseline went through")
	}
	b.Want("select count(*) from shipsql_migrations", "1")
	b.Exec("drop trigger refuses")
	if err := target.Baseline(t.Context(), mark); err != nil {
		t.Fatal(explain(err))
	}
	b.Want("select count(*) from shipsql_migrations where state = 'baseline'", fmt.Sprint(many))
}
