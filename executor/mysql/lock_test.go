package mysql_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/privateserver"
)

func TestALostLockStopsTheRun(t *testing.T) {
	b := newBench(t)
	b.Exec("create procedure sneaky() begin do release_all_locks(); end", "create table a(n int)",
		"create trigger sly before insert on a for each row set new.n = release_all_locks()")
	for _, text := range []string{"call sneaky()", "insert into a values (1)"} {
		_, err := b.ApplyFiles(map[string]string{"1_a.sql": text, "2_b.sql": "create table b(n int)"})
		if fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "lost the database's lock") {
			t.Fatalf("%s: error %v", text, err)
		}
		b.WantTable("b", false)
		b.Exec("delete from shipsql_steps", "delete from shipsql_migrations")
	}
	b.Want("select count(*) from a", "0")
}

func TestWhereItCannotRun(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	address := func(edit func(*url.URL)) string {
		u, err := url.Parse(b.URL)
		if err != nil {
			t.Fatal(err)
		}
		edit(u)
		return u.String()
	}
	for name, c := range map[string]struct {
		url  string
		code fault.Code
		says string
	}{
		"no database":       {address(func(u *url.URL) { u.Path = "" }), fault.Invalid, "names no database"},
		"unknown parameter": {address(func(u *url.URL) { u.RawQuery = "multiStatements=true" }), fault.Invalid, "unknown"},
		"no TLS there":      {address(func(u *url.URL) { u.RawQuery = "tls=true" }), fault.Unreachable, "TLS"},
	} {
		_, err := openTarget(c.url).Apply(t.Context(), executor.Run{Migrations: load(t, map[string]string{"1_a.sql": "create table a(n int)"})})
		if fault.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	socket := privateserver.SharedMariaDB(t).SocketURL(b.Query("select database()"))
	if _, err := openTarget(socket).Apply(t.Context(), executor.Run{Migrations: load(t, map[string]string{"1_a.sql": "create table a(n int)"})}); err != nil {
		t.Error(err)
	}
}

func TestTheLocksName(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	long := strings.Repeat("x", 60)
	b.Exec("create database " + long)
	t.Cleanup(func() {
		if _, err := b.DB.ExecContext(context.Background(), "drop database "+long); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(b.URL)
	if err != nil {
		t.Fatal(err)
	}
	database := strings.TrimPrefix(u.Path, "/")
	for name, lock := range map[string]string{database: "shipsql/" + database, long: "shipsql/4cb52c36b506b8669e4985ef81b567916625ea5631a41454230b5909"} {
		u.Path = "/" + name
		held := ""
		run := executor.Run{Migrations: load(t, map[string]string{"1_a.sql": "create table a(n int)"}), Progress: func(e executor.Event) {
			if e.State == executor.EventRunning {
				held = b.Query("select is_used_lock('" + lock + "') is not null")
			}
		}}
		if _, err := openTarget(u.String()).Apply(t.Context(), run); err != nil || held != "1" {
			t.Errorf("%s: held %s, %v", lock, held, err)
		}
	}
}

// Whoever takes the database over locks the epoch, and all that we write waits for
// that, also where reads wait for nobody.
func TestTheLedgerWaitsForTheEpoch(t *testing.T) {
	t.Parallel()
	server := privateserver.OwnMariaDB(t, privateserver.MariaDBOptions{Relaxed: true, Settings: map[string]string{"transaction_isolation": "READ-COMMITTED"}})
	for n, states := range []string{"", "1|intent", "1|done\n2|intent", "1|done\n2|intent"} {
		name := fmt.Sprint("moment_", n)
		if err := server.CreateDatabase(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		b := benchAt(t, server.URL(name))
		other, moment := b.Session(), -2 // the first is before our run raises the epoch
		takeOver := func() error {       // before and in each statement
			if moment++; moment == n {
				b.On(other, "begin", "update shipsql_meta set epoch = epoch + 1")
			}
			return nil
		}
		run := executor.Run{
			Migrations: load(t, map[string]string{"1_a.sql": "create table a(n int); create table b(n int)"}), Limits: quick,
			StillMine: func(context.Context) error { return takeOver() },
			Progress: func(e executor.Event) {
				if e.State == executor.EventRunning {
					_ = takeOver()
				}
			},
		}
		if _, err := b.Apply(t.Context(), run); fault.CodeOf(err) != fault.LockTimeout {
			t.Errorf("%s: error %v", name, explain(err))
		}
		b.On(other, "commit")
		b.Want("select n, state from shipsql_steps order by n", states)
		b.WantTable("a", n > 0)
		b.WantTable("b", n > 2)
	}
}

// When the session dies behind a statement that the server answered, what the second
// connection writes is refused, because the lock is gone, and perhaps another's. That
// ends no run: a new session finds out what to do.
func TestASessionThatDiesBehindItsStatement(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string][]string{
		"the lock is free":   nil,
		"another run had it": {"update shipsql_meta set epoch = epoch + 1, holder_id = 0"},
	} {
		for _, text := range []string{"create table a(n int); create table b(n int)", "create table a(n int); truncate table a"} {
			t.Run(name+"/"+text, func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				died := false
				_, err := b.Apply(t.Context(), executor.Run{
					Migrations: load(t, map[string]string{"1_a.sql": text}), Limits: patient,
					Progress: func(e executor.Event) {
						if e.State == executor.EventDone && !died {
							died = true
							lock := "concat('shipsql/', database())"
							b.Exec("kill "+b.Query("select is_used_lock("+lock+")"), "do get_lock("+lock+", 60), release_lock("+lock+")")
							b.Exec(meanwhile...)
						}
					},
				})
				if err != nil || !died {
					t.Fatal(explain(err), died)
				}
				b.Want("select distinct state from shipsql_steps", "done")
				b.Want("select state from shipsql_migrations", "applied")
			})
		}
	}
}
