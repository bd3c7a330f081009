package release

import (
	"encoding/json"
	"time"

	"github.com/shipsql/shipsql/deploy"
)

// Show is the report of `release show`; its JSON is a contract.
type Show struct {
	Version int `json:"version"`
	Summary

	Hash       string           `json:"hash"`
	Review     deploy.Review    `json:"review"`
	Problems   []deploy.Problem `json:"problems"`
	Refusal    *deploy.Refusal  `json:"refusal"` // what stops the whole branch; null when nothing does
	Migrations []Migration      `json:"migrations"`
	Stages     []Stage          `json:"stages"`
	Audit      []AuditEntry     `json:"audit"` // oldest first
}

// Migration is one file of the release.
type Migration struct {
	Version    string `json:"version"`
	Path       string `json:"path"`
	Kind       string `json:"kind"` // ddl or dml
	Statements int    `json:"statements"`
	Checksum   string `json:"checksum"`
	Withdrawn  bool   `json:"withdrawn"`
	Broken     bool   `json:"broken"`
}

// Stage is one environment.
type Stage struct {
	Environment string          `json:"environment"`
	Rollout     string          `json:"rollout"`
	State       deploy.State    `json:"state"`
	Reasons     []deploy.Reason `json:"reasons"`
	Needed      int             `json:"needed"`  // approvals
	Counted     int             `json:"counted"` // approvals that count now
	Approvers   []string        `json:"approvers"`
	Approvals   []Approval      `json:"approvals"`
	Databases   []string        `json:"databases"` // as configured now
	// Tasks are all tasks, or of more than deploy.MaxTasks those that need a person
	// most; Counts has them all by state.
	Tasks      []Task               `json:"tasks"`
	Counts     map[deploy.State]int `json:"counts"`
	Skips      []Skip               `json:"skips"`
	StartedAt  *time.Time           `json:"started_at"`
	FinishedAt *time.Time           `json:"finished_at"`
}

// Approval is one person's yes.
type Approval struct {
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Counts bool      `json:"counts"`
	Why    string    `json:"why"` // why it doesn't count
	Reason string    `json:"reason"`
	Source string    `json:"source"`
}

// Task is one database.
type Task struct {
	Database   string          `json:"database"`
	State      deploy.State    `json:"state"`
	Attempts   int             `json:"attempts"`
	Progress   deploy.Progress `json:"progress"`
	Failure    *deploy.Failure `json:"failure"`
	RetryAt    *time.Time      `json:"retry_at"`
	StartedAt  *time.Time      `json:"started_at"`
	FinishedAt *time.Time      `json:"finished_at"`
}

// Skip is a file that won't run in an environment.
type Skip struct {
	Version string    `json:"version"`
	Path    string    `json:"path"`
	By      string    `json:"by"`
	Reason  string    `json:"reason"`
	At      time.Time `json:"at"`
}

// AuditEntry is one decision.
type AuditEntry struct {
	Seq         int64           `json:"seq"`
	At          time.Time       `json:"at"`
	Action      string          `json:"action"`
	Environment string          `json:"environment"`
	Database    string          `json:"database"`
	Actor       deploy.Actor    `json:"actor"`
	Data        json.RawMessage `json:"data"`
	Hash        string          `json:"hash"`
}

// NewShow makes the report of a rollout and its audit rows.
func NewShow(r deploy.Rollout, audit []deploy.AuditRow) Show {
	s := Show{
		Version: 1, Summary: summary(r.Release, r.State), Hash: r.Release.Hash, Review: r.Release.Review,
		Problems: append([]deploy.Problem{}, r.Release.Problems...), Refusal: r.Refusal,
		Migrations: []Migration{}, Stages: []Stage{}, Audit: []AuditEntry{},
	}
	for _, m := range r.Release.Migrations {
		s.Migrations = append(s.Migrations, Migration{m.Version, m.Path, m.Change, m.Statements, m.Checksum, m.Withdrawn, m.Broken})
	}
	for _, stage := range r.Stages {
		s.Stages = append(s.Stages, newStage(stage))
	}
	for _, row := range audit {
		s.Audit = append(s.Audit, AuditEntry{row.Seq, row.At.UTC(), row.Action, row.Environment, row.Database, row.Actor, row.Data, row.Hash})
	}
	return s
}

func newStage(s deploy.Stage) Stage {
	stage := Stage{
		Environment: s.Environment, Rollout: s.Mode, State: s.State, Reasons: append([]deploy.Reason{}, s.Reasons...),
		Needed: s.Needed, Counted: s.Counted, Approvers: append([]string{}, s.Approvers...), Approvals: []Approval{},
		Databases: append([]string{}, s.Databases...), Tasks: []Task{}, Skips: []Skip{},
		StartedAt: given(s.StartedAt), FinishedAt: given(s.FinishedAt),
	}
	stage.Counts = map[deploy.State]int{}
	for _, state := range []deploy.State{deploy.Waiting, deploy.Queued, deploy.Running, deploy.Done, deploy.Failed,
		deploy.Ambiguous, deploy.Skipped, deploy.Cancelled} {
		if n := s.In(state); n > 0 {
			stage.Counts[state] = n
		}
	}
	for _, a := range s.Approvals {
		stage.Approvals = append(stage.Approvals, Approval{who(a.Actor), a.At.UTC(), a.Standing.Counts, a.Standing.Why, a.Despite, a.Source})
	}
	for _, t := range s.Tasks {
		stage.Tasks = append(stage.Tasks, Task{
			t.Database, t.State, t.Attempts, t.Progress, t.Failure, given(t.RetryAt), given(t.StartedAt), given(t.FinishedAt),
		})
	}
	for _, k := range s.Skips {
		stage.Skips = append(stage.Skips, Skip{k.Version, k.Path, k.Actor, k.Reason, k.At.UTC()})
	}
	return stage
}

// given is nil for a time that is not.
func given(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	utc := at.UTC()
	return &utc
}

// who names an actor; the operator's own name is what they said it is.
func who(a deploy.Actor) string {
	if a.Kind == deploy.Operator {
		return "operator " + a.Login
	}
	return a.Login
}
