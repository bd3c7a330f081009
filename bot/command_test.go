package bot_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shipsql/shipsql/bot/bottest"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers/miniforge"
)

// waiting is a world whose first pull request, 1, waits for prod's approval.
func waiting(t *testing.T, o bottest.Options) (*bottest.World, int) {
	t.Helper()
	w := bottest.New(t, o)
	n := w.Open("users", map[string]string{users: usersSQL})
	w.Merge(n)
	w.Await(n, "test done, prod waiting")
	return w, n
}

func TestWhatIsNoCommandIsLeftAlone(t *testing.T) {
	t.Parallel()
	w, n := waiting(t, bottest.Options{})
	for _, body := range []string{
		"please /approve prod", "> /approve prod", "```\n/approve prod\n```", "<!-- /approve prod -->", "    /approve prod", "/lgtm", "/approve", "thanks @shipsql",
	} {
		equal(t, body, bottest.Reactions(w.Say(n, bottest.Approver, body)), "")
	}
	if _, err := w.Forge.CommentAs(bottest.Repo, n, "dependabot[bot]", "/approve prod"); err == nil {
		w.Settle()
	}
	equal(t, "stages", w.Stages(n), "test done, prod waiting")
	equal(t, "replies", w.Replies(n), nil)
}

func TestWhoMayNotIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	w, n := waiting(t, bottest.Options{Change: func(c *deploy.Config) { c.Environments[1].Approvals.Users = []string{bottest.Approver, bottest.Author} }})
	equal(t, "stranger", bottest.Reactions(w.Say(n, bottest.Stranger, "/approve prod")), "eyes confused")
	equal(t, "stranger again", bottest.Reactions(w.Say(n, bottest.Stranger, "/approve prod\n/shipsql help")), "eyes confused")
	replies := w.Replies(n)
	if len(replies) != 1 {
		t.Fatalf("a stranger got %d replies", len(replies))
	}
	contains(t, "stranger's reply", replies[0], "sam may not write to this repository")

	equal(t, "author", bottest.Reactions(w.Say(n, bottest.Author, "/approve prod")), "eyes confused")
	contains(t, "author's reply", w.Replies(n)[1], "ann", "`/approve prod`", "Who can: bob")
	equal(t, "writer", bottest.Reactions(w.Say(n, bottest.Writer, "/approve prod")), "eyes confused")
	contains(t, "writer's reply", w.Replies(n)[2], "eve is no approver of prod")
	equal(t, "stages", w.Stages(n), "test done, prod waiting")
	equal(t, "member", bottest.Reactions(w.Say(n, bottest.Member, "/approve prod")), "eyes rocket")
	w.Await(n, "test done, prod done")
}

func TestACoAuthorDoesNotApprove(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	n := w.Open("users", map[string]string{users: usersSQL})
	_, err := w.Forge.PushTo(bottest.Repo, n, miniforge.Commit{Author: bottest.Author, Files: map[string]string{"README.md": "x"},
		Message: "More\n\nCo-authored-by: Bob <bob@users.noreply.github.com>\nCo-authored-by: Zed <zed@example.org>"})
	if err != nil {
		t.Fatal(err)
	}
	w.Settle()
	w.Merge(n)
	w.Await(n, "test done, prod waiting")
	equal(t, "co-author", bottest.Reactions(w.Say(n, bottest.Approver, "/approve prod")), "eyes confused")
	contains(t, "reply", strings.Join(w.Replies(n), ""), "bob made the change")
	contains(t, "sticky", w.Sticky(n), "matched to no user", "Zed")
	equal(t, "another approver", bottest.Reactions(w.Say(n, bottest.Member, "/approve prod")), "eyes rocket")
	w.Await(n, "test done, prod done")
}

func TestWhoLeftTheTeamDoesNotApprove(t *testing.T) {
	t.Parallel()
	w, n := waiting(t, bottest.Options{})
	if err := w.Forge.RemoveFromTeam(bottest.Team, bottest.Member); err != nil {
		t.Fatal(err)
	}
	equal(t, "former member", bottest.Reactions(w.Say(n, bottest.Member, "/approve prod")), "eyes confused")
	equal(t, "stages", w.Stages(n), "test done, prod waiting")
}

func TestAnApprovalIsAskedAboutAgainBeforeItOpensAnything(t *testing.T) {
	t.Parallel()
	now := clock.NewFake(time.Now())
	w, n := waiting(t, bottest.Options{Clock: now, Change: func(c *deploy.Config) { c.Environments[1].Approvals.Count = 2 }})
	equal(t, "first", bottest.Reactions(w.Say(n, bottest.Member, "/approve prod")), "eyes rocket")
	contains(t, "sticky", w.Sticky(n), "1 of 2 approvals")
	if err := w.Forge.RemoveFromTeam(bottest.Team, bottest.Member); err != nil {
		t.Fatal(err)
	}
	now.Advance(2 * time.Minute) // an answer about rights is believed for one
	equal(t, "second", bottest.Reactions(w.Say(n, bottest.Approver, "/approve prod")), "eyes rocket")
	equal(t, "stages", w.Stages(n), "test done, prod waiting")
	contains(t, "sticky", w.Sticky(n), "1 of 2 approvals")
}

func TestABranchWithoutAProjectHasNothingToCommand(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	if _, err := w.Forge.Push(bottest.Repo, "develop", miniforge.Commit{Author: bottest.Author, Message: "x", Files: map[string]string{"a": "a"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Forge.Push(bottest.Repo, "users", miniforge.Commit{Author: bottest.Author, Message: "x", Files: map[string]string{users: usersSQL}}); err != nil {
		t.Fatal(err)
	}
	n, err := w.Forge.OpenPR(miniforge.NewPR{Repo: bottest.Repo, Head: "users", Base: "develop", Title: "Users", Author: bottest.Author})
	if err != nil {
		t.Fatal(err)
	}
	w.Settle()
	equal(t, "check", w.Check(n), "")
	equal(t, "status", bottest.Reactions(w.Say(n, bottest.Writer, "/shipsql status")), "eyes confused")
	contains(t, "reply", w.Replies(n)[0], "no project follows the branch develop")
}

func TestAForgeThatCantSayIsAClosedGate(t *testing.T) {
	t.Parallel()
	w, n := waiting(t, bottest.Options{})
	var asked atomic.Int32
	permission := miniforge.Match{Path: "repos/*/*/collaborators/*/permission", If: func(*http.Request) bool { return asked.Add(1) > 0 }}
	back := w.Forge.Fail(permission, miniforge.Fault{Status: 502})
	id, err := w.Forge.CommentAs(bottest.Repo, n, bottest.Approver, "/approve prod")
	if err != nil {
		t.Fatal(err)
	}
	w.Until("the forge was asked", func() bool { return asked.Load() > 1 })
	equal(t, "stages while the forge fails", w.Stages(n), "test done, prod waiting")
	back()
	w.Await(n, "test done, prod done")
	for _, c := range w.PR(n).Comments {
		if c.ID == id {
			equal(t, "reactions", bottest.Reactions(c), "eyes rocket")
		}
	}
}

func TestAnEditedCommentDoesNotCount(t *testing.T) {
	t.Parallel()
	now := clock.NewFake(time.Now())
	w, n := waiting(t, bottest.Options{Forge: func(o *miniforge.Options) { o.Clock = now }})
	w.Forge.OnDelivery(func(d miniforge.Delivery) miniforge.Disposition {
		if d.Event == "issue_comment" && d.Action == "created" {
			return miniforge.Hold
		}
		return miniforge.Deliver
	})
	id, err := w.Forge.CommentAs(bottest.Repo, n, bottest.Approver, "looks good")
	if err != nil {
		t.Fatal(err)
	}
	now.Advance(2 * time.Second) // the forge tells no shorter time
	if err := w.Forge.EditComment(bottest.Repo, id, bottest.Approver, "/approve prod"); err != nil {
		t.Fatal(err)
	}
	if err := w.Forge.Release(); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	equal(t, "stages", w.Stages(n), "test done, prod waiting")
	contains(t, "reply", strings.Join(w.Replies(n), ""), "the comment was edited")
}

func TestBeforeTheMergeNothingIsRecorded(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	n := w.Open("users", map[string]string{users: usersSQL})
	equal(t, "approval", bottest.Reactions(w.Say(n, bottest.Approver, "/approve prod")), "eyes confused")
	contains(t, "reply", w.Replies(n)[0], "nothing is released before the merge", "nothing was recorded", "`/approve prod`")
	w.Merge(n)
	w.Await(n, "test done, prod waiting")
}

func TestUnknownWordsAreAnsweredOnlyWhenAddressed(t *testing.T) {
	t.Parallel()
	w, n := waiting(t, bottest.Options{})
	equal(t, "bare", bottest.Reactions(w.Say(n, bottest.Writer, "/aprove prod")), "")
	equal(t, "prefix", bottest.Reactions(w.Say(n, bottest.Writer, "/shipsql aprove prod")), "eyes confused")
	equal(t, "environment", bottest.Reactions(w.Say(n, bottest.Writer, "/approve prd")), "eyes confused")
	equal(t, "mention", bottest.Reactions(w.Say(n, bottest.Writer, "@shipsql frobnicate")), "eyes confused")
	replies := w.Replies(n)
	if len(replies) != 3 {
		t.Fatalf("%d replies: %q", len(replies), replies)
	}
	contains(t, "prefix", replies[0], `"aprove" is not a command`, "Did you mean `/approve prod`?")
	contains(t, "environment", replies[1], `"prd" is not an environment`, "Did you mean `/approve prod`?", "Usage: `/approve ENV")
	contains(t, "mention", replies[2], "`/shipsql help`")
}

func TestHelpStatusAndSeveralCommandsAtOnce(t *testing.T) {
	t.Parallel()
	w, n := waiting(t, bottest.Options{})
	equal(t, "reactions", bottest.Reactions(w.Say(n, bottest.Approver, "/shipsql help\r\n\r\n@shipsql status\r\n/approve prod\r\n")), "eyes rocket")
	replies := w.Replies(n)
	if len(replies) != 1 {
		t.Fatalf("%d replies: %q", len(replies), replies)
	}
	contains(t, "reply", replies[0], "What ShipSQL understands", "`/resolve VERSION#N applied", "`test`, `prod`", "| `prod` | 0/2 | ⏸ waiting |")
	w.Await(n, "test done, prod done")
}

func TestTheLineIsKeptAndApprovedWithEarlier(t *testing.T) {
	t.Parallel()
	w, first := waiting(t, bottest.Options{})
	second := w.Open("orders", map[string]string{"migrations/20260102_orders.sql": "CREATE TABLE orders (id bigint PRIMARY KEY);\n"})
	contains(t, "sticky", w.Sticky(second), "Earlier releases still on their way", "release 1 of #1: Change users (waiting)")
	w.Merge(second)
	w.Await(second, "test done, prod waiting")
	equal(t, "recorded", bottest.Reactions(w.Say(second, bottest.Approver, "/approve prod")), "eyes rocket")
	equal(t, "stages", w.Stages(second), "test done, prod waiting")
	contains(t, "reply", w.Replies(second)[0], "recorded for release 2", "comes first", "`/approve prod --with-earlier`")
	equal(t, "earlier", bottest.Reactions(w.Say(second, bottest.Approver, "/approve prod —with-earlier")), "eyes rocket")
	w.Await(second, "test done, prod done")
	w.Await(first, "test done, prod done")
	equal(t, "applied", w.Applied("orders-eu"), "20260101 20260102")
	contains(t, "first sticky", w.Sticky(first), "✅ done in every environment")
}

func TestRejectAndCancel(t *testing.T) {
	t.Parallel()
	w, n := waiting(t, bottest.Options{})
	equal(t, "reject", bottest.Reactions(w.Say(n, bottest.Approver, `/reject prod "not on a Friday"`)), "eyes rocket")
	contains(t, "sticky", w.Sticky(n), "rejected by bob", "not on a Friday")
	equal(t, "approve", bottest.Reactions(w.Say(n, bottest.Member, "/approve prod")), "eyes rocket")
	w.Await(n, "test done, prod done")
	equal(t, "cancel", bottest.Reactions(w.Say(n, bottest.Approver, "/cancel prod")), "eyes confused")
}

func TestAFailedMigrationIsSkippedAndTheNextPasses(t *testing.T) {
	t.Parallel()
	w := deployed(t, bottest.Options{})
	n := w.Open("fails", map[string]string{"migrations/20260301_fails.sql": "CREATE TABLE notes (id bigint PRIMARY KEY);\nSELECT 1 / count(*) FROM users WHERE email IS NULL;\n"})
	if check := w.Check(n); !strings.HasPrefix(check, "success: ") {
		t.Fatalf("check %q", check)
	}
	w.Merge(n)
	w.Await(n, "test failed, prod waiting")
	contains(t, "sticky", w.Sticky(n), "❌ failed in test", "**❌ failed on `orders-test`**", "line 2, statement 2", "22012", "division by zero", "`/retry test orders-test`", "`/skip 20260301 test \"REASON\"`")
	contains(t, "notice", strings.Join(w.Notices(n), ""), "failed on test", "division by zero")
	equal(t, "retry", bottest.Reactions(w.Say(n, bottest.Author, "/retry test")), "eyes rocket")
	w.Await(n, "test failed, prod waiting")
	equal(t, "skip", bottest.Reactions(w.Say(n, bottest.Approver, `/skip 20260301 test "division by zero"`)), "eyes rocket")
	if !strings.HasPrefix(w.Stages(n), "test done") && !strings.HasPrefix(w.Stages(n), "test skipped") {
		t.Fatalf("stages %s", w.Stages(n))
	}
	equal(t, "skip", bottest.Reactions(w.Say(n, bottest.Approver, `/skip 20260301 prod "division by zero"`)), "eyes rocket")
	next := w.Open("next", map[string]string{"migrations/20260302_next.sql": "CREATE TABLE next (id bigint PRIMARY KEY);\n"})
	w.Merge(next)
	w.Await(next, "test done, prod waiting")
	w.Say(next, bottest.Approver, "/approve prod")
	w.Await(next, "test done, prod done")
	equal(t, "applied", w.Applied("orders-eu"), "20260101 20260302")
	if len(w.Notices(n)) > 3 {
		t.Errorf("%d notices", len(w.Notices(n)))
	}
}

func TestAnUnreachableDatabaseIsTriedAgain(t *testing.T) {
	const variable = "SHIPSQL_BOT_TEST_URL"
	var working string
	w := bottest.New(t, bottest.Options{Change: func(c *deploy.Config) {
		var err error
		if working, err = c.Databases[0].URL.Read(); err != nil {
			t.Fatal(err)
		}
		t.Setenv(variable, "postgres://nobody:hunter22secret@127.0.0.1:1/none")
		c.Databases[0].URL = secret.Parse("env:"+variable, "")
	}})
	n := w.Open("users", map[string]string{users: usersSQL})
	w.Merge(n)
	w.Until("the gate says so", func() bool { return strings.Contains(reasons(t, w, n), "orders-test: ") })
	w.Settle()
	all := strings.Join(w.Own(n), "\n") + reasons(t, w, n)
	contains(t, "comments", all, "orders-test: ")
	if strings.Contains(all, "hunter22secret") {
		t.Errorf("a comment shows a password:\n%s", all)
	}
	t.Setenv(variable, working)
	w.Clock.Skip(time.Hour) // it is tried again by itself
	w.Await(n, "test done, prod waiting")
}
