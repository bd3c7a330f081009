package layout_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/executor/script"
)

func TestDetectSaysWhatItSees(t *testing.T) {
	const up, goose, dbmate = "SELECT 1;", "-- +goose Up\nSELECT 1;", "-- migrate:up\nSELECT 1;\n-- migrate:down\n"
	for name, c := range map[string]struct {
		files []string
		want  string
	}{
		"nothing":                    {nil, "native: no file carries a sign of another tool"},
		"plain names":                {[]string{"1_a.sql", up, "V2__b.sql", up, "3_c.up.sql", up}, "native: no file carries a sign of another tool"},
		"goose":                      {[]string{"1_a.sql", goose, "2_b.sql", goose, "3_c.sql", up}, "goose: 2 of 3 files carry -- +goose Up"},
		"dbmate with its dump":       {[]string{"db/migrations/1_a.sql", dbmate, "db/schema.sql", up}, "dbmate: 1 of 2 files carry -- migrate:up"},
		"sqlx's mark over pairs":     {[]string{"1_a.up.sql", "-- no-transaction\n" + up, "1_a.down.sql", up}, "sqlx: begin with -- no-transaction"},
		"pairs":                      {[]string{"1_a.up.sql", up, "1_a.down.sql", up}, "golang-migrate: 2 of 2 files are named like 1_x.up.sql or 1_x.down.sql"},
		"Flyway":                     {[]string{"V1__a.sql", up, "V2__b.sql", up}, "flyway: 2 of 2 files are named like V1__x.sql or R__x.sql"},
		"goose and dbmate":           {[]string{"1_a.sql", goose, "2_b.sql", dbmate}, "the files bear the signs of several layouts: goose (1 of 2 files carry -- +goose Up), dbmate (1 of 2 files carry -- migrate:up); set layout: to the one that is meant"},
		"a few of goose":             {[]string{"1_a.sql", goose, "2_b.sql", up, "3_c.sql", up}, "the files bear the signs of several layouts: goose (1 of 3 files carry -- +goose Up), native (the others carry no sign of a tool); set layout: to the one that is meant"},
		"a repeatable among numbers": {[]string{"R__a.sql", up, "2_b.sql", up, "3_c.sql", up}, "the files bear the signs of several layouts: flyway (1 of 3 files are named like V1__x.sql or R__x.sql), native (the others carry no sign of a tool); set layout: to the one that is meant"},
		"Atlas over another naming":  {[]string{"atlas.sum", "", "1_a.up.sql", up}, "the files bear the signs of several layouts: golang-migrate (1 of 1 files are named like 1_x.up.sql or 1_x.down.sql), atlas (there is an atlas.sum); set layout: to the one that is meant"},
		"a template":                 {[]string{"prod/db##1##ddl##x.sql", up}, "bytebase: 1 of 1 files are named by a template of Bytebase like db##1##ddl##x.sql: layout: must say which"},
	} {
		t.Run(name, func(t *testing.T) {
			var files []executor.File
			for i := 0; i < len(c.files); i += 2 {
				files = append(files, file(c.files[i], c.files[i+1]))
			}
			layoutName, why, err := layout.Detect(files)
			got := layoutName + ": " + why
			if err != nil {
				got = err.Error()
			}
			expect(t, "detected", c.want, got)
		})
	}
}

func TestUnreadFilesCountByTheirNames(t *testing.T) {
	files := []executor.File{file("1_a.sql", "-- +goose Up\nSELECT 1;"), {Path: "2_b.sql", Unread: true}, {Path: "3_c.sql", Unread: true}}
	f, err := layout.Load(files, layout.Options{})
	if err != nil || f.Layout != layout.Goose || len(f.Migrations) != 1 {
		t.Errorf("%+v %v", f, err)
	}
	files = []executor.File{{Path: "V1__a.sql", Unread: true}, file("R__b.sql", "SELECT 1")}
	if name, _, err := layout.Detect(files); name != layout.Flyway || err != nil {
		t.Errorf("%s %v", name, err)
	}
}

func TestParseTakesNamesAndTemplates(t *testing.T) {
	for word, want := range map[string]string{
		"": "", "goose": "", template: "",
		"gose":                         `unknown layout "gose"; did you mean goose?`,
		"{{DB_NAME}}.sql":              `the template "{{DB_NAME}}.sql" has no {{VERSION}}; versions are what migrations are ordered by`,
		"{{VERSION}}{{NAME}}.sql":      `the template "{{VERSION}}{{NAME}}.sql" has the field NAME, which is unknown or stands there twice; the fields are ENV_ID, DB_NAME, VERSION, TYPE and DESCRIPTION`,
		"{{VERSION}}##{{VERSION}}.sql": `the template "{{VERSION}}##{{VERSION}}.sql" has the field VERSION, which is unknown or stands there twice; the fields are ENV_ID, DB_NAME, VERSION, TYPE and DESCRIPTION`,
	} {
		_, err := layout.Parse(word)
		if got := ""; err != nil || want != "" {
			if err != nil {
				got = err.Error()
			}
			expect(t, word, want, got)
		}
	}
	for _, name := range layout.Names() {
		if _, err := layout.Parse(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTemplatesSelectByPath(t *testing.T) {
	for path, want := range map[string]executor.Migration{
		"db/prod/eu/orders__1.2__ddl__add_x.sql": {Version: "1.2", Name: "add_x", Change: executor.DDL, Target: executor.Destination{Environment: "prod", Database: "orders"}},
		"db/prod/orders__v3__data__fill.sql":     {Version: "3", Name: "fill", Change: executor.DML, Target: executor.Destination{Environment: "prod", Database: "orders"}},
	} {
		o := layout.Options{Name: layout.Bytebase, Template: "{{ENV_ID}}/**/{{DB_NAME}}__{{VERSION}}__{{TYPE}}__{{DESCRIPTION}}.sql", Dir: "db"}
		f, errs := read(o, path, "SELECT 1")
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		m := f.Migrations[0]
		got := executor.Migration{Version: m.Version, Name: m.Name, Change: m.Change, Target: m.Target}
		expect(t, path, want, got)
	}
}

func TestAtlasSumsAreVerified(t *testing.T) {
	files := goldenFiles(t, "atlas")
	change := func(edit func(map[string]string)) string {
		texts := map[string]string{}
		for _, f := range files {
			texts[f.Path] = string(f.Content)
		}
		edit(texts)
		var pairs []string
		for path, text := range texts {
			pairs = append(pairs, path, text)
		}
		_, errs := read(layout.Options{Name: layout.Atlas}, pairs...)
		return strings.Join(errs, "\n")
	}
	const fill = "atlas/20260102000000_fill.sql"
	for name, c := range map[string]struct {
		edit func(map[string]string)
		want string
	}{
		"untouched": {func(map[string]string) {}, ""},
		"edited":    {func(m map[string]string) { m[fill] += " " }, "atlas/atlas.sum:3: the folder differs from its sums from 20260102000000_fill.sql on"},
		"added":     {func(m map[string]string) { m["atlas/20270101000000_x.sql"] = "SELECT 1" }, "atlas/atlas.sum:6: the folder differs from its sums from 20270101000000_x.sql on"},
		"removed":   {func(m map[string]string) { delete(m, "atlas/20260104000000_users_name.sql") }, "atlas/atlas.sum:5: the folder lacks a file that the sums name: 20260104000000_users_name.sql"},
		"tampered":  {func(m map[string]string) { m["atlas/atlas.sum"] = "h1:x" + m["atlas/atlas.sum"] }, "atlas/atlas.sum:1: the sum of the sums is wrong"},
		"elsewhere": {func(m map[string]string) { m["atlas/sub/20270101000000_x.sql"] = "SELECT 1" }, "atlas/sub/20270101000000_x.sql: the file does not lie beside atlas.sum"},
	} {
		if got := change(c.edit); !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestChangelogsOrderTheFiles(t *testing.T) {
	const a, b = "--liquibase formatted sql\n--changeset x:1\nSELECT 1;", "--liquibase formatted sql\n--changeset x:2\nSELECT 2;"
	f, errs := read(layout.Options{}, "src/db/all/a.sql", a, "src/db/b.sql", b, "src/db/changelog.yaml",
		"databaseChangeLog:\n- include: {file: db/b.sql}\n- include: {file: more-changelog.yml, relativeToChangelogFile: true}\n",
		"src/db/more-changelog.yml", "databaseChangeLog:\n- includeAll: {path: \"classpath:db/all\"}\n")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	expect(t, "order", []string{"src/db/b.sql::2::x", "src/db/all/a.sql::1::x"}, versions(f))
	_, errs = read(layout.Options{}, "a.sql", a, "b.sql", b, "changelog.xml", `<databaseChangeLog><include file="b.sql"/></databaseChangeLog>`)
	expect(t, "left out", []string{"a.sql: no changelog includes the file, so Liquibase does not run it; include it in changelog.xml, or move it out of the migrations folder"}, errs)
	_, errs = read(layout.Options{}, "a.sql", a, "1changelog.xml", "<databaseChangeLog/>", "2changelog.xml", "<databaseChangeLog/>")
	expect(t, "roots", []string{"2changelog.xml: no other changelog includes it, nor 1changelog.xml: which is the root?; keep one root changelog in the folder"}, errs)
}

// Whatever the order in which files come, the folder is the same, sorted and
// without duplicates; unknown files never panic.
func TestLoadIsAFunctionOfTheSetOfFiles(t *testing.T) {
	name := rapid.SampledFrom([]string{"1_a.sql", "2_b.sql", "10_c.up.sql", "10_c.down.sql", "V3__d.sql", "V3_1__d.sql", "R__v.sql", "B3__all.sql", "U3__d.sql",
		"1_a/migration.sql", "migration_lock.toml", "atlas.sum", "changelog.xml", "changelog.yaml", "V1__a.sql.conf", "prod/db##1##ddl##x.sql", "x.sql", "1_a.go"})
	text := rapid.SampledFrom([]string{"SELECT 1;", "", "-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;", "-- migrate:up\nSELECT 1;\n-- migrate:down",
		"--liquibase formatted sql\n--changeset a:1\nSELECT 1;\n--changeset a:2 runOnChange:true\nSELECT 2;", "-- no-transaction\nSELECT 1;", "-- atlas:checkpoint\n\nSELECT 1;"})
	rapid.Check(t, func(t *rapid.T) {
		contents := rapid.MapOfN(name, text, 0, 8).Draw(t, "files")
		o := layout.Options{Name: rapid.SampledFrom(layout.Names()).Draw(t, "layout")}
		var files []executor.File
		for path, content := range contents {
			files = append(files, file(path, content))
		}
		a, errA := layout.Load(files, o)
		b, errB := layout.Load(rapid.Permutation(files).Draw(t, "shuffled"), o)
		if listing(a) != listing(b) || (errA == nil) != (errB == nil) || errA != nil && errA.Error() != errB.Error() {
			t.Fatalf("%s\n%v\n%s\n%v", listing(a), errA, listing(b), errB)
		}
		checkFolder(t, a)
	})
}

type failer interface {
	Errorf(format string, args ...any)
}

// checkFolder checks what holds for every folder.
func checkFolder(t failer, f layout.Folder) {
	seen := map[string]bool{}
	for i, m := range f.Migrations {
		key := string(m.Kind) + executor.VersionKey(m.Version) + m.Target.Environment + "/" + m.Target.Database
		if seen[key] {
			t.Errorf("%s is there twice", key)
		}
		seen[key] = true
		if m.Path == "" || m.Version == "" || len(m.Checksum) != 64 || m.Change == "" || m.Kind == "" {
			t.Errorf("%+v lacks something", m)
		}
		if i > 0 && f.Layout != layout.Liquibase && executor.CompareVersions(f.Migrations[i-1].Version, m.Version) > 0 {
			t.Errorf("%s runs behind %s", m.Version, f.Migrations[i-1].Version)
		}
	}
}

func FuzzDetectAndLoad(f *testing.F) {
	f.Add("1_a.sql", "-- +goose Up\nSELECT 1;\n-- +goose StatementBegin\nx;y\n-- +goose StatementEnd\n-- +goose Down\n")
	f.Add("1_a.sql", "-- migrate:up transaction:false\nSELECT 1;\n-- migrate:down\n")
	f.Add("a.sql", "--liquibase formatted sql logicalFilePath:x\n--changeset \"a b\":1 dbms:!oracle endDelimiter:/\nSELECT 1\n/\n--rollback x\n/* liquibase rollback\ny\n*/\n")
	f.Add("1_a.sql", "-- atlas:delimiter \\n\\n\n-- atlas:txmode none\n\nSELECT 1\n\nSELECT 2")
	f.Add("V1__a.sql.conf", "executeInTransaction=false\n# x")
	f.Add("changelog.xml", "<databaseChangeLog><include file=\"changelog.xml\"/><includeAll path=\".\"/></databaseChangeLog>")
	f.Add("changelog.yaml", "databaseChangeLog:\n- include: {file: a.sql}\n- &a [*a]\n")
	f.Add("atlas.sum", "h1:x\n1_a.sql h1:y\n")
	f.Add("migration_lock.toml", "provider = \"postgresql\"")
	f.Add("prod/db##1##ddl##x.sql", "SELECT 1")
	f.Fuzz(func(t *testing.T, path, content string) {
		files := []executor.File{file(path, content), file("2_b.sql", "SELECT 1"), file(path+".conf", content)}
		for _, name := range layout.Names() {
			for _, o := range []layout.Options{{Name: name}, {Name: name, Template: template, Dialect: script.MySQL}} {
				folder, _ := layout.Load(files, o)
				checkFolder(t, folder)
				o.Identify(path)
			}
		}
	})
}

func FuzzTemplate(f *testing.F) {
	f.Add(template, "prod/db##1##ddl##x.sql")
	f.Add("**/{{VERSION}}*.sql", "a/b/1x.sql")
	f.Fuzz(func(t *testing.T, text, path string) {
		o, err := layout.Parse("{{" + text)
		if err != nil {
			return
		}
		if m, ok := o.Identify(path); ok && m.Version == "" {
			t.Errorf("%s: no version in %s", text, path)
		}
	})
}

// A file whose parts are marked in a way that its tool, or an editor, spoils, is
// never taken for one that runs as a whole: its way back would run with it.
func TestAWayBackNeverRunsWithTheWayUp(t *testing.T) {
	parts := "-- UP\ncreate table a(n int);\n-- DOWN\ndrop table a;\n"
	for _, marks := range [][2]string{{"+goose Up", "+goose Down"}, {"migrate:up", "migrate:down"}} {
		text := strings.NewReplacer("UP", marks[0], "DOWN", marks[1]).Replace(parts)
		for name, text := range map[string]string{
			"as it should be": text, "byte order mark": "\ufeff" + text, "CRLF": strings.ReplaceAll(text, "\n", "\r\n"), "CR": strings.ReplaceAll(text, "\n", "\r"),
			"indented": "  " + strings.ReplaceAll(text, "\n--", "\n\t--"), "no space": strings.ReplaceAll(text, "-- ", "--"),
			"upper case": strings.NewReplacer(marks[0], strings.ToUpper(marks[0]), marks[1], strings.ToUpper(marks[1])).Replace(text),
			"only down":  strings.ReplaceAll(text, "-- "+marks[0], "--"),
		} {
			folder, err := layout.Load([]executor.File{{Path: "1_a.sql", Content: []byte(text)}}, layout.Options{})
			if err == nil && strings.Contains(folder.Migrations[0].SQL, "drop") {
				t.Errorf("%s, %s: as %s it runs %q", marks[0], name, folder.Layout, folder.Migrations[0].SQL)
			}
			if plain := name == "as it should be" || name == "byte order mark" || name == "CRLF"; plain && (err != nil || folder.Migrations[0].Down == "") {
				t.Errorf("%s, %s: %v, %+v", marks[0], name, err, folder.Migrations)
			}
		}
	}
}
