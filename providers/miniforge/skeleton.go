package miniforge

import (
	"context"
	"errors"
	"net/http"
)

var errSkeleton = errors.New("miniforge: not built yet")

// Forge is an in-process GitHub. All methods are safe for concurrent use.
type Forge struct{ o Options }

// New makes an empty forge with one GitHub App. It listens only after Serve.
func New(o Options) *Forge { return &Forge{o: o.withDefaults()} }

// Handler serves the HTTP API (at / and at /api/v3) and the page.
func (f *Forge) Handler() http.Handler { return http.NotFoundHandler() }

// Serve listens on addr, a loopback address such as "127.0.0.1:0", and returns at once.
func (f *Forge) Serve(addr string) error { return errSkeleton }

// Close stops the server and the deliveries.
func (f *Forge) Close() error { return nil }

// URL is the forge's web address, without a trailing slash: a provider's base_url.
func (f *Forge) URL() string { return "" }

// APIURL is the API's root, with a trailing slash: a provider's api_url.
func (f *Forge) APIURL() string { return "" }

// AppID is the App's id.
func (f *Forge) AppID() int64 { return 0 }

// PrivateKeyPEM is the App's RSA key.
func (f *Forge) PrivateKeyPEM() []byte { return nil }

// WebhookSecret is the secret deliveries are signed with.
func (f *Forge) WebhookSecret() string { return f.o.WebhookSecret }

// SetWebhookURL changes where later deliveries go; "" only records them.
func (f *Forge) SetWebhookURL(url string) {}

// AddUser makes an account.
func (f *Forge) AddUser(u User) error { return errSkeleton }

// AddRepo makes a repository with a first commit and installs the App on it.
func (f *Forge) AddRepo(r NewRepo) error { return errSkeleton }

// Fork copies repo into owner's account and returns the fork's name.
func (f *Forge) Fork(repo, owner string) (string, error) { return "", errSkeleton }

// AddTeam makes the team "org/slug", or adds members to it.
func (f *Forge) AddTeam(team string, members ...string) error { return errSkeleton }

// RemoveFromTeam takes a member out of a team.
func (f *Forge) RemoveFromTeam(team, login string) error { return errSkeleton }

// SetPermission gives login a role: none, read, triage, write, maintain or admin.
func (f *Forge) SetPermission(repo, login, role string) error { return errSkeleton }

// Protect requires the named checks (usually "sql-review") before a merge into branch.
func (f *Forge) Protect(repo, branch string, checks ...string) error { return errSkeleton }

// Push adds commits to a branch, which is made from the default branch if new,
// and returns the new head.
func (f *Forge) Push(repo, branch string, commits ...Commit) (string, error) { return "", errSkeleton }

// ForcePush sets a branch to the commit onto and adds commits there.
func (f *Forge) ForcePush(repo, branch, onto string, commits ...Commit) (string, error) {
	return "", errSkeleton
}

// DeleteBranch deletes a branch.
func (f *Forge) DeleteBranch(repo, branch, by string) error { return errSkeleton }

// OpenPR opens a pull request and returns its number.
func (f *Forge) OpenPR(pr NewPR) (int, error) { return 0, errSkeleton }

// PushTo adds commits to a pull request's head branch and returns the new head.
func (f *Forge) PushTo(repo string, number int, commits ...Commit) (string, error) {
	return "", errSkeleton
}

// EditPR changes a pull request's title, body, base or draft state.
func (f *Forge) EditPR(repo string, number int, e Edit) error { return errSkeleton }

// ClosePR closes a pull request without merging it.
func (f *Forge) ClosePR(repo string, number int, by string) error { return errSkeleton }

// ReopenPR opens a closed pull request again.
func (f *Forge) ReopenPR(repo string, number int, by string) error { return errSkeleton }

// Merge merges a pull request and returns the newest commit on the base branch.
// While branch protection forbids it the error says why.
func (f *Forge) Merge(repo string, number int, o MergeOptions) (string, error) {
	return "", errSkeleton
}

// Enqueue puts a pull request into the merge queue and returns the head of its
// merge group. The required checks' conclusions on that commit end it.
func (f *Forge) Enqueue(repo string, number int, by string) (string, error) {
	return "", errSkeleton
}

// CommentAs adds a comment to a pull request's conversation.
func (f *Forge) CommentAs(repo string, number int, login, body string) (int64, error) {
	return 0, errSkeleton
}

// EditComment changes a comment's text.
func (f *Forge) EditComment(repo string, id int64, login, body string) error { return errSkeleton }

// DeleteComment deletes a comment.
func (f *Forge) DeleteComment(repo string, id int64, login string) error { return errSkeleton }

// RequestAction presses a check run's button.
func (f *Forge) RequestAction(repo string, check int64, identifier, by string) error {
	return errSkeleton
}

// Rerequest presses a check run's "Re-run" link.
func (f *Forge) Rerequest(repo string, check int64, by string) error { return errSkeleton }

// RerequestSuite presses "Re-run all checks" for a commit.
func (f *Forge) RerequestSuite(repo, sha, by string) error { return errSkeleton }

// Uninstall removes the App from an account: its tokens die and its
// repositories answer 404.
func (f *Forge) Uninstall(owner string) error { return errSkeleton }

// Install installs the App on all repositories of an account.
func (f *Forge) Install(owner string) error { return errSkeleton }

// ExpireTokens makes every installation token given so far invalid.
func (f *Forge) ExpireTokens() {}

// Fail makes matching API requests go wrong until the returned function is called.
func (f *Forge) Fail(m Match, fault Fault) (remove func()) { return func() {} }

// Wait blocks until cond holds. It is asked again after every change, while the
// state is locked, so it must not call the Forge's methods.
func (f *Forge) Wait(ctx context.Context, cond func(*State) bool) error { return errSkeleton }

// State is everything the forge knows. Its methods return copies.
type State struct{}

// PR returns a pull request.
func (s *State) PR(repo string, number int) (PullRequest, bool) { return PullRequest{}, false }

// Deliveries returns the webhooks so far, oldest first.
func (s *State) Deliveries() []Delivery { return nil }

// Head returns a branch's newest commit, "" when there is no such branch.
func (s *State) Head(repo, branch string) string { return "" }

// Deployments returns a repository's deployments, oldest first.
func (s *State) Deployments(repo string) []Deployment { return nil }

// ChecksOf returns the check runs of a commit, oldest first.
func (s *State) ChecksOf(repo, sha string) []CheckRun { return nil }

// PR returns a pull request.
func (f *Forge) PR(repo string, number int) (PullRequest, bool) { return PullRequest{}, false }

// Head returns a branch's newest commit, "" when there is no such branch.
func (f *Forge) Head(repo, branch string) string { return "" }

// File returns a file's content at a commit or branch.
func (f *Forge) File(repo, ref, path string) (string, bool) { return "", false }

// Deployments returns a repository's deployments, oldest first.
func (f *Forge) Deployments(repo string) []Deployment { return nil }

// ChecksOf returns the check runs of a commit, oldest first.
func (f *Forge) ChecksOf(repo, sha string) []CheckRun { return nil }

// Deliveries returns the webhooks so far, oldest first.
func (f *Forge) Deliveries() []Delivery { return nil }

// Requests returns the API requests so far, oldest first.
func (f *Forge) Requests() []Request { return nil }

// Redeliver sends a recorded webhook again, with the same GUID.
func (f *Forge) Redeliver(guid string) error { return errSkeleton }

// OnDelivery sets what happens to new webhooks; nil delivers them all.
func (f *Forge) OnDelivery(decide func(Delivery) Disposition) {}

// Release sends held webhooks, in the order given, or all in their own order.
func (f *Forge) Release(guids ...string) error { return errSkeleton }

// Settled waits until every webhook that is not held was delivered.
func (f *Forge) Settled(ctx context.Context) error { return errSkeleton }
