package layout

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// native is ShipSQL's own naming: 20260102030405_x.sql, V1.2__x.sql, 1.2_x_dml.sql
// and 1_x.up.sql, undone by 1_x.down.sql or 1_x.undo.sql.
var native = adapter{
	name:     Native,
	signs:    func([]executor.File) signs { return signs{} },
	identify: func(_ Options, path string) (fileName, bool) { return nativeName(path) },
	read:     readNamed,
}

var (
	// V1_2__x is version 1.2: only with a V and the double underscore may a version
	// hold underscores.
	underscored = regexp.MustCompile(`^[vV](\d+(?:[._]\d+)*)__(.+)$`)
	dotted      = regexp.MustCompile(`^[vV]?(\d+(?:\.\d+)*)(?:(?:__|_|-)(.+))?$`)
)

func nativeName(file string) (fileName, bool) {
	if !IsSQL(file) {
		return fileName{}, false
	}
	var n fileName
	base, down := cutDirection(stem(file))
	n.down = down
	if m := change.FindString(base); m != "" {
		n.change = executor.ChangeKind(strings.ToLower(m[1:]))
		base = base[:len(base)-len(m)]
	}
	m := underscored.FindStringSubmatch(base)
	if m == nil {
		m = dotted.FindStringSubmatch(base)
	}
	if m == nil {
		return fileName{}, false
	}
	n.version, n.name = strings.ReplaceAll(m[1], "_", "."), m[2]
	return n, true
}

// readNamed reads layouts in which a file is a whole migration, or what undoes one.
func readNamed(l *loader, files []executor.File) {
	downs := map[key]downFile{}
	ups := map[key]bool{}
	for _, f := range files {
		if !IsSQL(f.Path) {
			continue
		}
		n, ok := l.layout.identify(l.options, f.Path)
		if !ok {
			l.refuse(fault.New(fault.Invalid, "the file name has no version").
				Then("name it like 20260102030405_add_users.sql or V1.2__add_users.sql, or move it out of the migrations folder"), f.Path)
			continue
		}
		if n.down {
			l.down(downs, n, f)
			continue
		}
		ups[n.key()] = true
		l.whole(n, f)
	}
	l.pair(downs, ups)
}

func (n fileName) key() key {
	return key{target: n.target, version: executor.VersionKey(n.version)}
}

// whole adds a file that is one migration from its first line to its last.
func (l *loader) whole(n fileName, f executor.File) {
	if sql, ok := l.text(f); ok {
		l.add(executor.Migration{Version: n.version, Name: n.name, Kind: n.kind, Change: n.change, Path: f.Path, Target: n.target}, lead{}, sql)
	}
}

// downFile undoes a migration.
type downFile struct{ path, text string }

// down notes a file that undoes a migration.
func (l *loader) down(downs map[key]downFile, n fileName, f executor.File) {
	if other, taken := downs[n.key()]; taken {
		l.refuse(fault.New(fault.Invalid, "version %s is taken by %s", n.version, other.path).Then("give one of them a new version"), f.Path)
		return
	}
	if text, ok := l.text(f); ok {
		downs[n.key()] = downFile{f.Path, text}
	}
}

// pair gives each migration its down file. A down file that has no migration is
// an error: somebody expects it to matter.
func (l *loader) pair(downs map[key]downFile, ups map[key]bool) {
	for i, m := range l.migrations {
		if down, ok := downs[key{target: m.Target, version: executor.VersionKey(m.Version)}]; ok && m.Kind == executor.Versioned {
			l.migrations[i].Down, l.migrations[i].DownPath = down.text, down.path
		}
	}
	alone := slices.DeleteFunc(slices.Collect(maps.Keys(downs)), func(k key) bool { return ups[k] })
	slices.SortFunc(alone, func(a, b key) int { return strings.Compare(downs[a].path, downs[b].path) })
	for _, k := range alone {
		l.refuse(fault.New(fault.Invalid, "the down file has no migration to undo").
			Then("add the migration of that version, or delete the file"), downs[k].path)
	}
}
