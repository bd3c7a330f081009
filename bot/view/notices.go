package view

import (
	"slices"
	"strings"

	"github.com/shipsql/shipsql/bot/command"
	"github.com/shipsql/shipsql/bot/message"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/providers"
)

// Notice is a comment of its own, because edits notify nobody.
type Notice struct {
	Key  string // names what it is about; one is posted per key
	Body string
}

// MaxNotices bounds the notices of one release. The last one is kept for the end.
const MaxNotices = 3

// Notices are what the release's people should be told now, less what was sent
// before (keys).
func Notices(s State, r deploy.Rollout, sent []string) []Notice {
	var due []Notice
	for _, n := range s.notices(r) {
		final := strings.HasPrefix(n.Key, keyFinished)
		room := MaxNotices - 1
		if final {
			room = MaxNotices
		}
		if !slices.Contains(sent, n.Key) && len(sent) < room {
			due, sent = append(due, n), append(slices.Clone(sent), n.Key)
		}
	}
	return due
}

const (
	keyAwaiting = "awaiting"
	keyFailed   = "failed"
	keyFinished = "finished"
)

func (s State) notices(r deploy.Rollout) []Notice {
	var all []Notice
	for _, stage := range r.Stages {
		n := s.notice(r, stage)
		switch {
		case stage.State == deploy.Waiting && onlyApprovals(stage):
			all = append(all, Notice{keyAwaiting + " " + stage.Environment, message.RenderAwaiting(s.Forge, n)})
		case stage.State == deploy.Failed || stage.State == deploy.Ambiguous:
			all = append(all, Notice{keyFailed + " " + stage.Environment, message.RenderFailed(s.Forge, n)})
		}
	}
	if r.State == deploy.Done && len(r.Stages) > 0 {
		last := s.notice(r, r.Stages[len(r.Stages)-1])
		all = append(all, Notice{keyFinished, message.RenderFinished(s.Forge, last)})
	}
	return all
}

func (s State) notice(r deploy.Rollout, stage deploy.Stage) message.Notice {
	n := message.Notice{
		Environment: stage.Environment, Release: releaseName(r.Release), Approvers: stage.Approvers,
		Needed: stage.Needed - stage.Counted, Databases: len(stage.Databases), Link: s.releasePage(&r),
	}
	for _, c := range []command.Name{command.Approve, command.Reject} {
		n.Commands = append(n.Commands, message.Hint{Command: s.Forge.Command(string(c) + " " + stage.Environment), Does: purposes[c]})
	}
	for _, f := range s.failures(r) {
		if f.Environment == stage.Environment {
			n.Failures = append(n.Failures, f)
		}
	}
	return n
}

func releaseName(r deploy.Release) string {
	return "release " + itoa(r.Seq) + " (" + r.Title + ")"
}

// onlyApprovals says that nothing but people's yes is missing: then it is time
// to ask them.
func onlyApprovals(stage deploy.Stage) bool {
	return len(stage.Reasons) > 0 && !slices.ContainsFunc(stage.Reasons, func(r deploy.Reason) bool {
		return r.Code != deploy.GateApprovals
	})
}

// Deployment is a stage as the forge's environments page shows it.
type Deployment struct {
	Release string
	Stage   string
	providers.Deployment
}

var deploymentStates = map[deploy.State]providers.DeploymentState{
	deploy.Queued: providers.DeploymentQueued, deploy.Running: providers.DeploymentInProgress,
	deploy.Done: providers.DeploymentSuccess, deploy.Failed: providers.DeploymentFailure, deploy.Ambiguous: providers.DeploymentFailure,
	deploy.Cancelled: providers.DeploymentInactive, deploy.Skipped: providers.DeploymentInactive,
}

// Deployments are the stages that have begun.
func Deployments(s State, r deploy.Rollout) []Deployment {
	var all []Deployment
	for i, stage := range r.Stages {
		state, begun := deploymentStates[stage.State]
		if !begun || stage.Total() == 0 {
			continue
		}
		all = append(all, Deployment{Release: r.Release.ID, Stage: stage.Environment, Deployment: providers.Deployment{
			SHA: r.Release.MergeCommit, Environment: stage.Environment, Production: i == len(r.Stages)-1, State: state,
			Description: releaseLine(r.Release), LogURL: s.releasePage(&r), EnvironmentURL: s.releasePage(&r),
		}})
	}
	return all
}
