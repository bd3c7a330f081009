package github

import (
	"strings"

	"github.com/shipsql/shipsql/providers"
)

// payload holds the identifiers of all the deliveries we act on. Everything
// else in them is left unread, whatever its shape.
type payload struct {
	Action       string `json:"action"`
	Sender       user   `json:"sender"`
	Installation numbered
	Repository   struct {
		ID      int64
		Name    string
		Private bool
		Owner   user
	}

	Repositories        []listed // of an installation
	RepositoriesAdded   []listed `json:"repositories_added"`
	RepositoriesRemoved []listed `json:"repositories_removed"`

	PullRequest *struct {
		Number int
		Base   struct{ Ref string }
		Head   struct{ SHA string }
	} `json:"pull_request"`

	Issue *struct {
		Number      int
		PullRequest *struct{} `json:"pull_request"`
	}
	Comment *struct {
		ID  int64
		App *numbered `json:"performed_via_github_app"`
	}

	Ref     string
	After   string
	Deleted bool

	CheckRun        *checkRun                   `json:"check_run"`
	CheckSuite      *checkRun                   `json:"check_suite"`
	RequestedAction struct{ Identifier string } `json:"requested_action"`

	MergeGroup *struct {
		HeadSHA string `json:"head_sha"`
		BaseSHA string `json:"base_sha"`
		BaseRef string `json:"base_ref"`
	} `json:"merge_group"`
}

type numbered struct{ ID int64 }

// listed is a repository in an installation's list.
type listed struct {
	ID       int64
	FullName string `json:"full_name"`
	Private  bool
}

type user struct {
	ID    int64
	Login string
	Type  string
}

// checkRun is what check runs and check suites have in common.
type checkRun struct {
	ID           int64
	HeadSHA      string `json:"head_sha"`
	ExternalID   string `json:"external_id"`
	App          numbered
	PullRequests []struct{ Number int } `json:"pull_requests"`
}

const branchPrefix = "refs/heads/"

// event reduces a delivery to identifiers. A note alone means: ignored.
func (p *payload) event(name string, appID int64) (e providers.Event, note string) {
	switch name {
	case "pull_request":
		return p.pullRequest()
	case "issue_comment":
		return p.comment(appID)
	case "push":
		return p.push()
	case "check_run":
		return p.check(p.CheckRun, appID)
	case "check_suite":
		return p.check(p.CheckSuite, appID)
	case "merge_group":
		return p.mergeGroup()
	case "installation", "installation_repositories", "installation_target":
		return providers.Event{Kind: providers.InstallationChanged}, ""
	case "repository":
		return p.repository()
	}
	return e, "not an event we act on"
}

// pullRequest keeps what may change a verdict or a release; the rest
// (assigned, review_requested …) changes nothing we read.
func (p *payload) pullRequest() (e providers.Event, note string) {
	switch p.Action {
	case "opened", "reopened", "synchronize", "edited", "closed",
		"ready_for_review", "converted_to_draft", "labeled", "unlabeled":
	default:
		return e, "nothing we read changes with this action"
	}
	if p.PullRequest == nil || p.PullRequest.Number <= 0 {
		return e, "the pull request is missing"
	}
	return providers.Event{
		Kind: providers.PullRequestChanged, PullRequest: p.PullRequest.Number,
		Branch: p.PullRequest.Base.Ref, HeadSHA: p.PullRequest.Head.SHA,
	}, ""
}

// comment keeps new comments on pull requests: an edited one commands nothing.
func (p *payload) comment(appID int64) (e providers.Event, note string) {
	switch {
	case p.Issue == nil || p.Comment == nil || p.Issue.Number <= 0 || p.Comment.ID <= 0:
		return e, "the issue or the comment is missing"
	case p.Action != "created":
		return e, "only created comments count"
	case p.Issue.PullRequest == nil:
		return e, "a comment on an issue, not on a pull request"
	case p.Comment.App != nil && p.Comment.App.ID == appID:
		return e, "our own comment"
	}
	return providers.Event{Kind: providers.CommentCreated, PullRequest: p.Issue.Number, Comment: p.Comment.ID}, ""
}

func (p *payload) push() (e providers.Event, note string) {
	branch, ok := strings.CutPrefix(p.Ref, branchPrefix)
	if !ok {
		return e, "not a push to a branch"
	}
	e = providers.Event{Kind: providers.Pushed, Branch: branch, HeadSHA: p.After}
	if p.Deleted {
		e.HeadSHA, e.Action = "", "deleted"
	}
	return e, ""
}

// check keeps requests to run our checks again, and pressed buttons.
func (p *payload) check(run *checkRun, appID int64) (e providers.Event, note string) {
	if run == nil {
		return e, "the check is missing"
	}
	e = providers.Event{HeadSHA: run.HeadSHA, ExternalID: run.ExternalID}
	if run == p.CheckRun {
		e.Check = run.ID
	}
	if len(run.PullRequests) == 1 { // none for a fork, several for a shared head
		e.PullRequest = run.PullRequests[0].Number
	}
	switch {
	case run.App.ID != appID:
		return e, "another app's check"
	case p.Action == "rerequested":
		e.Kind = providers.CheckRerequested
	case p.Action == "requested_action" && run == p.CheckRun:
		e.Kind, e.Action = providers.CheckAction, p.RequestedAction.Identifier
	default:
		return e, "nothing is asked of us"
	}
	return e, ""
}

// repository keeps what changes its name, its visibility, or if it is there.
func (p *payload) repository() (e providers.Event, note string) {
	switch p.Action {
	case providers.RepositoryRenamed, providers.RepositoryTransferred, providers.RepositoryDeleted, providers.RepositoryArchived,
		providers.RepositoryUnarchived, providers.RepositoryPrivatized, providers.RepositoryPublicized:
		return providers.Event{Kind: providers.RepositoryChanged}, ""
	}
	return e, "nothing we read changes with this action"
}

func (p *payload) mergeGroup() (e providers.Event, note string) {
	if p.Action != "checks_requested" || p.MergeGroup == nil {
		return e, "no checks are requested"
	}
	return providers.Event{
		Kind: providers.MergeGroup, HeadSHA: p.MergeGroup.HeadSHA, BaseSHA: p.MergeGroup.BaseSHA,
		Branch: strings.TrimPrefix(p.MergeGroup.BaseRef, branchPrefix),
	}, ""
}
