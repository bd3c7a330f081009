package bot_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shipsql/shipsql/bot"
	"github.com/shipsql/shipsql/bot/bottest"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/providers/miniforge"
	"github.com/shipsql/shipsql/providers/miniforge/webhookexamples"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

var update = flag.Bool("update", false, "write the golden files")

const examplesGolden = "testdata/webhook_examples.golden"

// GitHub's own examples, nearly all of one repository, delivered to a world that
// has a project for it: what each kind and action is answered, which jobs it
// leads to, and how it ends. None may fail.
func TestEveryWebhookExampleIsAnsweredAndDone(t *testing.T) {
	t.Parallel()
	examples, err := webhookexamples.All()
	if err != nil {
		t.Fatal(err)
	}
	if len(examples) != 329 {
		t.Fatalf("%d examples, want 329", len(examples))
	}
	const repo = "Codertocat/Hello-World"
	w := bottest.New(t, bottest.Options{Change: func(c *deploy.Config) {
		p := c.Projects[0]
		p.Repository, p.Branch = "github.com/"+repo, "master"
		c.Projects = append(c.Projects, p)
	}, Queue: func(o *queue.Options) {
		o.BackoffMin, o.BackoffMax = time.Hour, time.Hour // what fails stays where deliver removes it
	}})
	if err := w.Forge.AddRepo(miniforge.NewRepo{Name: repo, Branch: "master"}); err != nil {
		t.Fatal(err)
	}
	made, err := w.Provider.Repository(t.Context(), repo)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for _, e := range examples {
		// Repositories are told apart by their numbers; this one got its own.
		e.Payload = bytes.ReplaceAll(e.Payload, []byte("186853002"), []byte(strconv.FormatInt(made.ID, 10)))
		rows[deliver(t, w, e)]++
	}
	var table strings.Builder
	for _, row := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprintf(&table, "%s | %d\n", row, rows[row])
	}
	if *update {
		if err := os.WriteFile(examplesGolden, []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(examplesGolden)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "table", table.String(), string(want))
}

// deliver sends one example as GitHub does and returns its row of the table:
// event.action | answer | jobs | final state: note.
func deliver(t *testing.T, w *bottest.World, e webhookexamples.Example) string {
	t.Helper()
	mac := hmac.New(sha256.New, []byte(w.Forge.WebhookSecret()))
	mac.Write(e.Payload)
	guid := "example-" + e.Name
	header := http.Header{
		"Content-Type": {"application/json"}, "X-Github-Event": {e.Event}, "X-Github-Delivery": {guid},
		"X-Hub-Signature-256": {"sha256=" + hex.EncodeToString(mac.Sum(nil))},
	}
	// The pull requests of the examples aren't there: what waits (an hour) to look
	// for one again would take in the next example's job.
	if _, err := w.Store.Exec(t.Context(), `DELETE FROM queue_jobs WHERE state = 'ready' AND attempts > 0`); err != nil {
		t.Fatal(err)
	}
	last := lastJob(t, w)
	outcome, err := w.Deliver(t.Context(), header, e.Payload)
	if err != nil {
		t.Fatalf("%s: %v", e.Name, err)
	}
	if err := w.Queue.Idle(t.Context()); err != nil {
		t.Fatalf("%s: %v", e.Name, err)
	}
	seen, err := w.Bot.Deliveries(t.Context(), 1)
	if err != nil || len(seen) != 1 || seen[0].GUID != guid {
		t.Fatalf("%s: the record is %+v, %v", e.Name, seen, err)
	}
	if seen[0].State != "done" {
		t.Errorf("%s ends %s: %s", e.Name, seen[0].State, seen[0].Note)
	}
	name := strings.TrimSuffix(e.Event+"."+e.Action, ".")
	return strings.Join([]string{name, string(outcome), strings.Join(jobsAfter(t, w, last), " "), seen[0].State + ": " + seen[0].Note}, " | ")
}

func lastJob(t *testing.T, w *bottest.World) (id string) {
	t.Helper()
	if err := w.Store.QueryRow(t.Context(), `SELECT coalesce(max(id), '') FROM queue_jobs`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

// jobsAfter are the kinds of the jobs made since, less the work a review or a
// reconciliation leads to.
func jobsAfter(t *testing.T, w *bottest.World, last string) []string {
	t.Helper()
	rows, err := w.Store.Query(t.Context(), `SELECT DISTINCT kind FROM queue_jobs WHERE id > $1 ORDER BY kind`, last)
	if err != nil {
		t.Fatal(err)
	}
	kinds, err := store.Collect(rows, func(scan store.Scan) (kind string, err error) { return kind, scan(&kind) })
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(kinds, bot.JobReconcile) {
		return []string{bot.JobDelivery, bot.JobReconcile}
	}
	return kinds
}
