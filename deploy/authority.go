package deploy

import (
	"context"

	"github.com/shipsql/shipsql/internal/secret"
)

// Authority says who may do what; the bot implements it by asking the forge
// anew. An error means "can't tell" and is a closed gate.
type Authority interface {
	// MayApprove: the login is one of the environment's approvers now, can
	// read the repository, is no bot, and is not one of the change's own people
	// (unless the environment allows self-approval). For an edit accepted before
	// the merge, rel has only Project and PullRequest: the implementation reads
	// the pull request's people itself.
	MayApprove(ctx context.Context, project Project, rel Release, env Environment, login string) (Eligibility, error)
	// MayOperate: the login may write to the repository (retry, cancel, and
	// whatever an environment without approvers asks a person for).
	MayOperate(ctx context.Context, project Project, login string) (Eligibility, error)
}

// Eligibility is the Authority's answer; Reason is for people, e.g. "ann is no
// member of acme/dba".
type Eligibility struct {
	OK     bool
	Reason string
}

// nobody is the Authority before the bot sets its own: every gate stays closed.
type nobody struct{}

func (nobody) MayApprove(context.Context, Project, Release, Environment, string) (Eligibility, error) {
	return Eligibility{Reason: "nobody can be asked who may approve"}, nil
}

func (nobody) MayOperate(context.Context, Project, string) (Eligibility, error) {
	return Eligibility{Reason: "nobody can be asked who may operate"}, nil
}

// mayAnswer asks whether a person may answer for a release in an environment:
// one of its approvers, or, where there are none, someone who may write.
func (s *Service) mayAnswer(ctx context.Context, p Project, rel Release, env Environment, a Actor) Say {
	if a.Kind == Operator {
		return Say{OK: true}
	}
	if a.Bot {
		return Say{Reason: "bots never count"}
	}
	if env.Gated() {
		return said(s.deps.Authority.MayApprove(ctx, p, rel, env, a.Login))
	}
	return said(s.deps.Authority.MayOperate(ctx, p, a.Login))
}

// mayOperate asks whether a person may start and stop things: whoever may write
// to the repository, and the environment's approvers.
func (s *Service) mayOperate(ctx context.Context, p Project, rel Release, env Environment, a Actor) Say {
	if a.Kind == Operator {
		return Say{OK: true}
	}
	if a.Bot {
		return Say{Reason: "bots never count"}
	}
	say := said(s.deps.Authority.MayOperate(ctx, p, a.Login))
	if say.OK || !env.Gated() {
		return say
	}
	if approver := said(s.deps.Authority.MayApprove(ctx, p, rel, env, a.Login)); approver.OK {
		return approver
	}
	return say
}

func said(e Eligibility, err error) Say {
	if err != nil {
		return Say{Unknown: true, Reason: secret.Redact(err.Error())}
	}
	return Say{OK: e.OK, Reason: e.Reason}
}

// ask puts every approval that could still count to the Authority.
func (s *Service) ask(ctx context.Context, f Facts) map[Ask]Say {
	f.Eligible = map[Ask]Say{}
	for _, l := range f.Line {
		for _, env := range f.Road {
			passed := l.state(env.Name).Passed()
			for _, a := range l.judged(env.Name, f) {
				// An answer for findings counts in later environments too.
				if a.Standing.Why != NotStandingNotAsked || (passed && a.Despite == "") {
					continue
				}
				f.Eligible[Ask{l.Release.ID, env.Name, a.Actor.Person()}] = s.mayAnswer(ctx, f.Project, l.Release, env, a.Actor)
			}
		}
	}
	return f.Eligible
}

// unsure says whether the forge failed to answer, so that asking again helps.
func (f Facts) unsure() bool {
	for _, say := range f.Eligible {
		if say.Unknown {
			return true
		}
	}
	return false
}
