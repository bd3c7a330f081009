package serve_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/cmd/shipsql/serve"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/privateserver"
)

// childFile names the configuration that this binary serves from when it is
// started as another process of a test.
const childFile = "SHIPSQL_TEST_SERVE"

// serveAsChild is what such a process does until it is told to stop.
func serveAsChild(file string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends when the test's process does
		os.Exit(1)
	}()
	cfg, err := config.Load(file)
	if err == nil {
		err = serve.Run(ctx, serve.Options{
			Config: cfg, Role: config.Role(os.Getenv(childFile + "_ROLE")), Version: "test", Log: serve.NewLog(os.Stderr, false),
		})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// process is a child that serves.
type process struct {
	*exec.Cmd
	log *logLines
}

// start starts a child on a configuration file and kills it when the test ends.
func start(t *testing.T, file string, role config.Role, env ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0], "-test.run=^$"), log: &logLines{}}
	p.Env = append(append(os.Environ(), childFile+"="+file, childFile+"_ROLE="+string(role)), env...)
	p.Stderr = p.log
	if _, err := p.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Process.Kill() // it may have ended
		_ = p.Wait()
	})
	return p
}

// ready waits until the child says so, and returns its address.
func (p *process) ready(t *testing.T) string {
	t.Helper()
	var address string
	eventually(t, func() (string, bool) {
		_, after, found := strings.Cut(p.log.String(), `"msg":"ready","address":"`)
		address, _, _ = strings.Cut(after, `"`)
		return p.log.String(), found
	})
	return "http://" + address
}

// eventually waits until look says true; the text is for the failure.
func eventually(t *testing.T, look func() (string, bool)) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		text, ok := look()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %s:\n%s", patience, text)
		}
	}
}

// file writes a configuration for children: the in-process options' own text
// can't be had back from them.
func file(t *testing.T, at place) string {
	t.Helper()
	dir := t.TempDir()
	if at.store == "" {
		at.store = "sqlite:" + filepath.Join(dir, "shipsql.db")
	}
	optionsIn(t, dir, at)
	return filepath.Join(dir, "shipsql.yaml")
}

func TestASecondProcessOnASQLiteFileIsRefused(t *testing.T) {
	path := file(t, place{})
	holder := start(t, path, config.RoleAll)
	holder.ready(t)
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	log := &logLines{}
	second := serve.Options{Config: cfg, Role: config.RoleAll, Log: serve.NewLog(log, false), Drain: time.Millisecond}
	err = serve.Run(t.Context(), second)
	if fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), fmt.Sprintf("process %d on ", holder.Process.Pid)) {
		t.Fatalf("a second process: %v", err)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait()
	boot(t, second) // the lock ended with the process
}

func TestBootWaitsForAStoreThatComesLater(t *testing.T) {
	server := privateserver.OwnPostgres(t, privateserver.Options{})
	if err := server.CreateDatabase(t.Context(), "shipsql"); err != nil {
		t.Fatal(err)
	}
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	o, log := optionsIn(t, t.TempDir(), place{store: server.URL("shipsql")})
	ready, ended := make(chan string, 1), make(chan error, 1)
	o.Ready = func(address string) { ready <- address }
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { ended <- serve.Run(ctx, o) }()
	eventually(t, func() (string, bool) { return log.String(), strings.Contains(log.String(), "the start waits for it") })
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("Run ended: %v", err)
	case <-time.After(patience):
		t.Fatalf("never ready:\n%s", log)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Of what keeps a store from being opened only its absence may pass by itself.
func TestBootDoesNotWaitForWhatWillNotCome(t *testing.T) {
	o, _ := optionsIn(t, t.TempDir(), place{store: "sqlite:/does/not/exist/shipsql.db"})
	began := time.Now()
	if err := serve.Run(t.Context(), o); err == nil || time.Since(began) > patience {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}

// Three processes start at once on an empty store: its tables are made once, and
// all of them serve.
func TestProcessesStartAtOnceOnAnEmptyStore(t *testing.T) {
	path := file(t, place{store: privateserver.Database(t)})
	var all []*process
	for _, role := range []config.Role{config.RoleWeb, config.RoleWorker, config.RoleWorker} {
		all = append(all, start(t, path, role))
	}
	for _, p := range all {
		if status, body := get(t, p.ready(t)+"/readyz"); status != http.StatusOK {
			t.Errorf("/readyz answers %d: %s", status, body)
		}
	}
	waitForMetrics(t, all[0].ready(t), `shipsql_workers{pool="default"} 2`, "shipsql_store_up 1")
	for _, p := range all {
		if strings.Contains(p.log.String(), `"level":"ERROR"`) {
			t.Errorf("it complains:\n%s", p.log)
		}
	}
}

// A web process takes deliveries, and needs no database; a worker takes none.
func TestRolesDoTheirPartOnly(t *testing.T) {
	path := file(t, place{
		store:     privateserver.Database(t),
		databases: `  - {name: one, engine: postgres, url: "env:SHIPSQL_TEST_NO_SUCH_URL", environment: test, labels: {app: one}}`,
	})
	web := start(t, path, config.RoleWeb).ready(t)
	if status := deliver(t, web, webhookSecret); status != http.StatusAccepted {
		t.Errorf("a delivery to web is answered %d", status)
	}
	blind := start(t, path, config.RoleWorker)
	if err := blind.Wait(); err == nil || !strings.Contains(blind.log.String(), "databases one: url: env:SHIPSQL_TEST_NO_SUCH_URL") {
		t.Errorf("a worker without any database: %v\n%s", err, blind.log)
	}
	worker := start(t, path, config.RoleWorker, "SHIPSQL_TEST_NO_SUCH_URL=postgres://u@127.0.0.1:1/one").ready(t)
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/releases/01X": 404} {
		if status, body := get(t, worker+path); status != want {
			t.Errorf("%s of a worker is answered %d, want %d: %s", path, status, want, body)
		}
	}
	if status := deliver(t, worker, webhookSecret); status != http.StatusNotFound {
		t.Errorf("a delivery to a worker is answered %d", status)
	}
	waitForMetrics(t, worker, `shipsql_job_attempts_total{kind="delivery"`)
}

// One database's missing secret is that database's trouble alone.
func TestAMissingURLStopsOnlyItsDatabase(t *testing.T) {
	o, log := optionsIn(t, t.TempDir(), place{
		store:     privateserver.Database(t),
		databases: oneDatabase + "\n" + `  - {name: two, engine: postgres, url: "env:SHIPSQL_TEST_NO_SUCH_URL", environment: test, labels: {app: two}}`,
	})
	boot(t, o)
	if text := log.String(); !strings.Contains(text, `"level":"ERROR"`) || !strings.Contains(text, "databases two: url: env:SHIPSQL_TEST_NO_SUCH_URL") {
		t.Errorf("the log doesn't name what is missing:\n%s", text)
	}
}

// Whoever routes by /readyz learns of the end before the listener closes.
func TestStoppingIsToldBeforeTheListenerCloses(t *testing.T) {
	o, _ := options(t, "")
	o.Drain = 5 * time.Second
	address, stop := boot(t, o)
	if status, _ := get(t, address+"/readyz"); status != http.StatusOK {
		t.Fatalf("/readyz answers %d", status)
	}
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	eventually(t, func() (string, bool) {
		status, _ := get(t, address+"/readyz")
		return fmt.Sprint(status), status == http.StatusServiceUnavailable
	})
	if status := deliver(t, address, webhookSecret); status != http.StatusAccepted {
		t.Errorf("a delivery that came all the same is answered %d", status)
	}
	if status, _ := get(t, address+"/healthz"); status != http.StatusOK {
		t.Errorf("/healthz answers %d: a process that stops is not dead", status)
	}
	select {
	case err := <-ended:
		t.Errorf("it ended while it should drain: %v", err)
	default:
	}
}

func TestReadyzFollowsTheStore(t *testing.T) {
	server := privateserver.OwnPostgres(t, privateserver.Options{})
	if err := server.CreateDatabase(t.Context(), "shipsql"); err != nil {
		t.Fatal(err)
	}
	o, _ := optionsIn(t, t.TempDir(), place{store: server.URL("shipsql")})
	address, _ := boot(t, o)
	becomes := func(want int) {
		t.Helper()
		eventually(t, func() (string, bool) {
			status, _ := get(t, address+"/readyz")
			return fmt.Sprint(status), status == want
		})
	}
	becomes(http.StatusOK)
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	becomes(http.StatusServiceUnavailable)
	if status, _ := get(t, address+"/healthz"); status != http.StatusOK {
		t.Errorf("/healthz answers %d: a restart would not bring the store back", status)
	}
	waitForMetrics(t, address, "shipsql_store_up 0")
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	becomes(http.StatusOK)
}
