package layout_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/executor/script"
)

// read loads "path" → text pairs; errs are its faults, one a line.
func read(o layout.Options, pairs ...string) (f layout.Folder, errs []string) {
	var files []executor.File
	for i := 0; i < len(pairs); i += 2 {
		files = append(files, file(pairs[i], pairs[i+1]))
	}
	f, err := layout.Load(files, o)
	if err != nil {
		errs = strings.Split(err.Error(), "\n")
	}
	return f, errs
}

func versions(f layout.Folder) (all []string) {
	for _, m := range f.Migrations {
		all = append(all, m.Version)
	}
	return all
}

func expect(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s:\n%s", what, diff)
	}
}

// layouts.md §2.2: under Bytebase's regex a down file is a migration too.
func TestTrapDownFilesAreNeverMigrations(t *testing.T) {
	for _, name := range []string{layout.Auto, layout.Native, layout.GolangMigrate, layout.SQLx, layout.Bytebase} {
		f, errs := read(layout.Options{Name: name},
			"m/1_x.up.sql", "CREATE TABLE x ();", "m/1_x.down.sql", "DROP TABLE x;")
		if len(errs) > 0 || len(f.Migrations) != 1 || f.Migrations[0].Path != "m/1_x.up.sql" || strings.TrimSpace(f.Migrations[0].Down) != "DROP TABLE x;" {
			t.Errorf("%s: %+v %v", name, f.Migrations, errs)
		}
		if _, ok := (layout.Options{Name: name}).Identify("m/1_x.down.sql"); ok {
			t.Errorf("%s: the down file passes for a migration", name)
		}
	}
}

// layouts.md §2.2: lexical order is not numeric order, in no layout.
func TestTrapOrderIsNumericNotLexical(t *testing.T) {
	const up, goose, dbmate = "SELECT 1;", "-- +goose Up\nSELECT 1;", "-- migrate:up\nSELECT 1;\n-- migrate:down\n"
	for name, files := range map[string][]string{
		layout.Native:        {"10_c.sql", up, "9_b.sql", up, "1.2_a.sql", up, "1.10_a.sql", up},
		layout.Flyway:        {"V10__c.sql", up, "V9__b.sql", up, "V1_2__a.sql", up, "V1.10__a.sql", up},
		layout.GolangMigrate: {"10_c.up.sql", up, "9_b.up.sql", up, "2_a.up.sql", up, "3_a.up.sql", up},
		layout.Goose:         {"10_c.sql", goose, "9_b.sql", goose, "2_a.sql", goose, "3_a.sql", goose},
		layout.Dbmate:        {"10_c.sql", dbmate, "9_b.sql", dbmate, "2_a.sql", dbmate, "3_a.sql", dbmate},
		layout.Prisma:        {"10_c/migration.sql", up, "9_b/migration.sql", up, "2_a/migration.sql", up, "3_a/migration.sql", up},
		layout.SQLx:          {"10_c.sql", up, "9_b.sql", up, "2_a.sql", up, "3_a.sql", up},
		layout.Bytebase:      {"10_c.sql", up, "9_b.sql", up, "1.2_a.sql", up, "1.10_a.sql", up},
	} {
		f, errs := read(layout.Options{Name: name}, files...)
		if len(errs) > 0 || len(f.Migrations) != 4 {
			t.Errorf("%s: %v %v", name, versions(f), errs)
			continue
		}
		if got := versions(f)[2:]; got[0] != "9" || got[1] != "10" {
			t.Errorf("%s: %v", name, got)
		}
		if executor.CompareVersions(f.Migrations[0].Version, f.Migrations[1].Version) >= 0 {
			t.Errorf("%s: %v", name, versions(f))
		}
	}
}

// layouts.md §2.2: a baseline's versions are compared by number (Atlas' importer
// compares Flyway's as strings).
func TestTrapBaselinesStandAmongNumbers(t *testing.T) {
	f, errs := read(layout.Options{}, "V9__a.sql", "SELECT 1", "B10__all.sql", "SELECT 1", "V10__b.sql", "SELECT 1", "V100__c.sql", "SELECT 1")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var got []string
	for _, m := range f.Migrations {
		got = append(got, string(m.Kind)+" "+m.Version)
	}
	expect(t, "order", []string{"versioned 9", "versioned 10", "baseline 10", "versioned 100"}, got)
}

// layouts.md §2.2: marks are anchored, so SQL that only looks like one is SQL
// (Atlas' importers match any line that holds "Down").
func TestTrapMarksAreAnchored(t *testing.T) {
	f, errs := read(layout.Options{Name: layout.Goose}, "1_a.sql", `-- +goose Up
INSERT INTO notes VALUES ('Down');
INSERT INTO notes VALUES ('-- +goose Down'); -- +goose Down
-- Down is what StatementBegin is not
INSERT INTO notes VALUES ('StatementBegin');
-- +goose Down
DELETE FROM notes;
`)
	if len(errs) > 0 || len(f.Migrations[0].Statements()) != 3 || strings.TrimSpace(f.Migrations[0].Down) != "DELETE FROM notes;" {
		t.Errorf("goose: %+v %v", f.Migrations, errs)
	}
	f, errs = read(layout.Options{Name: layout.Dbmate}, "1_a.sql", `-- migrate:up
INSERT INTO notes VALUES ('migrate:down');
INSERT INTO notes VALUES ('-- migrate:down'); -- migrate:down
-- then migrate:down
-- migrate:downs
-- migrate:down
DELETE FROM notes;
`)
	if len(errs) > 0 || len(f.Migrations[0].Statements()) != 2 || strings.TrimSpace(f.Migrations[0].Down) != "DELETE FROM notes;" {
		t.Errorf("dbmate: %+v %v", f.Migrations, errs)
	}
}

// layouts.md §2.2: versions that are the same number are duplicates.
func TestTrapDuplicateVersionsAreErrors(t *testing.T) {
	const up, goose, dbmate = "SELECT 1;", "-- +goose Up\nSELECT 1;", "-- migrate:up\nSELECT 1;\n-- migrate:down\n"
	for name, files := range map[string][]string{
		layout.Native:        {"1.0_a.sql", up, "01_b.sql", up},
		layout.Flyway:        {"V1_0__a.sql", up, "sub/V01__b.sql", up},
		layout.GolangMigrate: {"1_a.up.sql", up, "0001_b.up.sql", up},
		layout.Goose:         {"1_a.sql", goose, "0001_b.sql", goose},
		layout.Dbmate:        {"1_a.sql", dbmate, "0001_b.sql", dbmate},
		layout.Prisma:        {"1_a/migration.sql", up, "0001_b/migration.sql", up},
		layout.SQLx:          {"1_a.sql", up, "0001_b.sql", up},
		layout.Bytebase:      {"1_a.sql", up, "v1.0_b.sql", up},
	} {
		f, errs := read(layout.Options{Name: name}, files...)
		if len(errs) != 1 || !strings.Contains(errs[0], "is taken by") || len(f.Migrations) != 1 {
			t.Errorf("%s: %v %v", name, versions(f), errs)
		}
	}
	_, errs := read(layout.Options{}, "R__v.sql", "SELECT 1", "sub/R__v.sql", "SELECT 1")
	expect(t, "repeatables", []string{"sub/R__v.sql: version R__v is taken by R__v.sql; give one of them a new version"}, errs)
	_, errs = read(layout.Options{}, "a.sql", "--liquibase formatted sql\n--changeset a:1\nSELECT 1;\n--changeset a:1 runOnChange:true\nSELECT 2;")
	expect(t, "changesets", []string{"a.sql:4: the changeset a.sql::1::a is in a.sql already; give one of them another id"}, errs)
}

// layouts.md §2.1: Bytebase leaves files that don't match out with a warning.
func TestTrapFilesThatDontMatchAreErrors(t *testing.T) {
	for name, path := range map[string]string{
		layout.Native: "m/users.sql", layout.Flyway: "m/users.sql", layout.GolangMigrate: "m/1_users.sql", layout.Goose: "m/users.sql",
		layout.Dbmate: "m/users.sql", layout.Prisma: "m/1_users.sql", layout.SQLx: "m/users.sql", layout.Bytebase: "m/users.sql",
		layout.Liquibase: "m/users.sql",
	} {
		f, errs := read(layout.Options{Name: name}, path, "SELECT 1")
		if len(errs) != 1 || !strings.HasPrefix(errs[0], path) || len(f.Migrations) > 0 {
			t.Errorf("%s: %v %v", name, versions(f), errs)
		}
	}
	_, errs := read(layout.Options{Name: layout.Bytebase, Template: template}, "prod/db##1##ddl##x.sql", "SELECT 1", "db##2##ddl##x.sql", "SELECT 1",
		"prod/db##3##other##x.sql", "SELECT 1", "README.md", "x")
	expect(t, "template", []string{
		"db##2##ddl##x.sql: the path does not match the template " + template + "; rename it, or move it out of the migrations folder",
		"prod/db##3##other##x.sql: the path does not match the template " + template + "; rename it, or move it out of the migrations folder",
	}, errs)
}

// layouts.md §2.1: Flyway's V1_2 is version 1.2, and nobody else's is.
func TestTrapUnderscoresInVersions(t *testing.T) {
	for path, want := range map[string]string{"V1_2__x.sql": "1.2", "V1_2_x.sql": "1", "1_2__x.sql": "1", "V1__2_x.sql": "1"} {
		if m, _ := (layout.Options{Name: layout.Native}).Identify(path); m.Version != want {
			t.Errorf("native %s: %q", path, m.Version)
		}
	}
	m, _ := (layout.Options{Name: layout.Flyway}).Identify("a/V1_2__x.sql")
	expect(t, "flyway", "1.2", m.Version)
}

// A part's statements have the file's lines, and its checksum is its own.
func TestOnlyTheUpPartCounts(t *testing.T) {
	for name, pair := range map[string][2]string{
		layout.Goose:  {"-- +goose Up\n\nSELECT 1;\n-- +goose Down\nSELECT 2;", "-- why\n-- +goose Up\nSELECT 1;\n\n-- +goose Down\nSELECT 3;"},
		layout.Dbmate: {"-- migrate:up\n\nSELECT 1;\n-- migrate:down\nSELECT 2;", "-- why\n-- migrate:up\nSELECT 1;\n\n-- migrate:down\nSELECT 3;"},
		layout.Liquibase: {
			"--liquibase formatted sql\n--changeset a:1\nSELECT 1;\n--rollback SELECT 2;",
			"--liquibase formatted sql\n--changeset a:1\n--comment why\nSELECT 1;\n\n--rollback SELECT 3;\n--changeset a:2\nSELECT 2;",
		},
	} {
		f, errs := read(layout.Options{Name: name}, "1_a.sql", pair[0])
		g, more := read(layout.Options{Name: name}, "1_a.sql", pair[1])
		if len(errs)+len(more) > 0 {
			t.Fatal(errs, more)
		}
		a, b := f.Migrations[0], g.Migrations[0]
		if a.Checksum != b.Checksum || a.Down == b.Down {
			t.Errorf("%s: %+v\n%+v", name, a, b)
		}
		for i, m := range []executor.Migration{a, b} {
			before, _, _ := strings.Cut(pair[i], "SELECT 1")
			want := 1 + strings.Count(before, "\n")
			if s := m.Statements(); len(s) != 1 || s[0].Line != want {
				t.Errorf("%s: %+v, want line %d", name, s, want)
			}
		}
	}
}

func TestRefusedByName(t *testing.T) {
	const lb = "--liquibase formatted sql\n"
	for name, c := range map[string]struct {
		o    layout.Options
		file [2]string
		want string
	}{
		"Java migration":       {layout.Options{}, [2]string{"db/V2__x.java", "class"}, "db/V2__x.java: a migration that is a program can't be run; write the change in SQL; where it ran already, keep it out of the folder and adopt Flyway's history"},
		"Flyway callback":      {layout.Options{}, [2]string{"db/afterMigrate__grants.sql", "SELECT 1"}, "db/afterMigrate__grants.sql: it is a callback of Flyway for afterMigrate, which is not run; put its statements into the migrations that need them, and remove it"},
		"Flyway placeholder":   {layout.Options{Name: layout.Flyway}, [2]string{"V1__a.sql", "\nSELECT '${x}'"}, "V1__a.sql:2: the placeholder ${x} has no value here; write its value, or set placeholderReplacement=false in V1__a.sql.conf"},
		"conf without script":  {layout.Options{Name: layout.Flyway}, [2]string{"V1__a.sql.conf", ""}, "V1__a.sql.conf: there is no script that it is for; add V1__a.sql, or delete the file"},
		"goose in Go":          {layout.Options{Name: layout.Goose}, [2]string{"1_a.go", ""}, "1_a.go: a migration that is a program can't be run; write the change in SQL; where it ran already, keep it out of the folder and adopt goose's history"},
		"goose environment":    {layout.Options{}, [2]string{"1_a.sql", "-- +goose Up\n-- +goose ENVSUB ON\nSELECT 1;"}, "1_a.sql:2: values out of the environment are not supported: the same file would not be the same change everywhere; write the values"},
		"goose new annotation": {layout.Options{}, [2]string{"1_a.sql", "-- +goose Up\n-- +goose LATER\nSELECT 1;"}, "1_a.sql:2: unknown annotation -- +goose LATER; take it out"},
		"goose without Up":     {layout.Options{Name: layout.Goose}, [2]string{"1_a.sql", "-- only a comment"}, "1_a.sql:1: the file has no line -- +goose Up; write it above the statements"},
		"goose SQL above":      {layout.Options{}, [2]string{"1_a.sql", "SELECT 1;\n-- +goose Up\nSELECT 1;"}, "1_a.sql:1: the statement stands above -- +goose Up; move it below"},
		"goose twice":          {layout.Options{}, [2]string{"1_a.sql", "-- +goose Up\n-- +goose Up\nSELECT 1;"}, "1_a.sql:2: the annotation -- +goose Up has no place here; each part begins once, Up before Down, and blocks don't nest"},
		"goose indented":       {layout.Options{}, [2]string{"1_a.sql", "-- +goose Up\nSELECT 1;\n -- +goose Down"}, "1_a.sql:3: the annotation is indented, and versions of goose differ in what that means; begin the line with it"},
		"goose open block":     {layout.Options{}, [2]string{"1_a.sql", "-- +goose Up\n-- +goose StatementBegin\nSELECT 1;"}, "1_a.sql:2: the block has no line -- +goose StatementEnd; write it behind the block's statement"},
		"goose version 0":      {layout.Options{}, [2]string{"000_a.sql", "-- +goose Up\nSELECT 1;"}, "000_a.sql: the file name has no version above 0; name it like 00001_add_users.sql, or move it out of the migrations folder"},
		"dbmate without down":  {layout.Options{}, [2]string{"1_a.sql", "-- migrate:up\nSELECT 1;\n"}, "1_a.sql:3: the file has no line -- migrate:down; write it behind the statements, with what undoes them or nothing"},
		"dbmate SQL above":     {layout.Options{}, [2]string{"1_a.sql", "SELECT 1;\n-- migrate:up\n-- migrate:down"}, "1_a.sql:1: the statement stands above -- migrate:up; move it below"},
		"dbmate option":        {layout.Options{}, [2]string{"1_a.sql", "-- migrate:up later:true\n-- migrate:down"}, "1_a.sql:1: unknown option later:true; the one option is transaction:false"},
		"dbmate wrong order":   {layout.Options{Name: layout.Dbmate}, [2]string{"1_a.sql", "-- migrate:down\n-- migrate:up"}, "1_a.sql:1: the line -- migrate:down has no place here; each part begins once, up before down"},
		"directive above":      {layout.Options{}, [2]string{"1_a.sql", "-- shipsql: kind=dml\n-- +goose Up\nSELECT 1;"}, "1_a.sql: the directive stands before the part that is applied; write it below the line that begins that part"},
		"Atlas without sums":   {layout.Options{Name: layout.Atlas}, [2]string{"1_a.sql", "SELECT 1"}, "the folder has no atlas.sum; run atlas migrate hash, and commit the file"},
		"Bytebase online":      {layout.Options{Name: layout.Bytebase}, [2]string{"1_a.sql", "-- migration-type: ghost\nSELECT 1"}, "1_a.sql:1: migration-type: ghost is not supported; run the change as plain SQL, and take the line out"},
		"Prisma for MySQL":     {layout.Options{}, [2]string{"migration_lock.toml", "# x\nprovider = \"mysql\"\n"}, "migration_lock.toml:2: the migrations are written for mysql, and the database is postgresql; use the folder that was made for it"},
		"Prisma for Postgres":  {layout.Options{Dialect: script.MySQL}, [2]string{"migration_lock.toml", "provider = \"postgresql\"\n"}, "migration_lock.toml:1: the migrations are written for postgresql, and the database is mysql; use the folder that was made for it"},
		"changeset context":    {layout.Options{}, [2]string{"a.sql", lb + "--changeset a:1 context:test\nSELECT 1;"}, "a.sql:2: the attribute context:test of a changeset is not supported; nobody says here which of them hold: make a folder for what must not run everywhere"},
		"changeset labels":     {layout.Options{}, [2]string{"a.sql", lb + "--changeset a:1 labels:\"x or y\"\nSELECT 1;"}, "a.sql:2: the attribute labels:x or y of a changeset is not supported; nobody says here which of them hold: make a folder for what must not run everywhere"},
		"changeset runAlways":  {layout.Options{}, [2]string{"a.sql", lb + "--changeset a:1 runAlways:true\nSELECT 1;"}, "a.sql:2: the attribute runAlways:true of a changeset is not supported; each migration runs once: use runOnChange, or run it beside ShipSQL"},
		"changeset delimiter":  {layout.Options{}, [2]string{"a.sql", lb + "--changeset a:1 endDelimiter:\\nGO\nSELECT 1;"}, "a.sql:2: the attribute endDelimiter:\\nGO of a changeset is not supported; take it out"},
		"changeset psql":       {layout.Options{}, [2]string{"a.sql", lb + "--changeset a:1 runWith:psql\nSELECT 1;"}, "a.sql:2: the attribute runWith:psql of a changeset is not supported; take it out"},
		"precondition":         {layout.Options{}, [2]string{"a.sql", lb + "--changeset a:1\n--preconditions onFail:MARK_RAN\nSELECT 1;"}, "a.sql:3: --preconditions is not supported; take it out; for what must not run everywhere make a folder of its own"},
		"property":             {layout.Options{}, [2]string{"a.sql", lb + "--property name:x value:y\n--changeset a:1\nSELECT 1;"}, "a.sql:2: --property is not supported; take it out"},
		"property used":        {layout.Options{}, [2]string{"a.sql", lb + "--changeset a:1\nSELECT\n'${x}';"}, "a.sql:4: the property ${x} has no value here; write its value"},
		"ignoreLines":          {layout.Options{}, [2]string{"a.sql", lb + "--changeset a:1\n--ignoreLines:1\nSELECT 1;"}, "a.sql:3: --ignoreLines is not supported; take it out; for what must not run everywhere make a folder of its own"},
		"XML changeset":        {layout.Options{Name: layout.Liquibase}, [2]string{"changelog.xml", "<databaseChangeLog>\n<changeSet id=\"1\"/></databaseChangeLog>"}, "changelog.xml:2: changeSet in a changelog is not supported; write it as formatted SQL, and include that"},
		"YAML changeset":       {layout.Options{Name: layout.Liquibase}, [2]string{"changelog.yaml", "databaseChangeLog:\n- changeSet:\n    id: 1\n"}, "changelog.yaml:2: changeSet in a changelog is not supported; write it as formatted SQL, and include that"},
		"no XML":               {layout.Options{Name: layout.Liquibase}, [2]string{"changelog.xml", "<databaseChangeLog>\n<"}, "changelog.xml:2: the changelog is no XML: XML syntax error on line 2: unexpected EOF"},
		"included context":     {layout.Options{Name: layout.Liquibase}, [2]string{"changelog.yaml", "databaseChangeLog:\n- includeAll: {path: ., context: x}\n"}, "changelog.yaml:2: the attribute context of includeAll is not supported; take it out"},
		"included nothing":     {layout.Options{Name: layout.Liquibase}, [2]string{"changelog.json", `{"databaseChangeLog":[{"include":{"file":"a.sql"}}]}`}, "changelog.json:1: 0 files of the folder are called a.sql; write the path of one below the migrations folder"},
		"unknown layout":       {layout.Options{Name: "gose"}, [2]string{"1_a.sql", "SELECT 1"}, `unknown layout "gose"; did you mean goose?`},
	} {
		t.Run(name, func(t *testing.T) {
			_, errs := read(c.o, c.file[0], c.file[1])
			expect(t, "errors", []string{c.want}, errs)
		})
	}
}

func TestFrameworksAreRefusedWithAdvice(t *testing.T) {
	for path, want := range map[string]string{"db/migrate/20260102030405_add_users.rb": "Rails", "shop/migrations/0001_initial.py": "Django"} {
		_, errs := read(layout.Options{}, path, "x")
		if len(errs) != 1 || !strings.HasPrefix(errs[0], path+": a migration of "+want) {
			t.Errorf("%s: %v", path, errs)
		}
		if !layout.Holds(path) {
			t.Errorf("%s is not looked at", path)
		}
	}
	if layout.Holds("main.go") || layout.Holds("app/models.py") || !layout.Holds("1_a.sql.conf") || !layout.Holds("db/changelog-master.yaml") {
		t.Error("the wrong files are looked at")
	}
}

func TestDirectivesOfAChangesetAreItsOwn(t *testing.T) {
	f, errs := read(layout.Options{}, "a.sql", "--liquibase formatted sql\n--changeset a:1\n-- shipsql: kind=dml\nCALL fill();\n--changeset a:2\nCALL fill();")
	if len(errs) > 0 || f.Migrations[0].Change != executor.DML || f.Migrations[1].Change != executor.DDL {
		t.Errorf("%+v %v", f.Migrations, errs)
	}
	_, errs = read(layout.Options{}, "a.sql", "--liquibase formatted sql\n-- shipsql: kind=dml\n--changeset a:1\nCALL fill();")
	expect(t, "above", []string{"a.sql: the directive stands before the part that is applied; write it below the line that begins that part"}, errs)
}

// A hostile file takes no more than a bounded number of bytes per byte.
func TestManyChangesetsAreBounded(t *testing.T) {
	many := "--liquibase formatted sql\n" + strings.Repeat("--changeset a:1\nSELECT 1;\n", 1<<18)
	_, errs := read(layout.Options{}, "a.sql", many)
	expect(t, "errors", []string{"a.sql:1: the file has more than 10000 changesets; split it"}, errs)
}
