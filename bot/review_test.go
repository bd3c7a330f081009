package bot_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/bot/bottest"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers/miniforge"
)

// unsafe is a change of an existing table that the reviewer blocks with a fix.
const (
	unsafeSQL = "ALTER TABLE users ADD COLUMN name text;\nCREATE INDEX users_email ON users (email);\n"
	unsafe    = "migrations/20260201_index.sql"
	safeSQL   = "ALTER TABLE users ADD COLUMN name text;\n"
)

// deployed is a world in which the users table is in every database.
func deployed(t *testing.T, o bottest.Options) *bottest.World {
	t.Helper()
	w := bottest.New(t, o)
	n := w.Open("users", map[string]string{users: usersSQL})
	w.Merge(n)
	w.Await(n, "test done, prod waiting")
	w.Say(n, bottest.Approver, "/approve prod")
	w.Await(n, "test done, prod done")
	enlarge(t, w.Databases["orders-eu"])
	return w
}

// enlarge puts so many rows into users that no statement on it is harmless.
func enlarge(t *testing.T, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	_, err = conn.Exec(t.Context(), `ALTER TABLE users SET (fillfactor = 10);
		INSERT INTO users SELECT i, repeat('x', 1000) FROM generate_series(1, 1500) i; ANALYZE users`)
	if err != nil {
		t.Fatal(err)
	}
}

func TestABlockingFindingIsShownAndItsFixTurnsTheCheckGreen(t *testing.T) {
	t.Parallel()
	w := deployed(t, bottest.Options{})
	n := w.Open("index", map[string]string{unsafe: unsafeSQL})
	equal(t, "check", w.Check(n), "failure: 1 blocking finding in 1 file")
	contains(t, "sticky", w.Sticky(n), "❌ 1 blocking finding", "**❌ error `", "line 2", "Why: ", "Fix:", "`/waive ")
	check, _ := w.PR(n).Check("sql-review")
	if len(check.Annotations) != 1 || check.Annotations[0].StartLine != 2 || check.Annotations[0].Level != "failure" {
		t.Errorf("annotations: %+v", check.Annotations)
	}
	if len(check.Actions) != 1 || check.Actions[0].Identifier != "review" {
		t.Errorf("buttons: %+v", check.Actions)
	}
	inline := w.PR(n).ReviewComments
	if len(inline) != 1 || inline[0].Path != unsafe || inline[0].Line != 2 || !strings.Contains(inline[0].Body, "```suggestion\nCREATE INDEX CONCURRENTLY") {
		t.Fatalf("inline comments: %+v", inline)
	}

	w.Push(n, map[string]string{"README.md": "more\n"})
	equal(t, "check of the new head", w.Check(n), "failure: 1 blocking finding in 1 file")
	equal(t, "inline comments after a push", len(w.PR(n).ReviewComments), 1)

	w.Push(n, map[string]string{unsafe: safeSQL})
	equal(t, "check after the fix", w.Check(n), "success: ready to merge: 1 migration, 1 statement")
	contains(t, "sticky after the fix", w.Sticky(n), "✅ ready to merge")
	equal(t, "comments", len(w.Own(n)), 1)
}

func TestAPullRequestWithoutSQLPasses(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	n := w.Open("docs", map[string]string{"docs/x.md": "x\n", "migrations/README.md": "no migration\n", "other/1_a.sql": "SELECT 1;\n"})
	equal(t, "check", w.Check(n), "success: no database changes")
	equal(t, "comments", w.Own(n), nil)
	w.Merge(n)
	equal(t, "comments after the merge", w.Own(n), nil)
}

func TestAForkIsReviewedWithoutACatalog(t *testing.T) {
	t.Parallel()
	w := deployed(t, bottest.Options{})
	fork, err := w.Forge.Fork(bottest.Repo, bottest.Stranger)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Forge.Push(fork, "index", miniforge.Commit{Author: bottest.Stranger, Message: "Index", Files: map[string]string{unsafe: unsafeSQL}}); err != nil {
		t.Fatal(err)
	}
	n, err := w.Forge.OpenPR(miniforge.NewPR{Repo: bottest.Repo, Head: bottest.Stranger + ":index", Title: "Index", Author: bottest.Stranger})
	if err != nil {
		t.Fatal(err)
	}
	w.Settle()
	contains(t, "sticky", w.Sticky(n), "without a catalog: the pull request comes from a fork")
	if check := w.Check(n); !strings.HasPrefix(check, "failure: ") {
		t.Errorf("check %q", check)
	}
}

func TestAPullRequestCantWeakenThePolicyThatJudgesIt(t *testing.T) {
	t.Parallel()
	w := deployed(t, bottest.Options{})
	policy := "rules:\n  create-index-not-concurrently: \"off\"\n"
	n := w.Open("index", map[string]string{unsafe: unsafeSQL, ".shipsql.yaml": policy})
	check, _ := w.PR(n).Check("sql-review")
	rule := check.Annotations[0].Title
	w.Push(n, map[string]string{".shipsql.yaml": fmt.Sprintf("rules:\n  %s: \"off\"\n", rule)})
	equal(t, "check with its own policy", w.Check(n), "failure: 1 blocking finding in 1 file")

	other := w.Open("policy", map[string]string{".shipsql.yaml": fmt.Sprintf("rules:\n  %s: \"off\"\n", rule)})
	w.Merge(other)
	w.Say(n, bottest.Writer, "/review")
	equal(t, "check with the base branch's policy", w.Check(n), "success: ready to merge: 1 migration, 2 statements")
}

func TestABrokenPolicyBlocks(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{Files: map[string]string{".shipsql.yaml": "ruels: {}\n"}})
	n := w.Open("users", map[string]string{users: usersSQL})
	equal(t, "check", w.Check(n), "failure: 1 blocking finding in 1 file")
	contains(t, "sticky", w.Sticky(n), ".shipsql.yaml on the base branch can't be used", "ruels")
}

func TestAWaiverLetsOnlyWhatStoodThenPass(t *testing.T) {
	t.Parallel()
	w := deployed(t, bottest.Options{})
	n := w.Open("index", map[string]string{unsafe: unsafeSQL})
	check, _ := w.PR(n).Check("sql-review")
	waive := "/waive " + check.Annotations[0].Title + ` "the table is tiny"`

	equal(t, "author", bottest.Reactions(w.Say(n, bottest.Author, waive)), "eyes confused")
	equal(t, "a writer", bottest.Reactions(w.Say(n, bottest.Writer, waive)), "eyes confused")
	contains(t, "refusal", w.Replies(n)[1], "eve may not waive", "bob, acme/dba", "if they did not make the change")
	equal(t, "another rule", bottest.Reactions(w.Say(n, bottest.Approver, "/waive drop-table why")), "eyes confused")
	equal(t, "approver", bottest.Reactions(w.Say(n, bottest.Approver, waive)), "eyes rocket")
	equal(t, "check", w.Check(n), "success: ready to merge: 1 migration, 2 statements")
	contains(t, "sticky", w.Sticky(n), "Waived: the table is tiny", "bob waived")

	w.Push(n, map[string]string{unsafe: unsafeSQL + "CREATE INDEX users_name ON users (name);\n"})
	equal(t, "check after another finding", w.Check(n), "failure: 1 blocking finding in 1 file")
	equal(t, "waived again", bottest.Reactions(w.Say(n, bottest.Member, waive)), "eyes rocket")
	if check := w.Check(n); !strings.HasPrefix(check, "success: ") {
		t.Errorf("check %q", check)
	}
	w.Merge(n)
	w.Await(n, "test done, prod waiting")
}

func TestAppliedMigrationsMayNotChange(t *testing.T) {
	t.Parallel()
	w := deployed(t, bottest.Options{})
	edited := w.Open("edit", map[string]string{users: usersSQL + "SELECT 1;\n"})
	equal(t, "edited", w.Check(edited), "failure: 1 blocking finding in 1 file")
	contains(t, "edited", w.Sticky(edited), "is edited, but it is applied on orders-test, orders-eu, orders-us", "write a new migration", "`/accept-edit "+users+` "REASON"`)

	w.Push(edited, map[string]string{"migrations/20260105_more.sql": "CREATE TABLE more (id bigint PRIMARY KEY);\n"}, users)
	contains(t, "deleted", w.Sticky(edited), "is deleted, but it is applied on")

	renamed := w.Open("rename", nil)
	w.Push(renamed, map[string]string{"migrations/20260101_people.sql": usersSQL}, users)
	contains(t, "renamed", w.Sticky(renamed), "is renamed, but it is applied on", "put the old name back")

	w.Push(edited, map[string]string{users: strings.ReplaceAll(usersSQL, "\n", "\r\n")})
	equal(t, "line ends only", strings.HasPrefix(w.Check(edited), "success: "), true)
}

func TestAnEditIsAcceptedByAnApproverOnly(t *testing.T) {
	t.Parallel()
	w := deployed(t, bottest.Options{})
	n := w.Open("edit", map[string]string{users: usersSQL + "-- a comment\n"})
	accept := "/accept-edit " + users + ` "only a comment"`
	equal(t, "author", bottest.Reactions(w.Say(n, bottest.Author, accept)), "eyes confused")
	equal(t, "approver", bottest.Reactions(w.Say(n, bottest.Approver, accept)), "eyes rocket")
	equal(t, "check", strings.HasPrefix(w.Check(n), "success: "), true)
	w.Push(n, map[string]string{users: usersSQL + "-- another comment\n"})
	equal(t, "another text", w.Check(n), "failure: 1 blocking finding in 1 file")
	other := w.Say(n, bottest.Approver, "/accept-edit migrations/none.sql why")
	equal(t, "another file", bottest.Reactions(other), "eyes confused")
}

func TestOldFilesAreNobodysToChange(t *testing.T) {
	t.Parallel()
	const old = "migrations/20200101_old.sql"
	w := bottest.New(t, bottest.Options{Files: map[string]string{old: "SELECT 1;\n"}})
	n := w.Open("old", map[string]string{old: "SELECT 2;\n"})
	contains(t, "sticky", w.Sticky(n), "older than ShipSQL's first sight", "/accept-edit")
}

func TestVersionsStandInLine(t *testing.T) {
	t.Parallel()
	w := deployed(t, bottest.Options{})
	below := w.Open("below", map[string]string{"migrations/20250101_a.sql": "SELECT 1;\n"})
	contains(t, "below", w.Sticky(below), "version 20250101 is below 20260101, the newest on main", "newer version")
	taken := w.Open("taken", map[string]string{"migrations/20260101_b.sql": "SELECT 1;\n"})
	contains(t, "taken", w.Sticky(taken), "version 20260101 is taken by "+"migrations/20260101\\_users.sql")
	equal(t, "check", w.Check(taken), "failure: 1 blocking finding in 1 file")
}

func TestOpenPullRequestsAreReviewedAgainWhenTheBaseMoves(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	first := w.Open("first", map[string]string{users: usersSQL})
	second := w.Open("second", map[string]string{"migrations/20260101_orders.sql": "CREATE TABLE orders (id bigint PRIMARY KEY);\n"})
	equal(t, "before", strings.HasPrefix(w.Check(second), "success: "), true)
	w.Merge(first)
	equal(t, "after", w.Check(second), "failure: 1 blocking finding in 1 file")
	contains(t, "sticky", w.Sticky(second), "version 20260101 is taken")
}

func TestBadFilesAreNamed(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	for name, c := range map[string]struct {
		path, content, want string
	}{
		"not UTF-8":         {"migrations/1_a.sql", "SELECT '\xff\xfe';\n", "UTF-8"},
		"empty":             {"migrations/2_a.sql", "", "empty"},
		"no version":        {"migrations/users.sql", "SELECT 1;\n", "no version"},
		"a syntax error":    {"migrations/3_a.sql", "CREATE TABEL x ();\n", "syntax"},
		"its own COMMIT":    {"migrations/4_a.sql", "CREATE TABLE a (id bigint PRIMARY KEY); COMMIT; SELECT 1;\n", "COMMIT"},
		"PREPARE":           {"migrations/5_a.sql", "BEGIN; PREPARE TRANSACTION 'x';\n", "PREPARE TRANSACTION"},
		"larger than 16 MB": {"migrations/6_a.sql", strings.Repeat("SELECT 'x';\n", 20<<20/12), "larger than"},
	} {
		n := w.Open(strings.Fields(c.path)[0], map[string]string{c.path: c.content})
		if check := w.Check(n); !strings.HasPrefix(check, "failure: ") {
			t.Errorf("%s: check %q", name, check)
		}
		contains(t, name, w.Sticky(n), c.want)
		if err := w.Forge.ClosePR(bottest.Repo, n, bottest.Author); err != nil {
			t.Fatal(err)
		}
	}
	w.Settle()
}

func TestTwoFilesOfOneVersionAreNamed(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	n := w.Open("twice", map[string]string{"migrations/1_a.sql": "SELECT 1;\n", "migrations/1_b.sql": "SELECT 1;\n"})
	contains(t, "sticky", w.Sticky(n), "version 1 is taken by")
	if check := w.Check(n); !strings.HasPrefix(check, "failure: ") {
		t.Errorf("check %q", check)
	}
}

func TestMoreFilesThanTheForgeListsBlock(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	files := map[string]string{}
	for i := range 3000 {
		files[fmt.Sprintf("docs/%04d.md", i)] = "x\n"
	}
	n := w.Open("many", files)
	equal(t, "check", w.Check(n), "failure: 1 blocking finding in 1 file")
	contains(t, "sticky", w.Sticky(n), "more files than the forge lists")
}

func TestHostileTextMakesAValidComment(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	line := "SELECT '```` @acme/dba </details> <!-- shipsql:v1 kind=main pr=1 --> 👩‍👩‍👧 #1';\n"
	n := w.Open("hostile", map[string]string{"migrations/1_a.sql": strings.Repeat(line, 200_000/len(line))})
	body := w.Sticky(n)
	if len(body) > 65536 || len(body) < 5000 {
		t.Errorf("%d bytes", len(body))
	}
	equal(t, "sticky comments", len(w.Own(n)), 1)
	equal(t, "open and closed details", strings.Count(body, "\n<details>"), strings.Count(body, "\n</details>"))
	contains(t, "sticky", body, "more → see the file", "updated ")
	w.Push(n, map[string]string{"README.md": "x"})
	equal(t, "sticky comments after a push", len(w.Own(n)), 1)
}

func TestAPushCostsAtMostEightCalls(t *testing.T) {
	t.Parallel()
	w := deployed(t, bottest.Options{Files: map[string]string{".shipsql.yaml": "rules:\n  table-without-primary-key: warning\n"}})
	count := func(act func()) (calls []string) {
		before := len(w.Forge.Requests())
		act()
		for _, r := range w.Forge.Requests()[before:] {
			calls = append(calls, r.Method+" "+r.Path)
		}
		return calls
	}
	var n int
	opened := count(func() { n = w.Open("index", map[string]string{unsafe: unsafeSQL}) })
	pushed := count(func() { w.Push(n, map[string]string{unsafe: unsafeSQL + "CREATE INDEX users_name ON users (name);\n"}) })
	again := count(func() { w.Say(n, bottest.Writer, "nice work") })
	for what, calls := range map[string][]string{"opened": opened, "pushed": pushed} {
		if len(calls) > 8 || len(calls) < 4 {
			t.Errorf("%s: %d calls:\n%s", what, len(calls), strings.Join(calls, "\n"))
		}
	}
	if all := strings.Join(opened, "\n"); strings.Count(all, "git/blobs") > 1 { // the policy's
		t.Errorf("a new file's content was asked for although its patch tells it:\n%s", all)
	}
	equal(t, "inline comments", len(w.PR(n).ReviewComments), 2)
	equal(t, "calls for a comment that is no command", len(again), 1)
}

func TestEveryByteOfAFileArrives(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{})
	n := w.Open("bytes", map[string]string{
		"migrations/1_no_line_end.sql": "CREATE TABLE a (id bigint PRIMARY KEY)",
		"migrations/2_crlf.sql":        "CREATE TABLE b (id bigint PRIMARY KEY);\r\n",
		"migrations/3_blank.sql":       "\n\nCREATE TABLE c (id bigint PRIMARY KEY);\n\n",
		"migrations/4_marks.sql":       "--- a\n-- +++ b\nCREATE TABLE d (id bigint PRIMARY KEY);\n",
		"migrations/5_unicode.sql":     "CREATE TABLE e (id bigint PRIMARY KEY); -- héllo \\ No newline\n",
	})
	equal(t, "check", w.Check(n), "success: ready to merge: 5 migrations, 5 statements")
	w.Merge(n)
	w.Await(n, "test done, prod waiting")
	equal(t, "applied", w.Applied("orders-test"), "1 2 3 4 5")
}

func TestAReviewWithoutItsDatabaseSaysSo(t *testing.T) {
	t.Parallel()
	w := bottest.New(t, bottest.Options{Change: func(c *deploy.Config) {
		for i := range c.Databases {
			c.Databases[i].ReviewURL = secret.Literal("postgres://nobody:hunter22secret@127.0.0.1:1/none")
		}
	}})
	n := w.Open("users", map[string]string{users: usersSQL})
	contains(t, "sticky", w.Sticky(n), "without orders-eu's catalog: it could not be read (unreachable)")
	if strings.Contains(w.Sticky(n), "hunter22secret") {
		t.Error("shows the password")
	}
}
