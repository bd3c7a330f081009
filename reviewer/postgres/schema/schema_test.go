package schema_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/executor/postgres/snapshot"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/reviewer/postgres/schema"
)

var parser *syntax.Parser

func TestMain(m *testing.M) {
	syntax.MaybeWorker()
	parser = syntax.NewParser(syntax.Options{Workers: 1})
	code := m.Run()
	_ = parser.Close()
	os.Exit(code)
}

func apply(t *testing.T, s *schema.Schema, sql string) {
	t.Helper()
	var texts []string
	for _, st := range (script.Form{}).Split(sql) {
		texts = append(texts, st.Text)
	}
	parsed, err := parser.Parse(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range parsed {
		if p.Err != nil {
			t.Fatalf("%s: %v", texts[i], p.Err)
		}
		s.Apply(p.Tree)
	}
}

func public(name string) catalog.Name { return catalog.Name{Schema: "public", Name: name} }

func ref(name string) *pg_query.RangeVar { return &pg_query.RangeVar{Relname: name} }

func TestColumnsAndConstraintsFollowStatements(t *testing.T) {
	s := schema.From(nil)
	apply(t, s, `
		CREATE TABLE parent (id bigint PRIMARY KEY);
		CREATE TABLE t (id serial, a varchar(20) NOT NULL, b int[] CHECK (b IS NOT NULL), c int REFERENCES parent, d timestamptz(3), UNIQUE (a, c));
		ALTER TABLE t ADD PRIMARY KEY (id), DROP COLUMN d, ALTER a TYPE text, ALTER c SET NOT NULL;
		ALTER TABLE t RENAME c TO parent_id;
		ALTER TABLE t RENAME TO u;`)
	if s.Find(public("t")) != nil {
		t.Error("the old name still stands for a table")
	}
	got := s.Find(public("u"))
	wantColumns := []catalog.Column{
		{Name: "id", Type: "integer", NotNull: true}, {Name: "a", Type: "text", NotNull: true},
		{Name: "b", Type: "integer[]"}, {Name: "parent_id", Type: "integer", NotNull: true},
	}
	if diff := cmp.Diff(wantColumns, got.Columns); diff != "" {
		t.Error(diff)
	}
	wantConstraints := []catalog.Constraint{
		{Name: "t_b_check", Kind: catalog.Check, Columns: []string{"b"}, Validated: true, NotNull: []string{"b"}},
		{Name: "t_c_fkey", Kind: catalog.ForeignKey, Columns: []string{"parent_id"}, Validated: true, RefTable: public("parent"), RefColumns: []string{}},
		{Name: "t_a_c_key", Kind: catalog.Unique, Columns: []string{"a", "parent_id"}, Validated: true},
		{Name: "t_pkey", Kind: catalog.PrimaryKey, Columns: []string{"id"}, Validated: true},
	}
	if diff := cmp.Diff(wantConstraints, got.Constraints); diff != "" {
		t.Error(diff)
	}
	if owner := s.IndexTable(catalog.Name{Name: "t_a_c_key"}); owner != got {
		t.Errorf("the constraint's index belongs to %v", owner)
	}
}

func TestPartitionsFollowTheirParent(t *testing.T) {
	base := &catalog.Catalog{Tables: map[catalog.Name]*catalog.Table{
		public("p"):  {Name: public("p"), Kind: catalog.PartitionedTable},
		public("p1"): {Name: public("p1"), Kind: catalog.BaseTable, PartitionOf: public("p")},
		public("p2"): {Name: public("p2"), Kind: catalog.PartitionedTable, PartitionOf: public("p")},
		public("p3"): {Name: public("p3"), Kind: catalog.BaseTable, PartitionOf: public("p2")},
	}}
	s := schema.From(base)
	names := func(parent string) []string {
		var list []string
		for _, p := range s.Partitions(s.Lookup(ref(parent))) {
			list = append(list, p.Name.Name)
		}
		return list
	}
	check := func(parent string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, names(parent)); diff != "" {
			t.Error(diff)
		}
	}
	check("p", "p1", "p2", "p3")
	apply(t, s, "ALTER TABLE p DETACH PARTITION p1; CREATE TABLE p4 PARTITION OF p DEFAULT; ALTER TABLE p2 ATTACH PARTITION p1 FOR VALUES IN (1);")
	check("p", "p2", "p3", "p1", "p4")
	apply(t, s, "ALTER TABLE p RENAME TO q; ALTER TABLE p4 RENAME TO rest; DROP TABLE p3;")
	check("q", "p2", "p1", "rest")
	check("p")
}

func TestTheCatalogIsNeverChanged(t *testing.T) {
	users := &catalog.Table{Name: public("users"), Kind: catalog.BaseTable,
		Columns:     []catalog.Column{{Name: "a", Type: "text"}},
		Constraints: []catalog.Constraint{{Name: "u", Kind: catalog.Unique, Columns: []string{"a"}}},
		Indexes:     []catalog.Index{{Name: "u", Columns: []string{"a"}}}}
	before := *users
	before.Columns = append([]catalog.Column(nil), users.Columns...)
	s := schema.From(&catalog.Catalog{Tables: map[catalog.Name]*catalog.Table{users.Name: users}})
	apply(t, s, "ALTER TABLE users RENAME a TO b; ALTER TABLE users ALTER b SET NOT NULL, ADD c int, DROP CONSTRAINT u; DROP TABLE users;")
	if diff := cmp.Diff(before, *users); diff != "" {
		t.Error(diff)
	}
}

// TestSimulationEqualsTheServer runs the same statements through the simulation
// and on a real server, and compares what both hold in the end.
func TestSimulationEqualsTheServer(t *testing.T) {
	sql, err := os.ReadFile("testdata/story.sql")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), privateserver.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), string(sql)); err != nil {
		t.Fatal(err)
	}
	server, err := snapshot.Read(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	s := schema.From(nil)
	apply(t, s, string(sql))
	for name, want := range server.Tables {
		got := s.Find(name)
		if got == nil {
			t.Errorf("%s is not simulated", name)
			continue
		}
		if diff := cmp.Diff(comparableTable(*want), comparableTable(got.Table), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s\n- server, + simulation:\n%s", name, diff)
		}
	}
	for _, gone := range []string{"dropped", "renamed_away"} {
		if s.Find(public(gone)) != nil {
			t.Errorf("%s is still there", gone)
		}
	}
}

// comparableTable leaves what the simulation does not follow, and sorts what has no
// order.
func comparableTable(t catalog.Table) catalog.Table {
	kept := catalog.Table{Name: t.Name, Kind: t.Kind, PartitionOf: t.PartitionOf, DefaultPartition: t.DefaultPartition, Unlogged: t.Unlogged}
	for _, c := range t.Columns {
		kept.Columns = append(kept.Columns, catalog.Column{Name: c.Name, Type: c.Type, NotNull: c.NotNull})
	}
	for _, c := range t.Constraints {
		c.Definition, c.RefColumns = "", nil
		slices.Sort(c.Columns)
		slices.Sort(c.NotNull)
		kept.Constraints = append(kept.Constraints, c)
	}
	for _, i := range t.Indexes {
		i.Definition = ""
		kept.Indexes = append(kept.Indexes, i)
	}
	slices.SortFunc(kept.Constraints, func(a, b catalog.Constraint) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(kept.Indexes, func(a, b catalog.Index) int { return strings.Compare(a.Name, b.Name) })
	return kept
}
