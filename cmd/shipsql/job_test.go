package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shipsql/shipsql/cmd/shipsql/job"
	"github.com/shipsql/shipsql/cmd/shipsql/serve"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/queue/bell"
	"github.com/shipsql/shipsql/queue/redisbell"
	"github.com/shipsql/shipsql/store"
)

// givenUp makes jobs that were given up, one after the other.
func (s *station) givenUp(jobs ...queue.NewJob) (ids []string) {
	s.Helper()
	s.empty()
	db, err := store.Open(s.Context(), s.cfg.Store, clock.System)
	must(s.T, err)
	defer func() { must(s.T, db.Close()) }()
	q := queue.New(db, bell.NewLocal(), slog.New(slog.DiscardHandler), queue.Options{})
	for _, j := range jobs {
		q.Handle(j.Kind, func(context.Context, queue.Job) error {
			return queue.Permanent(errors.New("useless\n\x1b]0;title\x07 postgres://u:hunter2@h/db"))
		})
	}
	ctx, stop := context.WithCancel(s.Context())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	for i, j := range jobs {
		must(s.T, db.Tx(s.Context(), func(tx *store.Tx) error { return q.Enqueue(s.Context(), tx, j) }))
		s.eventually("given up", func() bool { return s.count(queue.Dead) == i+1 })
	}
	stop()
	must(s.T, <-ended)
	dead, err := q.Dead(s.Context(), len(jobs))
	must(s.T, err)
	for _, d := range dead {
		ids = append(ids, d.ID)
	}
	return ids
}

func (s *station) eventually(what string, is func() bool) {
	s.Helper()
	for deadline := time.After(30 * time.Second); !is(); {
		select {
		case <-deadline:
			s.Fatalf("never %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// empty makes the store's tables.
func (s *station) empty() {
	s.Helper()
	must(s.T, serve.Operate(s.Context(), s.options(), func(*deploy.Service, *queue.Queue) error { return nil }))
}

// count is how many jobs are in a state.
func (s *station) count(state queue.State) (n int) {
	s.Helper()
	db, err := store.Open(s.Context(), s.cfg.Store, clock.System)
	must(s.T, err)
	err = db.QueryRow(s.Context(), `SELECT count(*) FROM queue_jobs WHERE state = $1`, string(state)).Scan(&n)
	must(s.T, errors.Join(err, db.Close()))
	return n
}

var (
	reviewOf42 = queue.NewJob{Kind: "review", Key: "forge/acme/orders#42", Coalesce: true}
	catalog    = queue.NewJob{Kind: "catalog", Key: "db-catalog:orders-test", Coalesce: true}
)

func TestJobsThatWereGivenUpAreListed(t *testing.T) {
	s := newStation(t)
	ids := s.givenUp(reviewOf42, catalog)
	out, _ := s.run(exitOK, "job", "list")
	for _, want := range []string{ids[0] + "  review   forge/acme/orders#42", "useless ", "shipsql job retry " + ids[0], "shipsql job discard " + ids[0]} {
		if !strings.Contains(out, want) {
			t.Errorf("list lacks %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "hunter2") || strings.ContainsAny(out, "\x1b\x07") {
		t.Errorf("list shows %q", out)
	}
	out, _ = s.run(exitOK, "job", "list", "--limit", "1", "--format", "json")
	var list job.List
	if err := json.Unmarshal([]byte(out), &list); err != nil || list.Total != 2 || len(list.Jobs) != 1 || list.Jobs[0].ID != ids[0] || list.Jobs[0].Attempts != 1 {
		t.Errorf("%v: %s", err, out)
	}
	_, out, _ = shipsql(t, "doctor", "--config", s.file)
	if !strings.Contains(out, "shipsql job retry") || !strings.Contains(out, ids[0]) {
		t.Errorf("doctor names no command:\n%s", out)
	}
}

func TestARetriedJobRunsBesideARunningServer(t *testing.T) {
	s := newStation(t)
	project := s.cfg.Deploy.Projects[0].ID()
	ids := s.givenUp(queue.NewJob{Kind: deploy.JobAdvance, Key: "project:" + project, Payload: map[string]string{"project": project}})
	done := s.count(queue.Done)
	s.serving()
	out, log := s.run(exitOK, "job", "retry", ids[0])
	if !strings.Contains(out, "runs again: "+ids[0]+" advance project:"+project) {
		t.Errorf("retry says %s", out)
	}
	if !strings.Contains(log, "shipsql job retry by "+osUser()+" (uid ") || !strings.Contains(log, "job="+ids[0]) {
		t.Errorf("the log says %s", log)
	}
	s.eventually("done", func() bool { return s.count(queue.Dead) == 0 && s.count(queue.Done) > done })
	if out, _ := s.run(exitOK, "job", "retry", "--all"); out != "no job was given up\n" {
		t.Errorf("with none left: %s", out)
	}
}

// Of two jobs for the same work the newer runs; the older is refused, and can be
// discarded.
func TestRetryingAllAndDiscarding(t *testing.T) {
	s := newStation(t)
	ids := s.givenUp(reviewOf42, reviewOf42, catalog)
	before := s.count(queue.Ready)
	out, _ := s.run(exitFail, "job", "retry", "--all")
	for _, want := range []string{"runs again: " + ids[1], "runs again: " + ids[2], "a newer job of the same kind and key is ready", "shipsql job discard " + ids[0]} {
		if !strings.Contains(out, want) {
			t.Errorf("retry lacks %q:\n%s", want, out)
		}
	}
	if ready, dead := s.count(queue.Ready)-before, s.count(queue.Dead); ready != 2 || dead != 1 {
		t.Errorf("%d ready, %d dead", ready, dead)
	}
	out, log := s.run(exitFail, "job", "discard", ids[0])
	if !strings.Contains(out, "would be discarded: "+ids[0]) || !strings.Contains(out, "add --yes") || log != "" || s.count(queue.Dead) != 1 {
		t.Errorf("without --yes: %s%s", out, log)
	}
	out, log = s.run(exitOK, "job", "discard", "--yes", ids[0], ids[0])
	if out != "discarded: "+ids[0]+" review forge/acme/orders#42\n" || s.count(queue.Dead) != 0 {
		t.Errorf("discard says %s", out)
	}
	if strings.Count(log, "shipsql job discard by ") != 1 || !strings.Contains(log, "useless") || strings.Contains(log, "hunter2") {
		t.Errorf("the log says %s", log)
	}
	if out, _ := s.run(exitOK, "job", "list"); out != "no job was given up\n" {
		t.Errorf("the list says %s", out)
	}
}

func TestARetriedJobIsRungForOverRedis(t *testing.T) {
	s := newStation(t)
	s.configure(s.text + "redis: " + privateserver.OwnRedis(t).URL() + "\n")
	ids := s.givenUp(catalog)
	ears, err := redisbell.New(s.cfg.Redis, slog.New(slog.DiscardHandler))
	must(t, err)
	defer func() { must(t, ears.Close()) }()
	rings, err := ears.Listen(t.Context())
	must(t, err)
	s.run(exitOK, "job", "retry", ids[0])
	for deadline := time.After(30 * time.Second); ; {
		select {
		case id := <-rings:
			if id == ids[0] { // others are of the app's own opening
				return
			}
		case <-deadline:
			t.Fatal("nobody rang")
		}
	}
}

func TestJobCommandsRefuse(t *testing.T) {
	s := newStation(t)
	s.empty()
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"job retry", exitUsage, "name jobs by their ids, or say --all"},
		{"job retry 01K --all", exitUsage, "name jobs by their ids, or say --all"},
		{"job retry 01K", exitFail, "job 01K: no such dead job\n  shipsql job list"},
		{"job discard 01K --yes", exitFail, "job 01K: no such dead job"},
		{"job discard --yes", exitUsage, "<id>"},
		{"job list --limit 1001", exitUsage, "--limit must be from 1"},
	} {
		if out, err := s.run(c.code, strings.Fields(c.args)...); !strings.Contains(out+err, c.says) {
			t.Errorf("%s says %q, want %q", c.args, out+err, c.says)
		}
	}
	out, _ := s.run(exitFail, "job", "retry", "01K", "--format", "json")
	var answer job.Answer
	if err := json.Unmarshal([]byte(out), &answer); err != nil || len(answer.Jobs) != 1 || answer.Jobs[0].Error.Code != fault.NotFound {
		t.Errorf("%v: %s", err, out)
	}
	must(t, os.Remove(filepath.Join(filepath.Dir(s.file), "shipsql.db")))
	if _, err := s.run(exitUsage, "job", "list"); !strings.Contains(err, "there is no store") {
		t.Errorf("without a store: %s", err)
	}
}
