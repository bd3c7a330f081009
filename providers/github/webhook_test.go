package github_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/providers/github"
	"github.com/shipsql/shipsql/providers/miniforge/webhookexamples"
)

func sign(key string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// delivery is a signed delivery's headers.
func delivery(event string, body []byte) http.Header {
	h := http.Header{}
	h.Set("X-GitHub-Event", event)
	h.Set("X-GitHub-Delivery", "guid-1")
	h.Set("X-Hub-Signature-256", sign(webhookSecret, body))
	return h
}

func TestOnlyOurSHA256SignatureCounts(t *testing.T) {
	p := provider(t, config(""), github.Options{})
	body := []byte(`{"action":"opened"}`)
	old := hmac.New(sha1.New, []byte(webhookSecret))
	old.Write(body)
	sha1Signature := "sha1=" + hex.EncodeToString(old.Sum(nil))
	for name, c := range map[string]struct{ header, value string }{
		"none":                 {"X-Other", ""},
		"empty":                {"X-Hub-Signature-256", ""},
		"another secret":       {"X-Hub-Signature-256", sign("another", body)},
		"an empty secret":      {"X-Hub-Signature-256", sign("", body)},
		"another body":         {"X-Hub-Signature-256", sign(webhookSecret, []byte(`{}`))},
		"without a prefix":     {"X-Hub-Signature-256", strings.TrimPrefix(sign(webhookSecret, body), "sha256=")},
		"cut short":            {"X-Hub-Signature-256", sign(webhookSecret, body)[:40]},
		"of an odd length":     {"X-Hub-Signature-256", sign(webhookSecret, body)[:40] + "a"},
		"no hexadecimal":       {"X-Hub-Signature-256", "sha256=" + strings.Repeat("z", 64)},
		"SHA-1":                {"X-Hub-Signature", sha1Signature},
		"SHA-1, in the place":  {"X-Hub-Signature-256", sha1Signature},
		"two joined by commas": {"X-Hub-Signature-256", "sha256=00," + sign(webhookSecret, body)},
	} {
		h := http.Header{}
		h.Set("X-GitHub-Event", "pull_request")
		h.Set(c.header, c.value)
		if e, err := p.ParseWebhook(h, body); !errors.Is(err, providers.ErrSignature) || e.Kind != "" {
			t.Errorf("%s: %+v, %v; want ErrSignature", name, e, err)
		}
	}
	h := delivery("pull_request", body)
	h.Set("X-Hub-Signature-256", "sha256="+strings.ToUpper(sign(webhookSecret, body)[7:]))
	if _, err := p.ParseWebhook(h, body); err != nil {
		t.Errorf("upper case digits: %v", err)
	}
}

func TestTheSecretIsReadWhenUsed(t *testing.T) {
	t.Setenv("SHIPSQL_TEST_HOOK", "first")
	cfg := config("")
	cfg.WebhookSecrets = []secret.Source{secret.Parse("env:SHIPSQL_TEST_HOOK", "")}
	p := provider(t, cfg, github.Options{})
	t.Setenv("SHIPSQL_TEST_HOOK", webhookSecret)
	body := []byte(`{}`)
	if _, err := p.ParseWebhook(delivery("ping", body), body); err != nil {
		t.Errorf("after a rotation: %v", err)
	}
	t.Setenv("SHIPSQL_TEST_HOOK", "")
	if _, err := p.ParseWebhook(delivery("ping", body), body); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("without a secret: %v, want an invalid error", err)
	}
}

const (
	inOrders = `"repository":{"id":3,"name":"orders","private":true,"owner":{"login":"acme"}},"installation":{"id":11},"sender":{"id":1,"login":"ann","type":"User"}`
	ours     = `"app":{"id":7}`
)

func TestParseWebhook(t *testing.T) {
	repo := providers.Repo{Provider: "ghe", Owner: "acme", Name: "orders", ID: 3, Installation: 11, Private: true}
	ann := providers.Person{Login: "ann", ID: 1}
	for name, c := range map[string]struct {
		event, body string
		want        providers.Event
	}{
		"pull request opened": {"pull_request", `{"action":"opened","pull_request":{"number":4,"base":{"ref":"main"},"head":{"sha":"abc"}},` + inOrders + `}`,
			providers.Event{Kind: providers.PullRequestChanged, Action: "opened", PullRequest: 4, Branch: "main", HeadSHA: "abc"}},
		"pull request closed": {"pull_request", `{"action":"closed","pull_request":{"number":4,"merged":true},` + inOrders + `}`,
			providers.Event{Kind: providers.PullRequestChanged, Action: "closed", PullRequest: 4}},
		"pull request assigned": {"pull_request", `{"action":"assigned","pull_request":{"number":4},` + inOrders + `}`,
			providers.Event{Kind: providers.Ignored, Action: "assigned", Note: "pull_request assigned: nothing we read changes with this action"}},
		"pull request without one": {"pull_request", `{"action":"opened",` + inOrders + `}`,
			providers.Event{Kind: providers.Ignored, Action: "opened", Note: "pull_request opened: the pull request is missing"}},
		"comment": {"issue_comment", `{"action":"created","issue":{"number":4,"pull_request":{"url":"x"}},"comment":{"id":9},` + inOrders + `}`,
			providers.Event{Kind: providers.CommentCreated, Action: "created", PullRequest: 4, Comment: 9}},
		"comment by another app": {"issue_comment", `{"action":"created","issue":{"number":4,"pull_request":{}},"comment":{"id":9,"performed_via_github_app":{"id":8}},` + inOrders + `}`,
			providers.Event{Kind: providers.CommentCreated, Action: "created", PullRequest: 4, Comment: 9}},
		"our own comment": {"issue_comment", `{"action":"created","issue":{"number":4,"pull_request":{}},"comment":{"id":9,"performed_via_github_app":{"id":7}},` + inOrders + `}`,
			providers.Event{Kind: providers.Ignored, Action: "created", Note: "issue_comment created: our own comment"}},
		"edited comment": {"issue_comment", `{"action":"edited","issue":{"number":4,"pull_request":{}},"comment":{"id":9},` + inOrders + `}`,
			providers.Event{Kind: providers.Ignored, Action: "edited", Note: "issue_comment edited: only created comments count"}},
		"comment on an issue": {"issue_comment", `{"action":"created","issue":{"number":4},"comment":{"id":9},` + inOrders + `}`,
			providers.Event{Kind: providers.Ignored, Action: "created", Note: "issue_comment created: a comment on an issue, not on a pull request"}},
		"comment on nothing": {"issue_comment", `{"action":"created",` + inOrders + `}`,
			providers.Event{Kind: providers.Ignored, Action: "created", Note: "issue_comment created: the issue or the comment is missing"}},
		"push": {"push", `{"ref":"refs/heads/feature/x","after":"abc",` + inOrders + `}`,
			providers.Event{Kind: providers.Pushed, Branch: "feature/x", HeadSHA: "abc"}},
		"branch deleted": {"push", `{"ref":"refs/heads/main","after":"0000000000000000000000000000000000000000","deleted":true,` + inOrders + `}`,
			providers.Event{Kind: providers.Pushed, Branch: "main", Action: "deleted"}},
		"tag": {"push", `{"ref":"refs/tags/v1","after":"abc",` + inOrders + `}`,
			providers.Event{Kind: providers.Ignored, Note: "push: not a push to a branch"}},
		"repository renamed": {"repository", `{"action":"renamed","changes":{"repository":{"name":{"from":"sales"}}},` + inOrders + `}`,
			providers.Event{Kind: providers.RepositoryChanged, Action: "renamed"}},
		"repository edited": {"repository", `{"action":"edited",` + inOrders + `}`,
			providers.Event{Kind: providers.Ignored, Action: "edited", Note: "repository edited: nothing we read changes with this action"}},
		"account renamed": {"installation_target", `{"action":"renamed","target_type":"Organization",` + inOrders + `}`,
			providers.Event{Kind: providers.InstallationChanged, Action: "renamed"}},
		"check rerequested": {"check_run", `{"action":"rerequested","check_run":{"id":5,"head_sha":"abc","external_id":"pr-4","pull_requests":[{"number":4}],` + ours + `},` + inOrders + `}`,
			providers.Event{Kind: providers.CheckRerequested, Action: "rerequested", Check: 5, HeadSHA: "abc", ExternalID: "pr-4", PullRequest: 4}},
		"check of a fork": {"check_run", `{"action":"rerequested","check_run":{"id":5,"head_sha":"abc","external_id":"pr-4","pull_requests":[],` + ours + `},` + inOrders + `}`,
			providers.Event{Kind: providers.CheckRerequested, Action: "rerequested", Check: 5, HeadSHA: "abc", ExternalID: "pr-4"}},
		"check of another app": {"check_run", `{"action":"rerequested","check_run":{"id":5,"app":{"id":8}},` + inOrders + `}`,
			providers.Event{Kind: providers.Ignored, Action: "rerequested", Note: "check_run rerequested: another app's check"}},
		"check created": {"check_run", `{"action":"created","check_run":{"id":5,` + ours + `},` + inOrders + `}`,
			providers.Event{Kind: providers.Ignored, Action: "created", Note: "check_run created: nothing is asked of us"}},
		"button": {"check_run", `{"action":"requested_action","requested_action":{"identifier":"waive"},"check_run":{"id":5,"head_sha":"abc",` + ours + `},` + inOrders + `}`,
			providers.Event{Kind: providers.CheckAction, Action: "waive", Check: 5, HeadSHA: "abc"}},
		"suite rerequested": {"check_suite", `{"action":"rerequested","check_suite":{"id":6,"head_sha":"abc","pull_requests":[{"number":4},{"number":5}],` + ours + `},` + inOrders + `}`,
			providers.Event{Kind: providers.CheckRerequested, Action: "rerequested", HeadSHA: "abc"}},
		"suite requested": {"check_suite", `{"action":"requested","check_suite":{"id":6,` + ours + `},` + inOrders + `}`,
			providers.Event{Kind: providers.Ignored, Action: "requested", Note: "check_suite requested: nothing is asked of us"}},
		"merge group": {"merge_group", `{"action":"checks_requested","merge_group":{"head_sha":"abc","base_sha":"def","base_ref":"refs/heads/main"},` + inOrders + `}`,
			providers.Event{Kind: providers.MergeGroup, Action: "checks_requested", HeadSHA: "abc", BaseSHA: "def", Branch: "main"}},
		"merge group gone": {"merge_group", `{"action":"destroyed","merge_group":{},` + inOrders + `}`,
			providers.Event{Kind: providers.Ignored, Action: "destroyed", Note: "merge_group destroyed: no checks are requested"}},
		"something else": {"star", `{"action":"created",` + inOrders + `}`,
			providers.Event{Kind: providers.Ignored, Action: "created", Note: "star created: not an event we act on"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := provider(t, config(""), github.Options{})
			got, err := p.ParseWebhook(delivery(c.event, []byte(c.body)), []byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			c.want.Delivery, c.want.Repo, c.want.Sender = "guid-1", repo, ann
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDeliveriesWithoutARepository(t *testing.T) {
	p := provider(t, config(""), github.Options{})
	for _, event := range []string{"installation", "installation_repositories"} {
		body := []byte(`{"action":"deleted","installation":{"id":11},"sender":{"login":"ann","type":"Bot"}}`)
		got, err := p.ParseWebhook(delivery(event, body), body)
		want := providers.Event{
			Kind: providers.InstallationChanged, Delivery: "guid-1", Action: "deleted",
			Repo: providers.Repo{Provider: "ghe", Installation: 11}, Sender: providers.Person{Login: "ann", Bot: true},
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", event, err, diff)
		}
	}
	for event, list := range map[string]string{"installation": "repositories", "installation_repositories": "repositories_removed"} {
		body := []byte(`{"action":"removed","installation":{"id":11},"` + list + `":[{"id":3,"full_name":"acme/orders","private":true},{"id":4,"full_name":"../x"}]}`)
		got, err := p.ParseWebhook(delivery(event, body), body)
		want := []providers.Repo{
			{Provider: "ghe", Owner: "acme", Name: "orders", ID: 3, Installation: 11, Private: true}, {Provider: "ghe", ID: 4, Installation: 11},
		}
		if diff := cmp.Diff(want, got.Repos); err != nil || diff != "" {
			t.Errorf("repositories of %s: %v\n%s", event, err, diff)
		}
	}
	for _, repository := range []string{``, `,"repository":{"name":"../x","owner":{"login":"acme"}}`} {
		body := []byte(`{"ref":"refs/heads/main"` + repository + `}`)
		got, err := p.ParseWebhook(delivery("push", body), body)
		if err != nil || got.Kind != providers.Ignored || got.Note != "push: the repository is missing" || got.Repo.Owner != "" {
			t.Errorf("push of no repository: %+v, %v", got, err)
		}
	}
}

func TestHostileJSONIsIgnored(t *testing.T) {
	p := provider(t, config(""), github.Options{})
	for _, body := range []string{
		``, `x`, `[]`, `"`, `{`, `{"action":1}`, `{"repository":[]}`, `{"pull_request":{"number":1e400}}`,
		`{"pull_request":{"number":99999999999999999999}}`, strings.Repeat("[", 100_000), "\x00\xff", `payload=%7B%7D`,
	} {
		h := delivery("pull_request", []byte(body))
		h.Del("X-GitHub-Delivery")
		got, err := p.ParseWebhook(h, []byte(body))
		if err != nil || got.Kind != providers.Ignored || got.Note == "" || !strings.HasPrefix(got.Delivery, "sha256:") {
			t.Errorf("%.40q: %+v, %v", body, got, err)
		}
	}
	if got, err := p.ParseWebhook(delivery("push", []byte(`null`)), []byte(`null`)); err != nil || got.Kind != providers.Ignored {
		t.Errorf("null: %+v, %v", got, err)
	}
}

// Real payloads that nobody here wrote: none fails, and those of the events we
// act on are understood.
func TestRealPayloads(t *testing.T) {
	examples, err := webhookexamples.All()
	if err != nil {
		t.Fatal(err)
	}
	p := provider(t, config(""), github.Options{})
	kinds := map[providers.EventKind]int{}
	for _, ex := range examples {
		e, err := p.ParseWebhook(delivery(ex.Event, ex.Payload), ex.Payload)
		if err != nil {
			t.Errorf("%s: %v", ex.Name, err)
			continue
		}
		kinds[e.Kind]++
		if strings.HasSuffix(e.Note, "not the JSON we expect") {
			t.Errorf("%s: %s", ex.Name, e.Note)
		}
		switch ex.Event + "." + ex.Action {
		case "pull_request.opened", "pull_request.synchronize", "pull_request.closed":
			if e.Kind != providers.PullRequestChanged || e.PullRequest == 0 || e.Branch == "" || len(e.HeadSHA) != 40 || e.Repo.ID == 0 {
				t.Errorf("%s: %+v", ex.Name, e)
			}
		case "push.":
			if e.Kind == providers.Pushed && e.Branch == "" {
				t.Errorf("%s: %+v", ex.Name, e)
			}
		case "installation.created", "installation_repositories.removed":
			if e.Kind != providers.InstallationChanged || e.Repo.Installation == 0 || len(e.Repos) == 0 || e.Repos[0].Owner == "" || e.Repos[0].ID == 0 {
				t.Errorf("%s: %+v", ex.Name, e)
			}
		case "repository.renamed", "repository.transferred", "repository.deleted", "repository.archived", "repository.privatized":
			if e.Kind != providers.RepositoryChanged || e.Repo.ID == 0 || e.Action != ex.Action {
				t.Errorf("%s: %+v", ex.Name, e)
			}
		}
	}
	for _, kind := range []providers.EventKind{providers.PullRequestChanged, providers.Pushed, providers.InstallationChanged, providers.RepositoryChanged, providers.Ignored} {
		if kinds[kind] == 0 {
			t.Errorf("no example is of the kind %s: %v", kind, kinds)
		}
	}
}

func FuzzParseWebhook(f *testing.F) {
	examples, err := webhookexamples.All()
	if err != nil {
		f.Fatal(err)
	}
	for _, ex := range examples {
		if len(ex.Payload) < 20_000 {
			f.Add(ex.Event, ex.Payload)
		}
	}
	f.Add("check_run", []byte(`{"action":"requested_action","check_run":{"id":5,`+ours+`},`+inOrders+`}`))
	f.Add("merge_group", []byte(`{"action":"checks_requested","merge_group":{"head_sha":"abc"},`+inOrders+`}`))
	p := provider(f, config(""), github.Options{})
	f.Fuzz(func(t *testing.T, event string, body []byte) {
		h := delivery("push", body)
		h["X-Github-Event"] = []string{event}
		e, err := p.ParseWebhook(h, body)
		switch {
		case err != nil:
			t.Fatalf("a signed delivery fails: %v", err)
		case e.Kind == "" || e.Delivery == "":
			t.Fatalf("no kind or delivery: %+v", e)
		case (e.Kind == providers.Ignored) != (e.Note != ""):
			t.Fatalf("ignored without a reason, or a reason without being ignored: %+v", e)
		case e.Kind == providers.CommentCreated && (e.PullRequest <= 0 || e.Comment <= 0),
			e.Kind == providers.PullRequestChanged && e.PullRequest <= 0:
			t.Fatalf("nothing to look at: %+v", e)
		}
		h.Set("X-Hub-Signature-256", sign("another", body))
		if _, err := p.ParseWebhook(h, body); !errors.Is(err, providers.ErrSignature) {
			t.Fatalf("a forged delivery: %v", err)
		}
	})
}
