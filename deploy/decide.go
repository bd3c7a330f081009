package deploy

import "slices"

// Decision is what follows from the facts, for every stage of the line in
// merge order, then road order.
type Decision struct {
	Stages []StageDecision
}

// StageDecision says where a stage stands and what to do with its tasks.
type StageDecision struct {
	Release     string
	Environment string
	State       State
	Reasons     []Reason // why the gate is closed and what needs a person; nil when nothing does
	Approvals   []Approval
	Needed      int // approvals needed, 0 when none
	Counted     int
	Start       []string // pools whose waiting databases are to be queued now
	Stop        []string // pools whose queued tasks go back to waiting: the gate closed again, or nobody works there
}

// Open says whether tasks of the stage may start.
func (d StageDecision) Open() bool { return !slices.ContainsFunc(d.Reasons, Reason.closes) }

// Stage finds the decision on one stage.
func (d Decision) Stage(release, environment string) (StageDecision, bool) {
	i := slices.IndexFunc(d.Stages, func(s StageDecision) bool {
		return s.Release == release && s.Environment == environment
	})
	if i < 0 {
		return StageDecision{}, false
	}
	return d.Stages[i], true
}

// Decide evaluates every gate of a project's line. It is pure: same facts, same
// decision. What it does not know keeps a gate closed.
func Decide(f Facts) Decision {
	var d Decision
	first := map[string]*earlier{} // by environment
	for _, line := range f.Line {
		var before *StageDecision
		for _, env := range f.Road {
			stage := gate{f, line, env, before, first[env.Name]}.decide()
			d.Stages = append(d.Stages, stage)
			if stage.State.Passed() {
				continue
			}
			if before == nil {
				before = &stage
			}
			if first[env.Name] == nil {
				first[env.Name] = &earlier{line.Release, stage.State}
			}
		}
	}
	return d
}

// gate is one stage under evaluation.
type gate struct {
	Facts

	line   LineFacts
	env    Environment
	before *StageDecision // the release's first stage on the road before this one that has not passed
	ahead  *earlier       // the first release ahead in the line that has not passed here
}

// earlier is a release that comes first in an environment.
type earlier struct {
	Release

	state State
}

func (g gate) decide() StageDecision {
	d := StageDecision{
		Release: g.line.Release.ID, Environment: g.env.Name,
		Approvals: g.line.judged(g.env.Name, g.Facts),
	}
	d.Counted = counted(d.Approvals)
	if g.env.Gated() {
		d.Needed = g.env.Approvals.Needed()
	}
	if final := g.line.state(g.env.Name); final.Passed() {
		d.State = final
		return d
	}
	if g.nothingToRun() {
		d.State = g.ended()
		return d
	}
	d.Reasons = g.closed(d)
	d.Start, d.Stop = g.assign(d.Open())
	d.State = g.stageState(d)
	if d.Open() {
		d.Reasons = append(d.Reasons, g.noWorkers()...)
	}
	d.Reasons = append(d.Reasons, g.trouble()...)
	return d
}

// nothingToRun: everything the release brought was skipped here or withdrawn,
// and no task is under way.
func (g gate) nothingToRun() bool {
	busy := g.stage().Tasks.In(Queued, Running, Ambiguous) > 0
	return !busy && len(g.line.pending(g.env.Name)) == 0 && len(g.line.openProblems(g.env.Name)) == 0
}

// ended is the final state of a stage that has nothing left to run.
func (g gate) ended() State {
	if g.stage().Tasks.In(Done) > 0 {
		return Done
	}
	return Skipped
}

func (g gate) stage() StageFacts { return g.line.Stages[g.env.Name] }

// databases counts those configured now and those that have a task already.
func (g gate) databases() int {
	n := g.stage().Tasks.Total()
	for _, missing := range g.stage().Missing {
		n += missing
	}
	return n
}

// pools are those of the stage's databases, sorted.
func (g gate) pools() []string {
	pools := slices.Concat(sortedKeys(g.stage().Tasks), sortedKeys(g.stage().Missing))
	slices.Sort(pools)
	return slices.Compact(pools)
}

// waiting is how many of a pool's databases wait for the gate.
func (g gate) waiting(pool string) int {
	return g.stage().Tasks[pool][Waiting] + g.stage().Missing[pool]
}

// assign starts what waits in pools with a worker when the gate is open, and
// takes back what is queued when it is closed or nobody is there to take it. A
// running task is not touched: it asks for itself.
func (g gate) assign(open bool) (start, stop []string) {
	for _, pool := range g.pools() {
		goes := open && g.Online[pool]
		switch {
		case goes && g.waiting(pool) > 0:
			start = append(start, pool)
		case !goes && g.stage().Tasks[pool][Queued] > 0:
			stop = append(stop, pool)
		}
	}
	return start, stop
}

// stageState folds the tasks' states, as they will be after Start and Stop.
func (g gate) stageState(d StageDecision) State {
	in := g.stage().Tasks.States()
	for _, missing := range g.stage().Missing {
		in[Waiting] += missing
	}
	for _, pool := range d.Start {
		in[Queued] += g.waiting(pool)
		in[Waiting] -= g.waiting(pool)
	}
	for _, pool := range d.Stop {
		in[Queued] -= g.stage().Tasks[pool][Queued]
		in[Waiting] += g.stage().Tasks[pool][Queued]
	}
	passed := in[Done] + in[Skipped]
	switch {
	case in[Running] > 0, in[Queued] > 0 && passed > 0:
		return Running
	case in[Queued] > 0:
		return Queued
	case in[Ambiguous] > 0:
		return Ambiguous
	case in[Failed] > 0:
		return Failed
	case in[Cancelled] > 0, g.stage().Cancelled != nil:
		return Cancelled
	case passed > 0 && passed == g.databases():
		return Done
	}
	return Waiting
}
