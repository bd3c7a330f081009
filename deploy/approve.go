package deploy

import (
	"context"
	"fmt"
	"slices"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/store"
)

// Approve records an approval of (release, content hash, environment), for the
// release alone or with those before it. What else still closes the gate is in
// the answer.
func (s *Service) Approve(ctx context.Context, c Command) (Answer, error) {
	answer, refused := s.approve(ctx, c)
	return s.say(ctx, c, VerbApprove, answer, refused)
}

func (s *Service) approve(ctx context.Context, c Command) (Answer, *Refused) {
	t, refused := s.resolve(ctx, c, VerbApprove)
	if refused != nil {
		return Answer{}, refused
	}
	env, refused := s.environment(c, t.project, VerbApprove)
	if refused != nil {
		return Answer{}, refused
	}
	facts, err := s.gather(ctx, t.project)
	if err != nil {
		return Answer{}, internalRefusal(err)
	}
	releases, refused := approvable(c, t, env, facts)
	if refused != nil {
		return Answer{}, refused
	}
	for _, r := range releases {
		say := s.mayAnswer(ctx, t.project, r, env, c.Actor)
		if !say.OK {
			refused := denied(say, env.Approvers())
			refused.Reason.Release = r.ID
			return Answer{}, refused
		}
		facts.Eligible[Ask{r.ID, env.Name, c.Actor.Person()}] = say
	}
	decision, refused := s.ordered(ctx, t, facts, func(tx *store.Tx) *Refused {
		return s.recordApprovals(ctx, tx, c, env, releases)
	})
	if refused != nil {
		return Answer{}, refused
	}
	return s.answer(VerbApprove, t, env.Name, releases, decision), nil
}

// approvable picks the releases that an approval is for and says why none can
// have one.
func approvable(c Command, t target, env Environment, facts Facts) ([]Release, *Refused) {
	if !env.Gated() && !c.DespiteFindings {
		return nil, refuse(fault.Conflict, Reason{Code: CommandNotPossible,
			Text: env.Name + " needs no approval: it starts by itself as soon as its other gates are open"})
	}
	last := t.releases[len(t.releases)-1]
	var releases []Release
	for _, l := range facts.Line {
		named := slices.ContainsFunc(t.releases, func(r Release) bool { return r.ID == l.Release.ID })
		earlier := c.WithEarlier && l.Release.Seq < last.Seq
		if (named || earlier) && !l.state(env.Name).Passed() {
			releases = append(releases, l.Release)
		}
	}
	if len(releases) == 0 {
		return nil, refuse(fault.Conflict, Reason{Code: CommandAlready,
			Text: fmt.Sprintf("%s has passed %s already", last.Label(), env.Name)})
	}
	if c.DespiteFindings {
		return releases, overrulable(c, env, releases)
	}
	return releases, nil
}

// overrulable: blocking findings can be answered for only with a reason, after
// the review, and by someone who did not make the change.
func overrulable(c Command, env Environment, releases []Release) *Refused {
	command := Next{Verb: VerbApprove, Args: []string{env.Name, FlagDespite, ReasonWord}}
	if c.Reason == "" {
		return refuse(fault.Invalid, Reason{Code: CommandInvalid, Text: FlagDespite + " needs a reason", Next: []Next{command}})
	}
	blocked := 0
	for _, r := range releases {
		switch {
		case !r.Reviewed():
			return refuse(fault.Conflict, Reason{Code: GateReviewPending, Release: r.ID, Next: []Next{{Verb: VerbReview}, command},
				Text: r.Label() + " is not reviewed at its merge commit yet, so there are no findings to answer for"})
		case r.Review.Clean:
			continue
		case c.Actor.Kind != Operator && r.Excludes(c.Actor.Login):
			return refuse(fault.Denied, Reason{Code: CommandDenied, Release: r.ID,
				Text: "the people who made a change can't overrule its findings", Who: "an approver who did not make the change"})
		}
		blocked++
	}
	if blocked == 0 {
		return refuse(fault.Conflict, Reason{Code: CommandNotPossible, Text: "the review found nothing that blocks",
			Next: []Next{{Verb: VerbApprove, Args: []string{env.Name}}}})
	}
	return nil
}

// recordApprovals writes one approval for each release, naming its own hash. The
// releases are read again: an edit may have come in between.
func (s *Service) recordApprovals(ctx context.Context, tx *store.Tx, c Command, env Environment, releases []Release) *Refused {
	fresh := 0
	for _, r := range releases {
		l, err := loadLine(ctx, tx, onlyRelease(r.ID))
		if err != nil {
			return internalRefusal(err)
		}
		now := l.facts[0].Release
		if now.Hash != r.Hash {
			return refuse(fault.Conflict, Reason{Code: CommandNotPossible, Release: r.ID,
				Text: r.Label() + " was changed at this moment: look at it again, then approve"})
		}
		if given(l.facts[0].Stages[env.Name], c, now, s.db.Now()) {
			continue
		}
		fresh++
		if err := s.recordApproval(ctx, tx, c, env, now); err != nil {
			return internalRefusal(err)
		}
	}
	if fresh == 0 {
		return refuse(fault.Conflict, Reason{Code: CommandAlready, Text: "you have approved this already, and your approval counts"})
	}
	return nil
}

func (s *Service) recordApproval(ctx context.Context, tx *store.Tx, c Command, env Environment, r Release) error {
	a := Approval{
		ID: s.ids.At(tx.Now()), Release: r.ID, Environment: env.Name, Hash: r.Hash, Actor: c.Actor, Source: c.Source,
		At: tx.Now(), ExpiresAt: expiry(tx.Now()),
	}
	if c.DespiteFindings && !r.Review.Clean {
		a.Despite = c.Reason
	}
	if err := insertApproval(ctx, tx, a); err != nil {
		return err
	}
	return audit(ctx, tx, note{
		action: VerbApprove, project: r.Project, release: r.ID, environment: env.Name, actor: c.Actor,
		data: map[string]any{"hash": r.Hash, "despite": a.Despite, "with_earlier": c.WithEarlier, "source": c.Source},
	})
}

// Reject closes the environment's gate for the release: approvals given before
// don't count any more. An approver may do that, and the change's own people.
func (s *Service) Reject(ctx context.Context, c Command) (Answer, error) {
	answer, refused := s.reject(ctx, c)
	return s.say(ctx, c, VerbReject, answer, refused)
}

func (s *Service) reject(ctx context.Context, c Command) (Answer, *Refused) {
	t, refused := s.resolve(ctx, c, VerbReject)
	if refused != nil {
		return Answer{}, refused
	}
	env, refused := s.environment(c, t.project, VerbReject)
	if refused != nil {
		return Answer{}, refused
	}
	if !env.Gated() {
		return Answer{}, refuse(fault.Conflict, Reason{Code: CommandNotPossible, Text: env.Name + " has no approvals to take back",
			Next: []Next{{Verb: VerbCancel, Args: []string{env.Name}}}})
	}
	for _, r := range t.releases {
		own := c.Actor.Kind == ForgeUser && !c.Actor.Bot && r.Excludes(c.Actor.Login)
		if say := s.mayAnswer(ctx, t.project, r, env, c.Actor); !own && !say.OK {
			return Answer{}, denied(say, env.Approvers())
		}
	}
	facts, err := s.gather(ctx, t.project)
	if err != nil {
		return Answer{}, internalRefusal(err)
	}
	decision, refused := s.ordered(ctx, t, facts, func(tx *store.Tx) *Refused {
		return s.eachStage(ctx, tx, t, env, func(row storedStage, r Release) (storedStage, *Refused) {
			begun, err := begun(ctx, tx, stageKey{r.ID, env.Name})
			if err != nil {
				return row, internalRefusal(err)
			}
			if begun {
				return row, refuse(fault.Conflict, Reason{Code: CommandNotPossible, Text: fmt.Sprintf("%s has started in %s", r.Label(), env.Name),
					Next: []Next{{Verb: VerbCancel, Args: []string{env.Name}}}})
			}
			row.rejection = &Rejection{Release: r.ID, Environment: env.Name, Actor: c.Actor, Reason: c.Reason, At: tx.Now()}
			return row, noteRefusal(audit(ctx, tx, note{action: VerbReject, project: r.Project, release: r.ID, environment: env.Name,
				actor: c.Actor, data: map[string]string{"hash": r.Hash, "reason": c.Reason, "source": c.Source}}))
		})
	})
	if refused != nil {
		return Answer{}, refused
	}
	return s.answer(VerbReject, t, env.Name, t.releases, decision), nil
}

func noteRefusal(err error) *Refused {
	if err == nil {
		return nil
	}
	return internalRefusal(err)
}

// eachStage changes the rows of the target's stages that have not passed; when
// all have, there is nothing to change.
func (s *Service) eachStage(ctx context.Context, tx *store.Tx, t target, env Environment,
	change func(storedStage, Release) (storedStage, *Refused)) *Refused {
	changed := 0
	for _, r := range t.releases {
		l, err := loadLine(ctx, tx, onlyRelease(r.ID))
		if err != nil {
			return internalRefusal(err)
		}
		if l.facts[0].state(env.Name).Passed() {
			continue
		}
		key := stageKey{r.ID, env.Name}
		row := l.rows[key]
		row.release, row.environment, row.state = r.ID, env.Name, l.facts[0].state(env.Name)
		row, refused := change(row, l.facts[0].Release)
		if refused != nil {
			return refused
		}
		if err := saveStage(ctx, tx, row); err != nil {
			return internalRefusal(err)
		}
		changed++
	}
	if changed == 0 {
		return refuse(fault.Conflict, Reason{Code: CommandAlready, Text: fmt.Sprintf("%s has passed %s already",
			t.releases[len(t.releases)-1].Label(), env.Name)})
	}
	return nil
}
