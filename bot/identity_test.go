package bot_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/shipsql/shipsql/bot"
	"github.com/shipsql/shipsql/bot/bottest"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/providers/miniforge"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// health is how the world's only configured repository stands.
func health(t *testing.T, w *bottest.World) bot.RepositoryHealth {
	t.Helper()
	all, err := w.Bot.Repositories(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("repositories %+v, %v", all, err)
	}
	return all[0]
}

// rename renames the world's repository on the forge, and settles.
func rename(t *testing.T, w *bottest.World, to string) {
	t.Helper()
	must(t, w.Forge.Rename(w.Repo, to, bottest.Author))
	w.Repo = "acme/" + to
	w.Settle()
}

func TestARenameInTheMiddleOfARolloutChangesNothing(t *testing.T) {
	t.Parallel()
	for _, told := range []string{"told", "not told"} {
		t.Run(told, func(t *testing.T) {
			t.Parallel()
			w, n := waiting(t, bottest.Options{})
			if told == "not told" {
				w.Forge.OnDelivery(func(d miniforge.Delivery) miniforge.Disposition {
					if d.Event == "repository" {
						return miniforge.Drop
					}
					return miniforge.Deliver
				})
			}
			rename(t, w, "sales")
			equal(t, "approval under the new name", bottest.Reactions(w.Say(n, bottest.Approver, "/approve prod")), "eyes rocket")
			w.Await(n, "test done, prod done")
			contains(t, "sticky", w.Sticky(n), "✅ done in every environment")
			equal(t, "comments", len(w.Own(n)), 3)

			again := w.Open("orders", map[string]string{orders: ordersSQL})
			w.Merge(again)
			w.Await(again, "test done, prod waiting")
			contains(t, "refusal", replyTo(w, again, bottest.Stranger, "/approve prod"), "sam may not write")
			w.Clock.Skip(bottest.LongerThanBelieved)
			w.Reconcile()
			equal(t, "name now", health(t, w).Current, "github.com/acme/sales")
		})
	}
}

// replyTo says something and returns the newest reply.
func replyTo(w *bottest.World, n int, login, body string) string {
	w.Say(n, login, body)
	replies := w.Replies(n)
	if len(replies) == 0 {
		return ""
	}
	return replies[len(replies)-1]
}

func TestATransferredRepositoryIsFollowed(t *testing.T) {
	t.Parallel()
	w, n := waiting(t, bottest.Options{})
	must(t, w.Forge.AddUser(miniforge.User{Login: "umbrella", Kind: "Organization"}))
	must(t, w.Forge.Transfer(w.Repo, "umbrella", bottest.Author))
	w.Repo = "umbrella/orders"
	must(t, w.Forge.AddToInstallation(w.Repo))
	w.Settle()
	equal(t, "approval", bottest.Reactions(w.Say(n, bottest.Approver, "/approve prod")), "eyes rocket")
	w.Await(n, "test done, prod done")
}

// A repository that takes a configured name must not be taken for the
// configured one: whoever can create repositories would reach the databases.
func TestAnotherRepositoryOfTheNameIsNotFollowed(t *testing.T) {
	t.Parallel()
	w, n := waiting(t, bottest.Options{})
	rename(t, w, "sales")
	must(t, w.Forge.AddRepo(miniforge.NewRepo{Name: bottest.Repo}))
	for _, login := range []string{bottest.Author, bottest.Approver} {
		must(t, w.Forge.SetPermission(bottest.Repo, login, "write"))
	}
	_, err := w.Forge.Push(bottest.Repo, "evil", miniforge.Commit{Author: bottest.Author, Files: map[string]string{orders: "DROP TABLE users;"}})
	must(t, err)
	evil, err := w.Forge.OpenPR(miniforge.NewPR{Repo: bottest.Repo, Head: "evil", Title: "Evil", Author: bottest.Author})
	must(t, err)
	_, err = w.Forge.CommentAs(bottest.Repo, evil, bottest.Approver, "/approve prod")
	must(t, err)
	_, err = w.Forge.Merge(bottest.Repo, evil, miniforge.MergeOptions{By: bottest.Approver})
	must(t, err)
	w.Settle()
	w.Reconcile()
	equal(t, "stages", w.Stages(n), "test done, prod waiting")
	releases, err := w.Deploy.Releases(t.Context(), w.Config.Projects[0].ID(), 10)
	if err != nil || len(releases) != 1 {
		t.Errorf("releases %+v, %v", releases, err)
	}
	pr, _ := w.Forge.PR(bottest.Repo, evil)
	if len(pr.Checks)+len(pr.Comments) != 1 { // the command
		t.Errorf("written on the other repository: %+v %+v", pr.Checks, pr.Comments)
	}
	seen, err := w.Bot.Deliveries(t.Context(), 100)
	must(t, err)
	contains(t, "records", joined(seen), "is another repository (number ")

	equal(t, "the real one goes on", bottest.Reactions(w.Say(n, bottest.Approver, "/approve prod")), "eyes rocket")
	w.Await(n, "test done, prod done")
}

func TestTheNewNameInTheConfigurationTakesEverythingAlong(t *testing.T) {
	t.Parallel()
	w, n := waiting(t, bottest.Options{})
	rename(t, w, "sales")
	w.Stop()
	w.Config.Projects[0].Repository = "github.com/acme/sales"
	w.Start()
	w.Settle()
	equal(t, "approval", bottest.Reactions(w.Say(n, bottest.Approver, "/approve prod")), "eyes rocket")
	w.Until("prod is done", func() bool { return w.StagesIn("github.com/acme/sales", n) == "test done, prod done" })
	w.Settle()
	contains(t, "sticky", w.Sticky(n), "✅ done in every environment")
	next := w.Open("orders", map[string]string{orders: ordersSQL})
	w.Merge(next)
	w.Until("test is done", func() bool { return w.StagesIn("github.com/acme/sales", next) == "test done, prod waiting" })
	releases, err := w.Deploy.Releases(t.Context(), w.Config.Projects[0].ID(), 10)
	if err != nil || len(releases) != 2 || releases[0].Seq+releases[1].Seq != 3 {
		t.Errorf("releases %+v, %v", releases, err)
	}
	must(t, w.Deploy.VerifyAudit(t.Context()))
}

func TestANameThatIsNotTheRepositorysIsRefused(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	rename(t, w, "sales")
	rename(t, w, "shop")
	w.Stop()
	w.Config.Projects[0].Repository = "github.com/acme/sales" // a former name
	w.Start()
	w.Settle()
	n := w.Open("users", map[string]string{users: usersSQL})
	equal(t, "check", w.Check(n), "")
	w.Stop()
	w.Config.Projects[0].Repository = "github.com/acme/shop"
	w.Start()
	w.Settle()
	equal(t, "check", w.Check(n), "success: ready to merge: 1 migration, 1 statement")
}

// Two jobs may ask for a repository's name at once: the second to be told finds
// it stored, under that very name.
func TestARepositoryThatTwoMeetAtOnceIsNotPaused(t *testing.T) {
	t.Parallel()
	w, n := waiting(t, bottest.Options{})
	store := func(as string) {
		_, err := w.Store.Exec(context.Background(), "UPDATE bot_repositories SET repository = $1", as)
		must(t, err)
	}
	store("not met yet")
	var asked sync.Once
	w.Forge.Fail(miniforge.Match{Path: "repos/acme/orders", If: func(*http.Request) bool {
		asked.Do(func() { store(bottest.Repository) })
		return false
	}}, miniforge.Fault{})
	w.Reconcile()
	asked.Do(func() { t.Error("the forge was not asked for the name") })
	if why := reasons(t, w, n); strings.Contains(why, "knows as") {
		t.Errorf("the repository is paused: %s", why)
	}
}

func TestARepositoryOutOfSightIsPausedAndComesBack(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]struct {
		goes, comes func(*miniforge.Forge) error
		why         string
	}{
		"uninstalled": {func(f *miniforge.Forge) error { return f.Uninstall("acme") }, func(f *miniforge.Forge) error { return f.Install("acme") }, "can't see github.com/acme/orders"},
		"suspended":   {func(f *miniforge.Forge) error { return f.Suspend("acme") }, func(f *miniforge.Forge) error { return f.Unsuspend("acme") }, "install the app on the repository again"},
		"taken out": {func(f *miniforge.Forge) error { return f.RemoveFromInstallation(bottest.Repo) },
			func(f *miniforge.Forge) error { return f.AddToInstallation(bottest.Repo) }, "can't see"},
		"archived": {func(f *miniforge.Forge) error { return f.Archive(bottest.Repo, bottest.Author) },
			func(f *miniforge.Forge) error { return f.Unarchive(bottest.Repo, bottest.Author) }, "is archived; unarchive it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, n := waiting(t, bottest.Options{})
			must(t, way.goes(w.Forge))
			w.Settle()
			contains(t, "why", health(t, w).Paused, way.why)
			contains(t, "gate", reasons(t, w, n), way.why)
			must(t, way.comes(w.Forge))
			w.Settle()
			equal(t, "paused", health(t, w).Paused, "")
			if strings.Contains(reasons(t, w, n), way.why) {
				t.Errorf("the gate stays closed: %s", reasons(t, w, n))
			}
			equal(t, "approval", bottest.Reactions(w.Say(n, bottest.Approver, "/approve prod")), "eyes rocket")
			w.Await(n, "test done, prod done")
			dead, err := w.Queue.Dead(t.Context(), 10)
			if err != nil || len(dead) > 0 {
				t.Errorf("dead jobs %+v, %v", dead, err)
			}
		})
	}
}

// reasons are why the stages of a pull request's release wait.
func reasons(t *testing.T, w *bottest.World, n int) string {
	t.Helper()
	rollouts, err := w.Deploy.RolloutsOfPR(t.Context(), bottest.Repository, n)
	must(t, err)
	var all []string
	for _, r := range rollouts {
		for _, s := range r.Stages {
			for _, reason := range s.Reasons {
				all = append(all, reason.Text)
			}
		}
	}
	return strings.Join(all, "\n")
}

func TestAnApprovalDoesNotCountOnceTheAppIsGone(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{Change: func(c *deploy.Config) { c.Environments[1].Approvals.Count = 2 }})
	n := w.Open("users", map[string]string{users: usersSQL})
	w.Merge(n)
	w.Await(n, "test done, prod waiting")
	w.Say(n, bottest.Approver, "/approve prod")
	must(t, w.Forge.Suspend("acme"))
	w.Settle()
	for range 2 {
		w.Reconcile()
	}
	equal(t, "stages", w.Stages(n), "test done, prod waiting")
	must(t, w.Forge.Unsuspend("acme"))
	w.Settle()
	equal(t, "the second approval", bottest.Reactions(w.Say(n, bottest.Member, "/approve prod")), "eyes rocket")
	w.Await(n, "test done, prod done")
}
