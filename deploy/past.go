package deploy

import (
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor"
)

// past is what a project released before a merge.
type past struct {
	released []released
	// edits are the merged edits, oldest first; preaccepted those accepted on
	// the merge's pull request while it was open, by path.
	edits       []Edit
	preaccepted map[string]Edit
}

// released is a migration of an earlier release.
type released struct {
	Migration

	release string
	n       int
	touched bool // some ledger may hold it
}

// byPath finds the migration that a path stands for now.
func (p past) byPath(path string) (released, bool) {
	return p.find(func(r released) bool { return r.Path == path })
}

// at finds the migration of a path that has a version, or the path's only one.
func (p past) at(path, version string) (released, bool) {
	key := executor.VersionKey(version)
	if found, ok := p.find(func(r released) bool { return r.Path == path && executor.VersionKey(r.Version) == key }); ok {
		return found, true
	}
	return p.find(func(r released) bool { return r.Path == path && r.Version == "" })
}

// byVersion finds the migration that owns a version.
func (p past) byVersion(version string) (released, bool) {
	key := executor.VersionKey(version)
	return p.find(func(r released) bool { return executor.VersionKey(r.Version) == key && !r.Broken })
}

func (p past) find(match func(released) bool) (released, bool) {
	i := slices.IndexFunc(p.released, func(r released) bool { return !r.Withdrawn && match(r) })
	if i < 0 {
		return released{}, false
	}
	return p.released[i], true
}

// current is the checksum that stands for a released migration: of its latest
// merged edit, else its own.
func (p past) current(r released) string {
	for _, e := range slices.Backward(p.edits) {
		if executor.VersionKey(e.Version) == executor.VersionKey(r.Version) {
			return e.After
		}
	}
	return r.Checksum
}

func (m Migration) repeatable() bool { return m.Kind == string(executor.Repeatable) }

// sumOf identifies the text of a file by its migrations, as [FileSum] does.
func sumOf(migrations []Migration) string {
	sums := make([]string, len(migrations))
	for i, m := range migrations {
		sums[i] = m.Checksum
	}
	return joinedSum(sums)
}

// FileSum identifies what a file brings to a database: the checksum of its
// migration, or one of all of its migrations'; "" when it holds none.
func FileSum(migrations []executor.Migration) string {
	sums := make([]string, len(migrations))
	for i, m := range migrations {
		sums[i] = m.Checksum
	}
	return joinedSum(sums)
}

func joinedSum(sums []string) string {
	if len(sums) == 0 {
		return ""
	}
	if len(sums) == 1 {
		return sums[0]
	}
	return executor.Checksum(strings.Join(sums, "\n"))
}
