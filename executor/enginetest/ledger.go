package enginetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

func skipped(t *testing.T, b *Bench) {
	migrations := b.load(map[string]string{"1_a.sql": "create table a(n int)", "2_b.sql": "create table b(n int)", "5_e.sql": "create table e(n int)"})
	mark := func(i int) executor.Mark {
		return executor.Mark{Actor: "ann", Reason: "breaks prod", Migrations: migrations[i : i+1]}
	}
	run := executor.Run{Migrations: migrations[:2], Skip: map[string]executor.Mark{"1": mark(0), "5": mark(2)}, Actor: "ann"}
	for range 2 {
		if result := b.mustRun(run); !strings.Contains(outcomes(result), "1 skipped") {
			t.Errorf("outcomes %s", outcomes(result))
		}
	}
	b.wantRows("version, state, note", "1|skipped|skipped by ann: breaks prod\n2|applied|\n5|skipped|skipped by ann: breaks prod")
	b.WantTable("a", false)
	b.WantTable("e", false)
	b.MustApply(map[string]string{"3_c.sql": "create table c(n int)"}) // a skipped version is no reason to call others late
}

func marks(t *testing.T, b *Bench) {
	files := map[string]string{"1_a.sql": "create table a(n int)", "2_b.sql": "create table b(n int)"}
	b.MustApply(map[string]string{"1_a.sql": "create table a(n int)"})
	mark := executor.Mark{Migrations: b.load(files), Actor: "ann", Reason: "by hand"}
	wantCode(t, b.Skip(t.Context(), mark), fault.Conflict, "applied")
	if err := b.Baseline(t.Context(), mark); err != nil {
		t.Fatal(err)
	}
	b.wantRows("version, state, note", "1|applied|\n2|baseline|baseline by ann: by hand")
	third := map[string]string{"3_c.sql": "create table c(n int)"}
	mark.Migrations = b.load(third)
	for range 2 {
		if err := b.Skip(t.Context(), mark); err != nil {
			t.Fatal(err)
		}
	}
	wantOutcomes(t, b.MustApply(third), "3 skipped")
	b.WantTable("c", false)
}

func status(t *testing.T, b *Bench) {
	files := map[string]string{"1_a.sql": "create table a(n int)"}
	b.WantStates(files, "1 pending 0/1")
	b.WantTable(b.ledger("meta"), false) // looking leaves nothing behind
	b.MustApply(files)
	b.WantStates(nil, "1 missing 0/0")
	if err := b.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if c, err := b.Catalog(t.Context()); err != nil || c == nil {
		t.Errorf("catalog: %v", err)
	}
}

func reader(t *testing.T, b *Bench) {
	r, ok := b.Target.(executor.Reader)
	if !ok {
		t.Fatal("the target is no Reader")
	}
	b.Exec("create table a(n int)", "insert into a values (1), (2), (3)")
	var got []int
	each := func(scan func(...any) error) error {
		var n int
		err := scan(&n)
		got = append(got, n)
		return err
	}
	query := executor.Query{SQL: "select n from a where n > " + b.engine.SQL.Placeholder + " order by n", Args: []any{int64(1)}}
	if err := r.Query(t.Context(), query, each); err != nil || !cmp.Equal(got, []int{2, 3}) {
		t.Errorf("got %v, %v", got, err)
	}
	wantCode(t, r.Query(t.Context(), executor.Query{SQL: "select n from nowhere"}, each), fault.SQLError)
	enough := errors.New("enough")
	if err := r.Query(t.Context(), query, func(func(...any) error) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("error %v", err)
	}
	if err := r.Query(t.Context(), executor.Query{SQL: "delete from a"}, each); err == nil {
		t.Error("a reader wrote")
	}
	b.Want("select count(*) from a", "3")
}

// editedLedger has somebody write to the ledger by hand: no run trusts it then.
func editedLedger(t *testing.T, b *Bench) {
	files := map[string]string{"1_a.sql": "create table a(n int)", "2_b.sql": "create table b(n int)"}
	b.MustApply(map[string]string{"1_a.sql": files["1_a.sql"]})
	migrations, meta := b.ledger("migrations"), b.ledger("meta")
	for edit, c := range map[string]struct {
		back, says string
		code       fault.Code
	}{
		"update " + migrations + " set state = 'done'":      {"update " + migrations + " set state = 'applied'", "the ledger isn't as ShipSQL left it", fault.Conflict},
		"update " + migrations + " set kind = 'odd'":        {"update " + migrations + " set kind = 'versioned'", "the ledger isn't as ShipSQL left it", fault.Conflict},
		"update " + migrations + " set state = 'ambiguous'": {"update " + migrations + " set state = 'applied'", "the ledger isn't as ShipSQL left it", fault.Conflict},
		"update " + migrations + " set checksum = 'x'":      {"update " + migrations + " set checksum = '" + b.load(files)[0].Checksum + "'", "1_a.sql", fault.ChangedAfterApply},
		"update " + meta + " set format = 0":                {"update " + meta + " set format = 1", "format 0, which never was", fault.Conflict},
		"update " + meta + " set format = 2":                {"update " + meta + " set format = 1", "use the newer ShipSQL", fault.Unsupported},
	} {
		b.Exec(edit)
		_, err := b.ApplyFiles(files)
		if wantCode(t, err, c.code, c.says); t.Failed() {
			t.Error(edit)
		}
		if _, err := b.Status(t.Context(), "", nil); c.code == fault.Unsupported {
			wantCode(t, err, c.code)
		}
		b.WantTable("b", false)
		b.Exec(c.back)
	}
	b.MustApply(files)
}

func lackingLedger(t *testing.T, b *Bench) {
	b.MustApply(map[string]string{"1_a.sql": "create table a(n int)"})
	b.Exec("drop table " + b.ledger("meta"))
	_, err := b.ApplyFiles(map[string]string{"2_b.sql": "create table b(n int)"})
	wantCode(t, err, fault.Conflict, "ledger")
	b.WantTable("b", false)
	_, err = b.Status(t.Context(), "", nil)
	wantCode(t, err, fault.Conflict, "ledger")
}

// respelled has files whose versions the ledger knows with other zeros.
func respelled(t *testing.T, b *Bench) {
	old := map[string]string{"1_a.sql": "create table a(n int)", "2_b.up.sql": "create table b(n int)", "2_b.down.sql": "drop table b"}
	b.MustApply(old)
	if _, err := b.undo(old, "2"); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"001_a.sql": old["1_a.sql"], "2.0_b.up.sql": old["2_b.up.sql"], "2.0_b.down.sql": old["2_b.down.sql"]}
	mark := executor.Mark{Migrations: b.load(files), Actor: "ann"}
	if err := b.Baseline(t.Context(), mark); err != nil {
		t.Fatal(err)
	}
	b.wantRows("version, state", "1|applied\n2|baseline")
	wantOutcomes(t, b.MustApply(files), "001 already_applied, 2.0 already_applied")
	b.WantStates(files, "001 applied 1/1\n2.0 baseline 0/1") // as the folder spells them
	b.WantTable("b", false)
	third := executor.Mark{Migrations: b.load(map[string]string{"3_c.up.sql": "create table c(n int)", "3_c.down.sql": "drop table c"})}
	b.mustRun(executor.Run{Migrations: third.Migrations})
	if _, err := b.Undo(t.Context(), executor.Run{Migrations: third.Migrations}); err != nil {
		t.Fatal(err)
	}
	third.Migrations[0].Version = "03"
	b.mustRun(executor.Run{Skip: map[string]executor.Mark{"3": third}, Actor: "ann"})
	b.wantRows("version, state", "1|applied\n2|baseline\n3|skipped")
}

// hiddenLedger has a login look that may not see the ledger: to it, nothing is
// pending, until it has the GRANT that it is told.
func hiddenLedger(t *testing.T, b *Bench) {
	files := map[string]string{"1_a.sql": "create table a(n int)", "2_b.sql": "insert into a values (1)"}
	b.MustApply(files)
	name, url := b.Login()
	b.Exec(named(b.engine.SQL.Reads, name))
	poor := b.open(url)
	_, err := poor.Status(t.Context(), "", b.load(files))
	wantCode(t, err, fault.Denied, "may not read the ledger")
	_, err = poor.Apply(t.Context(), executor.Run{Migrations: b.load(files)})
	wantCode(t, err, fault.Denied, "GRANT ")
	b.Want("select count(*) from a", "1")

	_, err = poor.Status(t.Context(), "", nil)
	_, grant, _ := strings.Cut(fmt.Sprint(err), "; run ")
	b.Exec(grant)
	entries, err := poor.Status(t.Context(), "", b.load(files))
	if err != nil || entries[0].State != executor.StateApplied {
		t.Errorf("after %s: %v, %+v", grant, err, entries)
	}
}
