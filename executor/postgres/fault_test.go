package postgres_test

import (
	"bufio"
	"bytes"
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

// story is a folder in a schema of its own whose every statement counts, so that
// one that ran twice or not at all shows.
func story(schema string) map[string]string {
	files := map[string]string{
		"1_a.sql":     "create schema S; create table S.counter(id int, n int); insert into S.counter values (1, 0), (2, 0)",
		"2_plain.sql": "update S.counter set n = n + 1; update S.counter set n = n + 10",
		"3_mixed.sql": "set search_path = S;\nupdate counter set n = n + 100;\ncreate index concurrently counter_n on counter(n);\nupdate counter set n = n + 1000;\nvacuum counter;\ncreate unique index concurrently on counter(id);",
		"4_off.sql":   "-- shipsql: transaction=off\nupdate S.counter set n = n + 10000;\nupdate S.counter set n = n + 100000;\nreindex index concurrently S.counter_n;",
		"5_last.sql":  "update S.counter set n = n + 1000000; drop index S.counter_n",
		"6_parts.sql": "begin;\nupdate S.counter set n = n + 10000000;\ncommit;\nupdate S.counter set n = n + 100000000;\nstart transaction isolation level repeatable read;\nupdate S.counter set n = n + 1000000000;\nend;",
	}
	for path, text := range files {
		files[path] = strings.ReplaceAll(text, "S.", schema+".")
		files[path] = strings.ReplaceAll(files[path], "schema S;", "schema "+schema+";")
		files[path] = strings.ReplaceAll(files[path], "= S;", "= "+schema+";")
	}
	return files
}

// proveOnce checks that each statement of a story took effect exactly once and
// that the ledger says so.
func (b *bench) proveOnce(schema string, files map[string]string, history string) {
	b.t.Helper()
	b.want("select n from "+schema+".counter", "1111111111\n1111111111")
	b.want("select string_agg(c.relname || ' ' || (i.indisvalid and i.indisready), ', ') from pg_index i join pg_class c on c.oid = i.indexrelid where indrelid = '"+schema+".counter'::regclass", "counter_id_idx true")
	entries, err := b.Status(b.t.Context(), history, load(b.t, files))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, e := range entries {
		if e.State != executor.StateApplied || e.Done != e.Total {
			b.t.Errorf("%s: %s is %s, %d of %d done", schema, e.Path, e.State, e.Done, e.Total)
		}
	}
	b.want("select count(*) from shipsql.steps where state <> 'done' and history = '"+history+"'", "0")
}

// behindProxy returns a proxy before the database, and the database's URL
// through it.
func (b *bench) behindProxy() (*faultproxy.Proxy, string) {
	b.t.Helper()
	u, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	p, err := faultproxy.Start(u.Host)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = p.Close() })
	u.Host = p.Addr()
	return p, u.String()
}

func TestCutWires(t *testing.T) {
	b := newBench(t)
	proxy, through := b.behindProxy()
	apply := func(name string) error {
		t.Helper()
		_, err := openTarget(through).Apply(t.Context(), executor.Run{History: name, Migrations: load(t, story(name)), Limits: executor.Limits{LockRetryFor: time.Minute}})
		return err
	}
	proxy.Arm(nil) // counts how many writes there are to cut
	if err := apply("uncut"); err != nil {
		t.Fatal(err)
	}
	b.proveOnce("uncut", story("uncut"), "uncut")
	writes, cuts := proxy.Chunks()-2, 0 // without the goodbye, which may come late
	step := max(1, writes*3/(42*torture(t)))
	for _, when := range []faultproxy.When{faultproxy.Before, faultproxy.During, faultproxy.After} {
		for n := 1 + int(when)%step; n <= writes; n += step {
			cuts++
			name := fmt.Sprintf("cut_%d_%d", when, n)
			b.exec("drop schema shipsql cascade") // its making is cut too
			proxy.Arm(&faultproxy.Cut{When: when, Match: func(chunk int, _ []byte) bool { return chunk == n }})
			for attempt := 0; ; attempt++ {
				err := apply(name)
				if err == nil {
					break
				}
				if fault.CodeOf(err) != fault.Unreachable || attempt == 3 {
					t.Fatalf("%s, attempt %d: %v", name, attempt, err)
				}
			}
			if proxy.Armed() {
				t.Errorf("%s: never cut", name)
			}
			b.proveOnce(name, story(name), name)
		}
	}
	t.Logf("%d cuts over %d writes", cuts, writes)
}

func TestAConnectionThatBreaksAtCommit(t *testing.T) {
	for _, when := range []faultproxy.When{faultproxy.Before, faultproxy.During, faultproxy.After} {
		t.Run(fmt.Sprint(when), func(t *testing.T) {
			b := newBench(t)
			proxy, through := b.behindProxy()
			b.mustApply(map[string]string{"1_a.sql": "create table counter as select 0 as n"})
			proxy.Arm(&faultproxy.Cut{When: when, Match: func(_ int, chunk []byte) bool { return bytes.Contains(chunk, []byte("COMMIT")) }})
			run := executor.Run{Migrations: load(t, map[string]string{"2_b.sql": "update counter set n = n + 1", "3_c.sql": "update counter set n = n + 10"})}
			result, err := openTarget(through).Apply(t.Context(), run)
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

func TestATerminatedBackend(t *testing.T) {
	b := newBench(t)
	files := map[string]string{"1_a.sql": "create table a(); select pg_sleep(600)", "2_b.sql": "create table b()"}
	kill := func(e executor.Event) {
		if e.State == executor.EventRunning && e.Statement == 2 {
			b.exec("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'shipsql/%' and datname = current_database()")
		}
	}
	_, err := b.Apply(t.Context(), executor.Run{Migrations: load(t, files), Progress: kill})
	if fault.CodeOf(err) != fault.Unreachable || !strings.Contains(err.Error(), "1_a.sql") {
		t.Fatalf("error %v", err)
	}
	b.want("select to_regclass('a') is null", "true")
	files["1_a.sql"] = "create table a()"
	b.mustApply(files)
}

func TestKilledProcesses(t *testing.T) {
	b := newBench(t)
	random := rand.New(rand.NewPCG(1, uint64(torture(t))))
	for n := range 10 * torture(t) {
		name := fmt.Sprintf("kill_%d", n)
		dir := t.TempDir()
		for path, text := range story(name) {
			if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		b.exec("drop schema if exists shipsql cascade")
		kills := 0
		for killed := true; killed; {
			killed = runChild(t, b.url, dir, 1+random.IntN(28), time.Duration(random.IntN(3000))*time.Microsecond)
			kills++
		}
		b.proveOnce(name, story(name), executor.DefaultHistory)
		t.Logf("%s: %d processes", name, kills)
	}
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
