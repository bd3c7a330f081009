package deploy_test

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/queue/bell"
	"github.com/shipsql/shipsql/store"
	"github.com/shipsql/shipsql/store/storetest"
)

// node is a process of its own as far as the store can tell: own connections, own
// queue, own memory.
type node struct {
	queue   *queue.Queue
	service *deploy.Service
}

// newNode joins a store; its workers run until the test ends.
func newNode(t *testing.T, url secret.Source, config deploy.Config, e *engine) node {
	t.Helper()
	db, err := store.Open(t.Context(), url, clock.System)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	must(t, queue.Migrate(t.Context(), db))
	n := node{queue: queue.New(db, bell.NewLocal(), slog.New(slog.DiscardHandler), queue.Options{
		Workers: 4, Reconcile: 20 * time.Millisecond, Renew: 20 * time.Millisecond, BackoffMin: time.Millisecond, MaxAttempts: 1000,
	})}
	n.service, err = deploy.New(t.Context(), db, n.queue, config, deploy.Deps{
		Engines: map[string]executor.Engine{"fake": e}, ToolVersion: "test",
		Authority: &authority{approvers: map[string][]string{"prod": {"ann", "bob"}}, writers: []string{"ann", "bob"}},
	})
	must(t, err)
	h := &harness{t: t, ctx: t.Context()}
	h.run(n.queue)
	return n
}

// mischief fails a third of all first tries on a database, each in its own way.
type mischief struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (m *mischief) before(database, version string) error {
	m.mu.Lock()
	first := !m.seen[database+version]
	m.seen[database+version] = true
	m.mu.Unlock()
	if !first {
		return nil
	}
	switch rand.IntN(9) {
	case 0:
		return sqlFailure(version, "no")
	case 1:
		panic("the worker dies")
	case 2:
		return &executor.AmbiguousError{Version: version, Path: version + ".sql", Statement: 1, Evidence: "who knows"}
	}
	return nil
}

// Two nodes on one PostgreSQL store carry several releases to several databases
// while tasks fail, workers panic, outcomes stay unproven, and people approve,
// retry, cancel and resolve on both nodes at once. Never two tasks at once on a
// database, never a release before the one ahead of it, every effect once, and
// the audit's chain holds.
func TestTwoNodesRace(t *testing.T) {
	releases, databases := 5, 6
	if os.Getenv("SHIPSQL_TORTURE") != "" {
		releases, databases = 40, 12
	}
	t.Setenv("SHIPSQL_TEST_STORE", "postgres")
	url, config, e := storetest.URL(t), testConfig(), newEngine()
	for i := range databases - len(config.Databases) {
		name := "tenant-" + strconv.Itoa(i)
		config.Databases = append(config.Databases, deploy.Database{Name: name, Engine: "fake", URL: secret.Literal(name),
			Environment: "prod", Labels: map[string]string{"app": "orders"}})
	}
	e.before = (&mischief{seen: map[string]bool{}}).before
	e.after = func(string, string) error { time.Sleep(time.Millisecond); return nil } // work takes time
	nodes := []node{newNode(t, url, config, e), newNode(t, url, config, e)}
	project := config.Projects[0].ID()
	must(t, nodes[0].service.StartAt(t.Context(), project, "c0"))
	var all []deploy.Release
	var versions []string
	for i := range releases {
		all = append(all, mergeOne(t, nodes[i%2].service, project, i+1))
		versions = append(versions, strconv.Itoa(i+1))
	}
	var crowd sync.WaitGroup
	done := make(chan struct{})
	for i, n := range nodes {
		crowd.Go(func() { meddle(t, n.service, all, rand.New(rand.NewPCG(uint64(i), 7)), done) })
	}
	untilPassed(t, nodes[0].service, all)
	close(done)
	crowd.Wait()
	for _, d := range config.Databases {
		if diff := cmp.Diff(versions, e.order(d.Name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", d.Name, diff)
		}
	}
	if e.clashes > 0 {
		t.Errorf("two tasks ran at once on one database %d times", e.clashes)
	}
	must(t, nodes[1].service.VerifyAudit(t.Context()))
}

// mergeOne merges and reviews a release of one file.
func mergeOne(t *testing.T, s *deploy.Service, project string, n int) deploy.Release {
	t.Helper()
	rel := deploy.NewRelease{MergeCommit: fmt.Sprintf("c%d", n), PullRequest: n, Author: "dev"}
	for i := range n {
		rel.Folder = append(rel.Folder, deploy.File{Path: fmt.Sprintf("migrations/%d_x.sql", i+1), Content: []byte(create)})
	}
	rel.Added = []string{rel.Folder[n-1].Path}
	made, err := s.Advance(t.Context(), project, fmt.Sprintf("c%d", n-1), rel.MergeCommit, []deploy.NewRelease{rel})
	must(t, err)
	must(t, s.RecordReview(t.Context(), made[0].ID, deploy.Verdict{Hash: made[0].Hash, Clean: true}))
	return made[0]
}

// meddle gives one command after the other, as people do, until done is closed:
// those that stop something less often than those that let it go on.
func meddle(t *testing.T, s *deploy.Service, all []deploy.Release, r *rand.Rand, done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		default:
		}
		release := all[r.IntN(len(all))]
		c := deploy.Command{Actor: forgeUser([]string{"ann", "bob"}[r.IntN(2)]), Release: release.ID, Environment: []string{"test", "prod"}[r.IntN(2)]}
		var err error
		switch n := r.IntN(20); {
		case n < 6:
			c.WithEarlier, c.Environment = r.IntN(2) == 0, "prod"
			_, err = s.Approve(t.Context(), c)
		case n < 12:
			_, err = s.Retry(t.Context(), c)
		case n < 18:
			c.Version, c.Step, c.Outcome = release.Migrations[0].Version, 1, deploy.OutcomeRetry
			_, err = s.Resolve(t.Context(), named(t, s, c))
		case n < 19:
			c.Environment = "prod"
			_, err = s.Reject(t.Context(), c)
		default:
			_, err = s.Cancel(t.Context(), c)
		}
		if _, refused := deploy.AsRefused(err); err != nil && !refused && fault.CodeOf(err) != fault.Conflict && !errors.Is(err, t.Context().Err()) {
			t.Errorf("a command failed: %v", err)
			return
		}
	}
}

// named adds the database of an unproven outcome to a command, if there is one.
func named(t *testing.T, s *deploy.Service, c deploy.Command) deploy.Command {
	rollout, err := s.Rollout(t.Context(), c.Release)
	if err != nil {
		t.Errorf("read the release: %v", err)
		return c
	}
	for _, stage := range rollout.Stages {
		for _, task := range stage.Tasks {
			if task.State == deploy.Ambiguous {
				c.Database = task.Database
			}
		}
	}
	return c
}

// untilPassed waits until all releases have.
func untilPassed(t *testing.T, s *deploy.Service, all []deploy.Release) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(5 * time.Minute); ; <-tick.C {
		listed, err := s.List(t.Context(), deploy.Listing{Limit: len(all)})
		must(t, err)
		i := slices.IndexFunc(listed, func(l deploy.Listed) bool { return !l.State.Passed() })
		if i < 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("release %s is stuck: %+v", listed[i].Release.ID, listed[i].Stages)
		}
	}
}
