package doctor

// These prove the pure core: facts in, results out.

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/queue/redisbell"
	"github.com/shipsql/shipsql/store"
)

var update = flag.Bool("update", false, "write the golden files")

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestJudge(t *testing.T) {
	at := topic{"check", "subject"}
	good := executor.Inspection{Product: "PostgreSQL 15.4", Database: "orders", Login: "ship", Ledger: 1, Transport: executor.TransportVerified}
	reader := executor.Inspection{Login: "look", Transport: executor.TransportLocal}
	app := providers.Access{
		App: "shipsql", Page: "https://forge/settings", Webhook: providers.Webhook{URL: "https://ship/webhooks/forge", ContentType: "json"},
		Needs:         []providers.Need{{What: "Checks: Read and write", Why: "to judge", Granted: true}, {What: "Organization members: Read-only", Why: "for teams", Granted: true, Optional: true}},
		Installations: []providers.Installation{{Account: "acme", Page: "https://forge/acme"}},
	}
	const hook = "https://ship/webhooks/forge"
	for name, results := range map[string][]Result{
		"database-good": judgeDatabase(at, good),
		"database-bad": judgeDatabase(at, executor.Inspection{
			Product: "PostgreSQL 11.2", Unsupported: "too old", Login: "ship", Database: "orders", Transport: executor.TransportPlain, Replica: true, ReadOnly: true,
			Pooler: "a pooler stands before it", LedgerBad: "the ledger has format 9", LockHeldBy: "shipsql/x/1 (pid 7)", Ahead: -time.Hour,
			Lacks: []executor.Privilege{
				{What: "create the ledger's schema (shipsql)", Why: "nothing can be applied", Needed: true, Grant: []string{`GRANT CREATE ON DATABASE "orders" TO "ship"`}},
				{What: "alter 1 table", Why: "some fail", Grant: []string{`GRANT "owner" TO "ship"`}},
			},
		}),
		"database-mysql": judgeDatabase(at, executor.Inspection{
			Product: "MySQL 5.7.44", Login: "ship@%", Database: "orders", Transport: executor.TransportPlain, Ledger: 1,
			Obstacles: []executor.Obstacle{
				{What: "mysql 5.7.44 is not supported", Why: "no migration can be applied", Fix: "upgrade to MySQL 8.0", Final: true},
				{What: "its sql_mode is not strict", Why: "values that don't fit are cut without an error", Fix: "add STRICT_TRANS_TABLES"},
			},
		}),
		"reader": append(judgeReader(at, reader), judgeReader(at, executor.Inspection{
			Login: "look", Writes: []string{"create schemas in the database", "change rows of a"}, Transport: executor.TransportUnverified,
		})...),
		"app-good": append(append(judgeApp(at, app), judgeInstallations(at, app)...), judgeWebhook(at, app, hook)...),
		"app-bad":  badApp(at, app, hook),
		"missed": {
			judgeMissed(at, nil, nil), judgeMissed(at, nil, providers.ErrTooMany), judgeMissed(at, nil, errors.New("token=hunter2hunter2")),
			judgeMissed(at, []providers.MissedDelivery{{Event: "push", At: noon, Status: 502}}, nil),
			judgeMissed(at, []providers.MissedDelivery{{Event: "push", At: noon, Status: 502}, {Event: "pull_request", At: noon}}, nil),
		},
		"repository": {
			judgeName(at, providers.Repo{Provider: "forge", Owner: "Acme", Name: "Orders", ID: 7}, "acme/orders"),
			judgeName(at, providers.Repo{Provider: "forge", Owner: "acme", Name: "sales", ID: 7}, "acme/orders"),
			judgeName(at, providers.Repo{Provider: "forge", Owner: "acme", Name: "orders", ID: 7, Archived: true}, "acme/orders"),
			judgeRequired(at, []string{"build", "sql-review"}, "main"), judgeRequired(at, []string{"build"}, "main"),
		},
		"webhook": {
			judgeAnswer(at, given{202, []byte(`{"outcome":"ignored"}`), time.Second}, hook, 0), judgeAnswer(at, given{202, []byte(`{"outcome":"ignored"}`), 6 * time.Second}, hook, 1),
			judgeAnswer(at, given{401, []byte(`{"outcome":"refused"}`), 0}, hook, 1), judgeAnswer(at, given{404, []byte(`{"outcome":"unknown"}`), 0}, hook, 0),
			judgeAnswer(at, given{503, []byte(`{"outcome":"not_stored"}`), 0}, hook, 0), judgeAnswer(at, given{200, []byte(`<html>`), 0}, hook, 0),
		},
		"redis": append(append(judgeRedis(redisbell.Facts{Version: "7.0.15", Mode: "standalone", Persistence: "none", Policy: "noeviction"}, false),
			judgeRedis(redisbell.Facts{Version: "7.0.15", Mode: "cluster", Persistence: "aof", MaxMemory: 64 << 20, Policy: "allkeys-lru"}, true)...), judgeNoRedis(true), judgeNoRedis(false)),
		"store": append(judgeStore(at, store.Facts{Product: "SQLite 3.50.4", Bytes: 2048, Journal: "wal", Schema: map[string]int{"queue": 2, "bot": 1}}, map[string]int{"queue": 2, "bot": 1}),
			append(judgeStore(at, store.Facts{Product: "PostgreSQL 15.4", Bytes: 3 << 30, Ahead: time.Minute}, nil),
				judgeSchema(at, map[string]int{"queue": 2}, map[string]int{"queue": 3, "bot": 1}),
				judgeSchema(at, map[string]int{"queue": 4, "bot": 1}, map[string]int{"queue": 3, "bot": 1}))...),
		"queue": append(judgeQueue(at, work{now: noon}, []string{""}), judgeQueue(at, badWork, []string{"", "eu", "us"})...),
		"config": Invalid(&config.Invalid{File: "shipsql.yaml", Problems: []config.Problem{
			{Line: 3, Column: 5, Path: "databases[0].url", Message: "must not be empty", Next: "write it like env:NAME"}, {Message: "nothing in it"},
		}}),
		"broken": {at.broken(fault.New(fault.Denied, "the database refuses the login").At("host/orders").Then("check user and password"), "why"), at.broken(errors.New("plain"), "")},
	} {
		t.Run(name, func(t *testing.T) {
			var text bytes.Buffer
			for _, r := range results {
				Text{Out: &text}.Result(r)
				if (r.Status == Failed || r.Status == Warning) && r.Why == "" && name != "broken" {
					t.Errorf("no reason: %+v", r)
				}
			}
			Text{Out: &text}.Summary(NewReport(results))
			golden(t, name+".txt", text.Bytes())
		})
	}
}

func badApp(at topic, app providers.Access, hook string) []Result {
	app.Needs = append([]providers.Need{{What: "Event: Push", Why: "to release"}, {What: "Event: Merge group", Why: "for queues", Optional: true}}, app.Needs...)
	app.Installations = []providers.Installation{
		{Account: "acme", Page: "https://forge/acme", Suspended: true, Missing: app.Needs},
		{Account: "beta", Page: "https://forge/beta", Missing: app.Needs[:2]},
	}
	all := append(judgeApp(at, app), judgeInstallations(at, app)...)
	all = append(all, judgeInstallations(at, providers.Access{App: "shipsql", Page: "https://forge/settings"})...)
	for _, w := range []providers.Webhook{{}, {URL: "https://other/", InsecureTLS: true}, {URL: hook, ContentType: "form"}} {
		app.Webhook = w
		all = append(all, judgeWebhook(at, app, hook)...)
	}
	return all
}

var badWork = work{
	now:   noon,
	stats: []queue.Stat{{Kind: "task", State: queue.Ready, Jobs: 3}, {Kind: "view", State: queue.Running, Jobs: 1}, {Kind: "view", State: queue.Dead, Jobs: 2}},
	dead:  []queue.DeadJob{{Job: queue.Job{ID: "01KAJ", Kind: "view", Key: "pr:1"}, LastError: "line one\nline two", At: noon}},
	waits: true, oldest: queue.Due{Kind: "task", Pool: "eu", Since: noon.Add(-time.Hour)},
	workers: []queue.Worker{
		{Node: "node-1", Pools: []string{""}, Since: noon, Online: true}, {Node: "node-2", Pools: []string{"", "us"}, Since: noon, SeenAt: noon.Add(-time.Minute)},
	},
}

func TestJSON(t *testing.T) {
	document, err := json.MarshalIndent(NewReport(judgeDatabase(topic{"database", "orders"}, executor.Inspection{Product: "PostgreSQL 15.4", Login: "ship", Transport: executor.TransportPlain})), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json", append(document, '\n'))
}

func TestSize(t *testing.T) {
	for bytes, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 5 << 30: "5.0 GiB", 3 << 50: "3072.0 TiB"} {
		if got := size(bytes); got != want {
			t.Errorf("%d is %q, want %q", bytes, got, want)
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
