package mysql_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/faultproxy"
	"github.com/shipsql/shipsql/internal/privateserver"
)

// torture is how many times more faults than usual are injected: with
// SHIPSQL_TORTURE=1 every write is cut and hundreds of processes are killed.
func torture(t *testing.T) int {
	asked := os.Getenv("SHIPSQL_TORTURE")
	if asked == "" {
		return 1
	}
	n, err := strconv.Atoi(asked)
	if err != nil || n < 1 {
		t.Fatalf("SHIPSQL_TORTURE is %q, want a number", asked)
	}
	return 20 * n
}

// story is a folder whose every statement counts or can't run twice, so that one
// that did, or didn't run at all, shows. Each outcome can be proven.
var story = map[string]string{
	"1_a.sql":     "create table counter(id int primary key, n int); insert into counter values (1, 0), (2, 0)",
	"2_rows.sql":  "update counter set n = n + 1; update counter set n = n + 10",
	"3_mixed.sql": "set names latin1, sql_mode = 'ANSI_QUOTES';\nupdate counter set n = n + 100;\nalter table counter add column \"other\" int;\nupdate counter set n = n + 1000;\ncreate unique index nth on counter(n, id);\ndrop index nth on counter;",
	"4_made.sql": "create view seen as select n from counter;\ncreate procedure p() begin update counter set n = n + 10000; end;\n" +
		"create table log(n int);\ncreate trigger noted after update on counter for each row insert into log values (new.id);\nupdate counter set n = n + 10000;",
	"5_last.sql": "drop trigger noted; rename table log to noted; update counter set n = n + 100000; create table gone like counter; drop table gone",
}

// proveOnce checks that each statement of the story took effect exactly once and
// that the ledger says so.
func (b *bench) proveOnce() {
	b.t.Helper()
	b.want("select group_concat(n) from counter", "111111,111111")
	b.want("select count(*) from noted", "2")
	b.want("select table_name from information_schema.tables where table_schema = database() and table_name not like 'shipsql%' order by 1", "counter\nnoted\nseen")
	b.want("select group_concat(column_name order by ordinal_position) from information_schema.columns where table_schema = database() and table_name = 'counter'", "id,n,other")
	b.want("select count(*) from information_schema.schemata where schema_name like 'shipsql\\_scratch%'", "0")
	for i, line := range strings.Split(b.states(story), "\n") {
		version, totals := strconv.Itoa(i+1), []string{"2/2", "2/2", "6/6", "5/5", "5/5"}
		if want := version + " applied " + totals[i]; line != want {
			b.t.Errorf("status %q, want %q", line, want)
		}
	}
	b.want("select count(*) from shipsql_steps where state <> 'done'", "0")
}

// behindProxy returns a proxy before the server, and a function that turns the
// URL of a database into one through it.
func behindProxy(t *testing.T) (*faultproxy.Proxy, func(string) string) {
	t.Helper()
	host := func(text string) *url.URL {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	p, err := faultproxy.Start(host(privateserver.SharedMariaDB(t).URL("mysql")).Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p, func(text string) string {
		u := host(text)
		u.Host = p.Addr()
		return u.String()
	}
}

// patient are limits for tests that break things.
var patient = executor.Limits{LockRetryFor: time.Minute}

func TestCutWires(t *testing.T) {
	proxy, through := behindProxy(t)
	apply := func(b *bench) error {
		_, err := openTarget(through(b.url)).Apply(t.Context(), executor.Run{Migrations: load(t, story), Limits: patient})
		return err
	}
	uncut := newBench(t)
	proxy.Arm(nil) // counts how many writes there are to cut
	if err := apply(uncut); err != nil {
		t.Fatal(explain(err))
	}
	uncut.proveOnce()
	writes, cuts := proxy.Chunks()-4, 0 // without the goodbyes, which may come late
	step := max(1, writes*3/(36*torture(t)))
	for _, when := range []faultproxy.When{faultproxy.Before, faultproxy.During, faultproxy.After} {
		for n := 1 + int(when)*step/3; n <= writes; n += step {
			cuts++
			t.Run(fmt.Sprintf("cut_%d_%d", when, n), func(t *testing.T) {
				b := newBench(t)
				proxy.Arm(&faultproxy.Cut{When: when, Match: func(chunk int, _ []byte) bool { return chunk == n }})
				for attempt := 0; ; attempt++ {
					err := apply(b)
					if err == nil {
						break
					}
					if fault.CodeOf(err) != fault.Unreachable || attempt == 3 {
						t.Fatalf("attempt %d: %v", attempt, explain(err))
					}
				}
				if proxy.Armed() {
					t.Error("never cut")
				}
				b.proveOnce()
			})
		}
	}
	t.Logf("%d cuts over %d writes", cuts, writes)
}

func TestAConnectionThatBreaksAtCommit(t *testing.T) {
	proxy, through := behindProxy(t)
	for _, when := range []faultproxy.When{faultproxy.Before, faultproxy.During, faultproxy.After} {
		for nth := 1; nth <= 4; nth++ {
			t.Run(fmt.Sprintf("%d_%d", when, nth), func(t *testing.T) {
				b := newBench(t)
				b.mustApply(map[string]string{"1_a.sql": "create table counter(n int); insert into counter values (0)"})
				seen := 0
				proxy.Arm(&faultproxy.Cut{When: when, Match: func(_ int, chunk []byte) bool {
					if bytes.HasSuffix(chunk, []byte("\x03COMMIT")) {
						seen++
					}
					return seen == nth
				}})
				run := executor.Run{Migrations: load(t, map[string]string{"2_b.sql": "update counter set n = n + 1", "3_c.sql": "update counter set n = n + 10"})}
				result, err := openTarget(through(b.url)).Apply(t.Context(), run)
				if err != nil || proxy.Armed() {
					t.Fatalf("error %v, cut %t", err, !proxy.Armed())
				}
				for _, o := range result.Outcomes {
					if o.Kind != executor.Applied {
						t.Errorf("outcome %+v", o)
					}
				}
				b.want("select n from counter", "11")
			})
		}
	}
}

// What nothing proves is a question, never a guess.
func TestCutsThatOnlyAPersonCanJudge(t *testing.T) {
	proxy, through := behindProxy(t)
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
			b.exec(strings.Split(setup, ";create procedure")[0], "create procedure ddl() begin insert into a values (9); create table made(n int); end", "create table isam(n int) engine=MyISAM")
			proxy.Arm(&faultproxy.Cut{When: faultproxy.After, Match: func(_ int, chunk []byte) bool { return bytes.HasSuffix(chunk, []byte("\x03"+text)) }})
			run := executor.Run{Migrations: load(t, map[string]string{"1_a.sql": text + "; create table last(n int)"}), Limits: patient}
			target := openTarget(through(b.url))
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
			b.wantTable("last", true)
			b.want("select state from shipsql_migrations", "applied")
		})
	}
}

func TestKilledProcesses(t *testing.T) {
	random := rand.New(rand.NewPCG(1, uint64(torture(t))))
	for n := range 6 * torture(t) {
		b := newBench(t)
		dir := t.TempDir()
		for path, text := range story {
			if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		kills := 0
		for killed := true; killed; {
			killed = runChild(t, b.url, dir, 1+random.IntN(30), time.Duration(random.IntN(4000))*time.Microsecond)
			kills++
		}
		b.proveOnce()
		t.Logf("%d: %d processes", n, kills)
	}
}

// A killed process leaves its ALTER behind, which goes on and holds the lock.
func TestAnOrphanIsWaitedFor(t *testing.T) {
	b := newBench(t)
	b.exec("create table big(id int auto_increment primary key, t char(200))", "insert into big(t) select seq from seq_1_to_60000")
	dir := t.TempDir()
	text := "alter table big add column a int default (length(t)), algorithm=copy; update big set a = a + 1 where id = 1"
	if err := os.WriteFile(filepath.Join(dir, "1_a.sql"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if !runChild(t, b.url, dir, 1, 0) {
		t.Fatal("the process was faster")
	}
	if _, err := b.Apply(t.Context(), executor.Run{Migrations: load(t, map[string]string{"1_a.sql": text}), Limits: patient}); err != nil {
		t.Fatal(explain(err))
	}
	b.want("select a from big where id = 1", "2")
}

// runChild starts a process that applies the folder, and kills it a little after
// it told about so many steps. It says whether it had to.
func runChild(t *testing.T, url, dir string, after int, delay time.Duration) (killed bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childURL+"="+url, childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for seen := 0; seen < after && lines.Scan(); {
		seen++
	}
	if lines.Err() == nil {
		timer := time.AfterFunc(delay, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
	}
	for lines.Scan() { // until the process ends
	}
	err = cmd.Wait()
	if err != nil && cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("%v: %s", err, said.String())
	}
	return err != nil
}

// A login that may make no scratch schema is told what that costs, and only then.
func TestWithoutScratchSchemas(t *testing.T) {
	proxy, through := behindProxy(t)
	b := newBench(t)
	u, err := url.Parse(through(b.url))
	if err != nil {
		t.Fatal(err)
	}
	name := b.query("select database()")
	b.exec("create user "+name+" identified by 'secret-word'", "grant all on `"+name+"`.* to "+name, "create table a(n int)")
	t.Cleanup(func() {
		if _, err := b.db.ExecContext(context.Background(), "drop user "+name); err != nil {
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
