package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shipsql/shipsql/cmd/shipsql/console"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/providers"
)

// lookBack is how long missed webhooks are told of: GitHub forgets them then.
const lookBack = 3 * 24 * time.Hour

// access asks the forge what the app may do and which webhooks it could not hand
// over.
func access(ctx context.Context, p providers.Provider, webhook string) []Result {
	t := topic{"forge", p.Name()}
	a, err := p.Access(ctx)
	if err != nil {
		return []Result{t.broken(err, "nothing is reviewed or released from this forge until it answers")}
	}
	results := append(judgeApp(t, a), judgeInstallations(t, a)...)
	results = append(results, judgeWebhook(t, a, webhook)...)
	if !p.Capabilities().MissedDeliveries {
		return results
	}
	missed, err := p.Missed(ctx, time.Now().Add(-lookBack))
	return append(results, judgeMissed(t, missed, err))
}

func judgeApp(t topic, a providers.Access) []Result {
	var results []Result
	for _, need := range a.Needs {
		if need.Granted {
			continue
		}
		r := t.failed("the app lacks \"%s\"", need.What)
		if need.Optional {
			r = t.warning("the app lacks \"%s\"", need.What)
		}
		results = append(results, r.because(need.Why).fix("grant it on "+a.Page, "then accept it in each installation"))
	}
	if len(results) == 0 {
		results = []Result{t.ok("the app %s has every permission and event it needs", a.App)}
	}
	return results
}

func judgeInstallations(t topic, a providers.Access) []Result {
	if len(a.Installations) == 0 {
		return []Result{t.failed("the app %s is installed nowhere", a.App).because("it sees no repository").fix("install it from " + a.Page)}
	}
	asked := map[string]bool{} // what the app itself lacks is told once
	for _, need := range a.Needs {
		asked[need.What] = need.Granted
	}
	var results []Result
	for _, in := range a.Installations {
		if in.Suspended {
			results = append(results, t.failed("the installation of %s is suspended", in.Account).because("its repositories are out of reach").fix("unsuspend it on "+in.Page))
		}
		for _, need := range in.Missing {
			if !asked[need.What] {
				continue
			}
			r := t.failed("%s has not accepted \"%s\"", in.Account, need.What)
			if need.Optional {
				r = t.warning("%s has not accepted \"%s\"", in.Account, need.What)
			}
			results = append(results, r.because(need.Why).fix("accept the new permissions on "+in.Page))
		}
	}
	if len(results) == 0 {
		results = []Result{t.ok("%s in order", console.Count(len(a.Installations), "installation"))}
	}
	return results
}

func judgeWebhook(t topic, a providers.Access, want string) []Result {
	w := a.Webhook
	const why = "no event arrives: pull requests and merges are found by comparison only, minutes later"
	var results []Result
	switch {
	case w.URL == "":
		results = append(results, t.failed("the app sends no webhooks").because(why).fix("set the webhook URL to "+want+" on "+a.Page))
	case !strings.EqualFold(strings.TrimRight(w.URL, "/"), want):
		results = append(results, t.failed("the app sends its webhooks to %s, and ShipSQL listens at %s", w.URL, want).because(why).
			fix("set the webhook URL to "+want+" on "+a.Page, "or correct server.public_url"))
	case w.ContentType != "json":
		results = append(results, t.failed("the app sends its webhooks as %q", w.ContentType).because("ShipSQL reads application/json").fix("choose application/json on "+a.Page))
	default:
		results = append(results, t.ok("the app sends its webhooks to %s", w.URL))
	}
	if w.InsecureTLS {
		results = append(results, t.warning("the forge does not verify our certificate").because("who stands in between reads every event").fix("turn SSL verification on on "+a.Page))
	}
	return results
}

func judgeMissed(t topic, missed []providers.MissedDelivery, err error) Result {
	switch {
	case errors.Is(err, providers.ErrTooMany):
		return t.warning("more webhooks were sent in the last 3 days than the forge lists").because("whether some were missed can't be told").fix("nothing: what they told of is found by comparison")
	case err != nil:
		return t.warning("missed webhooks can't be listed: %s", err).because("whether some were missed can't be told")
	case len(missed) == 0:
		return t.ok("every webhook of the last 3 days was handed over")
	}
	last := missed[len(missed)-1]
	answer := "no answer in time"
	if last.Status != 0 {
		answer = fmt.Sprintf("answer %d", last.Status)
	}
	return t.warning("%s of the last 3 days could not be handed over, the last (%s) at %s with %s",
		console.Count(len(missed), "webhook"), last.Event, last.At.UTC().Format(time.RFC3339), answer).
		because("a running ShipSQL reads what it missed by itself; if the number grows, the way to it is broken").
		fix("see what webhook finds below, and the web nodes' log at that time")
}

// repository looks at a project's repository and branch.
func repository(ctx context.Context, p providers.Provider, project deploy.Project, name string) []Result {
	t := topic{"forge", project.Repository}
	const why = "nothing of it is reviewed or released"
	repo, err := p.Repository(ctx, name)
	if errors.Is(err, providers.ErrGone) {
		return []Result{t.failed("the app does not see the repository").because(why).
			fix("install the app on it, or add it to the installation's repositories", "or correct the project's repository")}
	}
	if err != nil {
		return []Result{t.broken(err, why)}
	}
	results := []Result{judgeName(t, repo, name)}
	switch head, err := p.Head(ctx, repo, project.Branch); {
	case errors.Is(err, providers.ErrNotFound):
		results = append(results, t.failed("there is no branch %s", project.Branch).because(why).fix("correct the project's branch"))
	case err != nil:
		results = append(results, t.broken(err, why))
	default:
		results = append(results, t.ok("the branch %s is at %s", project.Branch, head.SHA[:min(len(head.SHA), 10)]))
		results = append(results, t.required(ctx, p, repo, project.Branch)...)
	}
	return results
}

// protector is a provider that tells which checks a branch requires.
type protector interface {
	RequiredChecks(ctx context.Context, repo providers.Repo, branch string) ([]string, error)
}

func (t topic) required(ctx context.Context, p providers.Provider, repo providers.Repo, branch string) []Result {
	forge, ok := p.(protector)
	if !ok {
		return nil
	}
	checks, err := forge.RequiredChecks(ctx, repo, branch)
	if err != nil {
		return []Result{t.notChecked("which checks the branch requires can't be read: %s", err)}
	}
	return []Result{judgeRequired(t, checks, branch)}
}

// verdict is the name of our check.
const verdict = "sql-review"

func judgeRequired(t topic, checks []string, branch string) Result {
	if slices.Contains(checks, verdict) {
		return t.ok("the branch %s requires the check %s", branch, verdict)
	}
	return t.warning("the branch %s does not require the check %s", branch, verdict).
		because("a red verdict blocks no merge").fix("require " + verdict + " in the branch's protection or a ruleset, with the app as its expected source")
}

func judgeName(t topic, repo providers.Repo, configured string) Result {
	switch {
	case repo.Archived:
		return t.warning("the repository is archived").because("nothing can be merged there")
	case !strings.EqualFold(repo.FullName(), configured):
		return t.warning("the repository is now called %s", repo.FullName()).
			because("ShipSQL follows it by its number; the old name may one day be another's").fix("write " + repo.String() + " in the configuration")
	}
	return t.ok("the app sees the repository (number %d)", repo.ID)
}
