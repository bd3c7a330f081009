package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/bot/command"
	"github.com/shipsql/shipsql/bot/view"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

// order is one line of one comment, and the command it holds.
type order struct {
	said
	state view.State
	line  command.Line
	n     int // ordinal of the line in the comment
	cmd   command.Command
}

// carryOut does what the command says. A refusal is an answer; an error is only
// what has to be tried again.
func (b *Bot) carryOut(ctx context.Context, o order) (answer, error) {
	if o.cmd.Name == command.Help {
		return answer{outcome: outcomeAccepted, reply: view.Help(o.state.Forge, b.grammar(o.provider, o.repository).Environments)}, nil
	}
	if len(o.state.Projects) == 0 {
		return o.refuse(deploy.Reason{Text: "no project follows the branch " + o.pull.Base.Name + ", so nothing here goes to a database"}), nil
	}
	switch o.cmd.Name {
	case command.Status:
		return answer{outcome: outcomeAccepted, reply: view.Status(o.state)}, nil
	case command.Review:
		return b.reviewAgain(ctx, o)
	case command.Waive:
		return b.waive(ctx, o)
	}
	return b.deploys(ctx, o)
}

// reviewAgain reviews the pull request, or after the merge its releases.
func (b *Bot) reviewAgain(ctx context.Context, o order) (answer, error) {
	jobs := []queue.NewJob{reviewJob(o.repository, o.pull.Number)}
	for _, p := range o.state.Projects {
		if p.Rollout != nil {
			id := p.Rollout.Release.ID
			jobs = append(jobs, releaseJob(id))
		}
	}
	return answer{outcome: outcomeAccepted}, b.enqueue(ctx, jobs...)
}

// deploys hands the command to the domain, which decides.
func (b *Bot) deploys(ctx context.Context, o order) (answer, error) {
	if r, wrong := o.beforeMerge(); wrong {
		return o.refuse(r), nil
	}
	c := o.domain()
	if o.cmd.Name == command.AcceptEdit && o.state.Open {
		var r deploy.Reason
		var ok bool
		if c, r, ok = b.openEdit(ctx, o, c); !ok {
			return o.refuse(r), nil
		}
	}
	if r, ok := o.ownRelease(); !ok {
		return o.refuse(r), nil
	}
	result, err := b.domainCall(o.cmd.Name)(ctx, c)
	if refused, ok := deploy.AsRefused(err); ok {
		if done, err := b.carriedOut(ctx, o, c); done || err != nil {
			return answer{outcome: outcomeAccepted, said: fmt.Sprintf("%s: %s", o.comment.Author.Login, o.cmd.String())}, err
		}
		return o.refuse(refused.Reason), nil
	}
	if code(err) == fault.Invalid || code(err) == fault.Denied || code(err) == fault.NotFound || code(err) == fault.Conflict {
		return o.refuse(deploy.Reason{Text: err.Error()}), nil
	}
	if err != nil {
		return answer{}, err
	}
	if o.cmd.Name == command.AcceptEdit && o.state.Open {
		err = b.enqueue(ctx, reviewJob(o.repository, o.pull.Number))
	}
	return answer{
		outcome: outcomeAccepted, reply: view.Accepted(o.state, o.line.Text, result),
		said: fmt.Sprintf("%s: %s %s", o.comment.Author.Login, o.cmd.Name, view.Restated(result)),
	}, err
}

// carriedOut says whether this very command was carried out by a process that
// died before it could say so: the audit has it, and what is refused now is only
// its repetition.
func (b *Bot) carriedOut(ctx context.Context, o order, c deploy.Command) (bool, error) {
	for _, p := range o.state.Projects {
		if p.Rollout == nil {
			continue
		}
		rows, err := b.Deploy.Audit(ctx, p.Rollout.Release.ID)
		if err != nil {
			return false, err
		}
		for _, row := range rows {
			var by struct{ Source string }
			if err := json.Unmarshal(row.Data, &by); err != nil {
				continue // of another shape: no command
			}
			if row.Action == string(o.cmd.Name) && by.Source == c.Source && (c.Environment == "" || row.Environment == c.Environment) {
				return true, nil
			}
		}
	}
	return false, nil
}

// refuse answers with the reason; where it is about the person or the moment,
// the same command is what somebody else, or later, can say.
func (o order) refuse(r deploy.Reason) answer {
	again := ""
	if r.Code == deploy.CommandDenied || r.Code == deploy.CommandNoRelease {
		again = o.cmd.String()
	}
	return answer{outcome: outcomeRefused, reply: view.Refused(o.state, o.line.Text, r, again)}
}

// beforeMerge refuses what is only possible afterwards. Nothing is recorded: an
// approval names a content, which exists with the merge.
func (o order) beforeMerge() (deploy.Reason, bool) {
	if !o.state.Open || o.cmd.Name == command.AcceptEdit {
		return deploy.Reason{}, false
	}
	return deploy.Reason{
		Code: deploy.CommandNoRelease,
		Text: "nothing is released before the merge, so there is nothing to " + string(o.cmd.Name) + " yet and nothing was recorded",
		Who:  "the same people, after the merge",
	}, true
}

// domain is the command in the domain's words.
func (o order) domain() deploy.Command {
	a := o.comment.Author
	c := deploy.Command{
		Actor:      deploy.Actor{Kind: deploy.ForgeUser, Provider: o.repo.Provider, Login: a.Login, ID: a.ID, Bot: a.Bot},
		Repository: o.repository, PullRequest: o.pull.Number, Release: o.cmd.Release,
		Source:      fmt.Sprintf("%s#issuecomment-%d", o.pull.URL, o.comment.ID),
		Environment: o.cmd.Environment, Reason: o.cmd.Reason,
		WithEarlier: o.cmd.WithEarlier, DespiteFindings: o.cmd.DespiteFindings != "",
		Version: o.cmd.Version, File: o.cmd.File, Step: o.cmd.Statement, Outcome: o.cmd.Decision, Database: o.cmd.Only,
	}
	if c.DespiteFindings {
		c.Reason = o.cmd.DespiteFindings
	}
	if strings.EqualFold(c.Database, "failed") {
		c.Database = ""
	}
	return c
}

// ownRelease refuses a release that is not this pull request's.
func (o order) ownRelease() (deploy.Reason, bool) {
	if o.cmd.Release == "" {
		return deploy.Reason{}, true
	}
	for _, p := range o.state.Projects {
		if p.Rollout != nil && p.Rollout.Release.ID == o.cmd.Release {
			return deploy.Reason{}, true
		}
	}
	return deploy.Reason{Code: deploy.CommandUnknown, Text: "this pull request has no release " + o.cmd.Release,
		Next: []deploy.Next{{Verb: string(command.Status)}}}, false
}

func (b *Bot) domainCall(n command.Name) func(context.Context, deploy.Command) (deploy.Answer, error) {
	return map[command.Name]func(context.Context, deploy.Command) (deploy.Answer, error){
		command.Approve: b.Deploy.Approve, command.Reject: b.Deploy.Reject, command.Retry: b.Deploy.Retry, command.Skip: b.Deploy.Skip,
		command.AcceptEdit: b.Deploy.AcceptEdit, command.Resolve: b.Deploy.Resolve, command.Cancel: b.Deploy.Cancel,
	}[n]
}

// openEdit adds to an accept-edit on an open pull request which project and
// which text it is about: the one that was reviewed.
func (b *Bot) openEdit(ctx context.Context, o order, c deploy.Command) (deploy.Command, deploy.Reason, bool) {
	assessments, err := loadAssessments(ctx, b.Store, o.repository, o.pull.Number)
	if err != nil {
		return c, deploy.Reason{Text: "the review could not be read; try again"}, false
	}
	again := []deploy.Next{{Verb: deploy.VerbReview}}
	for _, a := range assessments {
		checksum, ok := a.Checksums[c.File]
		if !ok {
			continue
		}
		if a.Review.Head != o.pull.Head.SHA {
			return c, deploy.Reason{Text: "the newest commit is not reviewed yet", Next: again}, false
		}
		c.Project, c.Checksum = a.Project, checksum
		return c, deploy.Reason{}, true
	}
	return c, deploy.Reason{Text: "this pull request does not change " + c.File, Next: again}, false
}

// waive lets the present findings of a rule pass.
func (b *Bot) waive(ctx context.Context, o order) (answer, error) {
	if !o.state.Open {
		return o.refuse(deploy.Reason{
			Text: "the pull request is not open; after the merge findings are answered with an approval",
			Next: []deploy.Next{{Verb: deploy.VerbApprove, Args: []string{"ENV", deploy.FlagDespite, deploy.ReasonWord}}},
		}), nil
	}
	fingerprints := o.standing()
	if len(fingerprints) == 0 {
		return o.refuse(deploy.Reason{Text: "no blocking finding of " + o.cmd.Rule + " stands here", Next: []deploy.Next{{Verb: deploy.VerbReview}}}), nil
	}
	reason, err := b.mayWaive(ctx, o)
	if err != nil {
		return answer{}, err
	}
	if reason != nil {
		return o.refuse(*reason), nil
	}
	earlier, err := loadWaivers(ctx, b.Store, o.repository, o.pull.Number)
	if err != nil {
		return answer{}, err
	}
	w := waiver{Rule: o.cmd.Rule, Fingerprints: fingerprints, Reason: o.cmd.Reason}
	for _, e := range earlier {
		if e.Rule == w.Rule {
			w.Fingerprints = append(w.Fingerprints, e.Fingerprints...)
		}
	}
	err = b.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := saveWaiver(ctx, tx, o, w); err != nil {
			return err
		}
		return b.Queue.Enqueue(ctx, tx, reviewJob(o.repository, o.pull.Number))
	})
	return answer{outcome: outcomeAccepted, said: fmt.Sprintf("%s waived %s: %s", o.comment.Author.Login, w.Rule, w.Reason)}, err
}

// standing are the fingerprints of the rule's findings as last reviewed.
func (o order) standing() []string {
	var found []string
	for _, p := range o.state.Projects {
		if p.Review == nil {
			continue
		}
		for _, file := range p.Review.Report.Files {
			for _, f := range file.Findings {
				if f.Rule == o.cmd.Rule && f.Blocking() {
					found = append(found, f.Fingerprint)
				}
			}
		}
	}
	return found
}

// mayWaive asks for an approver of some gated environment who did not make the
// change; where no environment is gated, for anybody else who may write. The
// reason is nil for who may.
func (b *Bot) mayWaive(ctx context.Context, o order) (*deploy.Reason, error) {
	login := o.comment.Author.Login
	who := []string{}
	for _, p := range o.state.Projects {
		for _, env := range b.Deploy.Config().Road(p.Config) {
			if !env.Gated() {
				continue
			}
			who = append(who, env.Approvers())
			env.Approvals.SelfApproval = false
			may, err := b.MayApprove(ctx, p.Config, deploy.Release{PullRequest: o.pull.Number}, env, login)
			if err != nil || may.OK {
				return nil, err
			}
		}
	}
	if len(who) == 0 {
		project := o.state.Projects[0].Config
		own, err := b.madeBy(ctx, project, deploy.Release{PullRequest: o.pull.Number}, login)
		if err != nil || !own {
			return nil, err
		}
		who = []string{"anyone else who may write to the repository"}
	}
	return &deploy.Reason{
		Text: login + " may not waive findings here", Who: strings.Join(slices.Compact(who), ", ") + ", if they did not make the change",
		Next: []deploy.Next{{Verb: string(command.Waive), Args: []string{o.cmd.Rule, deploy.ReasonWord}}},
	}, nil
}

func saveWaiver(ctx context.Context, tx *store.Tx, o order, w waiver) error {
	fingerprints, err := json.Marshal(w.Fingerprints)
	if err != nil {
		return fmt.Errorf("encode a waiver: %w", err)
	}
	_, err = tx.Exec(ctx, sqlSaveWaiver,
		o.repository, o.pull.Number, w.Rule, string(fingerprints), w.Reason, o.comment.Author.Login, o.domain().Source, store.Micros(tx.Now()))
	return err
}

func loadWaivers(ctx context.Context, q store.Queryer, repository string, number int) ([]waiver, error) {
	rows, err := q.Query(ctx, sqlWaivers, repository, number)
	if err != nil {
		return nil, fmt.Errorf("read waivers: %w", err)
	}
	return store.Collect(rows, func(scan store.Scan) (w waiver, err error) {
		var fingerprints string
		if err := scan(&w.Rule, &fingerprints, &w.Reason); err != nil {
			return w, err
		}
		return w, json.Unmarshal([]byte(fingerprints), &w.Fingerprints)
	})
}

var _ deploy.Authority = (*Bot)(nil)
