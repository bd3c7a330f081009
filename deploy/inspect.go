package deploy

import (
	"fmt"
	"slices"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
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

// inspection is what a merge means for its own release and for earlier ones.
type inspection struct {
	merge

	past       past
	outOfOrder bool

	isAdded map[string]bool
	holders map[string][]string // version key → the folder's files that have it, sorted
	newest  string              // the highest version of the folder before the merge, "" for none

	migrations []Migration
	problems   []Problem
	edits      []acceptedEdit
	answered   []string // paths whose problems in earlier releases this merge ends
}

// acceptedEdit replaces the text of a version that was released before.
type acceptedEdit struct {
	Edit

	owner *released // nil: older than ShipSQL's first sight
	text  Migration // the new text; zero when deleted
}

// inspect sorts a merge's files into what runs, what is wrong, and what changes
// earlier releases. It is pure.
func inspect(m merge, p past, outOfOrder bool) inspection {
	in := inspection{merge: m, past: p, outOfOrder: outOfOrder}
	in.index()
	for _, path := range slices.Sorted(slices.Values(m.Added)) {
		in.added(path)
	}
	for _, path := range slices.Sorted(slices.Values(m.Changed)) {
		in.changed(path)
	}
	for _, path := range slices.Sorted(slices.Values(m.Deleted)) {
		in.deleted(path)
	}
	in.problems = append(in.problems, m.Problems...)
	slices.SortStableFunc(in.migrations, func(a, b Migration) int { return executor.CompareVersions(a.Version, b.Version) })
	return in
}

// index reads the folder's names once; folders are large.
func (in *inspection) index() {
	in.isAdded, in.holders = map[string]bool{}, map[string][]string{}
	for _, path := range in.Added {
		in.isAdded[path] = true
	}
	for _, f := range in.folder { // sorted by path
		version, _, ok := (layout.Options{}).Identify(f.Path)
		if !ok {
			continue
		}
		key := executor.VersionKey(version)
		in.holders[key] = append(in.holders[key], f.Path)
		if !in.isAdded[f.Path] && (in.newest == "" || executor.CompareVersions(version, in.newest) > 0) {
			in.newest = version
		}
	}
}

func (in *inspection) problem(p Problem) { in.problems = append(in.problems, p) }

// broken records a file that can't be applied as it is.
func (in *inspection) broken(code ProblemCode, path, text string) {
	version, name, _ := (layout.Options{}).Identify(path)
	in.problem(Problem{Code: code, Path: path, Version: version, Text: text})
	m, ok := in.loaded[path]
	if !ok {
		m = Migration{Version: version, Name: name, Path: path, Blob: in.blob(path)}
	}
	m.Broken = true
	in.migrations = append(in.migrations, m)
}

func (in *inspection) blob(path string) string {
	for _, f := range in.folder {
		if f.Path == path {
			return f.Blob
		}
	}
	return ""
}

func (in *inspection) added(path string) {
	version, _, named := (layout.Options{}).Identify(path)
	switch {
	case named && in.renamed(path, version):
		return
	case named && in.owner(version, path) != "":
		in.broken(ProblemDuplicate, path, fmt.Sprintf("version %s is the version of %s too", version, in.owner(version, path)))
	case in.faults[path] != "":
		in.broken(ProblemUnreadable, path, in.faults[path])
	case !contains(in.loaded, path): // no migration: another kind of file
	case !in.outOfOrder && in.newest != "" && executor.CompareVersions(version, in.newest) < 0:
		in.broken(ProblemBelowNewest, path, fmt.Sprintf("version %s is below %s, the newest on the branch", version, in.newest))
	default:
		in.migrations = append(in.migrations, in.loaded[path])
	}
}

// owner is the path of the other file that has the version: an older one, or an
// added one that sorts before.
func (in *inspection) owner(version, path string) string {
	for _, other := range in.holders[executor.VersionKey(version)] {
		if other != path && (!in.isAdded[other] || other < path) {
			return other
		}
	}
	return ""
}

// renamed handles an added file whose version a deleted file had: the same
// migration under a new name.
func (in *inspection) renamed(path, version string) bool {
	old := in.deletedWith(version)
	if old == "" {
		return false
	}
	text, ok := in.loaded[path]
	if !ok {
		return false
	}
	in.edit(text, old, Problem{
		Code: ProblemRenamed, Path: path, Version: version,
		Text: fmt.Sprintf("version %s was released as %s", version, old),
	})
	return true
}

func (in *inspection) deletedWith(version string) string {
	for _, path := range in.Deleted {
		v, _, ok := (layout.Options{}).Identify(path)
		if ok && executor.VersionKey(v) == executor.VersionKey(version) {
			return path
		}
	}
	return ""
}

func (in *inspection) changed(path string) {
	version, _, named := (layout.Options{}).Identify(path)
	text, loaded := in.loaded[path]
	owner, ok := in.past.byPath(path)
	why := in.faults[path]
	if other := in.owner(version, path); named && !loaded && why == "" && other != "" {
		why = fmt.Sprintf("version %s is the version of %s too", version, other)
	}
	switch {
	case ok && owner.Broken && (owner.Checksum != "" || in.owner(version, path) != ""):
		// Another text does not help against a version that is taken or too low:
		// that problem stays open.
	case loaded:
		in.edit(text, path, Problem{Code: ProblemEdited, Path: path, Version: version,
			Text: fmt.Sprintf("version %s was released before and its text is changed", version)})
	case why != "":
		in.problem(Problem{Code: ProblemUnreadable, Path: path, Version: version, Changed: true,
			Text: "it was released before and is now changed: " + why})
	}
}

// edit decides about a new text for a version that was released as old: taken
// at once where no ledger can hold it or a person accepted it, else a problem.
func (in *inspection) edit(text Migration, old string, otherwise Problem) {
	owner, ok := in.past.byPath(old)
	e := acceptedEdit{text: text, Edit: Edit{Path: text.Path, Version: text.Version, After: text.Checksum}}
	if ok {
		e.owner, e.Before = &owner, in.past.current(owner)
	}
	pre, preaccepted := in.past.preaccepted[text.Path]
	switch {
	case ok && e.Before == e.After && text.Path == owner.Path: // back to what counts
		in.answered = append(in.answered, old)
	case ok && !owner.touched:
		in.accept(e, old)
	case preaccepted && pre.After == text.Checksum:
		e.Actor, e.Reason, e.PullRequest = pre.Actor, pre.Reason, pre.PullRequest
		in.accept(e, old)
	default:
		otherwise.Before, otherwise.After, otherwise.Changed = e.Before, e.After, true
		in.problem(otherwise)
	}
}

func (in *inspection) accept(e acceptedEdit, old string) {
	in.edits = append(in.edits, e)
	in.answered = append(in.answered, old)
}

func (in *inspection) deleted(path string) {
	version, _, named := (layout.Options{}).Identify(path)
	owner, ok := in.past.byPath(path)
	if !named && !ok {
		return // no migration
	}
	if i := slices.IndexFunc(in.Added, func(a string) bool {
		v, _, ok := (layout.Options{}).Identify(a)
		return ok && named && executor.VersionKey(v) == executor.VersionKey(version) && contains(in.loaded, a)
	}); i >= 0 {
		return // renamed
	}
	e := acceptedEdit{Edit: Edit{Path: path, Version: version}}
	if ok {
		e.owner, e.Before = &owner, in.past.current(owner)
	}
	pre, preaccepted := in.past.preaccepted[path]
	switch {
	case ok && !owner.touched:
		in.accept(e, path)
	case preaccepted && pre.After == "":
		e.Actor, e.Reason, e.PullRequest = pre.Actor, pre.Reason, pre.PullRequest
		in.accept(e, path)
	default:
		in.problem(Problem{Code: ProblemDeleted, Path: path, Version: version, Before: e.Before, Changed: true,
			Text: fmt.Sprintf("version %s was released before and its file is deleted", version)})
	}
}
