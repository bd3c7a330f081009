package reviewer_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/internal/privateserver"
)

// TestConcurrentStatementsLockAsSaid holds a row of the table, so that each
// CONCURRENTLY statement waits with its lock on the table in hand, and looks at
// it from a third connection.
func TestConcurrentStatementsLockAsSaid(t *testing.T) {
	url := privateserver.Database(t)
	connect := func() *pgx.Conn {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
		return conn
	}
	worker, holder, watcher := connect(), connect(), connect()
	exec := func(conn *pgx.Conn, sql string) {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	exec(worker, `CREATE TABLE busy (id int, day date); INSERT INTO busy VALUES (1); CREATE INDEX busy_id ON busy (id)`)
	for _, sql := range []string{"CREATE INDEX CONCURRENTLY busy_day ON busy (day)", "DROP INDEX CONCURRENTLY busy_id", "REINDEX TABLE CONCURRENTLY busy"} {
		want := predicted(reviewOn(t, watcher, sql).Statements[0]).Locks
		exec(holder, "BEGIN; UPDATE busy SET id = 2")
		done := make(chan error, 1)
		go func() {
			_, err := worker.Exec(t.Context(), sql)
			done <- err
		}()
		got := map[string]string{"public.busy": waitingLock(t, watcher, worker.PgConn().PID())}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n- predicted, + measured:\n%s", sql, diff)
		}
		exec(holder, "COMMIT")
		if err := <-done; err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// waitingLock polls until the session waits for a transaction, and returns its
// lock on table busy.
func waitingLock(t *testing.T, conn *pgx.Conn, pid uint32) string {
	t.Helper()
	const query = `SELECT l.mode FROM pg_locks l WHERE l.pid = $1 AND l.relation = 'busy'::regclass AND l.granted
		AND EXISTS (SELECT FROM pg_locks w WHERE w.pid = $1 AND NOT w.granted) ORDER BY length(l.mode) DESC LIMIT 1`
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		var mode string
		switch err := conn.QueryRow(ctx, query, pid).Scan(&mode); {
		case err == nil:
			return modes[mode]
		case !errors.Is(err, pgx.ErrNoRows):
			t.Fatal(err)
		}
	}
}

// TestBuiltinFunctionsAreTheServers compares the embedded list with a real
// server's functions; -update writes it anew.
func TestBuiltinFunctionsAreTheServers(t *testing.T) {
	conn := database(t, "")
	rows, err := conn.Query(t.Context(), `
		SELECT proname || CASE WHEN bool_or(provolatile = 'v') THEN ' v' ELSE '' END FROM pg_proc
		WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f' AND prorettype NOT IN
			('internal'::regtype, 'trigger'::regtype, 'cstring'::regtype, 'index_am_handler'::regtype)
		GROUP BY proname`)
	if err != nil {
		t.Fatal(err)
	}
	server, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(server)
	const path = "postgres/functions.txt"
	if *update {
		golden(t, path, strings.Join(server, "\n")+"\n")
		return
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	listed := strings.Fields(strings.ReplaceAll(string(text), " v", "+v"))
	for _, f := range server {
		name, volatile := strings.CutSuffix(f, " v")
		known := slices.Contains(listed, name) || slices.Contains(listed, name+"+v")
		if !known && serverMajor(t, conn) != 15 { // the list is version 15's
			continue
		}
		if volatile != slices.Contains(listed, name+"+v") || !volatile && !slices.Contains(listed, name) {
			t.Errorf("the list is wrong about %s (volatile: %v)", name, volatile)
		}
	}
}

func serverMajor(t *testing.T, conn *pgx.Conn) int {
	t.Helper()
	return catalog.Major(conn.PgConn().ParameterStatus("server_version"))
}
