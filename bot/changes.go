package bot

import (
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

// holds says whether the path is an SQL file of the folder. Folders that begin
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
	return !hidden && strings.EqualFold(path.Ext(file), ".sql")
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
	changes   []change
	base      []string          // paths of the folder's files at the base
	contents  map[string][]byte // of added and modified files that could be read
	unread    map[string]string // why the others could not
	placed    map[string][]deploy.Placement
	accepted  map[string]deploy.Edit
	checksums map[string]string // of contents; filled by judge
}

// judge sorts the changed files: those to review, in their order, and what is
// wrong with files as files. It is pure.
func (j *judged) judge() (files []executor.File, problems []view.Problem) {
	j.checksums = map[string]string{}
	var fresh []executor.File
	for _, c := range j.changes {
		if c.Status != providers.Added {
			problems = append(problems, j.old(c)...)
		}
		if c.Status == providers.Removed {
			j.checksums[c.Path] = ""
			continue
		}
		content, ok := j.contents[c.Path]
		if !ok {
			problems = append(problems, view.Problem{Path: c.Path, Text: "the file could not be read: " + j.unread[c.Path]})
			continue
		}
		j.checksums[c.Path] = executor.Checksum(content)
		fresh = append(fresh, executor.File{Path: c.Path, Content: content})
	}
	loaded, err := layout.Load(fresh, layout.Options{Name: layout.Native})
	problems = append(problems, loadProblems(err)...)
	for _, m := range loaded.Migrations {
		problems = append(problems, j.placeInLine(m)...)
		files = append(files, executor.File{Path: m.Path, Content: []byte(m.SQL)})
	}
	return files, problems
}

// loadProblems are the files that are no migrations: not UTF-8, empty, too
// large, without a version, or with one that is taken.
func loadProblems(err error) []view.Problem {
	var problems []view.Problem
	for _, f := range faultsIn(err) {
		file, _, _ := strings.Cut(f.Where, ":")
		problems = append(problems, view.Problem{Path: file, Text: sentence(f.Message, f.Next)})
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
// branch.
func (j *judged) placeInLine(m executor.Migration) []view.Problem {
	if slices.Contains(j.base, m.Path) {
		return nil // an edit of a file that has its place
	}
	newest, taken := "", ""
	for _, p := range j.base {
		version, _, ok := (layout.Options{}).Identify(p)
		if !ok || j.removes(p) {
			continue
		}
		if executor.CompareVersions(version, m.Version) == 0 {
			taken = p
		}
		if newest == "" || executor.CompareVersions(version, newest) > 0 {
			newest = version
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

// old judges the change of a migration that stands on the base branch.
func (j *judged) old(c change) []view.Problem {
	if _, _, ok := (layout.Options{}).Identify(c.Path); !ok {
		return nil // a down file, or none at all: it never ran
	}
	after := ""
	if c.Status == providers.Modified {
		after = executor.Checksum(j.contents[c.Path])
	}
	if e, ok := j.accepted[c.Path]; ok && e.After == after {
		return nil
	}
	where, known := j.placed[c.Path]
	switch {
	case !known:
		return j.refuse(c, "is older than ShipSQL's first sight of this project and may be applied")
	case sameText(where, after):
		return nil // line ends only
	case len(standing(where)) > 0:
		return j.refuse(c, "is applied on "+list(standing(where)))
	}
	return nil // released and applied nowhere: the fix takes its place
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
