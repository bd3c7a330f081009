package snapshot_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/executor/postgres/snapshot"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/privateserver"
)

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s\n%v", sql, err)
	}
}

func read(t *testing.T, conn *pgx.Conn) *catalog.Catalog {
	t.Helper()
	c, err := snapshot.Read(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const schema = `
CREATE SCHEMA app; CREATE SCHEMA shipsql; CREATE TABLE shipsql.migrations (version text);
CREATE TYPE app.mood AS ENUM ('sad', 'happy');
CREATE DOMAIN app.positive AS numeric(10,2) NOT NULL DEFAULT 1 CHECK (VALUE > 0);
CREATE FUNCTION app.now_text(a int, b text) RETURNS text LANGUAGE sql STABLE AS 'SELECT now()::text';
CREATE TABLE app.customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email varchar(20) NOT NULL, "Odd" int);
CREATE UNIQUE INDEX customers_lower ON app.customers (lower(email), id) WHERE id > 0;
CREATE UNLOGGED TABLE orders (
	id serial, customer bigint, a int, b int GENERATED ALWAYS AS (a * 2) STORED, price app.positive,
	CONSTRAINT a_set CHECK (a IS NOT NULL), CONSTRAINT a_big CHECK (a > 0 OR a IS NULL));
ALTER TABLE orders ADD CONSTRAINT both_set CHECK (customer IS NOT NULL AND id IS NOT NULL AND a < 9) NOT VALID;
ALTER TABLE orders ADD CONSTRAINT to_customer FOREIGN KEY (customer) REFERENCES app.customers NOT VALID;
CREATE VIEW app.v AS SELECT email FROM app.customers;
CREATE TABLE parts (id int) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10000);
CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
`

func TestReadDescribesEverything(t *testing.T) {
	conn := connect(t, privateserver.Database(t))
	exec(t, conn, schema)
	got := read(t, conn)
	if got.Major() < 12 || strings.Contains(got.Version, " ") {
		t.Errorf("version %q", got.Version)
	}
	app := func(name string) catalog.Name { return catalog.Name{Schema: "app", Name: name} }
	public := func(name string) catalog.Name { return catalog.Name{Schema: "public", Name: name} }
	empty := catalog.Size{Known: true}
	want := &catalog.Catalog{
		Engine:     "postgres",
		SearchPath: []string{"public"},
		Enums:      map[catalog.Name][]string{app("mood"): {"sad", "happy"}},
		Domains:    map[catalog.Name]*catalog.Domain{app("positive"): {Name: app("positive"), Base: "numeric(10,2)", NotNull: true, Checked: true, Default: "1"}},
		Functions:  map[catalog.Name][]catalog.Function{app("now_text"): {{Arguments: "a integer, b text", Volatility: catalog.Stable}}},
		Tables: map[catalog.Name]*catalog.Table{
			app("customers"): {
				Name: app("customers"), Kind: catalog.BaseTable, Size: empty,
				Columns: []catalog.Column{
					{Name: "id", Type: "bigint", NotNull: true, Identity: true},
					{Name: "email", Type: "character varying(20)", NotNull: true},
					{Name: "Odd", Type: "integer"},
				},
				Constraints: []catalog.Constraint{{Name: "customers_pkey", Kind: catalog.PrimaryKey, Columns: []string{"id"}, Definition: "PRIMARY KEY (id)", Validated: true}},
				Indexes: []catalog.Index{
					{Name: "customers_lower", Columns: []string{"", "id"}, Unique: true, Valid: true, Partial: true,
						Definition: "CREATE UNIQUE INDEX customers_lower ON app.customers USING btree (lower((email)::text), id) WHERE (id > 0)"},
					{Name: "customers_pkey", Columns: []string{"id"}, Unique: true, Primary: true, Valid: true,
						Definition: "CREATE UNIQUE INDEX customers_pkey ON app.customers USING btree (id)"},
				},
			},
			public("orders"): {
				Name: public("orders"), Kind: catalog.BaseTable, Unlogged: true, Size: empty,
				Columns: []catalog.Column{
					{Name: "id", Type: "integer", NotNull: true, Default: "nextval('orders_id_seq'::regclass)"},
					{Name: "customer", Type: "bigint"},
					{Name: "a", Type: "integer"},
					{Name: "b", Type: "integer", Default: "(a * 2)", Generated: true},
					{Name: "price", Type: "app.positive"},
				},
				Constraints: []catalog.Constraint{
					{Name: "a_big", Kind: catalog.Check, Columns: []string{"a"}, Definition: "CHECK (((a > 0) OR (a IS NULL)))", Validated: true},
					{Name: "a_set", Kind: catalog.Check, Columns: []string{"a"}, Definition: "CHECK ((a IS NOT NULL))", Validated: true, NotNull: []string{"a"}},
					{Name: "both_set", Kind: catalog.Check, Columns: []string{"id", "customer", "a"}, NotNull: []string{"id", "customer"},
						Definition: "CHECK (((customer IS NOT NULL) AND (id IS NOT NULL) AND (a < 9))) NOT VALID"},
					{Name: "to_customer", Kind: catalog.ForeignKey, Columns: []string{"customer"}, RefTable: app("customers"), RefColumns: []string{"id"},
						Definition: "FOREIGN KEY (customer) REFERENCES app.customers(id) NOT VALID"},
				},
			},
			app("v"): {Name: app("v"), Kind: catalog.View, Columns: []catalog.Column{{Name: "email", Type: "character varying(20)"}}},
			public("parts"): {Name: public("parts"), Kind: catalog.PartitionedTable, Size: empty, DefaultPartition: public("parts_rest"),
				Columns: []catalog.Column{{Name: "id", Type: "integer"}}},
			public("parts_1"):    {Name: public("parts_1"), Kind: catalog.BaseTable, Size: empty, PartitionOf: public("parts"), Columns: []catalog.Column{{Name: "id", Type: "integer"}}},
			public("parts_rest"): {Name: public("parts_rest"), Kind: catalog.BaseTable, Size: empty, PartitionOf: public("parts"), Columns: []catalog.Column{{Name: "id", Type: "integer"}}},
		},
	}
	options := cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreFields(catalog.Catalog{}, "Version"),
		cmpopts.SortSlices(func(a, b string) bool { return a < b })}
	if diff := cmp.Diff(want, got, options); diff != "" {
		t.Error(diff)
	}
}

func TestSizes(t *testing.T) {
	conn := connect(t, privateserver.Database(t))
	exec(t, conn, schema+`
		INSERT INTO parts SELECT generate_series(1, 9999); INSERT INTO parts VALUES (20000);
		CREATE TABLE never_analysed AS SELECT generate_series(1, 100) AS n`)
	exec(t, conn, `ANALYZE parts_1, parts_rest`)
	tables := read(t, conn).Tables
	size := func(name string) catalog.Size { return tables[catalog.Name{Schema: "public", Name: name}].Size }
	if got := size("parts"); got.Rows != 10000 || got.Bytes != size("parts_1").Bytes+size("parts_rest").Bytes || got.Bytes == 0 {
		t.Errorf("partitioned table: %+v, want the sum of its partitions", got)
	}
	if got := size("never_analysed"); got.Rows != -1 || got.Bytes == 0 {
		t.Errorf("table that was never analysed: %+v, want bytes but no rows", got)
	}
}

func TestReadDoesNotWaitForATableThatIsBeingAltered(t *testing.T) {
	url := privateserver.Database(t)
	owner := connect(t, url)
	exec(t, owner, `CREATE TABLE busy AS SELECT generate_series(1, 10000) AS n; `+schema)
	exec(t, owner, `ANALYZE busy`)
	exec(t, owner, `BEGIN; LOCK TABLE busy`)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c, err := snapshot.Read(ctx, connect(t, url))
	switch {
	case fault.CodeOf(err) == fault.LockTimeout: // servers that lock to print an expression
	case err != nil:
		t.Fatal(err)
	case c.Tables[catalog.Name{Schema: "public", Name: "busy"}].Size.Bytes == 0:
		t.Error("the size of a locked table is lost")
	}
}

func TestReadSaysWhatFailed(t *testing.T) {
	conn := connect(t, privateserver.Database(t))
	_ = conn.Close(t.Context())
	if _, err := snapshot.Read(t.Context(), conn); fault.CodeOf(err) != fault.Unreachable {
		t.Errorf("closed connection: %v", err)
	}
}
