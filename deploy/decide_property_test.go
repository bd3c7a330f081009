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

// drawn are facts with the tasks that they count.
type drawn struct {
	deploy.Facts

	pools map[string]string                     // database → pool
	tasks map[[2]string]map[string]deploy.State // release, environment → database → its task's state
}

// drawFacts makes any facts, also impossible ones: Decide must hold its
// invariants whatever the store or the forge says.
func drawFacts(t *rapid.T) drawn {
	f := drawn{Facts: facts(), pools: map[string]string{}, tasks: map[[2]string]map[string]deploy.State{}}
	f.Road = []deploy.Environment{testEnv, prodEnv}
	f.Road[1].Approvals.Count = rapid.IntRange(1, 2).Draw(t, "count")
	for _, env := range f.Road {
		pools := map[string][]string{}
		for i := range rapid.IntRange(1, 3).Draw(t, "databases") {
			name, pool := env.Name+strconv.Itoa(i), rapid.SampledFrom([]string{"", "eu"}).Draw(t, "pool")
			f.pools[name] = pool
			pools[pool] = append(pools[pool], name)
		}
		f.Targets[env.Name] = pools
	}
	f.Online = map[string]bool{"": rapid.Bool().Draw(t, "online"), "eu": rapid.Bool().Draw(t, "euOnline")}
	if rapid.Float64().Draw(t, "refused") < 0.1 {
		f.Refusal = &deploy.Refusal{Text: "rewritten"}
	}
	for i := range rapid.IntRange(1, 4).Draw(t, "releases") {
		f.Line = append(f.Line, drawLine(t, f, i+1))
	}
	return f
}

func drawLine(t *rapid.T, f drawn, n int) deploy.LineFacts {
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

func drawStage(t *rapid.T, f drawn, r deploy.Release, env deploy.Environment) deploy.StageFacts {
	s := deploy.StageFacts{State: rapid.SampledFrom([]deploy.State{"", deploy.Waiting, deploy.Running, deploy.Done, deploy.Skipped}).Draw(t, "state")}
	f.tasks[[2]string{r.ID, env.Name}] = drawTasks(t, f, env, &s)
	if rapid.Float64().Draw(t, "skip") < 0.2 {
		s.Skips = []deploy.Skip{{Version: r.Migrations[0].Version, Path: r.Migrations[0].Path}}
	}
	for range rapid.IntRange(0, 3).Draw(t, "approvals") {
		s.Approvals = append(s.Approvals, drawApproval(t, f.Facts, r, env))
	}
	if rapid.Float64().Draw(t, "rejected") < 0.1 {
		s.Rejection = &deploy.Rejection{Actor: forgeUser("bob"), At: noon.Add(-30 * time.Minute)}
	}
	if rapid.Float64().Draw(t, "cancelled") < 0.1 {
		s.Cancelled = &deploy.Cancellation{Actor: forgeUser("bob")}
	}
	return s
}

// drawTasks gives some databases a task and counts them all.
func drawTasks(t *rapid.T, f drawn, env deploy.Environment, s *deploy.StageFacts) map[string]deploy.State {
	tasks := map[string]deploy.State{}
	s.Tasks, s.Missing = deploy.Tally{}, map[string]int{}
	for pool, names := range f.Targets[env.Name] {
		for _, name := range names {
			if !rapid.Bool().Draw(t, "task") {
				s.Missing[pool]++
				continue
			}
			tasks[name] = rapid.SampledFrom(taskStates).Draw(t, "taskState")
			s.Tasks.Add(pool, tasks[name], 1)
		}
	}
	return tasks
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
		decision := deploy.Decide(f.Facts)
		for i, l := range f.Line {
			for j, env := range f.Road {
				d, ok := decision.Stage(l.Release.ID, env.Name)
				if !ok {
					t.Fatalf("no decision on %s in %s", l.Release.ID, env.Name)
				}
				if len(d.Start) == 0 {
					continue
				}
				mayStart(t, f.Facts, decision, i, j)
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
		decision := deploy.Decide(f.Facts)
		for _, l := range f.Line {
			for _, env := range f.Road {
				d, _ := decision.Stage(l.Release.ID, env.Name)
				stage := l.Stages[env.Name]
				if !d.State.Passed() || stage.State.Passed() || len(stage.Skips) > 0 {
					continue
				}
				for name, pool := range f.pools {
					state, made := f.tasks[[2]string{l.Release.ID, env.Name}][name]
					if slices.Contains(f.Targets[env.Name][pool], name) && (!made || !state.Passed()) {
						t.Fatalf("%s passed although %s is %q", env.Name, name, state)
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
		for _, d := range deploy.Decide(f.Facts).Stages {
			if d.State == deploy.Waiting && len(d.Reasons) == 0 {
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
		if diff := cmp.Diff(deploy.Decide(f.Facts), deploy.Decide(f.Facts)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// What is decided from counts is what follows for each database by itself.
func TestDecideByCountsIsDecideByTasks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		for _, d := range deploy.Decide(f.Facts).Stages {
			tasks := f.tasks[[2]string{d.Release, d.Environment}]
			if d.State.Passed() {
				continue
			}
			in := map[deploy.State]int{}
			for pool, names := range f.Targets[d.Environment] {
				for _, name := range names {
					state, made := tasks[name]
					if !made {
						state = deploy.Waiting
					}
					goes := d.Open() && f.Online[pool]
					if got, want := slices.Contains(d.Start, pool), goes && state == deploy.Waiting; want && !got {
						t.Fatalf("%s in %s is not started", name, d.Environment)
					}
					if got, want := slices.Contains(d.Stop, pool), !goes && state == deploy.Queued; want && !got {
						t.Fatalf("%s in %s is not taken back", name, d.Environment)
					}
					if slices.Contains(d.Start, pool) && !goes || slices.Contains(d.Stop, pool) && goes {
						t.Fatalf("the pool %q in %s is started or taken back wrongly", pool, d.Environment)
					}
					in[after(state, goes)]++
				}
			}
			if want := folded(in, f.Line, d); d.State != want {
				t.Fatalf("%s of %s is %s, by its tasks %v it is %s", d.Environment, d.Release, d.State, in, want)
			}
		}
	})
}

// after is a task's state once the decision is carried out.
func after(state deploy.State, goes bool) deploy.State {
	switch {
	case state == deploy.Waiting && goes:
		return deploy.Queued
	case state == deploy.Queued && !goes:
		return deploy.Waiting
	}
	return state
}

// folded is the state of a stage that has not passed, in the test's own words.
func folded(in map[deploy.State]int, line []deploy.LineFacts, d deploy.StageDecision) deploy.State {
	i := slices.IndexFunc(line, func(l deploy.LineFacts) bool { return l.Release.ID == d.Release })
	cancelled := line[i].Stages[d.Environment].Cancelled != nil
	through := in[deploy.Done] + in[deploy.Skipped]
	for _, c := range []struct {
		holds bool
		state deploy.State
	}{
		{in[deploy.Running] > 0, deploy.Running},
		{in[deploy.Queued] > 0 && through > 0, deploy.Running},
		{in[deploy.Queued] > 0, deploy.Queued},
		{in[deploy.Ambiguous] > 0, deploy.Ambiguous},
		{in[deploy.Failed] > 0, deploy.Failed},
		{in[deploy.Cancelled] > 0 || cancelled, deploy.Cancelled},
	} {
		if c.holds {
			return c.state
		}
	}
	return deploy.Waiting
}
