package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/providers"
)

// rightsLifetime is how long an answer about a person's rights is believed. A
// failed question is not remembered.
const rightsLifetime = time.Minute

// maxRights bounds the memory of answers; when it is full, all are asked anew.
const maxRights = 10_000

// rights remembers the forge's answers about people for a minute.
type rights struct {
	clock clock.Clock
	mu    sync.Mutex
	known map[string]right
}

type right struct {
	yes   bool
	until time.Time
}

func newRights(c clock.Clock) *rights { return &rights{clock: c, known: map[string]right{}} }

// ask answers from memory, or by calling the forge.
func (r *rights) ask(key string, call func() (bool, error)) (bool, error) {
	now := r.clock.Now()
	r.mu.Lock()
	known, ok := r.known[key]
	r.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.yes, nil
	}
	yes, err := call()
	if err != nil {
		return false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) >= maxRights {
		clear(r.known)
	}
	r.known[key] = right{yes: yes, until: now.Add(rightsLifetime)}
	return yes, nil
}

// mayWrite says whether the person may write to the repository.
func (r *rights) mayWrite(ctx context.Context, b *Bot, repository, login string) (bool, error) {
	p, repo, err := b.forge(ctx, repository) // not from memory: who may is no question where the app can't see
	if err != nil || login == "" {
		return false, err
	}
	return r.ask(strings.ToLower("write "+repository+" "+login), func() (bool, error) {
		permission, err := p.Permission(ctx, repo, login)
		return permission.AtLeast(providers.WritePermission), err
	})
}

func (r *rights) inTeam(ctx context.Context, b *Bot, repository, team, login string) (bool, error) {
	p, _, err := b.forge(ctx, repository)
	if err != nil {
		return false, err
	}
	return r.ask(strings.ToLower("team "+repository+" "+team+" "+login), func() (bool, error) {
		return p.InTeam(ctx, team, login)
	})
}

// MayApprove implements deploy.Authority: the login is one of the environment's
// approvers, may write to the repository, is no bot, and did not make the change
// (unless the environment allows that).
func (b *Bot) MayApprove(ctx context.Context, project deploy.Project, rel deploy.Release, env deploy.Environment, login string) (deploy.Eligibility, error) {
	if isBot(login) {
		return refused("bots never approve"), nil
	}
	approver, err := b.isApprover(ctx, project, env, login)
	if err != nil {
		return deploy.Eligibility{}, err
	}
	if !approver {
		return refused("%s is no approver of %s", login, env.Name), nil
	}
	may, err := b.MayOperate(ctx, project, login)
	if err != nil || !may.OK {
		return may, err
	}
	if env.Approvals.SelfApproval {
		return deploy.Eligibility{OK: true}, nil
	}
	own, err := b.madeBy(ctx, project, rel, login)
	if err != nil {
		return deploy.Eligibility{}, err
	}
	known := rel
	known.People.Incomplete = false
	switch {
	case own && rel.People.Incomplete && !known.Excludes(login):
		return refused("the forge hides who made a change of more than 250 commits, so %s may be one of them; %s does not count a change's own people",
			login, env.Name), nil
	case own:
		return refused("%s made the change; %s does not count its own people", login, env.Name), nil
	}
	return deploy.Eligibility{OK: true}, nil
}

// MayOperate implements deploy.Authority: the login may write to the repository.
func (b *Bot) MayOperate(ctx context.Context, project deploy.Project, login string) (deploy.Eligibility, error) {
	if isBot(login) {
		return refused("bots give no commands"), nil
	}
	may, err := b.rights.mayWrite(ctx, b, project.Repository, login)
	if err != nil {
		return deploy.Eligibility{}, fmt.Errorf("ask the forge what %s may: %w", login, err)
	}
	if !may {
		return refused("%s may not write to %s", login, b.called(ctx, project.Repository)), nil
	}
	return deploy.Eligibility{OK: true}, nil
}

// isApprover looks at users first, which costs nothing, then at teams.
func (b *Bot) isApprover(ctx context.Context, project deploy.Project, env deploy.Environment, login string) (bool, error) {
	if !env.Gated() || slices.ContainsFunc(env.Approvals.Users, func(u string) bool { return strings.EqualFold(u, login) }) {
		return true, nil
	}
	for _, team := range env.Approvals.Teams {
		member, err := b.rights.inTeam(ctx, b, project.Repository, team, login)
		if err != nil {
			return false, fmt.Errorf("ask the forge for the members of %s: %w", team, err)
		}
		if member {
			return true, nil
		}
	}
	return false, nil
}

// madeBy says whether the login belongs to the change's own people. Before the
// merge there is no release that knows them: the pull request is read.
func (b *Bot) madeBy(ctx context.Context, project deploy.Project, rel deploy.Release, login string) (bool, error) {
	if rel.Author != "" || len(rel.People.Logins)+len(rel.People.Unmapped) > 0 || rel.PullRequest == 0 {
		return rel.Excludes(login), nil
	}
	p, repo, err := b.forge(ctx, project.Repository)
	if err != nil {
		return false, err
	}
	pr, err := p.PullRequest(ctx, repo, rel.PullRequest)
	if err != nil {
		return false, err
	}
	people, err := b.peopleOfPull(ctx, project.Repository, pr)
	return slices.ContainsFunc(people, func(x providers.Person) bool { return x == hiddenPeople || strings.EqualFold(x.Login, login) }), err
}

func isBot(login string) bool { return strings.HasSuffix(login, "[bot]") }

func refused(format string, args ...any) deploy.Eligibility {
	return deploy.Eligibility{Reason: fmt.Sprintf(format, args...)}
}
