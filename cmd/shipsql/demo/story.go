package demo

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// story is the world with what has happened in it so far.
type story struct {
	*world

	pr      int      // the pull request that is told of now
	merged  string   // its merge commit
	blocker *blocker // holds up the prod apply until the bot was killed
}

// step is one scene. Its run returns what was seen, for the reader.
type step struct {
	name     string // for SHIPSQL_DEMO_BREAK and errors
	told     string
	run      func(*story, context.Context) (string, error)
	sabotage func(*story, context.Context) error
}

func steps(kill bool) []step {
	all := []step{
		{"review", "an unsafe pull request is blocked", (*story).review, (*story).refuseChecks},
		{"protect", "its merge is refused", (*story).mergeRefused, (*story).unprotect},
		{"fix", "the fix turns the check green", (*story).fix, (*story).hidePullRequest},
		{"merge", "the merge makes a release", (*story).merge, (*story).loseHistory},
		{"test", "test deploys by itself", (*story).deployTest, (*story).crashTest},
		{"stranger", "a stranger's approval is refused", (*story).strangerRefused, (*story).promoteStranger},
		{"author", "the author's approval is refused", (*story).authorRefused, (*story).allowSelfApproval},
		{"approve", "the approver's approval opens prod", (*story).approved, (*story).dismissApprover},
		{"crash", "ShipSQL is killed in the middle of the prod apply, and goes on", (*story).crash, (*story).loseConfiguration},
		{"prod", "prod deploys on both databases, each migration once", (*story).deployProd, (*story).crashProd},
		{"fail", "the next change fails on prod's data", (*story).failProd, (*story).repairData},
		{"skip", "it is skipped there, with a reason", (*story).skip, (*story).crashProd},
		{"next", "the next release passes everywhere", (*story).next, (*story).takeTable},
	}
	if kill {
		return all
	}
	return slices.DeleteFunc(all, func(s step) bool { return s.name == "crash" })
}

func stepNames(kill bool) []string {
	var names []string
	for _, s := range steps(kill) {
		names = append(names, s.name)
	}
	return names
}

// play tells the whole story and stops at the first step that isn't so.
func (s *story) play(ctx context.Context) error {
	for _, step := range steps(s.Kill) {
		if err := s.scene(ctx, step); err != nil {
			return err
		}
	}
	fmt.Fprintf(s.Out, "%s  the end: everything happened as told\n", since(s.started))
	return nil
}

// scene plays one step within its time and prints how it went.
func (s *story) scene(ctx context.Context, step step) error {
	started := time.Now()
	stepCtx, cancel := context.WithTimeout(ctx, s.Patience)
	defer cancel()
	seen, err := "", error(nil)
	if step.name == s.Break {
		err = step.sabotage(s, stepCtx)
	}
	if err == nil {
		seen, err = step.run(s, stepCtx)
	}
	if err != nil {
		fmt.Fprintf(s.Out, "%s  ✘ %-8s  %s: %v\n", since(s.started), step.name, step.told, err)
		return fmt.Errorf("step %s: %w", step.name, err)
	}
	fmt.Fprintf(s.Out, "%s  ✔ %-8s  %s: %s (%.1f s)\n", since(s.started), step.name, step.told, seen, time.Since(started).Seconds())
	return nil
}
