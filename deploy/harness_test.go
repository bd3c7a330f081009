package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/queue/bell"
	"github.com/shipsql/shipsql/store"
	"github.com/shipsql/shipsql/store/storetest"
)

// patience is how long a test waits for what must come, on a machine that may have
// much else to do.
const patience = time.Minute

const repository = "github.com/acme/orders"

// harness is a service on a real store and a real queue, with databases
// in memory and a forge that is a few variables.
type harness struct {
	t         *testing.T
	ctx       context.Context //nolint:containedctx // the test's
	clock     *clock.Fake
	config    deploy.Config
	engine    *engine
	authority *authority

	db      *store.DB
	queue   *queue.Queue
	service *deploy.Service
	stop    func() // ends the queue's workers

	expired atomic.Int32 // leases that ended

	folders map[string]map[string]string // project path → the branch's folder
	commits map[string]int               // project ID → commits so far

	mu       sync.Mutex
	toReview []string // releases that asked for a review
	findings int      // what the next reviews find
	broken   int      // the how-manieth change is refused, 0 for none
	told     int      // changes so far
	changes  map[deploy.ChangeKind]int
	heard    func(*store.Tx, deploy.Change) // told of each change, if set
}

func testConfig() deploy.Config {
	database := func(name, env, app string) deploy.Database {
		return deploy.Database{Name: name, Engine: "fake", URL: secret.Literal(name), Environment: env, Labels: map[string]string{"app": app}}
	}
	return deploy.Config{
		Databases: []deploy.Database{
			database("orders-test", "test", "orders"), database("orders-eu", "prod", "orders"), database("orders-us", "prod", "orders"),
		},
		Environments: []deploy.Environment{
			{Name: "test", Rollout: deploy.RolloutAuto},
			{Name: "prod", Rollout: deploy.RolloutManual, Approvals: deploy.Approvals{Count: 1, Users: []string{"ann", "bob"}}},
		},
		Projects: []deploy.Project{{Repository: repository, Branch: "main", Path: "migrations", Databases: map[string]string{"app": "orders"}}},
	}
}

func newHarness(t *testing.T, change ...func(*deploy.Config)) *harness {
	t.Helper()
	h := &harness{
		t: t, ctx: t.Context(), clock: clock.NewFake(noon),
		config: testConfig(), engine: newEngine(), folders: map[string]map[string]string{}, commits: map[string]int{},
		authority: &authority{approvers: map[string][]string{"prod": {"ann", "bob"}}, writers: []string{"ann", "bob", "dev", "wes"}},
		changes:   map[deploy.ChangeKind]int{},
	}
	for _, c := range change {
		c(&h.config)
	}
	h.db = storetest.Open(t, h.clock)
	h.must(queue.Migrate(h.ctx, h.db))
	h.queue = h.newQueue()
	h.service = h.newService(h.queue)
	h.stop = h.run(h.queue)
	for _, p := range h.config.Projects {
		h.folders[p.ID()] = map[string]string{}
		h.must(h.service.StartAt(h.ctx, p.ID(), "c0"))
	}
	return h
}

func (h *harness) newQueue(change ...func(*queue.Options)) *queue.Queue {
	options := queue.Options{
		Workers: 4, Reconcile: 20 * time.Millisecond, BackoffMin: time.Millisecond, BackoffMax: time.Millisecond, Grace: 5 * time.Second,
		Renew: time.Hour, // of the machine's clock: a lease ends when a test sets its own forward
		Observe: func(_ string, outcome queue.Outcome, _ time.Duration) {
			if outcome == queue.OutcomeExpired {
				h.expired.Add(1)
			}
		},
	}
	for _, c := range change {
		c(&options)
	}
	return queue.New(h.db, bell.NewLocal(), slog.New(slog.DiscardHandler), options)
}

func (h *harness) newService(q *queue.Queue) *deploy.Service {
	s, err := deploy.New(h.ctx, h.db, q, h.config, deploy.Deps{
		Engines: map[string]executor.Engine{"fake": h.engine}, Authority: h.authority, Changed: h.changed, ToolVersion: "test",
	})
	h.must(err)
	return s
}

// run starts a queue's workers until the returned function is called, or the test
// ends.
func (h *harness) run(q *queue.Queue) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(h.ctx))
	stopped := make(chan error, 1)
	go func() { stopped <- q.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		h.check(<-stopped)
	})
	h.t.Cleanup(stop)
	return stop
}

func (h *harness) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *harness) check(err error) {
	if err != nil {
		h.t.Error(err)
	}
}

func (h *harness) changed(_ context.Context, tx *store.Tx, c deploy.Change) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.heard != nil {
		h.heard(tx, c)
	}
	h.changes[c.Kind]++
	if h.told++; h.told == h.broken {
		return errors.New("the transaction is torn")
	}
	if c.Kind == deploy.ReviewNeeded && !slices.Contains(h.toReview, c.Release) {
		h.toReview = append(h.toReview, c.Release)
	}
	return nil
}

func (h *harness) project() deploy.Project { return h.config.Projects[0] }

// files are the changes of a merge: path below the project → new text; an
// absent text is a deletion.
type files map[string]*string

type mergeOption func(*deploy.NewRelease)

func byPR(n int) mergeOption { return func(r *deploy.NewRelease) { r.PullRequest = n } }

// merge moves a project's branch on by one commit with the changes.
func (h *harness) merge(p deploy.Project, changes files, options ...mergeOption) deploy.Release {
	h.t.Helper()
	released := h.tryMerge(p, changes, options...)
	if len(released) != 1 {
		h.t.Fatalf("the merge made %d releases", len(released))
	}
	return released[0]
}

func (h *harness) tryMerge(p deploy.Project, changes files, options ...mergeOption) []deploy.Release {
	h.t.Helper()
	folder := h.folders[p.ID()]
	h.commits[p.ID()]++
	n := h.commits[p.ID()]
	rel := deploy.NewRelease{
		MergeCommit: fmt.Sprintf("c%d", n), PullRequest: n, Title: fmt.Sprintf("Change %d", n), Author: "dev",
		People: deploy.People{Logins: []string{"dev", "co"}}, MergedAt: h.clock.Now(),
	}
	for name, content := range changes {
		path := p.Path + "/" + name
		old, existed := folder[path]
		if existed {
			rel.Before = append(rel.Before, deploy.File{Path: path, Content: []byte(old)})
		}
		switch {
		case content == nil:
			rel.Deleted = append(rel.Deleted, path)
			delete(folder, path)
			continue
		case existed:
			rel.Changed = append(rel.Changed, path)
		default:
			rel.Added = append(rel.Added, path)
		}
		folder[path] = *content
	}
	for _, path := range slices.Sorted(maps.Keys(folder)) {
		rel.Folder = append(rel.Folder, deploy.File{Path: path, Content: []byte(folder[path])})
	}
	for _, option := range options {
		option(&rel)
	}
	released, err := h.service.Advance(h.ctx, p.ID(), fmt.Sprintf("c%d", n-1), fmt.Sprintf("c%d", n), []deploy.NewRelease{rel})
	h.must(err)
	return released
}

// settle answers the reviews that were asked for and waits until nothing moves.
func (h *harness) settle() {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.ctx, patience)
	defer cancel()
	for {
		h.must(h.queue.Idle(ctx))
		h.mu.Lock()
		due := h.toReview
		h.toReview = nil
		h.mu.Unlock()
		if len(due) == 0 {
			return
		}
		for _, id := range due {
			h.review(id, h.findings)
		}
	}
}

func (h *harness) review(id string, findings int) {
	h.t.Helper()
	r, err := h.service.Release(h.ctx, id)
	h.must(err)
	h.must(h.service.RecordReview(h.ctx, id, deploy.Verdict{Hash: r.Hash, Clean: findings == 0, Errors: findings, Report: []byte(`{}`)}))
}

// running is how many jobs of a kind run.
func (h *harness) running(kind string) int {
	h.t.Helper()
	stats, err := h.queue.Stats(h.ctx)
	h.must(err)
	for _, s := range stats {
		if s.Kind == kind && s.State == queue.Running {
			return s.Jobs
		}
	}
	return 0
}

func (h *harness) rollout(id string) deploy.Rollout {
	h.t.Helper()
	r, err := h.service.Rollout(h.ctx, id)
	h.must(err)
	return r
}

func (h *harness) stage(id, env string) deploy.Stage {
	h.t.Helper()
	for _, s := range h.rollout(id).Stages {
		if s.Environment == env {
			return s
		}
	}
	h.t.Fatalf("release %s has no stage %s", id, env)
	return deploy.Stage{}
}

// expect settles and compares the states of a release's stages, in road order.
func (h *harness) expect(id string, want ...deploy.State) {
	h.t.Helper()
	h.settle()
	var got []deploy.State
	rollout := h.rollout(id)
	for _, s := range rollout.Stages {
		got = append(got, s.State)
	}
	if !slices.Equal(got, want) {
		h.t.Fatalf("stages are %v, want %v; %+v", got, want, rollout.Stages)
	}
}

// on names a release for a command of a forge user.
func on(r deploy.Release, login string) deploy.Command {
	return deploy.Command{Actor: forgeUser(login), Repository: repository, PullRequest: r.PullRequest}
}

func in(c deploy.Command, env string) deploy.Command {
	c.Environment = env
	return c
}

// refused checks that a command was refused with the code.
func refused(t *testing.T, err error, code deploy.Code) deploy.Reason {
	t.Helper()
	r, ok := deploy.AsRefused(err)
	if !ok || r.Reason.Code != code {
		t.Fatalf("got %v, want a refusal with code %s", err, code)
	}
	return r.Reason
}

func (h *harness) approve(r deploy.Release, login string) deploy.Answer {
	h.t.Helper()
	answer, err := h.service.Approve(h.ctx, in(on(r, login), "prod"))
	h.must(err)
	return answer
}
