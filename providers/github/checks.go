package github

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
)

// Limits of a check run.
// https://docs.github.com/en/rest/checks/runs#create-a-check-run
const (
	annotationBatch   = 50       // of one request; later ones append
	annotationMessage = 64 << 10 // bytes
	annotationTitle   = 255      // characters
	checkTitle        = 255      // characters; not documented, what a page shows
	maxActions        = 3
	actionIdentifier  = 20 // characters
	actionLabel       = 20 // characters
	actionDescription = 40 // characters
)

// PutCheck makes or updates a check run and appends its annotations.
func (p *Provider) PutCheck(ctx context.Context, repo providers.Repo, c providers.Check) (int64, error) {
	if err := usable(c.Actions); err != nil {
		return c.ID, err
	}
	sent := 0 // annotations the forge has
	if c.MayExist {
		found, err := p.findCheck(ctx, repo, c)
		if err != nil {
			return c.ID, err
		}
		c.ID, sent = found.GetID(), min(held(found), len(c.Annotations))
	}
	for {
		batch := c.Annotations[sent:min(sent+annotationBatch, len(c.Annotations))]
		id, err := p.writeCheck(ctx, repo, c, batch)
		if unknown(err) {
			id, err = p.writtenCheck(ctx, repo, c, sent+len(batch), err)
		}
		if err != nil {
			return c.ID, err
		}
		c.ID = id
		if sent += len(batch); sent == len(c.Annotations) {
			return id, nil
		}
	}
}

// usable refuses buttons that GitHub would refuse and that can't be cut.
func usable(actions []providers.Action) error {
	if len(actions) > maxActions {
		return fault.New(fault.Invalid, "a check has at most %d actions, not %d", maxActions, len(actions))
	}
	for _, a := range actions {
		if a.Identifier == "" || cutRunes(a.Identifier, actionIdentifier) != a.Identifier {
			return fault.New(fault.Invalid, "%q is no identifier of 1 to %d characters", a.Identifier, actionIdentifier)
		}
	}
	return nil
}

// writeCheck sends the check's state and a batch of annotations.
func (p *Provider) writeCheck(ctx context.Context, repo providers.Repo, c providers.Check, batch []providers.Annotation) (int64, error) {
	r := request{method: http.MethodPost, path: "/check-runs", body: newCheck(c, batch)}
	if c.ID != 0 {
		r = request{method: http.MethodPatch, path: pathf("/check-runs/%d", c.ID), body: updatedCheck(c, batch)}
	}
	var run github.CheckRun
	if _, err := p.repo(ctx, repo, r, &run); err != nil {
		return 0, err
	}
	return run.GetID(), nil
}

// writtenCheck looks if a write of unknown outcome got through: a new check is
// there, an old one has as many annotations as it should. If not, the error
// stands and the caller calls again with MayExist.
func (p *Provider) writtenCheck(ctx context.Context, repo providers.Repo, c providers.Check, total int, failed error) (int64, error) {
	found, err := p.findCheck(ctx, repo, c)
	fresh, grown := c.ID == 0, total > 0 && held(found) >= total
	if err != nil || found.GetID() == 0 || (!fresh && !grown) {
		return 0, failed
	}
	return found.GetID(), nil
}

// findCheck reads the check by its id, or else looks for the newest run of our
// app with its commit, name and external id. No ID in the answer: not there.
func (p *Provider) findCheck(ctx context.Context, repo providers.Repo, c providers.Check) (*github.CheckRun, error) {
	newest := &github.CheckRun{}
	if c.ID != 0 {
		err := p.get(ctx, repo, pathf("/check-runs/%d", c.ID), newest)
		return newest, err
	}
	l := listing{repo: repo, path: pathf("/commits/%s/check-runs", c.HeadSHA), query: url.Values{
		"check_name": {c.Name}, "filter": {"all"}, "app_id": {strconv.FormatInt(p.cfg.AppID, 10)},
	}}
	err := pages(ctx, p, l, func(page github.ListCheckRunsResults) bool {
		for _, run := range page.CheckRuns {
			if run.GetExternalID() == c.ExternalID && run.GetName() == c.Name && run.GetID() > newest.GetID() {
				newest = run
			}
		}
		return true
	})
	return newest, err
}

// held is the number of annotations the forge has of a check.
func held(run *github.CheckRun) int { return run.GetOutput().GetAnnotationsCount() }

func newCheck(c providers.Check, batch []providers.Annotation) github.CreateCheckRunOptions {
	return github.CreateCheckRunOptions{
		Name: c.Name, HeadSHA: c.HeadSHA,
		ExternalID: text(c.ExternalID), DetailsURL: text(c.DetailsURL),
		Status: text(string(c.Status)), Conclusion: text(string(c.Conclusion)),
		StartedAt: timestamp(c.Started), CompletedAt: timestamp(c.Completed),
		Output: output(c, batch), Actions: actions(c.Actions),
	}
}

func updatedCheck(c providers.Check, batch []providers.Annotation) github.UpdateCheckRunOptions {
	return github.UpdateCheckRunOptions{
		Name:       c.Name,
		ExternalID: text(c.ExternalID), DetailsURL: text(c.DetailsURL),
		Status: text(string(c.Status)), Conclusion: text(string(c.Conclusion)),
		CompletedAt: timestamp(c.Completed),
		Output:      output(c, batch), Actions: actions(c.Actions),
	}
}

// output is the check's text; GitHub wants a title and a summary or no output.
func output(c providers.Check, batch []providers.Annotation) *github.CheckRunOutput {
	title, summary := cutRunes(cmp.Or(c.Title, c.Name), checkTitle), cutMarkdown(c.Summary, checkLimit)
	out := &github.CheckRunOutput{Title: &title, Summary: &summary, Text: text(cutMarkdown(c.Text, checkLimit))}
	for _, a := range batch {
		out.Annotations = append(out.Annotations, annotation(a))
	}
	return out
}

// annotation makes GitHub's annotation; columns only within one line, lines
// from 1, a message always, or the whole batch would be refused.
func annotation(a providers.Annotation) *github.CheckRunAnnotation {
	start := max(a.StartLine, 1)
	end := max(a.EndLine, start)
	out := &github.CheckRunAnnotation{
		Path: github.String(a.Path), StartLine: &start, EndLine: &end,
		AnnotationLevel: github.String(string(cmp.Or(a.Level, providers.LevelNotice))),
		Message:         github.String(cutText(cmp.Or(a.Message, a.Title, "-"), annotationMessage)),
		Title:           text(cutRunes(a.Title, annotationTitle)),
	}
	if start == end && a.StartColumn > 0 {
		column := max(a.EndColumn, a.StartColumn)
		out.StartColumn, out.EndColumn = github.Int(a.StartColumn), &column
	}
	return out
}

func actions(list []providers.Action) []*github.CheckRunAction {
	var out []*github.CheckRunAction
	for _, a := range list {
		out = append(out, &github.CheckRunAction{
			Identifier:  a.Identifier,
			Label:       cutRunes(a.Label, actionLabel),
			Description: cutRunes(a.Description, actionDescription),
		})
	}
	return out
}

// text is a field that is left out when it is empty.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func timestamp(t time.Time) *github.Timestamp {
	if t.IsZero() {
		return nil
	}
	return &github.Timestamp{Time: t.UTC()}
}
