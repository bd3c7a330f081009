package providertest

import (
	"net/http"
	"testing"
	"time"

	"github.com/shipsql/shipsql/providers"
)

// Setup makes a fresh forge with a provider for it. What it needs to clean up
// it registers with t.
type Setup func(t *testing.T) (providers.Provider, Script)

// Script acts as the people of a forge. Its methods fail the test when they
// can't do what they are told. "main" is every repository's default branch.
type Script interface {
	// AddUser makes an account; commits by "login@example.com" are the user's.
	AddUser(login string)
	// AddRepository makes "owner/name" with the files as its first commit, by a
	// user named "founder", and installs our app there. The owner becomes an
	// organisation.
	AddRepository(name string, files map[string]string)
	// Fork copies a repository to an account and gives the fork's name.
	Fork(repo, owner string) string
	// SetPermission gives a user a role in a repository.
	SetPermission(repo, login string, p providers.Permission)
	// AddTeam makes the team "org/slug" of these members.
	AddTeam(team string, members ...string)
	// Install installs our app on all of an account's repositories; Uninstall
	// removes it, Suspend and Unsuspend stop it for a while.
	Install(owner string)
	Uninstall(owner string)
	Suspend(owner string)
	Unsuspend(owner string)
	// AddToInstallation and RemoveFromInstallation choose single repositories.
	AddToInstallation(repo string)
	RemoveFromInstallation(repo string)
	// Ask changes a permission the app asks for ("" level: no more); accounts keep
	// what they granted until Accept.
	Ask(permission, level string)
	Accept(owner string)
	// Rename gives a repository another name, Transfer another owner; founder does
	// that. Archive makes it read-only, DeleteRepository deletes it.
	Rename(repo, name string)
	Transfer(repo, owner string)
	Archive(repo string)
	DeleteRepository(repo string)
	// ExpireTokens makes all tokens given so far invalid.
	ExpireTokens()

	// Push adds a commit to a branch, made from main where it is new.
	Push(repo, branch string, c Commit) (sha string)
	// ForcePush sets a branch to a commit and adds another there.
	ForcePush(repo, branch, onto string, c Commit) (sha string)
	// Open opens a pull request into main.
	Open(repo string, pr PullRequest) (number int)
	// Close closes a pull request without merging it.
	Close(repo string, number int, by string)
	// Merge merges a pull request and gives the branch's new head.
	Merge(repo string, number int, by string, m Method) (sha string)
	// Enqueue puts a pull request into the merge queue and gives its group's head.
	Enqueue(repo string, number int, by string) (sha string)
	// Comment adds a comment as a user; EditComment and DeleteComment change it.
	Comment(repo string, number int, login, body string) (id int64)
	EditComment(repo string, id int64, login, body string)
	DeleteComment(repo string, id int64, login string)
	// Press presses a check's button; Rerun asks to run it again.
	Press(repo string, check int64, identifier, by string)
	Rerun(repo string, check int64, by string)

	// Shown is what people see on a pull request.
	Shown(repo string, number int) Shown
	// Deployments are a repository's deployments, oldest first.
	Deployments(repo string) []Deployment
	// Deliveries are the webhooks so far, oldest first, as sent.
	Deliveries() []Delivery
	// Receive lets our receiver answer webhooks with a status from now on, once
	// all earlier ones were tried; 0: nobody listens. WebhookURL is where it is.
	Receive(status int)
	WebhookURL() string
	// Settle waits until all webhooks so far were tried.
	Settle()
	// Now is the time for forge and provider, Pass lets some of it pass.
	Now() time.Time
	Pass(d time.Duration)
	// Break makes requests go wrong until mend is called.
	Break(f Fault) (mend func())
	// Storm breaks a share of all requests, from 0 to 1, in all kinds of ways,
	// until Calm; the seed chooses which.
	Storm(seed uint64, share float64)
	Calm()
	// Requests are the statuses of all the provider's requests so far, 0 where
	// there was no answer.
	Requests() []int
}

// Commit is a commit to be made.
type Commit struct {
	Author   string // login, or "Name <address>" of somebody unknown
	Message  string
	Files    map[string]string // path → content
	Symlinks map[string]string // path → where it points
	Delete   []string
}

// PullRequest is a pull request to be opened.
type PullRequest struct {
	Head   string // branch, or "owner:branch" of a fork
	Author string
	Title  string
	Draft  bool
	Labels []string
}

// Method is how a pull request is merged.
type Method string

// The methods.
const (
	MergeCommit Method = "merge"
	Squash      Method = "squash"
	Rebase      Method = "rebase"
)

// Shown is what people see on a pull request.
type Shown struct {
	Comments []ShownComment
	Reviews  int
	Inline   []providers.InlineComment
	Checks   []ShownCheck // of the head commit, oldest first
}

// ShownComment is a comment as people see it.
type ShownComment struct {
	ID        int64
	Author    string
	Body      string
	Reactions []string
}

// ShownCheck is a check as people see it.
type ShownCheck struct {
	ID          int64
	Name        string
	Status      string
	Conclusion  string
	Title       string
	Summary     string
	Annotations []string // their messages
	Actions     []string // their identifiers
}

// Deployment is a deployment as people see it.
type Deployment struct {
	ID          int64
	SHA         string
	Environment string
	States      []string // oldest first
}

// Delivery is a webhook as it is sent.
type Delivery struct {
	Header http.Header
	Body   []byte
}

// Call names requests a Fault can hit.
type Call string

// The calls.
const (
	AnyRead          Call = "any read"
	MakeComment      Call = "make a comment"
	EditComment      Call = "edit a comment"
	MakeReaction     Call = "make a reaction"
	MakeCheck        Call = "make a check"
	UpdateCheck      Call = "update a check"
	MakeReview       Call = "make a review"
	MakeDeployment   Call = "make a deployment"
	SetDeployment    Call = "set a deployment's state"
	ReadPullRequest  Call = "read a pull request"
	FindInstallation Call = "find an installation"
)

// Fault is what goes wrong.
type Fault struct {
	Call       Call
	Kind       Kind          // "": as the three fields below say
	Status     int           // of the answer; 0 cuts the wire
	RetryAfter time.Duration // in the answer's headers; 0: none
	Accepted   bool          // the request takes effect before its answer is lost
	Times      int           // how often; 0: until mended
}

// Kind is a failure of a forge, or of the wire to it, that passes.
type Kind string

// The kinds. Limits ask to wait for at most two seconds.
const (
	ExpiredToken   Kind = "expired token"   // the token is refused, the next one isn't
	PrimaryLimit   Kind = "primary limit"   // the requests of the hour are used up
	SecondaryLimit Kind = "secondary limit" // too much at once
	TooMany        Kind = "too many"        // the same, said with 429
	ServerError    Kind = "server error"
	BadGateway     Kind = "bad gateway" // nothing was done
	Unavailable    Kind = "unavailable"
	SlowBody       Kind = "slow body"     // the answer stalls in its middle
	CutBefore      Kind = "cut before"    // nothing was done
	CutAfter       Kind = "cut after"     // it was done, the answer is lost
	CutHalfway     Kind = "cut halfway"   // it was done, half of the answer arrives
	GatewayAfter   Kind = "gateway after" // it was done, a gateway says 502
)

// kinds are all of them.
var kinds = []Kind{
	ExpiredToken, PrimaryLimit, SecondaryLimit, TooMany, ServerError, BadGateway, Unavailable,
	SlowBody, CutBefore, CutAfter, CutHalfway, GatewayAfter,
}
