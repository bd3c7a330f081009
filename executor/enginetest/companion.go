package enginetest

import (
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// diary is another tool's history: the table "diary", unless it is to fail.
type diary struct{ table, placeholder string }

func (b *Bench) diary(table string) executor.Companion { return diary{table, b.engine.SQL.Placeholder} }

func (diary) Prepare() []executor.Query {
	return []executor.Query{{SQL: "create table if not exists diary (version varchar(20) primary key)"}}
}

func (d diary) Record(m executor.Migration) []executor.Query {
	return []executor.Query{{SQL: "insert into " + d.table + "(version) values (" + d.placeholder + ")", Args: []any{m.Version}}}
}

func (d diary) Undo(m executor.Migration) []executor.Query {
	return []executor.Query{{SQL: "delete from " + d.table + " where version = " + d.placeholder, Args: []any{m.Version}}}
}

func companionWithTheRow(t *testing.T, b *Bench) {
	files := reversible()
	files["4_d.up.sql"] = "-- shipsql: transaction=off\ncreate table d(n int); insert into d values (1)"
	files["5_e.up.sql"] = "insert into a(id, n) values (2, 2); insert into nowhere values (1)"
	run := executor.Run{Migrations: b.load(files), Companion: b.diary("diary")}
	_, err := b.Apply(t.Context(), run)
	_ = wantFailure(t, err, 2)
	b.Want("select version from diary order by version", "1\n2\n3\n4")
	run.Migrations = run.Migrations[1:3]
	if _, err := b.Undo(t.Context(), run); err != nil {
		t.Fatal(Explain(err))
	}
	b.Want("select version from diary order by version", "1\n4")
}

func companionFails(t *testing.T, b *Bench) {
	b.Exec("create table a(n int)")
	run := executor.Run{Migrations: b.load(map[string]string{"1_a.sql": "insert into a values (1)"}), Companion: b.diary("gone")}
	_, err := b.Apply(t.Context(), run)
	wantCode(t, err, fault.SQLError, "the other tool's history can't be written", "gone")
	b.Want("select count(*) from a", "0")
	b.wantRows("state", "")
}

// What steps did is done: only the last word is said again, with the companion's.
func companionFailsBehindSteps(t *testing.T, b *Bench) {
	b.Exec("create table a(n int)")
	run := executor.Run{Migrations: b.load(map[string]string{"1_a.sql": "-- shipsql: transaction=off\ninsert into a values (1);\ncreate table made(n int)"})}
	run.Companion = b.diary("gone")
	_, err := b.Apply(t.Context(), run)
	wantCode(t, err, fault.SQLError)
	b.wantRows("state", "partial")
	run.Companion = b.diary("diary")
	b.mustRun(run)
	b.Want("select version from diary", "1")
	b.Want("select n from a", "1")
	b.wantRows("state", "applied")
}
