package deploy_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shipsql/shipsql/deploy"
)

var taskStates = []deploy.State{
	deploy.Waiting, deploy.Queued, deploy.Running, deploy.Done, deploy.Failed, deploy.Ambiguous, deploy.Skipped, deploy.Cancelled,
}

var people = []string{"ann", "bob", "dev", "zoe"}

// drawFacts makes any facts, also impossible ones: Decide must hold its
// invariants whatever the store or the forge says.
func drawFacts(t *rapid.T) deploy.Facts {
	f := facts()
	f.Road = []deploy.Environment{testEnv, prodEnv}
	f.Road[1].Approvals.Count = rapid.IntRange(1, 2).Draw(t, "count")
	if rapid.Float64().Draw(t, "refused") < 0.1 {
		f.Refusal = &deploy.Refusal{Text: "rewritten"}
	}
	for i := range rapid.IntRange(1, 4).Draw(t, "releases") {
		f.Line = append(f.Line, drawLine(t, f, i+1))
	}
	return f
}

func drawLine(t *rapid.T, f deploy.Facts, n int) deploy.LineFacts {
	r := release(strconv.Itoa(n), int64(n))
	r.Author = rapid.SampledFrom(people).Draw(t, "author")
	r.Review.Clean = rapid.Bool().Draw(t, "clean")
	if rapid.Float64().Draw(t, "unreviewed") < 0.2 {
		r.Review.Hash = ""
	}
	if rapid.Float64().Draw(t, "problem") < 0.2 {
		r.Problems = []deploy.Problem{{Code: deploy.ProblemUnreadable, Path: r.Migrations[0].Path, Version: r.Migrations[0].Version}}
	}
	l := deploy.LineFacts{Release: r, Stages: map[string]deploy.StageFacts{}}
	for _, env := range f.Road {
		l.Stages[env.Name] = drawStage(t, f, r, env)
	}
	return l
}

func drawStage(t *rapid.T, f deploy.Facts, r deploy.Release, env deploy.Environment) deploy.StageFacts {
	s := deploy.StageFacts{State: rapid.SampledFrom([]deploy.State{"", deploy.Waiting, deploy.Running, deploy.Done, deploy.Skipped}).Draw(t, "state")}
	for _, name := range f.Targets[env.Name] {
		if rapid.Bool().Draw(t, "task") {
			s.Tasks = append(s.Tasks, deploy.Task{Database: name, State: rapid.SampledFrom(taskStates).Draw(t, "taskState")})
		}
	}
	if rapid.Float64().Draw(t, "skip") < 0.2 {
		s.Skips = []deploy.Skip{{Version: r.Migrations[0].Version, Path: r.Migrations[0].Path}}
	}
	for range rapid.IntRange(0, 3).Draw(t, "approvals") {
		s.Approvals = append(s.Approvals, drawApproval(t, f, r, env))
	}
	if rapid.Float64().Draw(t, "rejected") < 0.1 {
		s.Rejection = &deploy.Rejection{Actor: forgeUser("bob"), At: noon.Add(-30 * time.Minute)}
	}
	if rapid.Float64().Draw(t, "cancelled") < 0.1 {
		s.Cancelled = &deploy.Cancellation{Actor: forgeUser("bob")}
	}
	return s
}

func drawApproval(t *rapid.T, f deploy.Facts, r deploy.Release, env deploy.Environment) deploy.Approval {
	a := approval(r, rapid.SampledFrom(people).Draw(t, "approver"))
	a.Environment = env.Name
	a.At = noon.Add(-time.Duration(rapid.IntRange(1, 60).Draw(t, "age")) * time.Minute)
	if rapid.Bool().Draw(t, "expired") {
		a.ExpiresAt = noon
	}
	if rapid.Float64().Draw(t, "other") < 0.2 {
		a.Hash = "another text"
	}
	if rapid.Bool().Draw(t, "despite") {
		a.Despite = "we know"
	}
	a.Actor.Bot = rapid.Float64().Draw(t, "bot") < 0.1
	switch ask := (deploy.Ask{Release: r.ID, Environment: env.Name, Person: a.Actor.Person()}); rapid.IntRange(0, 3).Draw(t, "say") {
	case 0:
		f.Eligible[ask] = deploy.Say{Unknown: true}
	case 1:
		f.Eligible[ask] = deploy.Say{Reason: "no approver"}
	default:
		f.Eligible[ask] = deploy.Say{OK: true}
	}
	return a
}

// worthy counts, in the test's own words, the distinct people whose approvals
// of the stage are worth something.
func worthy(f deploy.Facts, l deploy.LineFacts, env string, also func(deploy.Approval) bool) int {
	var counted []string
	for _, a := range l.Stages[env].Approvals {
		fresh := a.ExpiresAt.After(f.Now) && a.Hash == l.Release.Hash
		rejected := l.Stages[env].Rejection != nil && !a.At.After(l.Stages[env].Rejection.At)
		may := f.Eligible[deploy.Ask{Release: l.Release.ID, Environment: env, Person: a.Actor.Person()}].OK
		if fresh && !rejected && may && !a.Actor.Bot && also(a) && !slices.Contains(counted, a.Actor.Person()) {
			counted = append(counted, a.Actor.Person())
		}
	}
	return len(counted)
}

func anyApproval(deploy.Approval) bool { return true }

// Invariants 2, 3 and 5 of DESIGN §8, for whatever starts.
func TestDecideStartsNothingItMayNot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		decision := deploy.Decide(f)
		for i, l := range f.Line {
			for j, env := range f.Road {
				d, ok := decision.Stage(l.Release.ID, env.Name)
				if !ok {
					t.Fatalf("no decision on %s in %s", l.Release.ID, env.Name)
				}
				if len(d.Start) == 0 {
					continue
				}
				mayStart(t, f, decision, i, j)
			}
		}
	})
}

func mayStart(t *rapid.T, f deploy.Facts, decision deploy.Decision, i, j int) {
	l, env := f.Line[i], f.Road[j]
	for _, earlier := range f.Line[:i] {
		if d, _ := decision.Stage(earlier.Release.ID, env.Name); !d.State.Passed() {
			t.Fatalf("release %s starts in %s although %s is %s there", l.Release.ID, env.Name, earlier.Release.ID, d.State)
		}
	}
	for _, before := range f.Road[:j] {
		if d, _ := decision.Stage(l.Release.ID, before.Name); !d.State.Passed() {
			t.Fatalf("release %s starts in %s although it is %s in %s", l.Release.ID, env.Name, d.State, before.Name)
		}
	}
	if l.Release.Review.Hash != l.Release.Hash {
		t.Fatalf("release %s starts in %s unreviewed", l.Release.ID, env.Name)
	}
	if env.Gated() && worthy(f, l, env.Name, anyApproval) < env.Approvals.Count {
		t.Fatalf("release %s starts in %s without its approvals", l.Release.ID, env.Name)
	}
	overruled := func(a deploy.Approval) bool { return a.Despite != "" && !l.Release.Excludes(a.Actor.Login) }
	if !l.Release.Review.Clean && worthy(f, l, "test", overruled)+worthy(f, l, "prod", overruled) == 0 {
		t.Fatalf("release %s starts in %s with blocking findings nobody answered for", l.Release.ID, env.Name)
	}
	if f.Refusal != nil || l.Stages[env.Name].Cancelled != nil {
		t.Fatalf("release %s starts in %s although it was stopped", l.Release.ID, env.Name)
	}
}

// Invariant 5: a stage passes only when every database is through, or when a
// person skipped what was left; an unknown or a failed one never passes.
func TestDecidePassesOnlyWhatIsThrough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		decision := deploy.Decide(f)
		for _, l := range f.Line {
			for _, env := range f.Road {
				d, _ := decision.Stage(l.Release.ID, env.Name)
				stage := l.Stages[env.Name]
				if !d.State.Passed() || stage.State.Passed() || len(stage.Skips) > 0 {
					continue
				}
				if len(stage.Tasks) != len(f.Targets[env.Name]) {
					t.Fatalf("%s passed with %d of %d databases", env.Name, len(stage.Tasks), len(f.Targets[env.Name]))
				}
				for _, task := range stage.Tasks {
					if !task.State.Passed() {
						t.Fatalf("%s passed although %s is %s", env.Name, task.Database, task.State)
					}
				}
			}
		}
	})
}

// What keeps a gate closed is always said, and what is said to be open starts.
func TestDecideExplainsEveryClosedGate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		for _, d := range deploy.Decide(f).Stages {
			if d.State == deploy.Waiting && d.Open() {
				t.Fatalf("%s waits in %s for no reason", d.Release, d.Environment)
			}
			if len(d.Start) > 0 && !d.Open() {
				t.Fatalf("%s starts in %s through a closed gate", d.Release, d.Environment)
			}
			for _, r := range d.Reasons {
				if r.Text == "" {
					t.Fatalf("reason %s has no words", r.Code)
				}
			}
		}
	})
}

func TestDecideIsPure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		if diff := cmp.Diff(deploy.Decide(f), deploy.Decide(f)); diff != "" {
			t.Fatal(diff)
		}
	})
}
