package reviewer_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/executor/postgres/snapshot"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/reviewer"
)

// What the reviewer says about locks, rewrites and scans is compared with what
// a real server does: every statement runs in a transaction of its own, and
// before it ends pg_locks, the tables' files and their scan counters are read.

// observed is what one statement did to the relations that were there before
// the change.
type observed struct {
	Locks         map[string]string // relation → strongest mode, from SHARE UPDATE EXCLUSIVE up
	Rewrite, Scan []string
}

const relationsQuery = `SELECT c.oid, n.nspname || '.' || c.relname, c.relfilenode, c.relkind::text
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind IN ('r', 'p', 'm', 'v') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'`

type relation struct {
	name, kind string
	file       uint32
}

func relations(t *testing.T, conn *pgx.Conn) map[uint32]relation {
	t.Helper()
	found := map[uint32]relation{}
	var oid uint32
	var r relation
	rows, err := conn.Query(t.Context(), relationsQuery)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&oid, &r.name, &r.file, &r.kind}, func() error { found[oid] = r; return nil })
	}
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// strength orders the modes that matter.
var strength = []string{"SHARE UPDATE EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"}

// modes maps pg_locks' names to those of the documentation.
var modes = map[string]string{
	"ShareUpdateExclusiveLock": "SHARE UPDATE EXCLUSIVE", "ShareLock": "SHARE", "ShareRowExclusiveLock": "SHARE ROW EXCLUSIVE",
	"ExclusiveLock": "EXCLUSIVE", "AccessExclusiveLock": "ACCESS EXCLUSIVE",
}

// observe runs the statement in the connection's transaction. old are the
// relations that were there before the change.
func observe(t *testing.T, conn *pgx.Conn, statement string, old map[uint32]relation) (observed, error) {
	t.Helper()
	before := relations(t, conn)
	scansBefore := scans(t, conn)
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		return observed{}, err
	}
	o := observed{Locks: map[string]string{}}
	for oid, mode := range locks(t, conn) {
		if _, isOld := old[oid]; isOld && before[oid].name != "" {
			o.Locks[before[oid].name] = mode
		}
	}
	after, scansAfter := relations(t, conn), scans(t, conn)
	for oid := range old {
		if before[oid].name == "" {
			continue
		}
		if now, there := after[oid]; there && now.file != before[oid].file {
			o.Rewrite = append(o.Rewrite, before[oid].name)
		}
		if scansAfter[oid] > scansBefore[oid] {
			o.Scan = append(o.Scan, before[oid].name)
		}
	}
	return o, nil
}

func locks(t *testing.T, conn *pgx.Conn) map[uint32]string {
	t.Helper()
	found := map[uint32]string{}
	var oid uint32
	var mode string
	rows, err := conn.Query(t.Context(), `SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted`)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&oid, &mode}, func() error {
			if m := modes[mode]; slices.Index(strength, m) > slices.Index(strength, found[oid]) {
				found[oid] = m
			}
			return nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// scans counts sequential and index scans of this transaction.
func scans(t *testing.T, conn *pgx.Conn) map[uint32]int64 {
	t.Helper()
	found := map[uint32]int64{}
	var oid uint32
	var n int64
	rows, err := conn.Query(t.Context(), `SELECT relid, seq_scan + coalesce(idx_scan, 0) FROM pg_stat_xact_user_tables`)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&oid, &n}, func() error { found[oid] = n; return nil })
	}
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// predicted is what the report says, in the same words.
func predicted(s reviewer.StatementReport) observed {
	o := observed{Locks: map[string]string{}, Rewrite: s.Effects.Rewrite, Scan: s.Effects.Scan}
	for _, l := range s.Effects.Locks {
		if slices.Contains(strength, l.Mode) {
			o.Locks[l.Object] = l.Mode
		}
	}
	return o
}

var ignoreOrder = cmp.Options{cmpopts.EquateEmpty(), cmpopts.SortSlices(strings.Compare)}

func database(t *testing.T, schema string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), privateserver.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	if _, err := conn.Exec(t.Context(), "SET TimeZone = 'Europe/Berlin'; "+schema); err != nil {
		t.Fatal(err)
	}
	return conn
}

func reviewOn(t *testing.T, conn *pgx.Conn, sql string) reviewer.FileReport {
	t.Helper()
	c, err := snapshot.Read(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	return review(t, reviewer.Input{Catalog: c, Files: file("1.sql", sql)}).Files[0]
}

// readsRows says that a statement may scan as it likes: it is no DDL.
func readsRows(kind string) bool {
	return slices.Contains([]string{"INSERT", "UPDATE", "DELETE", "SELECT", "CREATE TABLE AS", "CREATE MATERIALIZED VIEW", "ANALYZE", "DO"}, kind)
}

// compare says how the prediction differs from what was observed.
func compare(s reviewer.StatementReport, o observed) string {
	p := predicted(s)
	if readsRows(s.Kind) {
		p.Scan, o.Scan = nil, nil
	}
	if slices.Contains([]string{"TRUNCATE", "REFRESH MATERIALIZED VIEW", "CLUSTER"}, s.Kind) {
		o.Scan, p.Scan = nil, nil
	}
	if s.Kind == "TRUNCATE" { // a new empty file is no rewrite
		o.Rewrite = nil
	}
	return cmp.Diff(p, o, ignoreOrder)
}

func TestEffectsAreTrue(t *testing.T) {
	c := cases(t, filepath.Join("testdata", "effects.txtar"))[0]
	conn := database(t, string(c.schema[0].Content))
	for _, st := range (script.Form{}).Split(c.sql) {
		t.Run(st.Text, func(t *testing.T) {
			report := reviewOn(t, conn, st.Text)
			tx, err := conn.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback(context.Background()) }()
			o, err := observe(t, conn, st.Text, relations(t, conn))
			if err != nil {
				t.Fatal(err)
			}
			if diff := compare(report.Statements[0], o); diff != "" {
				t.Errorf("- predicted, + measured on the server:\n%s", diff)
			}
		})
	}
}

// unproven are cases that no server runs as they are: their tables don't exist
// or the statement is meant to fail.
func unproven(rule string, c ruleCase) bool {
	return slices.Contains([]string{"refused-statement", "syntax-error", "bad-directive", "concurrently-in-transaction"}, rule) ||
		strings.Contains(c.sql, "elsewhere") || strings.Contains(c.sql, "CONCURRENTLY")
}

// TestRulesAreTrue runs the rules' own cases, statement by statement.
func TestRulesAreTrue(t *testing.T) {
	conn := database(t, "")
	for _, rule := range reviewer.IDs() {
		if elsewhere[rule] {
			continue
		}
		for _, c := range cases(t, filepath.Join("testdata", "rules", rule+".txtar")) {
			if !unproven(rule, c) {
				t.Run(rule+"/"+c.name, func(t *testing.T) { prove(t, conn, c) })
			}
		}
	}
}

// anew makes the case's schema the only one of the database.
func anew(t *testing.T, conn *pgx.Conn, c ruleCase) {
	t.Helper()
	const clean = "DISCARD TEMP; RESET ALL; DROP SCHEMA IF EXISTS app CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public; SET TimeZone = 'Europe/Berlin';"
	for _, sql := range append(strings.SplitAfter(clean, ";"), string(c.schema[0].Content)) {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
}

func prove(t *testing.T, conn *pgx.Conn, c ruleCase) {
	anew(t, conn, c)
	report := reviewOn(t, conn, c.sql)
	old := relations(t, conn)
	for i, st := range (script.Form{}).Split(c.sql) {
		if kind := report.Statements[i].Kind; kind == "BEGIN" || kind == "COMMIT" {
			continue
		}
		if _, err := conn.Exec(t.Context(), "BEGIN"); err != nil {
			t.Fatal(err)
		}
		o, err := observe(t, conn, st.Text, old)
		if err != nil {
			t.Fatalf("%s: %v", st.Text, err)
		}
		if diff := compare(report.Statements[i], o); diff != "" {
			t.Errorf("%s\n- predicted, + measured on the server:\n%s", st.Text, diff)
		}
		if _, err := conn.Exec(t.Context(), "COMMIT"); err != nil {
			t.Fatal(err)
		}
	}
}
