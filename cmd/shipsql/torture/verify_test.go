package torture_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers/miniforge"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/queue/bell"
	"github.com/shipsql/shipsql/store"
)

// list reads the single text column of a query, past the wires.
func (w *world) list(ctx context.Context, server *privateserver.Postgres, database, query string) ([]string, error) {
	conn, err := pgx.Connect(ctx, server.SocketURL(database))
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// verify holds everything against what must be, and returns what isn't so.
func (w *world) verify(ctx context.Context, p *people) (problems []string, err error) {
	steps := []func() ([]string, error){
		func() ([]string, error) { return w.verifyDatabases(ctx, p.story()) },
		func() ([]string, error) { return w.verifyStore(ctx, len(p.landed)) },
		func() ([]string, error) { return nil, w.verifyAudit(ctx) },
		func() ([]string, error) { return w.verifyView(ctx) },
	}
	for _, step := range steps {
		found, failed := step()
		problems, err = append(problems, found...), errors.Join(err, failed)
	}
	return problems, err
}

// reality is what a database holds, besides the ledger: one line per column,
// index, constraint, counter and row of the log.
const reality = `
SELECT format('column %s.%s %s default %s', table_name, column_name, data_type, column_default)
  FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT format('index %s valid %s ready %s', pg_get_indexdef(indexrelid), indisvalid, indisready)
  FROM pg_index WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
UNION ALL SELECT format('constraint %s %s', conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT format('counter %s stands at %s', id, n) FROM counter
UNION ALL SELECT format('log %s × %s', version, count(*)) FROM log GROUP BY version
ORDER BY 1`

// ledger is what the ledger says, one line per migration, and per step that is
// not done.
const ledger = `
SELECT format('%s %s %s %s %s', history, kind, version, state, checksum) FROM shipsql.migrations
UNION ALL SELECT format('step %s#%s is %s', version, n, state) FROM shipsql.steps WHERE state <> 'done'
ORDER BY 1`

// verifyDatabases compares each database with a reference that a plain loop over
// the statements made.
func (w *world) verifyDatabases(ctx context.Context, story []migration) (problems []string, err error) {
	want, err := w.reference(ctx, story)
	if err != nil {
		return nil, err
	}
	applied, err := ledgerOf(story)
	if err != nil {
		return nil, err
	}
	for _, database := range w.databases {
		for what, expected := range map[string][]string{reality: want, ledger: applied} {
			got, err := w.list(ctx, w.target, database, what)
			if err != nil {
				return nil, err
			}
			if diff := cmp.Diff(expected, got); diff != "" {
				problems = append(problems, fmt.Sprintf("%s (-want +got):\n%s", database, diff))
			}
		}
	}
	return problems, nil
}

func (w *world) reference(ctx context.Context, story []migration) ([]string, error) {
	if err := w.target.CreateDatabase(ctx, "reference"); err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, w.target.SocketURL("reference"))
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, m := range story {
		for _, statement := range m.statements {
			if strings.Contains(statement, "pg_sleep") {
				continue
			}
			if _, err := conn.Exec(ctx, statement); err != nil {
				return nil, fmt.Errorf("%s: %w", m.path, err)
			}
		}
	}
	return w.list(ctx, w.target, "reference", reality+``)
}

// ledgerOf is the ledger that a story leaves.
func ledgerOf(story []migration) ([]string, error) {
	var files []executor.File
	for _, m := range story {
		files = append(files, executor.File{Path: m.path, Content: []byte(m.text())})
	}
	loaded, err := layout.Load(files, layout.Options{Name: layout.Native})
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, m := range loaded.Migrations {
		lines = append(lines, fmt.Sprintf("%s versioned %s applied %s", executor.DefaultHistory, m.Version, m.Checksum))
	}
	return lines, nil
}

// verifyStore holds the domain's rows against what the people did.
func (w *world) verifyStore(ctx context.Context, n int) (problems []string, err error) {
	expect := func(want int, what, query string) {
		got, failed := w.list(ctx, w.store, storeName, query)
		err = errors.Join(err, failed)
		if failed == nil && strings.Join(got, "") != strconv.Itoa(want) {
			problems = append(problems, fmt.Sprintf("store: %s %s, want %d", strings.Join(got, ""), what, want))
		}
	}
	expect(n, "releases", "SELECT count(*)::text FROM deploy_releases")
	expect(0, "releases are not finished", "SELECT count(*)::text FROM deploy_releases WHERE finished_at = 0")
	expect(2*n, "stages done", "SELECT count(*)::text FROM deploy_stages WHERE state = 'done'")
	expect(0, "stages in another state", "SELECT count(*)::text FROM deploy_stages WHERE state <> 'done'")
	expect(len(w.databases)*n, "tasks done", "SELECT count(*)::text FROM deploy_tasks WHERE state = 'done'")
	expect(0, "tasks in another state", "SELECT count(*)::text FROM deploy_tasks WHERE state <> 'done'")
	expect(0, "dead jobs", "SELECT count(*)::text FROM queue_jobs WHERE state = 'dead'")
	expect(0, "deliveries are not done", "SELECT count(*)::text FROM bot_deliveries WHERE state <> 'done'")
	expect(n, "merges on record", "SELECT count(DISTINCT merge_commit)::text FROM deploy_releases")
	expect(0, "finishings on record of tasks that finished twice",
		"SELECT count(*)::text FROM (SELECT release, database FROM deploy_audit WHERE action = 'task_done' GROUP BY 1, 2 HAVING count(*) > 1) twice")
	return problems, err
}

// verifyAudit recomputes the chain of the audit's hashes.
func (w *world) verifyAudit(ctx context.Context) error {
	cfg, err := config.Load(filepath.Join(w.folder, w.webs[0].name+".yaml"))
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, secret.Literal(w.store.URL(storeName)), clock.System)
	if err != nil {
		return err
	}
	defer db.Close()
	quiet := slog.New(slog.DiscardHandler)
	service, err := deploy.New(ctx, db, queue.New(db, bell.NewLocal(), quiet, queue.Options{}), cfg.Deploy, deploy.Deps{Log: quiet})
	if err != nil {
		return err
	}
	return service.VerifyAudit(ctx)
}

var marker = regexp.MustCompile(`<!-- shipsql:v1 [^>]*-->`)

// verifyView looks at every pull request as a person does.
func (w *world) verifyView(ctx context.Context) (problems []string, err error) {
	err = w.forge.Wait(ctx, func(s *miniforge.State) bool {
		for n := 1; ; n++ {
			pr, ok := s.PR(repository, n)
			if !ok {
				return true
			}
			for _, p := range verifyPull(pr) {
				problems = append(problems, fmt.Sprintf("#%d: %s", n, p))
			}
		}
	})
	return problems, err
}

func verifyPull(pr miniforge.PullRequest) (problems []string) {
	fail := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	own := map[string]int{}
	sticky := ""
	for _, c := range pr.Comments {
		if !c.ByApp {
			continue
		}
		m := marker.FindString(c.Body)
		own[m]++
		if strings.Contains(m, "kind=main") {
			sticky = c.Body
		}
	}
	for m, n := range own {
		if n > 1 || m == "" {
			fail("%d comments with the mark %q", n, m)
		}
	}
	if !strings.Contains(sticky, "done in every environment") {
		fail("the sticky comment does not say that it is done:\n%s", sticky)
	}
	if check, _ := pr.Check(checkName); check.Conclusion != "success" {
		fail("the check is %s %s: %s", check.Status, check.Conclusion, check.Title)
	}
	runs := map[string]int{}
	for _, c := range pr.Checks {
		runs[c.ExternalID]++
		if c.Status != "completed" || runs[c.ExternalID] > 1 {
			fail("check run %d is %s, the %d. for %q", c.ID, c.Status, runs[c.ExternalID], c.ExternalID)
		}
	}
	deployed := map[string]string{}
	for _, d := range pr.Deployments {
		if deployed[d.Environment] != "" {
			fail("two deployments to %s", d.Environment)
		}
		deployed[d.Environment] = d.State()
	}
	for _, environment := range []string{"test", "prod"} {
		// The forge ends a deployment when a later one to the same place succeeds.
		if state := deployed[environment]; state != "success" && state != "inactive" {
			fail("the deployment to %s is %q", environment, state)
		}
	}
	return problems
}
