package layout_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/internal/fault"
)

func TestIdentify(t *testing.T) {
	type parsed struct {
		Version, Name string
		OK            bool
	}
	for path, want := range map[string]parsed{
		"migrations/20260102030405_add_users.sql": {"20260102030405", "add_users", true},
		"m/20260102030405_add_users.ddl.sql":      {"20260102030405", "add_users", true},
		"m/20260102030405_fill.dml.sql":           {"20260102030405", "fill", true},
		"m/V1.2__create_table.sql":                {"1.2", "create_table", true},
		"m/v1_2_3__x.SQL":                         {"1.2.3", "x", true},
		"m/1.2.3_x_dml.sql":                       {"1.2.3", "x", true},
		"m/1_2_x.sql":                             {"1", "2_x", true},
		"m/000001_init.up.sql":                    {"000001", "init", true},
		"m/7.sql":                                 {"7", "", true},
		"m/7-with-dashes.sql":                     {"7", "with-dashes", true},
		"m/000001_init.down.sql":                  {},
		"m/000001_init.undo.sql":                  {},
		"m/add_users.sql":                         {},
		"m/R__view.sql":                           {},
		"m/1.2x.sql":                              {},
		"m/1_x.txt":                               {},
		"m/.sql":                                  {},
	} {
		m, ok := (layout.Options{}).Identify(path)
		if got := (parsed{m.Version, m.Name, ok}); got != want {
			t.Errorf("Identify(%s) = %+v, want %+v", path, got, want)
		}
	}
}

func load(files []executor.File) ([]executor.Migration, error) {
	folder, err := layout.Load(files, layout.Options{Name: layout.Native})
	return folder.Migrations, err
}

func file(path, content string) executor.File {
	return executor.File{Path: path, Content: []byte(content)}
}

func TestLoadOrdersByNumberAndPairsDowns(t *testing.T) {
	got, err := load([]executor.File{
		file("m/10_c.up.sql", "\ufeffcreate table c();\r\n"),
		file("m/10_c.down.sql", "drop table c;"),
		file("m/9_b.sql", "-- fill\ninsert into b values (1);"),
		file("m/1.2_a_dml.sql", "do $$ begin end $$;"),
		file("m/README.md", "\xff"),
		file("m/11_kind.sql", "-- shipsql: kind=dml\ncall fill();"),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []executor.Migration{
		{Version: "1.2", Name: "a", Kind: executor.Versioned, Change: executor.DML, Path: "m/1.2_a_dml.sql", SQL: "do $$ begin end $$;"},
		{Version: "9", Name: "b", Kind: executor.Versioned, Change: executor.DML, Path: "m/9_b.sql", SQL: "-- fill\ninsert into b values (1);"},
		{Version: "10", Name: "c", Kind: executor.Versioned, Change: executor.DDL, Path: "m/10_c.up.sql", SQL: "create table c();\r\n", Down: "drop table c;", DownPath: "m/10_c.down.sql"},
		{Version: "11", Name: "kind", Kind: executor.Versioned, Change: executor.DML, Path: "m/11_kind.sql", SQL: "-- shipsql: kind=dml\ncall fill();"},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(executor.Migration{}, "Checksum")); diff != "" {
		t.Error(diff)
	}
	for _, m := range got {
		if m.Checksum != executor.Checksum([]byte(m.SQL)) {
			t.Errorf("%s: wrong checksum", m.Path)
		}
	}
}

func TestLoadTellsAllThatIsWrong(t *testing.T) {
	got, err := load([]executor.File{
		file("m/1_good.sql", "select 1"),
		file("m/2_latin.sql", "select 1;\nselect '\xe9'"),
		file("m/3_utf16.sql", "\xff\xfes\x00"),
		file("m/4_nul.sql", "select 1;\n \x00"),
		file("m/5_empty.sql", " -- nothing\n;"),
		file("m/6_huge.sql", strings.Repeat("select 1;\n", 2<<20)),
		file("m/01.0_again.sql", "select 1"),
		file("m/schema.sql", "select 1"),
		file("m/8_alone.down.sql", "select 1"),
		file("m/7_many.sql", strings.Repeat("a;", 2<<20)),
		file("m/9_typo.sql", "\n-- shipsql: transactions=off\nselect 1"),
	})
	if len(got) != 1 || got[0].Path != "m/01.0_again.sql" {
		t.Errorf("got %d migrations: %+v", len(got), got)
	}
	want := []string{
		"m/1_good.sql: version 1 is taken by m/01.0_again.sql; give one of them a new version",
		"m/2_latin.sql: line 2 is not UTF-8; save the file as UTF-8",
		"m/3_utf16.sql: the file is UTF-16, not UTF-8; save it as UTF-8",
		"m/4_nul.sql: the file holds a NUL byte at 2:2; save it as UTF-8 text",
		"m/5_empty.sql: the file is empty: it holds no statement; write the change, or delete the file",
		"m/6_huge.sql: the file has 20971520 bytes, and the limit is 16 MiB; split it, or load the data with shipsql migrate up",
		"m/7_many.sql: the file has more statements than 249999; split it, or load the data another way",
		`m/9_typo.sql:2:13: unknown directive "transactions"; did you mean transaction?`,
		"m/schema.sql: the file name has no version; name it like 20260102030405_add_users.sql or V1.2__add_users.sql, or move it out of the migrations folder",
		"m/8_alone.down.sql: the down file has no migration to undo; add the migration of that version, or delete the file",
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Error(diff)
	}
	var one *fault.Error
	if fault.CodeOf(err) != fault.Invalid || !errors.As(err, &one) {
		t.Errorf("the error is %q, want invalid faults", fault.CodeOf(err))
	}
}

func TestReadDir(t *testing.T) {
	fsys := fstest.MapFS{
		"db/1_a.sql":      {Data: []byte("a")},
		"db/sub/2_b.SQL":  {Data: []byte("b")},
		"db/.hid/3_c.sql": {Data: []byte("c")},
		"db/README.md":    {Data: []byte("d")},
		"other/4_d.sql":   {Data: []byte("e")},
	}
	got, err := layout.ReadDir(fsys, "db")
	if diff := cmp.Diff([]executor.File{file("db/1_a.sql", "a"), file("db/sub/2_b.SQL", "b")}, got); diff != "" || err != nil {
		t.Errorf("%s %v", diff, err)
	}
	if _, err := layout.ReadDir(fsys, "nowhere"); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("ReadDir of a missing folder: %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("m/1_a.sql", []byte("select 1"))
	f.Add("m/V1_2__a.dml.up.sql", []byte("-- shipsql: kind=ddl\nselect 1"))
	f.Fuzz(func(t *testing.T, path string, content []byte) {
		migrations, err := load([]executor.File{{Path: path, Content: content}})
		if m, ok := (layout.Options{}).Identify(path); ok && err == nil && (len(migrations) != 1 || migrations[0].Version != m.Version) {
			t.Errorf("Load: %+v, Identify: %s", migrations, m.Version)
		}
	})
}

// TestLargeFilesAreSpooled: what is too large for memory is read from elsewhere,
// and is the same migration.
func TestLargeFilesAreSpooled(t *testing.T) {
	text := strings.Repeat("INSERT INTO notes VALUES (1, '"+strings.Repeat("word ", 2000)+"');\r\n", 1700)
	for name, files := range map[string]map[string]string{
		layout.Native: {"1_notes.up.sql": text, "1_notes.down.sql": text},
		layout.Goose:  {"1_notes.sql": "-- notes\n-- +goose Up\n" + text + "-- +goose Down\n" + text},
	} {
		read, err := layout.ReadDir(os.DirFS(folderOf(t, files)), ".")
		if err != nil || len(read) != len(files) || !read[0].Spooled {
			t.Fatalf("%s: %d files, %v", name, len(read), err)
		}
		folder, err := layout.Load(read, layout.Options{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		m := folder.Migrations[0]
		statements, want := m.Statements(), strings.TrimRight(text, "\r\n")
		if name == layout.Native {
			want = text
		}
		if len(statements) != 1700 || m.Checksum != executor.Checksum(strings.ReplaceAll(want, "\r\n", "\n")) {
			t.Errorf("%s: checksum %s, %d statements", name, m.Checksum, len(statements))
		}
		if strings.TrimSpace(m.Down) != strings.TrimSpace(text) {
			t.Errorf("%s: the down part is another", name)
		}
		if first := map[string]int{layout.Native: 1, layout.Goose: 3}[name]; statements[0].Line != first || statements[1699].Line != first+1699 {
			t.Errorf("%s: lines %d to %d", name, statements[0].Line, statements[1699].Line)
		}
	}
}

// folderOf writes files to a directory.
func TestLinks(t *testing.T) {
	elsewhere, dir := folderOf(t, map[string]string{"2_b.sql": "select 2"}), folderOf(t, map[string]string{"1_a.sql": "select 1"})
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
	}
	link(filepath.Join(elsewhere, "2_b.sql"), "2_b.sql")
	link("nowhere", "README")
	link(elsewhere, ".hidden")
	link(t.TempDir(), "empty")
	if files, err := layout.ReadDir(os.DirFS(dir), "."); err != nil || len(files) != 2 || string(files[1].Content) != "select 2" {
		t.Errorf("%+v, %v", files, err)
	}
	link(elsewhere, "more")
	if files, err := layout.ReadDir(os.DirFS(dir), "."); err == nil || !strings.Contains(err.Error(), "more is a link to a folder") {
		t.Errorf("%+v, %v", files, err)
	}
}

func folderOf(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
