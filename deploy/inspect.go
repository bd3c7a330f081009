package deploy

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
)

// inspection is what a merge means for its own release and for earlier ones.
type inspection struct {
	merge

	past   past
	policy policy

	isAdded map[string]bool
	holders map[string][]string // version key → the folder's files that have it, sorted
	newest  map[string]string   // by destination: the highest version of the folder before the merge

	migrations []Migration
	problems   []Problem
	edits      []acceptedEdit
	answered   []string // paths whose problems in earlier releases this merge ends
}

// policy is what the configuration says about a project's folder.
type policy struct {
	dir        string // the project's path
	outOfOrder bool
	// reaches says whether one of the project's databases is a destination.
	reaches func(executor.Destination) bool
}

// acceptedEdit replaces the text of a version that was released before.
type acceptedEdit struct {
	Edit

	owner *released // nil: older than ShipSQL's first sight
	text  Migration // the new text; zero when deleted
}

// inspect sorts a merge's files into what runs, what is wrong, and what changes
// earlier releases. It is pure.
func inspect(m merge, p past, how policy) inspection {
	in := inspection{merge: m, past: p, policy: how}
	in.index()
	in.beside()
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
	slices.SortStableFunc(in.migrations, in.compare)
	return in
}

// compare puts migrations into the order in which they run: the folder's, and by
// their versions those that can't run.
func (in *inspection) compare(a, b Migration) int {
	x, okA := in.order[a.Version]
	y, okB := in.order[b.Version]
	if okA && okB {
		return cmp.Compare(x, y)
	}
	return executor.CompareVersions(versionOf(a.Version), versionOf(b.Version))
}

// index reads the folder's names once; folders are large.
func (in *inspection) index() {
	in.isAdded, in.holders, in.newest = map[string]bool{}, map[string][]string{}, map[string]string{}
	for _, path := range in.Added {
		in.isAdded[path] = true
	}
	for _, f := range in.folder { // sorted by path
		for _, m := range in.named(f.Path) {
			key := executor.VersionKey(m.Version)
			in.holders[key] = append(in.holders[key], f.Path)
			version, target := cutTarget(m.Version)
			newest := in.newest[target]
			if !in.isAdded[f.Path] && executor.IsNumeric(version) && (newest == "" || executor.CompareVersions(version, newest) > 0) {
				in.newest[target] = version
			}
		}
	}
}

// beside reports what is wrong with the folder as a whole, or with a file that
// stands beside the migrations; a merge after which nothing is ends the reports.
func (in *inspection) beside() {
	report := func(path, why string) {
		if why == "" {
			in.answered = append(in.answered, path)
			return
		}
		in.problem(Problem{Code: ProblemUnreadable, Path: path, Text: why})
	}
	report(in.policy.dir, in.faults[""])
	for _, f := range in.folder {
		if layout.Governs(f.Path) || !layout.IsSQL(f.Path) && (in.isAdded[f.Path] || slices.Contains(in.Changed, f.Path)) {
			report(f.Path, in.faults[f.Path])
		}
	}
}

// why is what is wrong with an SQL file, "" if nothing.
func (in *inspection) why(path string) string { return cmp.Or(in.faults[path], in.faults[""]) }

func (in *inspection) problem(p Problem) { in.problems = append(in.problems, p) }

// broken records a migration that can't be applied as it is.
func (in *inspection) broken(code ProblemCode, m Migration, text string) {
	in.problem(Problem{Code: code, Path: m.Path, Version: m.Version, Text: text})
	m.Blob = cmp.Or(m.Blob, in.blob(m.Path))
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
	named := in.named(path)
	switch {
	case !layout.IsSQL(path): // looked at already
	case in.why(path) != "" && (len(named) != 1 || len(in.loaded[path]) > 1): // nothing of it is sure
		in.broken(ProblemUnreadable, Migration{Path: path}, in.why(path))
	default:
		for _, m := range named {
			in.addedOne(m)
		}
	}
}

func (in *inspection) addedOne(m Migration) {
	version, target := cutTarget(m.Version)
	newest := in.newest[target]
	switch {
	case in.renamed(m):
		return
	case in.owner(m.Version, m.Path) != "":
		in.broken(ProblemDuplicate, m, fmt.Sprintf("version %s is the version of %s too", m.Version, in.owner(m.Version, m.Path)))
	case in.why(m.Path) != "":
		in.broken(ProblemUnreadable, m, in.why(m.Path))
	case m.Checksum == "": // no migration: another kind of file
	case !in.policy.reaches(targetOf(m.Version)):
		in.broken(ProblemUnreadable, m, "its path says "+target+", and the project has no such database")
	case !in.policy.outOfOrder && newest != "" && executor.IsNumeric(version) && executor.CompareVersions(version, newest) < 0:
		in.broken(ProblemBelowNewest, m, fmt.Sprintf("version %s is below %s, the newest on the branch", version, newest))
	default:
		in.migrations = append(in.migrations, m)
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
func (in *inspection) renamed(m Migration) bool {
	old := in.deletedWith(m.Version)
	if old == "" || m.Checksum == "" || m.repeatable() {
		return false
	}
	in.edit(m, old, Problem{
		Code: ProblemRenamed, Path: m.Path, Version: m.Version,
		Text: fmt.Sprintf("version %s was released as %s", m.Version, old),
	})
	return true
}

func (in *inspection) deletedWith(version string) string {
	for _, path := range in.Deleted {
		if _, ok := in.version(path, version); ok {
			return path
		}
	}
	return ""
}

// version finds the migration of a path that has a version.
func (in *inspection) version(path, version string) (Migration, bool) {
	return withVersion(in.named(path), version)
}

func withVersion(all []Migration, version string) (Migration, bool) {
	i := slices.IndexFunc(all, func(m Migration) bool { return executor.VersionKey(m.Version) == executor.VersionKey(version) })
	if i < 0 {
		return Migration{}, false
	}
	return all[i], true
}

func (in *inspection) changed(path string) {
	switch {
	case !layout.IsSQL(path): // looked at already
	case in.why(path) != "" || len(in.loaded[path]) == 0:
		in.unreadable(path)
	default:
		in.revive(path)
		for _, m := range in.loaded[path] {
			in.changedOne(m)
		}
		in.gone(path)
	}
}

// unreadable reports a changed file that is no migration any more.
func (in *inspection) unreadable(path string) {
	owner, ok := in.past.byPath(path)
	why, version := in.why(path), ""
	for _, m := range in.named(path) {
		version = m.Version
		if other := in.owner(m.Version, path); why == "" && other != "" {
			why = fmt.Sprintf("version %s is the version of %s too", m.Version, other)
		}
	}
	if why == "" || ok && owner.Broken && (owner.Checksum != "" || in.owner(version, path) != "") {
		return
	}
	in.problem(Problem{Code: ProblemUnreadable, Path: path, Version: version, Changed: true,
		Text: "it was released before and is now changed: " + why})
}

// revive takes back a file that was released broken as a whole: its migrations
// count from this merge on.
func (in *inspection) revive(path string) {
	if owner, ok := in.past.byPath(path); ok && owner.Broken && owner.Version == "" {
		in.accept(acceptedEdit{owner: &owner, Edit: Edit{Path: path}}, path)
	}
}

// changedOne looks at a migration of a changed file.
func (in *inspection) changedOne(m Migration) {
	owner, released := in.past.at(m.Path, m.Version)
	was, known := withVersion(in.previous[m.Path], m.Version)
	switch {
	case released && owner.Broken && (owner.Checksum != "" || in.owner(m.Version, m.Path) != ""):
		// Another text does not help against a version that is taken or too low:
		// that problem stays open.
	case known && was.Checksum == m.Checksum && (!released || in.past.current(owner) == m.Checksum):
		in.answered = append(in.answered, m.Path) // nothing that is applied has changed
	case m.repeatable():
		in.migrations = append(in.migrations, m)
	case !released && !known && (len(in.previous[m.Path]) > 0 || in.layout.Name == layout.Liquibase):
		in.addedOne(m)
	default:
		in.edit(m, m.Path, Problem{Code: ProblemEdited, Path: m.Path, Version: m.Version,
			Text: fmt.Sprintf("version %s was released before and its text is changed", m.Version)})
	}
}

// gone looks at the migrations that a changed file has lost.
func (in *inspection) gone(path string) {
	for _, m := range in.known(path) {
		if _, still := withVersion(in.loaded[path], m.Version); !still {
			in.deletedOne(m)
		}
	}
}

// known are the migrations that a path stood for, as far as anybody knows.
func (in *inspection) known(path string) []Migration {
	all := slices.Clone(in.previous[path])
	for _, r := range in.past.released {
		if _, listed := withVersion(all, r.Version); r.Path == path && !r.Withdrawn && r.Version != "" && !listed {
			all = append(all, r.Migration)
		}
	}
	return all
}

// edit decides about a new text for a version that was released as old: taken
// at once where no ledger can hold it or a person accepted it, else a problem.
func (in *inspection) edit(text Migration, old string, otherwise Problem) {
	owner, ok := in.past.at(old, text.Version)
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
	case preaccepted && pre.After == sumOf(in.loaded[text.Path]):
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
	owner, ok := in.past.byPath(path)
	if ok && owner.Broken && owner.Version == "" {
		in.accept(acceptedEdit{owner: &owner, Edit: Edit{Path: path}}, path)
		return
	}
	all := in.known(path)
	if len(all) == 0 {
		all = in.named(path)
	}
	for _, m := range all {
		in.deletedOne(m)
	}
}

func (in *inspection) deletedOne(m Migration) {
	owner, ok := in.past.at(m.Path, m.Version)
	moved := slices.ContainsFunc(in.Added, func(a string) bool {
		_, same := withVersion(in.loaded[a], m.Version)
		return same
	})
	if moved || m.repeatable() {
		return // renamed; what is repeatable is not undone by its end
	}
	e := acceptedEdit{Edit: Edit{Path: m.Path, Version: m.Version}}
	if ok {
		e.owner, e.Before = &owner, in.past.current(owner)
	}
	pre, preaccepted := in.past.preaccepted[m.Path]
	switch {
	case ok && !owner.touched:
		in.accept(e, m.Path)
	case preaccepted && pre.After == sumOf(in.loaded[m.Path]):
		e.Actor, e.Reason, e.PullRequest = pre.Actor, pre.Reason, pre.PullRequest
		in.accept(e, m.Path)
	default:
		in.problem(Problem{Code: ProblemDeleted, Path: m.Path, Version: m.Version, Before: e.Before, Changed: true,
			Text: fmt.Sprintf("version %s was released before and its file is deleted", m.Version)})
	}
}
