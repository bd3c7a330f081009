package bot

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/shipsql/shipsql/bot/view"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/internal/plural"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/reviewer"
)

// subject is one project's part of a change that is not merged yet.
type subject struct {
	project    deploy.Project
	number     int    // pull request, 0 for a merge group
	head       string // commit of the changed files
	baseCommit string // commit of the policy and the standing files
	base       []providers.TreeEntry
	changes    []change
	stranger   bool // from a fork: nothing of ours is shown to its SQL
}

// assess finds out what the change would do and what is wrong with it.
func (b *Bot) assess(ctx context.Context, s subject) (assessment, error) {
	a := assessment{Project: s.project.ID(), Review: view.Review{Head: s.head, Touched: len(s.changes) > 0}}
	if !a.Review.Touched {
		return a, nil
	}
	policy, err := b.policy(ctx, s.project.Repository, s.baseCommit, s.base)
	if code(err) == errPolicy.Code {
		a.Review.Problems = append(a.Review.Problems, view.Problem{Path: policyFile, Text: err.Error()})
	} else if err != nil {
		return a, err
	}
	j, err := b.gather(ctx, s)
	if err != nil {
		return a, err
	}
	files, problems := j.judge()
	a.Checksums = j.checksums
	a.Review.Problems = append(a.Review.Problems, problems...)
	a.Review.Migrations = len(files)
	a.Review.Files = shownFiles(files)
	a.Review.Lines = diffLines(s.changes)
	a.Review.Report, a.Review.Basis, err = b.review(ctx, reviewing{
		project: s.project, number: s.number, files: files, policy: policy, stranger: s.stranger,
	})
	return a, err
}

// gather reads what judging the changed files takes.
func (b *Bot) gather(ctx context.Context, s subject) (*judged, error) {
	j := &judged{project: s.project, layout: b.Deploy.Config().Layout(s.project), changes: s.changes}
	for _, e := range s.base {
		if migrationsFolder(s.project.Path).holds(e.Path) {
			j.base = append(j.base, e.Path)
		}
	}
	var err error
	if j.contents, j.unread, err = b.contents(ctx, s.project.Repository, s.head, s.changes); err != nil {
		return nil, err
	}
	if j.standing, err = b.standing(ctx, s); err != nil {
		return nil, err
	}
	var old []string
	for _, c := range s.changes {
		if c.Status != providers.Added {
			old = append(old, c.Path)
		}
	}
	if j.placed, err = b.Deploy.Where(ctx, s.project.ID(), old); err != nil {
		return nil, err
	}
	j.accepted, err = b.Deploy.AcceptedEdits(ctx, s.project.ID(), s.number)
	return j, err
}

// standing reads what the base has of modified and removed files, and one file
// more where the layout must be detected: by it one sees what the folder is. What
// can't be read is left out: then its name counts.
func (b *Bot) standing(ctx context.Context, s subject) (map[string][]byte, error) {
	folder := migrationsFolder(s.project.Path).byPath(s.base)
	found := map[string][]byte{}
	var wanted, others []providers.TreeEntry
	for _, p := range slices.Sorted(maps.Keys(folder)) {
		changed := slices.ContainsFunc(s.changes, func(c change) bool { return c.Path == p })
		switch {
		case folder[p].Kind != providers.File:
		case changed:
			wanted = append(wanted, folder[p])
		case layout.IsSQL(p):
			others = append(others, folder[p])
		}
	}
	if b.Deploy.Config().Layout(s.project).Name == "" && len(others) > 0 {
		sample, err := b.sample(ctx, s, others, found)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, sample...)
	}
	if len(wanted) == 0 {
		return found, nil
	}
	if err := b.fetch(ctx, s.project.Repository, s.baseCommit, wanted, found, map[string]string{}); err != nil {
		return nil, err
	}
	for _, e := range wanted {
		b.samples.Add(e.Blob, found[e.Path])
	}
	return found, nil
}

// sample finds the content of one of a folder's files, the newest where a choice
// is: one that is known already, else there is one to read.
func (b *Bot) sample(ctx context.Context, s subject, folder []providers.TreeEntry, found map[string][]byte) (unknown []providers.TreeEntry, err error) {
	newest := folder[len(folder)-1]
	if content, ok := b.samples.Get(newest.Blob); ok {
		found[newest.Path] = content
		return nil, nil
	}
	blobs := make([]string, len(folder))
	for i, e := range folder {
		blobs[i] = e.Blob
	}
	known, err := b.Deploy.KnownBlobs(ctx, s.project.ID(), blobs)
	if err != nil {
		return nil, err
	}
	for _, e := range slices.Backward(folder) {
		if !known[e.Blob] {
			continue
		}
		content, err := b.Deploy.BlobContent(ctx, s.project.ID(), e.Blob)
		found[e.Path] = content
		return nil, err
	}
	return []providers.TreeEntry{newest}, nil
}

// diffLines are the lines that the pull request's page shows of each file.
func diffLines(changes []change) map[string][]providers.LineRange {
	lines := map[string][]providers.LineRange{}
	for _, c := range changes {
		if ranges := (providers.ChangedFile{Patch: c.Patch}).DiffLines(); len(ranges) > 0 {
			lines[c.Path] = ranges
		}
	}
	return lines
}

// maxShown bounds the SQL kept for the view; the view shows less of each file.
const maxShown = 64 << 10

// shownFiles are the texts of the first files.
func shownFiles(files []executor.File) []view.File {
	var shown []view.File
	size := 0
	for _, f := range files {
		if size += min(len(f.Content), maxShown/4); size > maxShown {
			break
		}
		shown = append(shown, view.File{Path: f.Path, SQL: string(f.Content[:min(len(f.Content), maxShown/4)])})
	}
	return shown
}

// reviewing is what one run of the reviewer is about.
type reviewing struct {
	project  deploy.Project
	number   int    // pull request whose waivers count, 0 for none
	release  string // "" before the merge
	files    []executor.File
	policy   reviewer.Policy
	stranger bool
}

// review runs the reviewer against the last environment of the road, where a
// mistake costs most, and says what the result rests on.
func (b *Bot) review(ctx context.Context, r reviewing) (reviewer.Report, string, error) {
	waivers, err := loadWaivers(ctx, b.Store, r.project.Repository, r.number)
	if err != nil {
		return reviewer.Report{}, "", err
	}
	target := b.target(r.project)
	in := reviewer.Input{Engine: target.Engine, Files: r.files, Policy: r.policy, Waived: reasons(waivers)}
	basis := "static rules without a catalog: the pull request comes from a fork"
	switch {
	case !reviewer.HasRules(target.Engine):
		basis = "" // the report's own
	case !r.stranger:
		if in.Catalog, basis, err = b.catalog(ctx, target); err != nil {
			return reviewer.Report{}, "", err
		}
	}
	if in.Before, err = b.Deploy.Pending(ctx, r.project.ID(), target.Environment, r.release); err != nil {
		return reviewer.Report{}, "", err
	}
	report, err := b.Reviewer.Review(ctx, in)
	if err != nil {
		return report, "", fmt.Errorf("review %s: %w", r.project.ID(), err)
	}
	narrowWaivers(&report, waivers)
	basis = cmp.Or(basis, report.Basis)
	if n := report.Summary.NotAnalysed; n > 0 {
		basis += "; " + plural.Count(n, "statement") + " not analysed"
	}
	return report, basis, nil
}

// target is the database whose catalog a review uses: the first of the last
// environment.
func (b *Bot) target(p deploy.Project) deploy.Database {
	cfg := b.Deploy.Config()
	road := cfg.Road(p)
	if len(road) == 0 {
		return deploy.Database{Engine: "postgres"}
	}
	return cfg.Targets(p, road[len(road)-1].Name)[0]
}

// waiver lets the findings of a rule pass that stood when it was given.
type waiver struct {
	Rule         string
	Fingerprints []string
	Reason       string
}

func reasons(waivers []waiver) map[string]string {
	byRule := map[string]string{}
	for _, w := range waivers {
		byRule[w.Rule] = w.Reason
	}
	return byRule
}

// narrowWaivers takes the waiver off findings that did not stand when it was
// given: waiving a rule once is no permission for what is pushed later.
func narrowWaivers(r *reviewer.Report, waivers []waiver) {
	for i := range r.Files {
		for k := range r.Files[i].Findings {
			f := &r.Files[i].Findings[k]
			if f.Waived != "" && !slices.ContainsFunc(waivers, func(w waiver) bool {
				return w.Rule == f.Rule && slices.Contains(w.Fingerprints, f.Fingerprint)
			}) {
				f.Waived = ""
				r.Summary.Waived--
			}
		}
	}
}
