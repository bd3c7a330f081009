package deploy

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/store"
)

// lockPatience is how long one attempt waits for refused locks before it gives
// its worker back; the task is then tried again for the environment's
// LockRetryFor.
const lockPatience = 30 * time.Second

// stageRun is what every task of a stage applies. It is shared and never changed.
type stageRun struct {
	executor.Run

	texts map[string][]executor.Migration // by version key: whatever the run may speak of
	split bool                            // databases differ in what goes there, or names from versions
}

// buildRun puts that together: exactly the release's migrations that still count
// in the environment, and the folder they came with.
func (s *Service) buildRun(ctx context.Context, q store.Queryer, p Project, key stageKey) (stageRun, error) {
	env, _ := s.cfg.Environment(key.environment)
	run := stageRun{Run: executor.Run{
		History: p.HistoryName(), OutOfOrder: p.OutOfOrder, Release: key.release, ToolVersion: s.deps.ToolVersion,
		Limits: executor.Limits{
			LockTimeout: env.LockTimeout, LockRetryFor: min(env.LockRetryFor, lockPatience), StatementTimeout: env.StatementTimeout,
			Online: env.Online,
		},
	}}
	l, err := loadLine(ctx, q, onlyRelease(key.release))
	if err != nil {
		return run, err
	}
	release := s.bookOf(p, l.stored[0])
	if release.folder, err = loadFolder(ctx, q, l.stored[0].folder); err != nil {
		return run, err
	}
	if run.Migrations, err = release.read(ctx, q, l.facts[0].pending(key.environment)); err != nil {
		return run, err
	}
	if run.Folder, err = s.effectiveFolder(ctx, q, p, release); err != nil {
		return run, err
	}
	if run.Skip, err = s.skipMarks(ctx, q, p, key.environment); err != nil {
		return run, err
	}
	run.Accept, err = acceptedChecksums(ctx, q, p.ID())
	return run.indexed(), err
}

// on is the run on one database: what goes there, by the executor's versions.
func (r stageRun) on(d Database) stageRun {
	if !r.split {
		return r
	}
	elsewhere := func(m executor.Migration) bool { return !goesTo(m.Target, d) }
	here := r
	here.Migrations = slices.DeleteFunc(slices.Clone(r.Migrations), elsewhere)
	here.Folder = slices.DeleteFunc(slices.Clone(r.Folder), elsewhere)
	here.Skip, here.Accept = map[string]executor.Mark{}, map[string]string{}
	for name, mark := range r.Skip {
		if goesTo(targetOf(name), d) {
			here.Skip[versionOf(name)] = mark
		}
	}
	for name, sum := range r.Accept {
		if goesTo(targetOf(name), d) {
			here.Accept[versionOf(name)] = sum
		}
	}
	return here
}

// progress is that of a task that starts.
func (r stageRun) progress() Progress { return Progress{Of: len(r.Migrations)} }

// indexed notes what the run may speak of.
func (r stageRun) indexed() stageRun {
	all := slices.Concat(r.Folder, r.Migrations)
	for _, mark := range slices.Collect(maps.Values(r.Skip)) {
		all = append(all, mark.Migrations...)
	}
	r.texts = make(map[string][]executor.Migration, len(all))
	for _, m := range all {
		key := executor.VersionKey(m.Version)
		r.texts[key] = append(r.texts[key], m)
		r.split = r.split || nameOf(m) != m.Version
	}
	return r
}

// text finds the migration that the executor speaks of on one database. Of a
// version without a path the last one counts.
func (r stageRun) text(version, path string) executor.Migration {
	for _, m := range slices.Backward(r.texts[executor.VersionKey(version)]) {
		if path == "" || m.Path == path {
			return m
		}
	}
	return executor.Migration{Version: version, Path: path}
}

// actorsOf names those on whose word a stage runs.
func actorsOf(d StageDecision) string {
	var people []string
	for _, a := range d.Approvals {
		if a.Standing.Counts {
			people = append(people, a.Actor.Name())
		}
	}
	if len(people) == 0 {
		return machine.Login
	}
	slices.Sort(people)
	return strings.Join(slices.Compact(people), ", ")
}

// effectiveFolder is the folder at a merge commit with the edits that count
// since, and without the files that never will: what a ledger is held against.
func (s *Service) effectiveFolder(ctx context.Context, q store.Queryer, p Project, release book) ([]executor.Migration, error) {
	now, err := loadPresent(ctx, q, p.ID())
	if err != nil {
		return nil, err
	}
	read, err := readFiles(ctx, q, now.overlay(release))
	if err != nil {
		return nil, err
	}
	// Files that can't be migrations are problems of the releases that brought
	// them; nothing of them can be in a ledger.
	folder, _ := layout.Load(read, release.layout)
	return folder.Migrations, nil
}

// present is what counts now for the versions that the project released or
// edited since a folder was recorded.
type present struct {
	texts  map[string]folderFile // version key → the text that counts; "" path: deleted
	edited map[string]folderFile // path → the file with the last edit of one of its migrations
	broken map[string]bool       // paths that never run
}

func loadPresent(ctx context.Context, q store.Queryer, project string) (present, error) {
	now := present{texts: map[string]folderFile{}, edited: map[string]folderFile{}, broken: map[string]bool{}}
	rows, err := list(ctx, q, readMigration,
		`SELECT `+migrationColumns+` FROM deploy_migrations WHERE project = $1 ORDER BY release, n`, project)
	if err != nil {
		return now, err
	}
	for _, m := range rows {
		switch {
		case m.repeatable(): // each release runs its own text
		case m.Broken:
			now.broken[m.Path] = true
		case m.Withdrawn:
			now.texts[executor.VersionKey(m.Version)] = folderFile{}
		default:
			now.texts[executor.VersionKey(m.Version)] = folderFile{m.Path, m.Blob}
		}
	}
	edits, err := loadEdits(ctx, q, project)
	for _, e := range edits {
		file := folderFile{e.Path, e.blob}
		if e.After == "" {
			file = folderFile{}
		}
		now.texts[executor.VersionKey(e.Version)] = file
		now.edited[e.Path] = folderFile{e.Path, e.blob}
	}
	return now, err
}

// overlay is the release's folder as it counts now.
func (now present) overlay(release book) []folderFile {
	var files []folderFile
	for _, f := range release.folder {
		m, named := release.layout.Identify(f.Path)
		text, changed := now.texts[executor.VersionKey(nameOf(m))]
		switch {
		case now.broken[f.Path]:
			continue
		case named && changed:
			f = text
		case !named && now.edited[f.Path].Blob != "": // a file of several migrations
			f = now.edited[f.Path]
		}
		if f.Path != "" {
			files = append(files, f)
		}
	}
	return files
}

// skipMarks are the environment's audited skips as the ledger is to record
// them. Of two files with one version only the one that counts has a place
// there.
func (s *Service) skipMarks(ctx context.Context, q store.Queryer, p Project, environment string) (map[string]executor.Mark, error) {
	skips, err := loadProjectSkips(ctx, q, p.ID(), environment)
	if err != nil {
		return nil, err
	}
	now, err := loadPresent(ctx, q, p.ID())
	if err != nil {
		return nil, err
	}
	marks := map[string]executor.Mark{}
	for _, skip := range skips {
		text, exists := now.texts[executor.VersionKey(skip.Version)]
		if skip.Version == "" || (exists && text.Path != "" && text.Path != skip.Path) {
			continue
		}
		m, err := s.skippedText(ctx, q, p, skip)
		if err != nil {
			return nil, err
		}
		marks[skip.Version] = executor.Mark{
			History: p.HistoryName(), Migrations: []executor.Migration{m}, Release: skip.Release,
			Actor: skip.Actor, Reason: skip.Reason, ToolVersion: s.deps.ToolVersion,
		}
	}
	return marks, nil
}

// skippedText is the migration that a skip is about, as its release has it.
func (s *Service) skippedText(ctx context.Context, q store.Queryer, p Project, skip Skip) (executor.Migration, error) {
	m := executor.Migration{
		Version: versionOf(skip.Version), Path: skip.Path, Kind: executor.Versioned, Target: targetOf(skip.Version),
	}
	releases, err := loadReleases(ctx, q, onlyRelease(skip.Release))
	if err != nil || len(releases) == 0 {
		return m, err
	}
	of, ok := withVersion(releases[0].Migrations, skip.Version)
	if !ok {
		return m, nil
	}
	m.Name, m.Kind = of.Name, executor.Kind(of.Kind)
	if read, err := s.bookOf(p, releases[0]).read(ctx, q, []Migration{of}); err == nil {
		m = read[0]
	}
	return m, nil
}

// acceptedChecksums are the edits that a person accepted: where the old text
// was applied it stays, with a note.
func acceptedChecksums(ctx context.Context, q store.Queryer, project string) (map[string]string, error) {
	edits, err := loadEdits(ctx, q, project)
	accepted := map[string]string{}
	for _, e := range edits {
		if e.Actor != "" && e.After != "" {
			accepted[e.Version] = e.After
		}
	}
	return accepted, err
}
