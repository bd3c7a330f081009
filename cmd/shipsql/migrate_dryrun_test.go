package main

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/internal/privateserver"
)

func (s site) foreseen(command string, code int, errText string) (r upReport) {
	s.Helper()
	out := s.run(command+" --format json", code, "", errText)
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.DryRun == nil {
		s.Fatalf("%v: %s", err, out)
	}
	return r
}

func TestDryRun(t *testing.T) {
	server := privateserver.SharedPostgres(t)
	s := site{t, privateserver.Database(t), migrationsIn(t, map[string]string{"1_a.sql": "create table a(id int)", "2_b.sql": "create table b()"})}
	before := inventory(t, server)
	s.run("up --to 1", exitOK, "1 applied", "")
	scratch := " --scratch " + server.URL("postgres")

	if r := s.foreseen("up --dry-run", exitOK, ""); r.DryRun.Tried || r.DryRun.Basis != basisLedger || r.Migrations[1].Outcome != wouldApply {
		t.Errorf("by the ledger: %+v", r)
	}
	s.run("up --dry-run"+scratch, exitOK, "1 would be applied, 1 already there, 0 skipped\ndry run: tried on a scratch database", "")
	if r := s.foreseen("up --dry-run"+scratch, exitOK, ""); !r.DryRun.Tried || r.DryRun.Basis != basisScratch {
		t.Errorf("tried: %+v", r)
	}
	s.run("status", exitOK, "pending  2", "") // nothing of it is on the database

	s.write("3_c.sql", "alter table a add column id int")
	s.foreseen("up --dry-run", exitOK, "") // by the ledger alone nobody sees that
	r := s.foreseen("up --dry-run"+scratch, exitFail, `3_c.sql:1: statement 1: column "id" of relation "a" already exists`)
	if r.Error == nil || r.Error.Line != 1 || r.Error.Left != "nothing of this file is applied; the ledger has: 1 applied, 2 pending" {
		t.Errorf("refused: %+v", r.Error)
	}
	s.foreseen("up --dry-run --to 2"+scratch, exitOK, "")

	s.write("3_c.sql", "create table attempt as select current_setting('is_superuser') as su;\ndo $$ begin if (select su = 'on' from attempt) then raise 'too much'; end if; end $$")
	s.foreseen("up --dry-run"+scratch, exitOK, "") // the scratch database's login may do nothing else

	if after := inventory(t, server); after != before {
		t.Errorf("left behind: %s, was %s", after, before)
	}
	s.run("up --scratch "+server.URL("postgres"), exitUsage, "", "add --dry-run")
	s.run("up --dry-run --scratch postgres://u:hunter2@127.0.0.1:1/x", 4, "", "no scratch database could be made")
}

// TestDryRunOfAFolderThatDoesNotStartFromEmpty says that nothing was tried,
// rather than that all is well or that something is wrong.
func TestDryRunOfAFolderThatDoesNotStartFromEmpty(t *testing.T) {
	server := privateserver.SharedPostgres(t)
	s := site{t, privateserver.Database(t), migrationsIn(t, map[string]string{"5_a.sql": "alter table grown add column a int", "6_b.sql": "alter table grown add column b int"})}
	byHand(t, s.url, "create table grown()")
	s.run("baseline --to 5", exitOK, "", "")
	r := s.foreseen("up --dry-run --scratch "+server.URL("postgres"), exitOK, "")
	if r.DryRun.Tried || r.DryRun.Basis == basisLedger {
		t.Errorf("%+v", r.DryRun)
	}
}

// inventory is how many scratch databases and roles a server has.
func inventory(t *testing.T, server *privateserver.Postgres) (found string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	err = conn.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM pg_database WHERE datname LIKE 'shipsql%') || ' ' ||
		(SELECT count(*) FROM pg_roles WHERE rolname LIKE 'shipsql%')`).Scan(&found)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestDryRunOnMariaDB(t *testing.T) {
	server := privateserver.SharedMariaDB(t)
	s := site{t, privateserver.MariaDBDatabase(t), migrationsIn(t, map[string]string{"1_a.sql": "create table a(id int)", "2_b.sql": "create table b(id int); insert into b values (1)"})}
	s.run("up --to 1", exitOK, "1 applied", "")
	scratch := " --scratch " + server.URL("")
	s.run("up --dry-run"+scratch, exitOK, "1 would be applied, 1 already there, 0 skipped\ndry run: tried on a scratch database", "")
	s.run("status", exitOK, "pending  2", "")

	s.write("3_c.sql", "alter table a add column id int")
	s.foreseen("up --dry-run"+scratch, exitFail, "3_c.sql:1: statement 1: Duplicate column name 'id'")
	s.write("3_c.sql", "create table mysql.taken(id int)")
	s.foreseen("up --dry-run"+scratch, exitFail, "command denied to user") // its login may do nothing elsewhere
	byHand(t, s.url, "create table left_behind as select schema_name from information_schema.schemata where schema_name like 'shipsqlscratch%'; insert into left_behind select user from mysql.user where user like 'shipsqlscratch%'")
	byHand(t, s.url, "create table none_left(id int, check (id = 0)); insert into none_left select count(*) from left_behind")
}
