package deploy

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/store"
)

// lockPatience is how long one attempt waits for refused locks before it gives
// its worker back; the task is then tried again for the environment's
// LockRetryFor.
const lockPatience = 30 * time.Second

// stageRun is what every task of a stage applies. It is shared and never changed.
type stageRun struct {
	executor.Run

	known map[string]executor.Migration // by version key, whatever the run may speak of
}

// buildRun puts that together: exactly the release's migrations that still count
// in the environment, and the folder they came with.
func (s *Service) buildRun(ctx context.Context, q store.Queryer, p Project, key stageKey) (stageRun, error) {
	env, _ := s.cfg.Environment(key.environment)
	run := stageRun{Run: executor.Run{
		History: p.HistoryName(), OutOfOrder: p.OutOfOrder, Release: key.release, ToolVersion: s.deps.ToolVersion,
		Limits: executor.Limits{
			LockTimeout: env.LockTimeout, LockRetryFor: min(env.LockRetryFor, lockPatience), StatementTimeout: env.StatementTimeout,
		},
	}}
	l, err := loadLine(ctx, q, onlyRelease(key.release))
	if err != nil {
		return run, err
	}
	if run.Migrations, err = readMigrations(ctx, q, l.facts[0].pending(key.environment)); err != nil {
		return run, err
	}
	if run.Folder, err = s.effectiveFolder(ctx, q, p, l.stored[0].folder); err != nil {
		return run, err
	}
	if run.Skip, err = s.skipMarks(ctx, q, p, key.environment); err != nil {
		return run, err
	}
	run.Accept, err = acceptedChecksums(ctx, q, p.ID())
	run.known = texts(run.Run)
	return run, err
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

// readMigrations makes the executor's migrations of stored ones, in order.
func readMigrations(ctx context.Context, q store.Queryer, migrations []Migration) ([]executor.Migration, error) {
	var folder []folderFile
	for _, m := range migrations {
		if m.Blob == "" || m.Broken {
			return nil, fault.New(fault.Invalid, "the file can't be applied").At(m.Path)
		}
		folder = append(folder, folderFile{m.Path, m.Blob})
	}
	files, err := readFiles(ctx, q, folder)
	if err != nil {
		return nil, err
	}
	loaded, err := layout.Load(files, layout.Options{Name: layout.Native})
	return loaded.Migrations, err
}

// effectiveFolder is the folder at a merge commit with the edits that count
// since, and without the files that never will: what a ledger is held against.
func (s *Service) effectiveFolder(ctx context.Context, q store.Queryer, p Project, folder string) ([]executor.Migration, error) {
	files, err := loadFolder(ctx, q, folder)
	if err != nil {
		return nil, err
	}
	now, err := loadPresent(ctx, q, p.ID())
	if err != nil {
		return nil, err
	}
	read, err := readFiles(ctx, q, now.overlay(files))
	if err != nil {
		return nil, err
	}
	// Files that can't be migrations are problems of the releases that brought
	// them; nothing of them can be in a ledger.
	loaded, _ := layout.Load(read, layout.Options{Name: layout.Native})
	return loaded.Migrations, nil
}

// present is what counts now for the versions that the project released or
// edited since a folder was recorded.
type present struct {
	texts  map[string]folderFile // version key → the text that counts; "" path: deleted
	broken map[string]bool       // paths that never run
}

func loadPresent(ctx context.Context, q store.Queryer, project string) (present, error) {
	now := present{texts: map[string]folderFile{}, broken: map[string]bool{}}
	rows, err := list(ctx, q, readMigration,
		`SELECT `+migrationColumns+` FROM deploy_migrations WHERE project = $1 ORDER BY release, n`, project)
	if err != nil {
		return now, err
	}
	for _, m := range rows {
		switch {
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
	}
	return now, err
}

func (now present) overlay(folder []folderFile) []folderFile {
	var files []folderFile
	for _, f := range folder {
		version, _, ok := (layout.Options{}).Identify(f.Path)
		if !ok || now.broken[f.Path] {
			continue
		}
		if text, changed := now.texts[executor.VersionKey(version)]; changed {
			f = text
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
		m := executor.Migration{Version: skip.Version, Path: skip.Path, Kind: executor.Versioned}
		_, m.Name, _ = (layout.Options{}).Identify(skip.Path)
		if read, err := readMigrations(ctx, q, []Migration{{Path: text.Path, Blob: text.Blob}}); err == nil && len(read) == 1 {
			m = read[0]
		}
		marks[skip.Version] = executor.Mark{
			History: p.HistoryName(), Migrations: []executor.Migration{m}, Release: skip.Release,
			Actor: skip.Actor, Reason: skip.Reason, ToolVersion: s.deps.ToolVersion,
		}
	}
	return marks, nil
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

// texts finds the migrations of a run by version key.
func texts(run executor.Run) map[string]executor.Migration {
	found := map[string]executor.Migration{}
	for _, m := range slices.Concat(run.Folder, run.Migrations) {
		found[executor.VersionKey(m.Version)] = m
	}
	for _, mark := range slices.Collect(maps.Values(run.Skip)) {
		for _, m := range mark.Migrations {
			found[executor.VersionKey(m.Version)] = m
		}
	}
	return found
}
