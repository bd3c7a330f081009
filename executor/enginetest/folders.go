package enginetest

import (
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/internal/fault"
)

// counted is a folder of whose third file the last statement fails until there
// is a table fuse.
var counted = map[string]string{
	"1_a.sql": "create table a(n int); insert into a values (1)", "2_b.sql": "update a set n = n + 1;",
	"3_c.sql": "update a set n = n * 10; update fuse set n = 1", "4_d.sql": "update a set n = n + 5",
}

// release brings the last file of the folder.
func (b *Bench) release() executor.Run {
	folder := b.load(counted)
	return executor.Run{Migrations: folder[3:], Folder: folder}
}

func broughtUp(t *testing.T, b *Bench) {
	run := b.release()
	_, err := b.Apply(t.Context(), run)
	if failure := wantFailure(t, err, 2); failure.Version != "3" {
		t.Fatalf("error %v, want a failure of 3", err)
	}
	b.Exec("create table fuse(n int)")
	wantOutcomes(t, b.mustRun(run), "3 applied, 4 applied")
	b.Want("select n from a", "25")
	// Bringing up is over: a hole is a hole again.
	b.Exec("delete from "+b.ledger("steps")+" where version = '2'", "delete from "+b.ledger("migrations")+" where version = '2'")
	later := b.load(map[string]string{"5_e.sql": "create table e(n int)"})
	_, err = b.Apply(t.Context(), executor.Run{Migrations: later, Folder: append(run.Folder, later...)})
	wantCode(t, err, fault.Conflict, "2_b.sql")
	b.WantTable("e", false)
}

func wantsABaseline(t *testing.T, b *Bench) {
	b.Exec("create table a(n int)", "insert into a values (7)")
	run := b.release()
	_, err := b.Apply(t.Context(), run)
	wantCode(t, err, fault.Conflict, "shipsql migrate baseline --to 3", "1_a.sql")
	if err := b.Baseline(t.Context(), executor.Mark{Migrations: run.Folder[:3], Actor: "ann"}); err != nil {
		t.Fatal(err)
	}
	b.mustRun(run)
	b.Want("select n from a", "12")
	b.WantStates(counted, "1 baseline 0/2\n2 baseline 0/1\n3 baseline 0/2\n4 applied 1/1")
}

func commandLine(_ *testing.T, b *Bench) {
	b.Exec("create table a(n int)", "insert into a values (7)")
	run := b.release()
	run.Folder = nil
	b.mustRun(run)
	b.Want("select n from a", "12")
}

// On an empty database a baseline migration stands for the versions before it;
// on any other it is for others.
func baselineMigration(t *testing.T, b *Bench) {
	folder := b.engine.loadAs(t, layout.Flyway, map[string]string{
		"V1__a.sql": "create table a(n int)", "V2__b.sql": "insert into a values (1)",
		"B2__all.sql": "create table a(n int); insert into a values (100)", "V3__c.sql": "insert into a values (3)",
	})
	b.mustRun(executor.Run{Migrations: folder})
	b.Want("select n from a order by n", "3\n100")
	other := b.engine.NewBench(t)
	other.Exec("create table somebodys(n int)")
	for range 2 {
		other.mustRun(executor.Run{Migrations: folder})
	}
	other.Want("select n from a order by n", "1\n3")
}
