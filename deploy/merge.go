package deploy

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/internal/fault"
)

// merge is one merge commit with its folder read and parsed.
type merge struct {
	NewRelease

	layout   layout.Options // resolved: never auto
	folder   []folderFile
	contents map[string][]byte      // by our id: what the store may not have yet
	forge    map[string]string      // the forge's id → ours, likewise
	loaded   map[string][]Migration // path → the migrations of each file that holds some
	previous map[string][]Migration // the same of Before
	order    map[string]int         // by version: where it runs in the folder
	faults   map[string]string      // path → why the file can't be what it should be; "": the whole folder
}

// emptyBlob is git's name of the empty file, whose content a forge client may
// well give as nil.
const emptyBlob = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"

// prepare reads and parses the folders of merges that brought something.
func (s *Service) prepare(ctx context.Context, p Project, rels []NewRelease) ([]merge, error) {
	reader := folderReader{contents: map[string][]byte{}}
	var names []string
	for _, rel := range rels {
		for _, f := range slices.Concat(rel.Folder, rel.Before) {
			if f.Content == nil && f.Blob != "" && f.Unreadable == "" {
				names = append(names, f.Blob)
			}
		}
	}
	var err error
	if reader.known, err = forgeBlobs(ctx, s.db, p.ID(), names); err != nil {
		return nil, err
	}
	ours := slices.Sorted(maps.Values(reader.known))
	if reader.contents, err = loadBlobs(ctx, s.db, slices.Compact(ours)); err != nil {
		return nil, err
	}
	var merges []merge
	for _, rel := range rels {
		if rel.empty() {
			continue
		}
		m, err := reader.read(rel, s.cfg.Layout(p))
		if err != nil {
			return nil, err
		}
		merges = append(merges, m)
	}
	return merges, nil
}

// folderReader resolves files' contents over several merges.
type folderReader struct {
	known    map[string]string // the forge's id → ours
	contents map[string][]byte // by our id
}

func (r folderReader) read(rel NewRelease, o layout.Options) (merge, error) {
	m := merge{
		NewRelease: rel, layout: o, contents: map[string][]byte{}, forge: map[string]string{},
		loaded: map[string][]Migration{}, previous: map[string][]Migration{}, order: map[string]int{}, faults: map[string]string{},
	}
	var files []executor.File
	for _, f := range slices.SortedFunc(slices.Values(rel.Folder), func(a, b File) int { return cmp.Compare(a.Path, b.Path) }) {
		if f.Unreadable != "" {
			m.faults[f.Path] = f.Unreadable
			m.folder = append(m.folder, folderFile{Path: f.Path})
			continue
		}
		id, err := r.resolve(f, &m)
		if err != nil {
			return m, err
		}
		m.folder = append(m.folder, folderFile{f.Path, id})
		files = append(files, executor.File{Path: f.Path, Content: r.contents[id]})
	}
	m.load(files, r.before(rel, files))
	return m, nil
}

// before is the folder with the changed files as they were; of the others only
// the names are known.
func (r folderReader) before(rel NewRelease, files []executor.File) []executor.File {
	old := map[string]executor.File{}
	for _, f := range rel.Before {
		content := f.Content
		if id, known := r.known[f.Blob]; known && content == nil {
			content = r.contents[id]
		}
		if f.Unreadable == "" {
			old[f.Path] = executor.File{Path: f.Path, Content: content}
		}
	}
	if len(old) == 0 {
		return nil
	}
	for _, f := range files {
		if _, changed := old[f.Path]; !changed {
			old[f.Path] = executor.File{Path: f.Path, Unread: layout.IsSQL(f.Path), Content: f.Content}
		}
	}
	return slices.Collect(maps.Values(old))
}

// resolve finds our id of a file's content and keeps what the store lacks.
func (r folderReader) resolve(f File, m *merge) (string, error) {
	if f.Content == nil && f.Blob != emptyBlob {
		if id, ok := r.known[f.Blob]; ok {
			return id, nil
		}
		return "", fault.New(fault.Invalid, "the file has no content and its blob %q is not known", f.Blob).At(f.Path).
			Then("fetch the content and advance again")
	}
	id := hashOf(f.Content)
	r.contents[id], m.contents[id] = f.Content, f.Content
	if f.Blob != "" {
		r.known[f.Blob], m.forge[f.Blob] = id, id
	}
	return id, nil
}

// load parses the folder as it is and as it was; each file that can't be what it
// should be gets its reason.
func (m *merge) load(files, before []executor.File) {
	duplicates := duplicatePaths(m.NewRelease, m.layout)
	folder, err := layout.Load(slices.DeleteFunc(slices.Clone(files), func(f executor.File) bool { return duplicates[f.Path] }), m.layout)
	if folder.Layout != "" {
		m.layout.Name = folder.Layout
	}
	blobs := map[string]string{}
	for _, f := range m.folder {
		blobs[f.Path] = f.Blob
	}
	for n, e := range folder.Migrations {
		m.loaded[e.Path] = append(m.loaded[e.Path], stored(e, blobs[e.Path]))
		m.order[nameOf(e)] = n
	}
	for _, f := range faultsOf(err) {
		path := f.Where
		for !contains(blobs, path) && strings.Contains(path, ":") { // Where may end in :line
			path = path[:strings.LastIndex(path, ":")]
		}
		if m.faults[path] == "" {
			m.faults[path] = f.Message
		}
	}
	was, _ := layout.Load(before, m.layout) // what could not be read then was not applied
	for _, e := range was.Migrations {
		m.previous[e.Path] = append(m.previous[e.Path], stored(e, ""))
	}
}

// stored is a migration as a release keeps it.
func stored(e executor.Migration, blob string) Migration {
	return Migration{
		Version: nameOf(e), Name: e.Name, Kind: string(e.Kind), Change: string(e.Change), Path: e.Path,
		Checksum: e.Checksum, Blob: blob, Statements: len(e.Statements()),
	}
}

// named is what a path stands for: what its file holds or held, else what its
// name says.
func (m *merge) named(path string) []Migration {
	switch {
	case len(m.loaded[path]) > 0:
		return m.loaded[path]
	case len(m.previous[path]) > 0:
		return m.previous[path]
	}
	e, ok := m.layout.Identify(path)
	if !ok {
		return nil
	}
	return []Migration{{Version: nameOf(e), Name: e.Name, Kind: string(e.Kind), Path: path}}
}

func contains[V any](m map[string]V, key string) bool {
	_, ok := m[key]
	return ok
}

// faultsOf takes a joined error apart.
func faultsOf(err error) []*fault.Error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*fault.Error
		for _, e := range joined.Unwrap() {
			all = append(all, faultsOf(e)...)
		}
		return all
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return []*fault.Error{f}
	}
	return nil
}

// duplicatePaths are the files whose version another file of the folder has and
// that came later: added by this merge rather than older, else by path.
func duplicatePaths(rel NewRelease, o layout.Options) map[string]bool {
	groups := map[string][]string{}
	for _, f := range rel.Folder {
		if m, ok := o.Identify(f.Path); ok {
			key := executor.VersionKey(nameOf(m))
			groups[key] = append(groups[key], f.Path)
		}
	}
	added := map[string]bool{}
	for _, path := range rel.Added {
		added[path] = true
	}
	duplicates := map[string]bool{}
	for _, paths := range groups {
		slices.SortFunc(paths, func(a, b string) int {
			return cmp.Or(compareBool(added[a], added[b]), cmp.Compare(a, b))
		})
		for _, path := range paths[1:] {
			duplicates[path] = true
		}
	}
	return duplicates
}

// compareBool puts false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
