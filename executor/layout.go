package executor

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
)

// File is a file of the repository.
type File struct {
	Path    string // with slashes
	Content []byte
}

// MaxFileSize is the size in bytes at which a migration file is refused. A
// change of that size is data, which wants COPY or batches.
const MaxFileSize = 16 << 20

// ReadDir reads the .sql files below dir, at any depth, except in folders whose
// name begins with a dot.
func ReadDir(fsys fs.FS, dir string) ([]File, error) {
	var files []File
	err := fs.WalkDir(fsys, dir, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != dir && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case entry.IsDir() || !isSQL(name):
			return nil
		}
		content, err := fs.ReadFile(fsys, name)
		files = append(files, File{Path: name, Content: content})
		return err
	})
	if err != nil {
		return nil, fault.New(fault.Invalid, "can't read the migrations").At(dir).Because(err)
	}
	return files, nil
}

// ParseName reads version and name from a migration's path without looking
// inside. Down files (.down.sql, .undo.sql) and files that are no migrations are
// not ok.
func ParseName(path string) (version, name string, ok bool) {
	n, ok := parseName(path)
	return n.version, n.name, ok && !n.down
}

// fileName is what a migration's file name says.
type fileName struct {
	version, name string
	down          bool
	change        ChangeKind // "" when the name does not say
}

var (
	// V1_2__x is version 1.2: only with Flyway's V and double underscore may a
	// version hold underscores.
	flywayName = regexp.MustCompile(`^[vV](\d+(?:[._]\d+)*)__(.+)$`)
	nativeName = regexp.MustCompile(`^[vV]?(\d+(?:\.\d+)*)(?:(?:__|_|-)(.+))?$`)
	direction  = regexp.MustCompile(`(?i)\.(up|down|undo)$`)
	change     = regexp.MustCompile(`(?i)[._](ddl|dml)$`)
)

func isSQL(name string) bool { return strings.EqualFold(path.Ext(name), ".sql") }

func parseName(file string) (fileName, bool) {
	if !isSQL(file) {
		return fileName{}, false
	}
	base := path.Base(file)
	base = base[:len(base)-len(".sql")]
	var n fileName
	if m := direction.FindString(base); m != "" {
		n.down = !strings.EqualFold(m, ".up")
		base = base[:len(base)-len(m)]
	}
	if m := change.FindString(base); m != "" {
		n.change = ChangeKind(strings.ToLower(m[1:]))
		base = base[:len(base)-len(m)]
	}
	m := flywayName.FindStringSubmatch(base)
	if m == nil {
		m = nativeName.FindStringSubmatch(base)
	}
	if m == nil {
		return fileName{}, false
	}
	n.version, n.name = strings.ReplaceAll(m[1], "_", "."), m[2]
	return n, true
}

// Load makes migrations of a folder's files in the native layout, ordered by
// version. Files that aren't .sql are no concern of it. Each .sql file that
// can't be a migration is a fault with its name: all of them at once, joined,
// with the good migrations returned beside them.
func Load(files []File) ([]Migration, error) {
	l := loader{ups: map[string]File{}, downs: map[string]File{}}
	ordered := slices.SortedFunc(slices.Values(files), func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	for _, f := range ordered {
		l.file(f)
	}
	l.pairDowns()
	slices.SortStableFunc(l.migrations, func(a, b Migration) int { return CompareVersions(a.Version, b.Version) })
	return l.migrations, errors.Join(l.errs...)
}

// loader collects the migrations of a folder.
type loader struct {
	migrations []Migration
	ups, downs map[string]File // by VersionKey
	errs       []error
}

func (l *loader) refuse(err *fault.Error, path string) {
	l.errs = append(l.errs, err.At(strings.TrimSuffix(path+":"+err.Where, ":")))
}

func (l *loader) file(f File) {
	if !isSQL(f.Path) {
		return
	}
	n, ok := parseName(f.Path)
	if !ok {
		l.refuse(fault.New(fault.Invalid, "the file name has no version").
			Then("name it like 20260102030405_add_users.sql or V1.2__add_users.sql, or move it out of the migrations folder"), f.Path)
		return
	}
	if err := checkText(f.Content); err != nil {
		l.refuse(err, f.Path)
		return
	}
	key := VersionKey(n.version)
	side := l.ups
	if n.down {
		side = l.downs
	}
	if other, taken := side[key]; taken {
		l.refuse(fault.New(fault.Invalid, "version %s is taken by %s", n.version, other.Path).Then("give one of them a new version"), f.Path)
		return
	}
	side[key] = f
	if !n.down {
		l.migration(f, n)
	}
}

// migration reads an up file.
func (l *loader) migration(f File, n fileName) {
	sql := strings.TrimPrefix(string(f.Content), byteOrderMark)
	statements := script.Split(sql)
	if len(statements) == 0 {
		l.refuse(fault.New(fault.Invalid, "the file is empty: it holds no statement").Then("write the change, or delete the file"), f.Path)
		return
	}
	if len(statements) == script.MaxStatements {
		l.refuse(fault.New(fault.Invalid, "the file has more statements than %d", script.MaxStatements-1).Then("split it, or load the data another way"), f.Path)
		return
	}
	directives, faults := script.Directives(sql, statements)
	for _, err := range faults {
		l.refuse(err, f.Path)
	}
	if len(faults) > 0 {
		return
	}
	l.migrations = append(l.migrations, Migration{
		Version: n.version, Name: n.name, Kind: Versioned, Path: f.Path,
		Change: cmp.Or(directedChange(directives), n.change, statedChange(statements)),
		SQL:    sql, Checksum: Checksum(f.Content),
	})
}

// pairDowns gives each migration its down file. A down file that has no
// migration is an error: somebody expects it to matter.
func (l *loader) pairDowns() {
	for i, m := range l.migrations {
		if down, ok := l.downs[VersionKey(m.Version)]; ok {
			l.migrations[i].Down = strings.TrimPrefix(string(down.Content), byteOrderMark)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(l.downs)) {
		if _, ok := l.ups[key]; !ok {
			l.refuse(fault.New(fault.Invalid, "the down file has no migration to undo").
				Then("add the migration of that version, or delete the file"), l.downs[key].Path)
		}
	}
}

// checkText refuses what no migration may hold, whatever its name.
func checkText(content []byte) *fault.Error {
	switch {
	case len(content) >= MaxFileSize:
		return fault.New(fault.Invalid, "the file has %d bytes, and the limit is %d MiB", len(content), MaxFileSize>>20).
			Then("split it, or load the data another way")
	case bytes.HasPrefix(content, []byte("\xff\xfe")) || bytes.HasPrefix(content, []byte("\xfe\xff")):
		return fault.New(fault.Invalid, "the file is UTF-16, not UTF-8").Then("save it as UTF-8")
	case bytes.IndexByte(content, 0) >= 0:
		line, column := script.Position(string(content), bytes.IndexByte(content, 0))
		return fault.New(fault.Invalid, "the file holds a NUL byte at %d:%d", line, column).Then("save it as UTF-8 text")
	case !utf8.Valid(content):
		line := 1 + bytes.Count(content[:firstInvalid(content)], []byte("\n"))
		return fault.New(fault.Invalid, "line %d is not UTF-8", line).Then("save the file as UTF-8")
	}
	return nil
}

// firstInvalid is the offset of the first byte that is not UTF-8.
func firstInvalid(content []byte) int {
	for i := 0; i < len(content); {
		r, size := utf8.DecodeRune(content[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(content)
}

func directedChange(directives []script.Directive) ChangeKind {
	for _, d := range directives {
		if d.Key == "kind" {
			return ChangeKind(d.Value)
		}
	}
	return ""
}

var (
	dmlStart     = regexp.MustCompile(`(?i)^(insert|update|delete|merge|select|with)\b`)
	neutralStart = regexp.MustCompile(`(?i)^(set|reset|begin|start|commit|end)\b`)
)

// statedChange is DML when all that is not neutral begins like a change of rows.
func statedChange(statements []script.Statement) ChangeKind {
	kind := DDL
	for _, s := range statements {
		switch {
		case dmlStart.MatchString(s.Text):
			kind = DML
		case !neutralStart.MatchString(s.Text):
			return DDL
		}
	}
	return kind
}
