package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/cmd/shipsql/release"
	"github.com/shipsql/shipsql/cmd/shipsql/serve"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/queue"
)

// station is a configured ShipSQL whose forge never answers, with a database of
// its own for each environment.
type station struct {
	*testing.T

	file string
	text string // of the file
	cfg  *config.File
	url  map[string]string // by environment
}

// forgeSecret and databasePassword must never be printed.
const forgeSecret = "hunter2-webhook-secret"

func newStation(t *testing.T) *station {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return newStationOf(t, forgeAt{url: "http://127.0.0.1:1", key: pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), app: 1})
}

// forgeAt is a forge, and the address where it sends its webhooks.
type forgeAt struct {
	url, api string
	key      []byte
	app      int64
	listen   string
}

func newStationOf(t *testing.T, f forgeAt) *station {
	t.Helper()
	dir := t.TempDir()
	listen := cmp.Or(f.listen, "127.0.0.1:0")
	s := &station{T: t, file: filepath.Join(dir, "shipsql.yaml"), url: map[string]string{"test": privateserver.Database(t), "prod": privateserver.Database(t)}}
	text := fmt.Sprintf(`
server: {listen: "%s", public_url: "http://%s"}
store: "sqlite:%s/shipsql.db"
providers:
  github: {base_url: "%s", api_url: "%s", name: forge, app_id: %d, private_key: "file:app.pem", webhook_secret: %s}
databases:
  - {name: orders-test, url: "%s", environment: test, labels: {app: orders}}
  - {name: orders-prod, url: "%s", environment: prod, labels: {app: orders}}
environments:
  - {name: test, rollout: auto}
  - {name: prod, rollout: manual, approvals: {users: [ann]}}
projects:
  - {repository: forge/acme/orders, branch: main, path: migrations, databases: {app: orders}}
`, listen, listen, dir, f.url, cmp.Or(f.api, f.url), f.app, forgeSecret, s.url["test"], s.url["prod"])
	s.write("app.pem", string(f.key))
	s.configure(text)
	return s
}

// configure writes the configuration and reads it back.
func (s *station) configure(text string) {
	s.Helper()
	s.write("shipsql.yaml", text)
	var err error
	if s.cfg, err = config.Load(s.file); err != nil {
		s.Fatal(err)
	}
	s.text = text
}

func (s *station) write(name, text string) {
	s.Helper()
	if err := os.WriteFile(filepath.Join(filepath.Dir(s.file), name), []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
}

// merged records merges as the bot would, each of one reviewed file.
func (s *station) merged(texts ...string) []string {
	s.Helper()
	var ids []string
	err := serve.Operate(s.Context(), s.options(), func(service *deploy.Service, _ *queue.Queue) error {
		project := s.cfg.Deploy.Projects[0].ID()
		if err := service.StartAt(s.Context(), project, "c0"); err != nil {
			return err
		}
		var folder []deploy.File
		for i, text := range texts {
			path := fmt.Sprintf("migrations/%d_change.sql", i+1)
			folder = append(folder, deploy.File{Path: path, Content: []byte(text)})
			made, err := service.Advance(s.Context(), project, fmt.Sprintf("c%d", i), fmt.Sprintf("c%d", i+1), []deploy.NewRelease{{
				MergeCommit: fmt.Sprintf("eeeeeee%02x%s", i+1, strings.Repeat("0", 31)), PullRequest: 41 + i, Title: "Change " + path, Author: "bob",
				MergedAt: time.Now(), Added: []string{path}, Folder: folder,
			}})
			if err != nil {
				return err
			}
			ids = append(ids, made[0].ID)
			if err := service.RecordReview(s.Context(), made[0].ID, deploy.Verdict{Hash: made[0].Hash, Clean: true}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.Fatal(err)
	}
	return ids
}

func (s *station) options() serve.Options {
	return serve.Options{Config: s.cfg, Role: config.RoleAll, Version: "test", Log: slog.New(slog.DiscardHandler), Drain: time.Nanosecond}
}

// serving runs the app until stop is called, or the test ends.
func (s *station) serving() (stop func()) {
	s.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	o := s.options()
	ready, ended := make(chan string, 1), make(chan error, 1)
	o.Ready = func(address string) { ready <- address }
	go func() { ended <- serve.Run(ctx, o) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			s.Errorf("serve: %v", err)
		}
	})
	s.Cleanup(stop)
	select {
	case <-ready:
	case err := <-ended:
		ended <- nil
		s.Fatalf("serve ended: %v", err)
	}
	return stop
}

// run runs a command with the station's configuration.
func (s *station) run(code int, args ...string) (out, err string) {
	s.Helper()
	got, out, err := shipsql(s.T, append(args, "--config", s.file)...)
	if got != code {
		s.Errorf("%q: exit %d, want %d\nout %s\nerr %s", args, got, code, out, err)
	}
	if strings.Contains(out+err, forgeSecret) || strings.Contains(out+err, s.url["prod"]) {
		s.Errorf("%q shows a secret: %s%s", args, out, err)
	}
	return out, err
}

// until runs show until the release's stage is in the state.
func (s *station) until(id, environment string, state deploy.State) release.Show {
	s.Helper()
	deadline := time.After(30 * time.Second)
	for {
		out, _ := s.run(exitOK, "release", "show", id, "--format", "json")
		var shown release.Show
		if err := json.Unmarshal([]byte(out), &shown); err != nil {
			s.Fatal(err)
		}
		for _, stage := range shown.Stages {
			if stage.Environment == environment && stage.State == state {
				return shown
			}
		}
		select {
		case <-deadline:
			s.Fatalf("never %s in %s: %s", state, environment, out)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func TestReleaseCommandsBesideARunningServer(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { testReleaseCommands(t, newStation(t)) })
	t.Run("PostgreSQL", func(t *testing.T) {
		s := newStation(t)
		s.configure(strings.Replace(s.text, "sqlite:"+filepath.Dir(s.file)+"/shipsql.db", privateserver.Database(t), 1))
		testReleaseCommands(t, s)
	})
}

func testReleaseCommands(t *testing.T, s *station) {
	t.Helper()
	ids := s.merged("create table a(n int)", "insert into a values (1); select from absent")
	s.serving()
	s.until(ids[0], "test", deploy.Done)
	s.until(ids[1], "test", deploy.Failed)

	out, _ := s.run(exitOK, "release", "list")
	for _, want := range []string{ids[0], "#42", "test failed, prod waiting", "Change migrations/1_change.sql"} {
		if !strings.Contains(out, want) {
			t.Errorf("list lacks %q:\n%s", want, out)
		}
	}
	if out, _ := s.run(exitOK, "release", "list", "--state", "done"); out != "no releases\n" {
		t.Errorf("none is done: %s", out)
	}
	out, _ = s.run(exitOK, "release", "show", "#42")
	if want := "shipsql release retry " + ids[1] + " test"; !strings.Contains(out, want) || !strings.Contains(out, `relation "absent" does not exist`) {
		t.Errorf("show lacks %q or why:\n%s", want, out)
	}

	out, _ = s.run(exitOK, "release", "approve", "eeeeeee01", "prod", "--as", "Carla")
	if !strings.Contains(out, "approved for prod: "+ids[0]) {
		t.Errorf("approve says %s", out)
	}
	shown := s.until(ids[0], "prod", deploy.Done)
	last := shown.Audit[0]
	for _, row := range shown.Audit {
		if row.Action == deploy.VerbApprove {
			last = row
		}
	}
	if last.Actor.Kind != deploy.Operator || last.Actor.Login != "Carla" || !strings.Contains(string(last.Data), "by "+osUser()+" (uid ") {
		t.Errorf("the audit says %+v %s", last.Actor, last.Data)
	}
	exec(t, s.url["prod"], "select n from a")

	exec(t, s.url["test"], "create table absent()")
	out, _ = s.run(exitOK, "release", "retry", ids[1], "test", "orders-test")
	if !strings.Contains(out, "runs again for test: "+ids[1]) {
		t.Errorf("retry says %s", out)
	}
	s.until(ids[1], "test", deploy.Done)
}

// TestARestoredStoreLearnsFromTheLedgers follows docs/operations.md: a back-up
// made while serving, and a restore of it after prod was migrated.
func TestARestoredStoreLearnsFromTheLedgers(t *testing.T) {
	s := newStation(t)
	path := filepath.Join(filepath.Dir(s.file), "shipsql.db")
	id := s.merged("create table a(n int); insert into a values (1)")[0]
	stop := s.serving()
	s.until(id, "test", deploy.Done)
	db, err := sql.Open("sqlite", path)
	must(t, err)
	_, err = db.ExecContext(t.Context(), "VACUUM INTO '"+path+".backup'")
	must(t, errors.Join(err, db.Close()))
	s.run(exitOK, "release", "approve", id, "prod")
	s.until(id, "prod", deploy.Done)
	stop()

	must(t, errors.Join(os.RemoveAll(path+"-wal"), os.RemoveAll(path+"-shm"), os.Rename(path+".backup", path)))
	s.serving()
	s.until(id, "prod", deploy.Waiting) // the approval is lost with the rest
	s.run(exitOK, "release", "approve", id, "prod")
	s.until(id, "prod", deploy.Done) // a second create table would have failed
	exec(t, s.url["prod"], "do $$ begin if (select count(*) from a) <> 1 then raise 'it ran twice'; end if; end $$")
}

func exec(t *testing.T, url, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Error(err)
	}
}

func TestReleaseCommandsRefuse(t *testing.T) {
	s := newStation(t)
	ids := s.merged("create table a(n int)", "create table b(n int)")
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"release show 99", exitFail, `there is no release "99"`},
		{"release show eeeeeee", exitFail, "may mean 2 releases; choose one\n  shipsql release show " + ids[1]},
		{"release approve " + ids[0] + " prd", exitUsage, `did you mean "prod"?`},
		{"release approve " + ids[0] + " test", exitFail, "test needs no approval"},
		{"release approve " + ids[0] + " prod --despite-findings why", exitFail, "shipsql release approve " + ids[0] + " prod"},
		{"release retry " + ids[0] + " test", exitFail, "nothing failed in test"},
		{"release retry " + ids[0] + " test order-test", exitUsage, `did you mean "orders-test"?`},
		{"release list --project billing", exitUsage, `there is no project "billing"`},
		{"release list --limit 0", exitUsage, "--limit must be from 1"},
		{"release list --state sleeping", exitUsage, "must be one of"},
		{"release approve " + ids[0], exitUsage, "environment"},
	} {
		if _, err := s.run(c.code, strings.Fields(c.args)...); !strings.Contains(err, c.says) {
			t.Errorf("%s says %q, want %q", c.args, err, c.says)
		}
	}
	out, _ := s.run(exitFail, "release", "approve", ids[0], "test", "--format", "json")
	var failed release.Failed
	if err := json.Unmarshal([]byte(out), &failed); err != nil || failed.Error.Code != fault.Conflict || failed.Error.Reason != deploy.CommandNotPossible {
		t.Errorf("%v: %s", err, out)
	}
	if err := os.Remove(filepath.Join(filepath.Dir(s.file), "shipsql.db")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.run(exitUsage, "release", "list"); !strings.Contains(err, "there is no store") {
		t.Errorf("without a store: %s", err)
	}
}
