package mysql_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/enginetest"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/faultproxy"
)

// What nothing proves is a question, never a guess.
func TestCutsThatOnlyAPersonCanJudge(t *testing.T) {
	t.Parallel()
	setup := "create table a(n int); insert into a values (1); create table p(n int) partition by range (n) (partition p0 values less than (10)); insert into p values (2);" +
		"create table x(n int); insert into x values (3); create table y(n int); insert into y values (4);" +
		"create procedure ddl() begin insert into a values (9); create table made(n int); end"
	for name, text := range map[string]string{
		"truncate":           "truncate table a",
		"exchange":           "alter table p exchange partition p0 with table a",
		"swap":               "rename table x to z, y to x, z to y",
		"call":               "call ddl()",
		"create or replace":  "create or replace table a(n int)",
		"not transactional":  "insert into isam values (1)",
		"grant":              "grant select on a to current_user",
		"dynamic statements": "execute immediate 'insert into a values (1)'",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			proxy, through := b.BehindProxy()
			b.Exec(strings.Split(setup, ";create procedure")[0], "create procedure ddl() begin insert into a values (9); create table made(n int); end", "create table isam(n int) engine=MyISAM")
			proxy.Arm(&faultproxy.Cut{When: faultproxy.After, Match: func(_ int, chunk []byte) bool { return bytes.HasSuffix(chunk, []byte("\x03"+text)) }})
			run := executor.Run{Migrations: load(t, map[string]string{"1_a.sql": text + "; create table last(n int)"}), Limits: patient}
			target := openTarget(through)
			for range 2 { // the question is asked again until it is answered
				var ambiguous *executor.AmbiguousError
				if _, err := target.Apply(t.Context(), run); !errors.As(err, &ambiguous) || ambiguous.Step() != "1#1" || ambiguous.Evidence == "" {
					t.Fatalf("error %v", err)
				}
			}
			if proxy.Armed() {
				t.Fatal("never cut")
			}
			run.Resolve = []executor.Resolution{{Version: "1", N: 1, Answer: executor.ResolvedApplied}}
			if _, err := target.Apply(t.Context(), run); err != nil {
				t.Fatal(explain(err))
			}
			b.WantTable("last", true)
			b.Want("select state from shipsql_migrations", "applied")
		})
	}
}

// A transaction begins before it is known who takes part. When that turns out to be
// nobody and the connection breaks, another one is made.
func TestACutWhileATransactionIsGivenUp(t *testing.T) {
	t.Parallel()
	for _, when := range []faultproxy.When{faultproxy.Before, faultproxy.After} {
		b := newBench(t)
		proxy, through := b.BehindProxy()
		b.Exec("create table isam(n int) engine=MyISAM")
		proxy.Arm(&faultproxy.Cut{When: when, Match: func(_ int, chunk []byte) bool { return bytes.HasSuffix(chunk, []byte("\x03ROLLBACK")) }})
		run := executor.Run{Migrations: load(t, map[string]string{"1_a.sql": "insert into isam values (1)"}), Limits: patient}
		if _, err := openTarget(through).Apply(t.Context(), run); err != nil || proxy.Armed() {
			t.Error(explain(err), proxy.Armed())
		}
		b.Want("select n from isam", "1")
	}
}

// A killed process leaves its ALTER behind, which goes on and holds the lock.
func TestAnOrphanIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create table big(id int auto_increment primary key, t char(200))", "insert into big(t) select seq from seq_1_to_60000")
	text := "alter table big add column a int default (length(t)), algorithm=copy; update big set a = a + 1 where id = 1"
	if !b.RunChild(enginetest.Folder(t, map[string]string{"1_a.sql": text}), 1, 0) {
		t.Fatal("the process was faster")
	}
	if _, err := b.Apply(t.Context(), executor.Run{Migrations: load(t, map[string]string{"1_a.sql": text}), Limits: patient}); err != nil {
		t.Fatal(explain(err))
	}
	b.Want("select a from big where id = 1", "2")
}

// A login that may make no scratch schema is told what that costs, and only then.
func TestWithoutScratchSchemas(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	proxy, through := b.BehindProxy()
	u, err := url.Parse(through)
	if err != nil {
		t.Fatal(err)
	}
	name := b.Query("select database()")
	b.Exec("create user "+name+" identified by 'secret-word'", "grant all on `"+name+"`.* to "+name, "create table a(n int)")
	t.Cleanup(func() {
		if _, err := b.DB.ExecContext(context.Background(), "drop user "+name); err != nil {
			t.Error(err)
		}
	})
	u.User = url.UserPassword(name, "secret-word")
	cut := func(n int, text string) error {
		proxy.Arm(&faultproxy.Cut{When: faultproxy.After, Match: func(_ int, chunk []byte) bool { return bytes.HasSuffix(chunk, []byte("\x03"+text)) }})
		_, err := openTarget(u.String()).Apply(t.Context(), executor.Run{Migrations: load(t, map[string]string{fmt.Sprintf("%d_a.sql", n): text}), Limits: patient})
		return err
	}
	if err := cut(1, "drop table a"); err != nil { // nothing need be replayed
		t.Error(explain(err))
	}
	if err := cut(2, "create table b(n int)"); fault.CodeOf(err) != fault.Ambiguous || !strings.Contains(err.Error(), "GRANT ALL ON `shipsql\\_scratch\\_%`.*") {
		t.Errorf("error %v", err)
	}
	if strings.Contains(fmt.Sprint(err), "secret-word") {
		t.Error("the password is shown")
	}
}
