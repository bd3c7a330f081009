package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shipsql/shipsql/bot/message"
	"github.com/shipsql/shipsql/bot/view"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/reviewer"
	"github.com/shipsql/shipsql/store"
)

// handleView writes what a pull request shows. Each write stands for itself: one
// that fails is tried again, the others are done.
func (b *Bot) handleView(ctx context.Context, job queue.Job, payload viewPayload) error {
	read, ok, err := loadPull(ctx, b.Store, payload.Repository, payload.Number)
	if err != nil {
		return err
	}
	if !ok { // merged before we ever saw it: read it, which rings us again
		return b.adopt(ctx, payload)
	}
	state, err := b.state(ctx, read)
	if err != nil {
		return err
	}
	p, repo, err := b.forge(ctx, read.Repository)
	if err != nil {
		return err
	}
	done, err := loadWrites(ctx, b.Store, read.Repository, read.Number)
	if err != nil {
		return err
	}
	w := writer{bot: b, job: job, provider: p, repo: repo, pull: read, done: done}
	return w.all(ctx, state)
}

// adopt remembers a pull request that a release names and no webhook did.
func (b *Bot) adopt(ctx context.Context, payload viewPayload) error {
	p, repo, err := b.forge(ctx, payload.Repository)
	if err != nil {
		return err
	}
	pr, err := p.PullRequest(ctx, repo, payload.Number)
	if err != nil {
		return err
	}
	return b.Store.Tx(ctx, func(tx *store.Tx) error {
		read := pullFrom(payload.Repository, pr)
		read.Touches = true
		if err := savePull(ctx, tx, read); err != nil {
			return err
		}
		return b.Queue.Enqueue(ctx, tx, viewJob(payload.Repository, payload.Number))
	})
}

// dialect is how texts are written on a forge.
func (b *Bot) dialect(p providers.Provider) message.Forge {
	c := p.Capabilities()
	f := message.Forge{Prefix: "/shipsql ", Limit: c.CommentLimit}
	if c.BareCommands {
		f.Prefix = "/"
	}
	return f
}

// state gathers everything the view of a pull request shows.
func (b *Bot) state(ctx context.Context, read pull) (view.State, error) {
	p, _, err := b.provider(read.Repository)
	if err != nil {
		return view.State{}, err
	}
	s := view.State{
		Forge: b.dialect(p), Number: read.Number, Title: read.Title, Head: read.Head, Said: read.Said,
		Open: read.State == pullOpen, Merged: read.State == pullMerged, Pages: b.PublicURL,
	}
	assessments, err := loadAssessments(ctx, b.Store, read.Repository, read.Number)
	if err != nil {
		return s, err
	}
	rollouts, err := b.Deploy.RolloutsOfPR(ctx, read.Repository, read.Number)
	if err != nil {
		return s, err
	}
	for _, project := range b.projectsOn(read.Repository, read.Base) {
		shown, err := b.projectState(ctx, project, read, assessments, rollouts)
		if err != nil {
			return s, err
		}
		s.Projects = append(s.Projects, shown)
	}
	s.Public = quotesDatabase(rollouts) && !b.isPrivate(ctx, read.Repository)
	return s, nil
}

// quotesDatabase says whether a database's words, or names that its clients
// chose, will be shown.
func quotesDatabase(rollouts []deploy.Rollout) bool {
	for _, r := range rollouts {
		for _, stage := range r.Stages {
			if slices.ContainsFunc(stage.Tasks, func(t deploy.Task) bool { return t.Failure != nil || t.Progress.Waits != "" }) {
				return true
			}
		}
	}
	return false
}

func (b *Bot) projectState(ctx context.Context, project deploy.Project, read pull, assessments []assessment, rollouts []deploy.Rollout) (view.Project, error) {
	shown := view.Project{Config: project, Stages: b.planned(project)}
	for i := range assessments {
		if assessments[i].Project == project.ID() {
			shown.Review = &assessments[i].Review
		}
	}
	before := ""
	for i := range rollouts {
		if rollouts[i].Release.Project == project.ID() {
			shown.Rollout, before = &rollouts[i], rollouts[i].Release.ID
		}
	}
	status, err := b.Deploy.Status(ctx, project.ID())
	if err != nil {
		return shown, err
	}
	shown.Refusal = status.Refusal
	if shown.Rollout != nil {
		if shown.Merged, err = b.mergedReport(ctx, shown.Rollout.Release); err != nil {
			return shown, err
		}
	}
	if shown.Rollout == nil && (shown.Review == nil || !shown.Review.Touched || read.State != pullOpen) {
		return shown, nil
	}
	shown.Earlier, err = b.Deploy.Earlier(ctx, project.ID(), before)
	return shown, err
}

// mergedReport is the report at the merge commit, nil while there is none for
// the release's present text.
func (b *Bot) mergedReport(ctx context.Context, r deploy.Release) (*reviewer.Report, error) {
	if !r.Reviewed() {
		return nil, nil
	}
	text, err := b.Deploy.ReviewReport(ctx, r.ID)
	if err != nil || text == nil {
		return nil, err
	}
	var report reviewer.Report
	if err := json.Unmarshal(text, &report); err != nil {
		return nil, fmt.Errorf("read the report of release %s: %w", r.ID, err)
	}
	return &report, nil
}

// planned are the environments as configured.
func (b *Bot) planned(project deploy.Project) []view.Planned {
	cfg := b.Deploy.Config()
	var stages []view.Planned
	for _, e := range cfg.Road(project) {
		stages = append(stages, view.Planned{Environment: e.Name, Databases: len(cfg.Targets(project, e.Name))})
	}
	return stages
}

// writer writes one pull request's view.
type writer struct {
	bot      *Bot
	job      queue.Job
	provider providers.Provider
	repo     providers.Repo
	pull     pull
	done     writes
}

func (w writer) all(ctx context.Context, s view.State) error {
	caps := w.provider.Capabilities()
	errs := []error{w.check(ctx, s), w.sticky(ctx, s)}
	for _, p := range s.Projects {
		if p.Rollout == nil {
			continue
		}
		errs = append(errs, w.notices(ctx, s, *p.Rollout))
		if caps.Deployments {
			errs = append(errs, w.deployments(ctx, s, *p.Rollout))
		}
	}
	if caps.Reviews {
		errs = append(errs, w.suggestions(ctx, s))
	}
	return errors.Join(errs...)
}

// put carries out one write, exactly once as far as the forge lets us: it is
// noted before and after, so that the next attempt knows to look (before.Trying)
// whether this one got through, whatever died in between. A process that has
// lost the job meanwhile writes nothing any more.
func (w writer) put(ctx context.Context, what, hash string, do func(before written) (int64, error)) error {
	if !w.done[what].needed(hash) {
		return nil
	}
	if err := w.bot.Queue.StillMine(ctx, w.job); err != nil {
		return err
	}
	if err := w.bot.trying(ctx, w.pull, what, hash); err != nil {
		return err
	}
	id, err := do(w.done[what])
	if err != nil {
		return fmt.Errorf("write the %s: %w", what, err)
	}
	return w.bot.wrote(ctx, w.pull, what, id, hash)
}

// check writes the verdict on an open pull request's head. A verdict that
// changes on the same head becomes a new run: annotations can't be taken back.
func (w writer) check(ctx context.Context, s view.State) error {
	if !s.Open || !reviewedAt(s) {
		return nil
	}
	check := view.Check(s)
	hash := hashOf(check)
	check.ExternalID = fmt.Sprintf("%s%d:%s", externalPull, s.Number, hash)
	return w.put(ctx, "check", hash, func(before written) (int64, error) {
		check.MayExist = before.Trying != ""
		return w.provider.PutCheck(ctx, w.repo, check)
	})
}

// reviewedAt says that every project's review is about the present head.
func reviewedAt(s view.State) bool {
	return len(s.Projects) > 0 && !slices.ContainsFunc(s.Projects, func(p view.Project) bool {
		return p.Review == nil || p.Review.Head != s.Head
	})
}

// sticky writes the sticky comment. A pull request that has nothing to do with
// databases gets none, unless one stands there from an earlier push.
func (w writer) sticky(ctx context.Context, s view.State) error {
	if _, begun := w.done["sticky"]; s.Empty() && !begun {
		return nil
	}
	s.Now = time.Time{} // the time of the update is no reason for one
	hash := hashOf(view.Sticky(s))
	s.Now = w.bot.Clock.Now()
	return w.put(ctx, "sticky", hash, func(before written) (int64, error) {
		return w.provider.PutSticky(ctx, w.repo, s.Number, providers.Sticky{
			ID: before.ID, Marker: message.Marker(s.Number), Body: view.Sticky(s),
		})
	})
}

// notices posts what the release's people should be told, each once: the marker
// finds one that an earlier attempt posted.
func (w writer) notices(ctx context.Context, s view.State, r deploy.Rollout) error {
	prefix := "notice:" + r.Release.ID + ":"
	for _, n := range view.Notices(s, r, w.done.keys(prefix)) {
		note := providers.Note{Marker: fmt.Sprintf("<!-- shipsql:v1 kind=notice release=%s about=%q -->", r.Release.ID, n.Key), Body: n.Body}
		err := w.put(ctx, prefix+n.Key, once, func(before written) (int64, error) {
			note.MayExist = before.Trying != ""
			return w.provider.AddComment(ctx, w.repo, s.Number, note)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w writer) deployments(ctx context.Context, s view.State, r deploy.Rollout) error {
	for _, d := range view.Deployments(s, r) {
		err := w.put(ctx, "deployment:"+d.Release+":"+d.Stage, hashOf(d), func(before written) (int64, error) {
			d.ID, d.MayExist = before.ID, before.Trying != ""
			return w.provider.PutDeployment(ctx, w.repo, d.Deployment)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// suggestions posts fixes beside the lines, each once per pull request: those of
// a review that may have got through are looked for by their markers first.
func (w writer) suggestions(ctx context.Context, s view.State) error {
	if !s.Open || !reviewedAt(s) {
		return nil
	}
	posted := map[string]bool{}
	for _, fingerprint := range w.done.keys(suggestion) {
		posted[fingerprint] = true
	}
	due := view.Suggestions(s, posted)
	if len(due) == 0 {
		return nil
	}
	if err := w.bot.Queue.StillMine(ctx, w.job); err != nil {
		return err
	}
	r := providers.Review{Commit: s.Head}
	for _, d := range due {
		d.Comment.Marker = fmt.Sprintf("<!-- shipsql:v1 kind=suggestion id=%s -->", d.Fingerprint)
		r.Comments = append(r.Comments, d.Comment)
		r.MayExist = r.MayExist || w.done[suggestion+d.Fingerprint].Trying != ""
		if err := w.bot.trying(ctx, w.pull, suggestion+d.Fingerprint, once); err != nil {
			return err
		}
	}
	if err := w.provider.AddReview(ctx, w.repo, s.Number, r); err != nil {
		return fmt.Errorf("write the suggestions: %w", err)
	}
	for _, d := range due {
		if err := w.bot.wrote(ctx, w.pull, suggestion+d.Fingerprint, 0, once); err != nil {
			return err
		}
	}
	return nil
}

const suggestion = "suggestion:"
