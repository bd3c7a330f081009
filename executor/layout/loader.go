package layout

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/spool"
)

// loader collects what an adapter reads.
type loader struct {
	options    Options
	layout     adapter
	migrations []executor.Migration
	taken      map[key]string // the path that has it
	errs       []error
}

// key is what only one migration of a folder may have.
type key struct {
	kind    executor.Kind
	target  executor.Destination
	version string // by executor.VersionKey
}

func keyOf(m executor.Migration) key {
	return key{m.Kind, m.Target, executor.VersionKey(m.Version)}
}

// refuse notes a fault about a file; Where may hold a place in it already.
func (l *loader) refuse(err *fault.Error, path string) {
	l.errs = append(l.errs, err.At(strings.TrimSuffix(path+":"+err.Where, ":")))
}

// refuseLine notes a fault about a line of a file.
func (l *loader) refuseLine(err *fault.Error, path string, line int) {
	l.refuse(err.At(strconv.Itoa(line)), path)
}

// text is a file's text, if a migration may have it.
func (l *loader) text(f executor.File) (string, bool) {
	if f.Unread {
		return "", false
	}
	check := CheckText
	if f.Spooled {
		check = checkEncoding
	}
	if err := check(f.Content); err != nil {
		l.refuse(err, f.Path)
		return "", false
	}
	if f.Spooled {
		return strings.TrimPrefix(view(f.Content), byteOrderMark), true
	}
	return strings.TrimPrefix(string(f.Content), byteOrderMark), true
}

// free says that nothing else has the migration's version, and takes it.
func (l *loader) free(k key, version, path string) bool {
	if other, taken := l.taken[k]; taken {
		l.refuse(fault.New(fault.Invalid, "version %s is taken by %s", version, other).Then("give one of them a new version"), path)
		return false
	}
	l.taken[k] = path
	return true
}

// Empty refuses a migration without a statement.
func Empty() *fault.Error {
	return fault.New(fault.Invalid, "the file is empty: it holds no statement").Then("write the change, or delete the file")
}

// lead is what precedes a migration's up part in its file.
type lead struct {
	lines int
	text  string // of it, what belongs to no other migration
}

func leading(text string) lead { return lead{spool.Count(text, "\n"), text} }

// add fills in what every migration has and keeps it. text is its up part.
func (l *loader) add(m executor.Migration, before lead, text string) {
	m.Kind = cmp.Or(m.Kind, executor.Versioned)
	if !l.free(keyOf(m), m.Version, m.Path) {
		return
	}
	m.Form.Dialect = l.options.Dialect
	m.SQL = l.join(m.Path, strings.Repeat("\n", before.lines), text)
	m.Checksum = cmp.Or(m.Checksum, executor.Checksum(text))
	statements := m.Statements()
	switch {
	case len(statements) == 0 && !l.layout.empty:
		l.refuse(Empty(), m.Path)
		return
	case len(statements) == script.MaxStatements:
		l.refuse(fault.New(fault.Invalid, "the file has more statements than %d", script.MaxStatements-1).Then("split it, or load the data another way"), m.Path)
		return
	}
	directives, faults := m.Form.Directives(m.SQL, statements)
	for _, err := range faults {
		l.refuse(err, m.Path)
	}
	if len(faults) > 0 || !l.directed(m.Path, before.text) {
		return
	}
	m.Change = cmp.Or(directedChange(directives), m.Change, statedChange(statements))
	l.migrations = append(l.migrations, m)
}

func (l *loader) form() script.Form { return script.Form{Dialect: l.options.Dialect} }

// directed refuses directives outside of the up part, which nobody would read.
func (l *loader) directed(path, before string) bool {
	directives, faults := l.form().Directives(before+"\nx", []script.Statement{{Start: len(before) + 1, End: len(before) + 2}})
	if len(directives) == 0 && len(faults) == 0 {
		return true
	}
	l.refuse(fault.New(fault.Invalid, "the directive stands before the part that is applied").Then("write it below the line that begins that part"), path)
	return false
}

// sort brings the migrations into the order in which they run: baselines right
// before what they don't replace, repeatables behind everything.
func (l *loader) sort() {
	if l.layout.ordered {
		return
	}
	slices.SortStableFunc(l.migrations, byVersion)
}

func byVersion(a, b executor.Migration) int {
	return cmp.Or(
		executor.CompareVersions(a.Version, b.Version),
		cmp.Compare(rank(a.Kind), rank(b.Kind)),
		cmp.Compare(a.Path, b.Path))
}

// rank puts the baseline of a version behind the version's own migration.
func rank(k executor.Kind) int {
	if k == executor.Baseline {
		return 1
	}
	return 0
}
