package store_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/store"
)

// admin runs statements on a connection of its own.
func admin(t *testing.T, url string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	for _, statement := range statements {
		if _, err := conn.Exec(context.WithoutCancel(t.Context()), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// with adds settings to a URL.
func with(t *testing.T, text string, settings ...string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	for i := 0; i < len(settings); i += 2 {
		query.Set(settings[i], settings[i+1])
	}
	u.RawQuery = query.Encode()
	return u.String()
}

const endAll = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

// allEnded returns when the sessions that were told to end have ended.
const allEnded = `DO $$ BEGIN WHILE EXISTS (
		SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend')
	LOOP PERFORM pg_sleep(0.001); PERFORM pg_stat_clear_snapshot(); END LOOP; END $$`

func add(ctx context.Context, db *store.DB) error {
	return db.Tx(ctx, func(tx *store.Tx) error { return increment(ctx, tx) })
}

// counter is a store with one number, 0.
func counter(t *testing.T, url string) *store.DB {
	t.Helper()
	db := open(t, url)
	mustExec(t, db, "CREATE TABLE t(n bigint); INSERT INTO t VALUES (0)")
	return db
}

func TestTransactionsOfAllNodesTakeTurns(t *testing.T) {
	url := privateserver.Database(t)
	db := counter(t, url)
	const nodes, each = 3, 100
	var group sync.WaitGroup
	for range nodes {
		group.Go(func() {
			if out, err := play(t, playCounter, url, fmt.Sprint(each)).CombinedOutput(); err != nil {
				t.Errorf("a process that counts: %v\n%s", err, out)
			}
		})
		other := open(t, url)
		group.Go(func() {
			for range each {
				if err := add(t.Context(), other); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if diff := cmp.Diff([]int{2 * nodes * each}, numbers(t, db)); diff != "" {
		t.Error("updates were lost: " + diff)
	}
}

func TestUnorderedTransactionsRunBesideTheWriter(t *testing.T) {
	url := privateserver.Database(t)
	db := counter(t, url)
	other := open(t, url)
	mustExec(t, db, "CREATE TABLE u(n bigint)")
	err := db.Tx(t.Context(), func(tx *store.Tx) error {
		if _, err := tx.Exec(t.Context(), "UPDATE t SET n = 1"); err != nil {
			return err
		}
		for _, beside := range []*store.DB{db, other} {
			err := beside.TxUnordered(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), "INSERT INTO u VALUES (1)")
				return err
			})
			_, execErr := beside.Exec(t.Context(), "INSERT INTO u VALUES (2)")
			if err := errors.Join(err, execErr); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDeadConnectionsAreReplacedUnseen(t *testing.T) {
	url := privateserver.Database(t)
	db := counter(t, url)
	for name, use := range map[string]func() error{
		"Tx": func() error { return add(t.Context(), db) },
		"TxUnordered": func() error {
			return db.TxUnordered(t.Context(), func(tx *store.Tx) error { return increment(t.Context(), tx) })
		},
		"Exec":  func() error { _, err := db.Exec(t.Context(), "UPDATE t SET n = n + 1"); return err },
		"Query": func() error { var n int; return db.QueryRow(t.Context(), "SELECT n FROM t").Scan(&n) },
	} {
		for range 5 {
			warm(t, db)
			admin(t, url, endAll, allEnded)
			if err := use(); err != nil {
				t.Errorf("%s on dead connections: %v", name, err)
			}
		}
	}
	if diff := cmp.Diff([]int{15}, numbers(t, db)); diff != "" {
		t.Error(diff)
	}
}

// warm makes the pools hold a few connections, used just now.
func warm(t *testing.T, db *store.DB) {
	t.Helper()
	var group sync.WaitGroup
	var all sync.WaitGroup
	const connections = 4
	all.Add(connections)
	for range connections {
		group.Go(func() {
			err := db.TxUnordered(t.Context(), func(*store.Tx) error { all.Done(); all.Wait(); return nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	numbers(t, db)
}

// What is reported as committed is there, what is not reported is there at most
// when its outcome was said to be unknown, however connections die meanwhile.
func TestConnectionsKilledAtAnyMoment(t *testing.T) {
	url := privateserver.Database(t)
	db := counter(t, url)
	ctx, stop := context.WithCancel(t.Context())
	var killer sync.WaitGroup
	killer.Go(func() {
		for ctx.Err() == nil {
			admin(t, url, endAll) //nolint:contextcheck // it ends its round
		}
	})
	done, unknown := 0, 0
	for range 150 {
		switch err := add(t.Context(), db); {
		case err == nil:
			done++
		case strings.Contains(err.Error(), "unknown outcome"):
			unknown++
		case fault.CodeOf(err) != fault.Unreachable:
			t.Errorf("a lost connection is %s: %v", fault.CodeOf(err), err)
		}
	}
	stop()
	killer.Wait()
	if err := add(t.Context(), db); err != nil {
		t.Fatalf("the pool does not recover: %v", err)
	}
	if got := numbers(t, db)[0] - 1; got < done || got > done+unknown || done == 0 {
		t.Errorf("%d committed, %d unknown, %d in the store", done, unknown, got)
	}
}

func TestTheServerMayRestart(t *testing.T) {
	server := privateserver.OwnPostgres(t, privateserver.Options{})
	db := counter(t, server.URL("postgres"))
	for range 3 {
		warm(t, db)
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		_, execErr := db.Exec(t.Context(), "UPDATE t SET n = 0")
		for name, err := range map[string]error{"Tx": add(t.Context(), db), "Exec": execErr} {
			if fault.CodeOf(err) != fault.Unreachable {
				t.Errorf("%s without a server: %v", name, err)
			}
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := add(t.Context(), db); err != nil {
			t.Errorf("after the restart: %v", err)
		}
	}
	if diff := cmp.Diff([]int{3}, numbers(t, db)); diff != "" {
		t.Error(diff)
	}
}

func TestCancelledTransactionsLeaveAWorkingPool(t *testing.T) {
	db := counter(t, privateserver.Database(t))
	done := 0
	for i := range 60 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*100*time.Microsecond)
		if err := add(ctx, db); err == nil {
			done++
		}
		cancel()
	}
	if err := add(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if got := numbers(t, db)[0]; got < done+1 {
		t.Errorf("%d were committed, %d are in the store", done+1, got)
	}
}

func TestARotatedPasswordNeedsNoRestart(t *testing.T) {
	adminURL := privateserver.Database(t)
	role := "r_" + strings.TrimPrefix(pathOf(t, adminURL), "/")
	admin(t, adminURL, fmt.Sprintf("CREATE ROLE %s LOGIN SUPERUSER PASSWORD 'first-secret'", role))
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), privateserver.SharedPostgres(t).URL("postgres"))
		if err == nil {
			_, err = conn.Exec(context.Background(), "DROP ROLE "+role)
			_ = conn.Close(context.Background())
		}
		if err != nil {
			t.Error(err)
		}
	})
	file := filepath.Join(t.TempDir(), "url")
	write := func(password string) {
		u, _ := url.Parse(adminURL)
		u.User = url.UserPassword(role, password)
		if err := os.WriteFile(file, []byte(u.String()+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first-secret")
	db, err := store.Open(t.Context(), secret.Parse("file:"+file, ""), clock.System)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	mustExec(t, db, "CREATE TABLE t(n bigint); INSERT INTO t VALUES (0); ALTER TABLE t OWNER TO postgres; GRANT ALL ON t TO public")
	admin(t, adminURL, fmt.Sprintf("ALTER ROLE %s PASSWORD 'second-secret'", role), endAll)
	err = add(t.Context(), db)
	if fault.CodeOf(err) != fault.Unreachable || strings.Contains(err.Error(), "first-secret") {
		t.Errorf("with the old password: %v", err)
	}
	write("second-secret")
	if err := add(t.Context(), db); err != nil {
		t.Errorf("with the new password: %v", err)
	}
}

func pathOf(t *testing.T, text string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u.Path
}

func TestAServerThatTakesNoWritesIsRefused(t *testing.T) {
	url := privateserver.Database(t)
	admin(t, url, "ALTER DATABASE "+strings.TrimPrefix(pathOf(t, url), "/")+" SET default_transaction_read_only = on")
	_, err := store.Open(t.Context(), secret.Literal(url), clock.System)
	if fault.CodeOf(err) != fault.Unsupported || !strings.Contains(err.Error(), "does not take writes") {
		t.Errorf("a read-only server: %v", err)
	}
}

func TestAllNodesTellTheServersTime(t *testing.T) {
	url := privateserver.Database(t)
	local := clock.NewFake(time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)) // a machine that is 25 years behind
	db, err := store.OpenAs(t.Context(), url, local)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	off := func() time.Duration { return db.Now().Sub(open(t, url).Now()).Abs() }
	if off() > time.Second {
		t.Errorf("two nodes' clocks are %s apart", off())
	}
	local.Advance(time.Hour) // it runs fast
	if off() < 59*time.Minute {
		t.Errorf("the clock does not run between readings: %s", off())
	}
	if err := db.MaintainOnce(t.Context(), 0); err != nil || off() > time.Second {
		t.Errorf("the clock is not set: %s, %v", off(), err)
	}
}

func TestTextSortsAndComparesBytewiseInAnyLocale(t *testing.T) {
	server := privateserver.SharedPostgres(t)
	name := strings.TrimPrefix(pathOf(t, privateserver.Database(t)), "/") + "_en"
	admin(t, server.URL("postgres"), "CREATE DATABASE "+name+" TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'")
	t.Cleanup(func() { _ = server.DropDatabase(context.Background(), name) })
	db := open(t, server.URL(name))
	content := map[string]string{
		"1_t.sql": "CREATE TABLE t(id text PRIMARY KEY); CREATE TABLE r(t text NOT NULL REFERENCES t (id)); CREATE INDEX r_t ON r (t) WHERE t > ''",
		"2_m.sql": "ALTER TABLE t ADD COLUMN m text NOT NULL DEFAULT ''",
	}
	if err := db.Migrate(t.Context(), "room", files(content)); err != nil {
		t.Fatal(err)
	}
	want := []string{"A", "B", "Z", "_", "a", "b", "é"}
	for _, id := range []string{"é", "a", "_", "B", "Z", "b", "A"} {
		if _, err := db.Exec(t.Context(), "INSERT INTO t (id, m) VALUES ($1, $1)", id); err != nil {
			t.Fatal(err)
		}
	}
	for _, column := range []string{"id", "m"} {
		rows, err := db.Query(t.Context(), "SELECT "+column+" FROM t ORDER BY "+column)
		if err != nil {
			t.Fatal(err)
		}
		got, err := store.Collect(rows, func(scan store.Scan) (s string, err error) { return s, scan(&s) })
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", column, err, diff)
		}
	}
}
