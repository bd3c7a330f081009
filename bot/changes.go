package bot

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/bot/command"
	"github.com/shipsql/shipsql/bot/view"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/providers"
)

// change is what happens to one SQL file of a project. A rename is two changes.
type change struct {
	Path    string
	Status  providers.FileStatus // Added, Modified or Removed
	Blob    string               // at the head
	Partner string               // the other half of a rename
	Patch   string
}

// migrationsFolder decides which files belong to a project.
type migrationsFolder string

// holds says whether the path is a file of the folder that concerns a layout. Folders that begin
// with a dot hold no migrations.
func (f migrationsFolder) holds(file string) bool {
	root := strings.Trim(string(f), "/")
	if root != "" && root != "." {
		rest, ok := strings.CutPrefix(file, root+"/")
		if !ok {
			return false
		}
		file = rest
	}
	hidden := slices.ContainsFunc(strings.Split(path.Dir(file), "/"), func(part string) bool {
		return len(part) > 1 && strings.HasPrefix(part, ".")
	})
	return !hidden && layout.Holds(file)
}

// changesIn are the changes of the folder's files in a pull request's diff.
func (f migrationsFolder) changesIn(files []providers.ChangedFile) []change {
	var found []change
	add := func(c change) {
		if f.holds(c.Path) {
			found = append(found, c)
		}
	}
	for _, file := range files {
		switch file.Status {
		case providers.Renamed:
			add(change{Path: file.Previous, Status: providers.Removed, Partner: file.Path})
			add(change{Path: file.Path, Status: providers.Added, Blob: file.Blob, Partner: file.Previous})
		default:
			add(change{Path: file.Path, Status: file.Status, Blob: file.Blob, Patch: file.Patch})
		}
	}
	return found
}

// changesBetween are the changes of the folder's files from one tree to another.
func (f migrationsFolder) changesBetween(from, to []providers.TreeEntry) []change {
	before, after := f.byPath(from), f.byPath(to)
	var found []change
	for _, p := range slices.Sorted(maps.Keys(after)) {
		switch old, was := before[p]; {
		case !was:
			found = append(found, change{Path: p, Status: providers.Added, Blob: after[p].Blob})
		case old.Blob != after[p].Blob:
			found = append(found, change{Path: p, Status: providers.Modified, Blob: after[p].Blob})
		}
	}
	for _, p := range slices.Sorted(maps.Keys(before)) {
		if _, is := after[p]; !is {
			found = append(found, change{Path: p, Status: providers.Removed})
		}
	}
	return found
}

func (f migrationsFolder) byPath(entries []providers.TreeEntry) map[string]providers.TreeEntry {
	found := map[string]providers.TreeEntry{}
	for _, e := range entries {
		if f.holds(e.Path) {
			found[e.Path] = e
		}
	}
	return found
}

// judged is everything that decides what a project's changed files mean.
type judged struct {
	project   deploy.Project
	layout    layout.Options // as configured: it may have to be detected
	changes   []change
	base      []string          // paths of the folder's files at the base
	standing  map[string][]byte // contents at the base that were read: of modified and removed files, and a sample
	contents  map[string][]byte // of added and modified files that could be read
	unread    map[string]string // why the others could not
	placed    map[string][]deploy.Placement
	accepted  map[string]deploy.Edit
	checksums map[string]string // what each changed file brings; filled by judge

	before, after map[string][]executor.Migration // by path; filled by judge
}

// judge sorts the changed files: those to review, in their order, and what is
// wrong with files as files. It is pure but for what it fills in.
func (j *judged) judge() (files []executor.File, problems []view.Problem) {
	loaded, err := j.load()
	j.checksums = map[string]string{}
	for _, c := range j.changes {
		if c.Status != providers.Removed && j.unread[c.Path] != "" {
			problems = append(problems, view.Problem{Path: c.Path, Text: "the file could not be read: " + j.unread[c.Path]})
			continue
		}
		if c.Status != providers.Added {
			problems = append(problems, j.old(c)...)
		}
		j.checksums[c.Path] = deploy.FileSum(j.after[c.Path])
	}
	problems = append(problems, j.loadProblems(err)...)
	for _, m := range loaded.Migrations {
		if c, ok := j.changeOf(m.Path); !ok || c.Status == providers.Modified && j.unchanged(m) {
			continue
		}
		problems = append(problems, j.placeInLine(m)...)
		files = append(files, executor.File{Path: m.Path, Content: []byte(m.SQL), Form: m.Form})
	}
	return files, problems
}

// load reads the changed files as they will be and as they stand, in the layout
// that the whole folder has. Of the others only the names are known.
func (j *judged) load() (layout.Folder, error) {
	head := j.files(func(p string) ([]byte, bool) {
		if _, changed := j.changeOf(p); !changed {
			content, known := j.standing[p]
			return content, known
		}
		content, known := j.contents[p]
		return content, known
	})
	loaded, err := layout.Load(head, j.layout)
	j.layout.Name = loaded.Layout
	standing, _ := layout.Load(j.files(func(p string) ([]byte, bool) { content, known := j.standing[p]; return content, known }), j.layout)
	j.before, j.after = byFile(standing), byFile(loaded)
	return loaded, err
}

// files are the folder's at the head, and the removed ones, with the contents
// that are known.
func (j *judged) files(content func(path string) ([]byte, bool)) []executor.File {
	paths := slices.Clone(j.base)
	for _, c := range j.changes {
		if c.Status == providers.Added {
			paths = append(paths, c.Path)
		}
	}
	var files []executor.File
	for _, p := range slices.Compact(slices.Sorted(slices.Values(paths))) {
		text, known := content(p)
		if !j.removes(p) || known {
			files = append(files, executor.File{Path: p, Content: text, Unread: !known})
		}
	}
	return files
}

func byFile(f layout.Folder) map[string][]executor.Migration {
	found := map[string][]executor.Migration{}
	for _, m := range f.Migrations {
		found[m.Path] = append(found[m.Path], m)
	}
	return found
}

func (j *judged) changeOf(path string) (change, bool) {
	i := slices.IndexFunc(j.changes, func(c change) bool { return c.Path == path })
	if i < 0 {
		return change{}, false
	}
	return j.changes[i], true
}

// unchanged says that a migration of a changed file stands in it as before: only
// what surrounds it was changed, or what undoes it.
func (j *judged) unchanged(m executor.Migration) bool {
	return slices.ContainsFunc(j.before[m.Path], func(was executor.Migration) bool {
		return was.Version == m.Version && was.Checksum == m.Checksum
	})
}

// loadProblems are the changed files that are no migrations (not UTF-8, empty, too
// large, without a version, or with one that is taken), and what is wrong with
// the folder as a whole.
func (j *judged) loadProblems(err error) []view.Problem {
	var problems []view.Problem
	for _, f := range faultsIn(err) {
		file := f.Where
		for _, c := range j.changes { // Where may end in :line
			if strings.HasPrefix(f.Where, c.Path+":") {
				file = c.Path
			}
		}
		if _, changed := j.changeOf(file); changed || file == "" || layout.Governs(file) {
			problems = append(problems, view.Problem{Path: cmp.Or(file, j.project.Path), Text: sentence(f.Message, f.Next)})
		}
	}
	return problems
}

func sentence(text, next string) string {
	if next == "" {
		return text
	}
	return text + "; " + next
}

// placeInLine compares an added migration's version with those on the base
// branch. What is repeatable, or has no number, has no place in the line.
func (j *judged) placeInLine(m executor.Migration) []view.Problem {
	if slices.Contains(j.base, m.Path) || m.Kind != executor.Versioned || !executor.IsNumeric(m.Version) {
		return nil // an edit of a file that has its place
	}
	newest, taken := "", ""
	for _, p := range j.base {
		other, ok := j.layout.Identify(p)
		if !ok || j.removes(p) || other.Kind != executor.Versioned || other.Target != m.Target {
			continue
		}
		if executor.CompareVersions(other.Version, m.Version) == 0 {
			taken = p
		}
		if newest == "" || executor.CompareVersions(other.Version, newest) > 0 {
			newest = other.Version
		}
	}
	switch {
	case taken != "":
		return []view.Problem{{Path: m.Path, Text: fmt.Sprintf("version %s is taken by %s on %s; give this file a newer version", m.Version, taken, j.project.Branch)}}
	case newest != "" && !j.project.OutOfOrder && executor.CompareVersions(m.Version, newest) < 0:
		return []view.Problem{{Path: m.Path, Text: fmt.Sprintf("version %s is below %s, the newest on %s; give this file a newer version", m.Version, newest, j.project.Branch)}}
	}
	return nil
}

func (j *judged) removes(p string) bool {
	return slices.ContainsFunc(j.changes, func(c change) bool { return c.Path == p && c.Status == providers.Removed })
}

// old judges the change of a file that stands on the base branch: each migration
// that it held there and holds no more as it was.
func (j *judged) old(c change) []view.Problem {
	after := deploy.FileSum(j.after[c.Path])
	if e, ok := j.accepted[c.Path]; ok && e.After == after {
		return nil
	}
	where, known := j.placed[c.Path]
	for _, m := range j.stood(c.Path) {
		now := ""
		for _, x := range j.after[c.Path] {
			if x.Version == m.Version {
				now = x.Checksum
			}
		}
		here := slices.DeleteFunc(slices.Clone(where), func(p deploy.Placement) bool { return !p.Of(m) })
		switch {
		case now != "" && now == m.Checksum, m.Kind == executor.Repeatable:
		case !known || len(here) == 0 && m.Checksum != "":
			return j.refuse(c, "is older than ShipSQL's first sight of this project and may be applied")
		case sameText(here, now):
		case len(standing(here)) > 0:
			return j.refuse(c, "is applied on "+list(standing(here)))
		}
	}
	return nil // down files, line ends; released and applied nowhere: the fix takes its place
}

// stood are the migrations that a file held on the base branch: as they could be
// read, else as its name says.
func (j *judged) stood(path string) []executor.Migration {
	if before := j.before[path]; len(before) > 0 {
		return before
	}
	if m, ok := j.layout.Identify(path); ok {
		return []executor.Migration{m}
	}
	return nil // a down file, or none at all: it never ran
}

// sameText says that the migration's text did not change as far as the
// databases are concerned.
func sameText(where []deploy.Placement, after string) bool {
	return after != "" && !slices.ContainsFunc(where, func(p deploy.Placement) bool { return p.Checksum != "" && p.Checksum != after })
}

// standing are the databases on which the migration's text, or a part of it, took
// effect or may have.
func standing(where []deploy.Placement) []string {
	var names []string
	for _, p := range where {
		switch p.State {
		case deploy.Done, deploy.Running, deploy.Ambiguous:
			names = append(names, p.Database)
		}
	}
	return names
}

func list(names []string) string {
	const most = 5
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// refuse says what is wrong with the change of an old migration, and the right way.
func (j *judged) refuse(c change, why string) []view.Problem {
	done, right := "edited", "put the old text back and write a new migration for the change"
	switch {
	case c.Status == providers.Removed && c.Partner != "":
		done, right = "renamed", "put the old name back: databases know the migration by it"
	case c.Status == providers.Removed:
		done, right = "deleted", "put the file back and write a new migration that undoes it"
	}
	accept := command.Command{Name: command.AcceptEdit, File: c.Path, Reason: "REASON"}
	return []view.Problem{{
		Path: c.Path, Text: fmt.Sprintf("the migration is %s, but it %s; %s", done, why, right), Answers: []string{accept.String()},
	}}
}
