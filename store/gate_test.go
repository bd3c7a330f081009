package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/store"
)

func TestNodesThatStartAtOnceMigrateOnce(t *testing.T) {
	url := privateserver.Database(t)
	content := map[string]string{"1_t.sql": "CREATE TABLE t(n bigint)", "2_n.sql": "INSERT INTO t VALUES (1)"}
	var group sync.WaitGroup
	for range 6 {
		db := open(t, url)
		group.Go(func() {
			if err := db.Migrate(t.Context(), "room", files(content)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := numbers(t, open(t, url)); len(got) != 1 {
		t.Errorf("the second file ran %d times", len(got))
	}
}

func TestAContractWaitsForOlderProgramsAndThenAWhile(t *testing.T) {
	url := privateserver.Database(t)
	content := map[string]string{"1_t.sql": "CREATE TABLE t(n bigint, old bigint NOT NULL DEFAULT 0); INSERT INTO t VALUES (0)"}
	older := open(t, url)
	if err := older.Migrate(t.Context(), "room", files(content)); err != nil {
		t.Fatal(err)
	}
	content["2_old.contract.sql"] = "ALTER TABLE t DROP COLUMN old"
	content["3_new.sql"] = "ALTER TABLE t ADD COLUMN new bigint NOT NULL DEFAULT 0"
	newer := open(t, url)
	if err := errors.Join(add(t.Context(), older), newer.Migrate(t.Context(), "room", files(content))); err != nil {
		t.Fatal(err)
	}
	mustExec(t, newer, "UPDATE t SET new = 1") // not held up
	dropped := func(quiet time.Duration) bool {
		if err := newer.MaintainOnce(t.Context(), quiet); err != nil {
			t.Fatal(err)
		}
		return len(newer.Postponed()) == 0
	}
	if dropped(0) {
		t.Error("an older program was overtaken")
	}
	mustExec(t, older, "UPDATE t SET old = 1")
	if err := older.Close(); err != nil {
		t.Fatal(err)
	}
	if dropped(time.Hour) {
		t.Error("the older program had no time to come back")
	}
	for deadline := time.Now().Add(time.Minute); !dropped(0); { // the server may need a moment to see that the older one is gone
		if time.Now().After(deadline) {
			t.Fatalf("%v does not run", newer.Postponed())
		}
	}
	if _, err := newer.Exec(t.Context(), "UPDATE t SET old = 1"); err == nil {
		t.Error("the column is still there")
	}
}

// A program without any connection can't be seen. When a contract overtakes it,
// it is refused when it connects again, instead of working on tables that are
// not what it thinks.
func TestAProgramThatWasOvertakenIsRefused(t *testing.T) {
	url := privateserver.Database(t)
	content := map[string]string{"1_t.sql": "CREATE TABLE t(n bigint); INSERT INTO t VALUES (0)"}
	older, newer := open(t, url), open(t, url)
	if err := older.Migrate(t.Context(), "room", files(content)); err != nil {
		t.Fatal(err)
	}
	content["2_n.contract.sql"] = "ALTER TABLE t RENAME n TO m"
	if err := errors.Join(add(t.Context(), older), newer.Migrate(t.Context(), "room", files(content))); err != nil {
		t.Fatal(err)
	}
	admin(t, url, endAll, allEnded)
	if err := newer.MaintainOnce(t.Context(), 0); err != nil || len(newer.Postponed()) > 0 {
		t.Fatalf("the contract waits: %v", err)
	}
	_, exec := older.Exec(t.Context(), "INSERT INTO t VALUES (1)")
	_, query := older.Query(t.Context(), "SELECT 1")
	for name, err := range map[string]error{"Tx": add(t.Context(), older), "Exec": exec, "Query": query} {
		if fault.CodeOf(err) != fault.Unsupported {
			t.Errorf("%s of an older program: %v", name, err)
		}
	}
}

// program is one running ShipSQL of a version; at version v it knows the files
// 1 to v.
type program struct {
	version int
	db      *store.DB
	cut     bool // has no connection since the last cut
}

// fleet is what a property test does to a store, and what it expects.
type fleet struct {
	t         *rapid.T
	truth     *store.DB // knows no room, so it is always let in
	url, room string
	contracts []int // the versions that are contract files
	live      []*program
}

func (f *fleet) files(version int) map[string]string {
	content := map[string]string{}
	for v := 1; v <= version; v++ {
		name, sql := fmt.Sprintf("%d_x.sql", v), fmt.Sprintf("INSERT INTO %s VALUES (%d)", f.room, v)
		if slices.Contains(f.contracts, v) {
			name = fmt.Sprintf("%d_x.contract.sql", v)
		}
		if v == 1 {
			sql = "CREATE TABLE " + f.room + "(n bigint PRIMARY KEY);" + sql
		}
		content[name] = sql
	}
	return content
}

// ran is the newest contract file that has run, 0 for none.
func (f *fleet) ran() (newest int) {
	row := f.truth.QueryRow(context.Background(),
		"SELECT coalesce(max(version), 0) FROM store_migrations WHERE room = $1 AND name LIKE '%.contract'", f.room)
	if err := row.Scan(&newest); err != nil {
		f.t.Fatal(err)
	}
	return newest
}

func (f *fleet) boot(version, ran int) {
	db, err := store.Open(context.Background(), secret.Literal(f.url), clock.System)
	if err != nil {
		f.t.Fatal(err)
	}
	err = db.Migrate(context.Background(), f.room, files(f.files(version)))
	switch {
	case err == nil && version < ran:
		f.t.Fatalf("version %d may start although contract %d has run", version, ran)
	case err != nil && (version >= ran || fault.CodeOf(err) != fault.Unsupported):
		f.t.Fatalf("version %d may not start after contract %d: %v", version, ran, err)
	case err != nil:
		_ = db.Close()
		return
	}
	p := &program{version: version, db: db}
	f.live = append(f.live, p)
	f.use(p)
}

// use has a program work: it can exactly when no contract has overtaken it, and
// none overtakes a program that is connected.
func (f *fleet) use(p *program) {
	err := p.db.Tx(context.Background(), func(*store.Tx) error { return nil })
	ran := f.ran()
	switch {
	case err == nil && p.version < ran:
		f.t.Fatalf("a program of version %d works after contract %d", p.version, ran)
	case err != nil && (fault.CodeOf(err) != fault.Unsupported || !p.cut):
		f.t.Fatalf("a program of version %d is broken, contract %d has run: %v", p.version, ran, err)
	}
	p.cut = p.cut && err != nil
}

func (f *fleet) stop(i int) {
	_ = f.live[i].db.Close()
	f.live = slices.Delete(f.live, i, i+1)
}

func (f *fleet) maintain(p *program) {
	if err := p.db.MaintainOnce(context.Background(), 0); err != nil && (!p.cut || fault.CodeOf(err) != fault.Unsupported) {
		f.t.Fatalf("maintain, of version %d: %v", p.version, err)
	}
}

func (f *fleet) step(admin func()) {
	i := -1
	if len(f.live) > 0 {
		i = rapid.IntRange(0, len(f.live)-1).Draw(f.t, "which")
	}
	action := rapid.SampledFrom([]string{"boot", "stop", "maintain", "cut", "use"}).Draw(f.t, "action")
	switch {
	case action == "boot" || i < 0:
		f.boot(rapid.IntRange(1, 5).Draw(f.t, "version"), f.ran())
	case action == "stop":
		f.stop(i)
	case action == "maintain":
		f.maintain(f.live[i])
	case action == "cut":
		admin()
		for _, p := range f.live {
			p.cut = true
		}
	default:
		f.use(f.live[i])
	}
	for _, p := range f.live {
		if !p.cut {
			f.use(p)
		}
	}
}

// Whatever starts, stops, is upgraded and loses its connections: no contract
// runs while an older program is connected, an older program never works on a
// contracted store, and in the end every contract runs.
func TestContractsAndProgramsOfManyVersions(t *testing.T) {
	server := privateserver.SharedPostgres(t)
	url := server.SocketURL(strings.TrimPrefix(pathOf(t, privateserver.Database(t)), "/"))
	truth := open(t, url)
	if err := truth.Migrate(t.Context(), "none", files(nil)); err != nil { // makes store_migrations
		t.Fatal(err)
	}
	room := 0
	rapid.Check(t, func(rt *rapid.T) {
		room++
		f := &fleet{t: rt, truth: truth, url: url, room: fmt.Sprintf("room%d", room)}
		for v := 2; v <= 5; v++ {
			if rapid.Bool().Draw(rt, "contract") {
				f.contracts = append(f.contracts, v)
			}
		}
		defer func() {
			for len(f.live) > 0 {
				f.stop(0)
			}
		}()
		f.boot(rapid.IntRange(1, 4).Draw(rt, "older"), 0)
		f.boot(5, 0)
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			f.step(func() { admin(t, url, endAll, allEnded) })
		}
		f.finish()
	})
}

// finish ends all but a new program of the newest version, for which every
// contract must run.
func (f *fleet) finish() {
	f.boot(5, f.ran()) // also where only refused ones live
	for len(f.live) > 1 {
		f.stop(0)
	}
	last := f.live[0]
	// The server needs a moment to see that the others are gone.
	for deadline := time.Now().Add(20 * time.Second); len(last.db.Postponed()) > 0 && time.Now().Before(deadline); {
		f.maintain(last)
	}
	if waiting := last.db.Postponed(); len(waiting) > 0 {
		f.t.Fatalf("no other program lives, but these wait: %v", waiting)
	}
	if want := append([]int{0}, f.contracts...); f.ran() != want[len(want)-1] {
		f.t.Fatalf("contract %d ran last, want %v", f.ran(), want)
	}
}
