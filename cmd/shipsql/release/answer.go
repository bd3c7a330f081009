package release

import (
	"errors"
	"fmt"
	"strings"

	"github.com/shipsql/shipsql/cmd/shipsql/console"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
)

// Answer is the report of approve and retry; its JSON is a contract.
type Answer struct {
	Version     int             `json:"version"`
	Verb        string          `json:"verb"`
	Environment string          `json:"environment"`
	Releases    []Restated      `json:"releases"`
	Databases   []string        `json:"databases"`
	Reasons     []deploy.Reason `json:"reasons"` // what still stands in the way; empty when it goes on
}

// Restated names a release that a command was about.
type Restated struct {
	ID          string `json:"id"`
	PullRequest int    `json:"pull_request"`
	Title       string `json:"title"`
	Hash        string `json:"hash"`
	Migrations  int    `json:"migrations"`
	Statements  int    `json:"statements"`
	Counted     int    `json:"counted"`
	Needed      int    `json:"needed"`
}

// NewAnswer makes the report.
func NewAnswer(a deploy.Answer) Answer {
	answer := Answer{
		Version: 1, Verb: a.Verb, Environment: a.Environment, Releases: []Restated{},
		Databases: append([]string{}, a.Databases...), Reasons: append([]deploy.Reason{}, a.Reasons...),
	}
	for _, r := range a.Releases {
		answer.Releases = append(answer.Releases, Restated{r.ID, r.PullRequest, r.Title, r.Hash, r.Migrations, r.Statements, r.Counted, r.Needed})
	}
	return answer
}

// Text says what was done, to what, and what is still in the way.
func (a Answer) Text(t console.Terminal) {
	done := map[string]string{deploy.VerbApprove: "approved", deploy.VerbRetry: "runs again"}[a.Verb]
	for _, r := range a.Releases {
		text := fmt.Sprintf("%s for %s: %s %s, %s, %s", done, console.Plain(a.Environment), r.ID, console.Plain(r.Title), console.Count(r.Migrations, "migration"), console.Count(r.Statements, "statement"))
		if r.Needed > 0 {
			text += fmt.Sprintf(", %d of %d approvals", r.Counted, r.Needed)
		}
		t.Line("%s", text)
	}
	t.Line("databases: %s", console.Plain(someOf(a.Databases)))
	if len(a.Reasons) == 0 || len(a.Releases) == 0 {
		return
	}
	t.Line("it still waits:")
	for _, r := range a.Reasons {
		reason(t, r, a.Releases[len(a.Releases)-1].ID)
	}
}

// namedDatabases is how many databases a sentence names.
const namedDatabases = 20

func someOf(names []string) string {
	switch more := len(names) - namedDatabases; {
	case len(names) == 0:
		return "none"
	case more > 0:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:namedDatabases], ", "), more)
	}
	return strings.Join(names, ", ")
}

// Command is a next step as a person types it: here where this program has the
// verb, else on the pull request.
func Command(n deploy.Next, release string) string {
	if n.Release != "" {
		release = n.Release
	}
	args := make([]string, len(n.Args))
	for i, arg := range n.Args {
		args[i] = quoted(console.Plain(arg))
	}
	words := strings.Join(args, " ")
	switch n.Verb {
	case deploy.VerbApprove, deploy.VerbRetry:
		return strings.TrimSpace(fmt.Sprintf("shipsql release %s %s %s", n.Verb, release, words))
	case deploy.VerbMerge:
		return "merge a pull request that fixes " + words
	}
	return "on the pull request: " + strings.TrimSpace("/shipsql "+n.Verb+" "+words)
}

// quoted protects what a shell would take apart.
func quoted(arg string) string {
	if arg != "" && !strings.ContainsFunc(arg, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@=+,", r)
	}) {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// Failed is the report of a command that was refused; its JSON is a contract.
type Failed struct {
	Version int     `json:"version"`
	Error   Problem `json:"error"`
}

// Problem says why.
type Problem struct {
	Code    fault.Code  `json:"code"`
	Reason  deploy.Code `json:"reason"` // "" when it is none of deploy's
	Message string      `json:"message"`
	Who     string      `json:"who"`
	Next    []string    `json:"next"` // commands to run, best first
}

// NewFailed describes an error; release is what the command was about, "" when
// that was not found.
func NewFailed(err error, release string) Failed {
	p := Problem{Code: fault.CodeOf(err), Message: err.Error(), Next: []string{}}
	if refused, ok := deploy.AsRefused(err); ok {
		p.Reason, p.Message, p.Who = refused.Reason.Code, refused.Reason.Text, refused.Reason.Who
		for _, n := range refused.Reason.Next {
			p.Next = append(p.Next, Command(n, release))
		}
	}
	if several, ok := errors.AsType[*AmbiguousError](err); ok {
		for _, c := range several.Choices {
			p.Next = append(p.Next, c.Command+"   # "+c.About)
		}
	}
	return Failed{Version: 1, Error: p}
}

// Text is the same for people.
func (f Failed) Text(t console.Terminal) {
	text := console.Plain(f.Error.Message)
	if f.Error.Who != "" {
		text += " (" + console.Plain(f.Error.Who) + " may)"
	}
	t.Line("shipsql: %s", text)
	for _, next := range f.Error.Next {
		t.Line("  %s", next)
	}
}
