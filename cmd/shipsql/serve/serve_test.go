package serve_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/cmd/shipsql/serve"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/providers/miniforge"
)

func TestMain(m *testing.M) {
	syntax.MaybeWorker()
	if file := os.Getenv(childFile); file != "" {
		os.Exit(serveAsChild(file))
	}
	os.Exit(m.Run())
}

const (
	patience      = 30 * time.Second
	webhookSecret = "hunter2-webhook"
	databaseLogin = "hunter2-database"
)

// options are of a whole configuration whose forge and database are away: what
// the app does with them is told by the demo; here it must live without.
func options(t testing.TB, redis string) (serve.Options, *logLines) {
	t.Helper()
	dir := t.TempDir()
	return optionsIn(t, dir, place{store: "sqlite:" + filepath.Join(dir, "shipsql.db"), redis: redis})
}

// place is where an app keeps its things.
type place struct {
	store, redis, databases string
	listen                  string // "": any free port
	forge                   *miniforge.Forge
}

// github is the forge's part of the configuration, and its App's key.
func (p place) github(t testing.TB) (provider string, key []byte) {
	t.Helper()
	if p.forge != nil {
		return fmt.Sprintf(`{base_url: %q, api_url: %q, name: forge, app_id: %d, private_key: "file:app.pem", webhook_secret: %q}`,
			p.forge.URL(), p.forge.APIURL(), p.forge.AppID(), p.forge.WebhookSecret()), p.forge.PrivateKeyPEM()
	}
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	key = pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)})
	return `{base_url: "http://127.0.0.1:1", name: forge, app_id: 1, private_key: "file:app.pem", webhook_secret: ` + webhookSecret + `}`, key
}

const oneDatabase = `  - {name: one, url: "postgres://u:` + databaseLogin + `@127.0.0.1:1/one", environment: test, labels: {app: one}}`

func optionsIn(t testing.TB, dir string, at place) (serve.Options, *logLines) {
	t.Helper()
	provider, key := at.github(t)
	if err := os.WriteFile(filepath.Join(dir, "app.pem"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`
server: {listen: %q, public_url: "http://localhost:8080"}
store: %q
providers:
  github: %s
databases:
%s
environments:
  - {name: test, rollout: auto}
projects:
  - {repository: forge/acme/one, branch: main, path: migrations, databases: {app: one}}
`, cmp.Or(at.listen, "127.0.0.1:0"), at.store, provider, cmp.Or(at.databases, oneDatabase))
	if at.redis != "" {
		text += "redis: " + at.redis + "\n"
	}
	file := filepath.Join(dir, "shipsql.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	log := &logLines{}
	return serve.Options{
		Config: cfg, Role: config.RoleAll, Version: "test",
		Log: slog.New(slog.NewJSONHandler(log, nil)), Drain: time.Millisecond,
	}, log
}

// boot runs the app until stop is called or the test ends.
func boot(t testing.TB, o serve.Options) (address string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	o.Ready = func(address string) { ready <- address }
	go func() { ended <- serve.Run(ctx, o) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	select {
	case address = <-ready:
	case err := <-ended:
		ended <- nil
		t.Fatalf("Run ended: %v", err)
	case <-time.After(patience):
		t.Fatal("never ready")
	}
	return "http://" + address, stop
}

func TestItServesAndStops(t *testing.T) {
	o, log := options(t, "")
	address, stop := boot(t, o)
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/": 200, "/metrics": 200, "/releases/01X": 404, "/nosuch": 404} {
		if status, body := get(t, address+path); status != want {
			t.Errorf("%s is answered %d, want %d: %s", path, status, want, body)
		}
	}
	if status := deliver(t, address, "wrong secret"); status != http.StatusUnauthorized {
		t.Errorf("a wrong signature is answered %d", status)
	}
	for range 2 { // the second is a redelivery
		if status := deliver(t, address, webhookSecret); status != http.StatusAccepted {
			t.Errorf("a delivery is answered %d", status)
		}
	}
	waitForMetrics(t, address, `shipsql_deliveries_total{outcome="accepted",provider="forge"} 1`, `shipsql_jobs{kind="`, "shipsql_job_seconds_count")
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if response, err := http.Get(address + "/healthz"); err == nil {
		_ = response.Body.Close()
		t.Error("it answers after its end")
	}
	checkLog(t, log.String(), address)
	// What it stored is there after a restart.
	address, _ = boot(t, o)
	if status := deliver(t, address, webhookSecret); status != http.StatusAccepted {
		t.Errorf("a redelivery after the restart is answered %d", status)
	}
}

// checkLog looks for what must be in the log, and what must not.
func checkLog(t *testing.T, text, address string) {
	t.Helper()
	for _, want := range []string{`"msg":"ready"`, `"address":"` + strings.TrimPrefix(address, "http://") + `"`, `"delivery":"guid-1"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %s:\n%s", want, text)
		}
	}
	for _, secret := range []string{webhookSecret, databaseLogin, "PRIVATE KEY"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log shows %s:\n%s", secret, text)
		}
	}
}

func TestRedisMayBeAway(t *testing.T) {
	server := privateserver.OwnRedis(t)
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	o, log := options(t, server.URL())
	address, _ := boot(t, o)
	if status := deliver(t, address, webhookSecret); status != http.StatusAccepted {
		t.Errorf("a delivery is answered %d", status)
	}
	waitForMetrics(t, address, `shipsql_job_attempts_total{kind="delivery"`)
	if strings.Contains(log.String(), strings.Split(server.URL(), "@")[0]) {
		t.Error("the log shows the password of Redis")
	}
}

func TestBootRefusesWhatCannotWork(t *testing.T) {
	split, _ := options(t, "")
	split.Role = config.RoleWeb
	other, _ := options(t, "")
	address, _ := boot(t, other)
	taken, _ := options(t, "")
	taken.Config.Server.Listen = strings.TrimPrefix(address, "http://")
	for name, o := range map[string]serve.Options{"split roles on SQLite": split, "port in use": taken} {
		if err := serve.Run(t.Context(), o); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// deliver posts a signed push and returns the answer's status.
func deliver(t testing.TB, address, secret string) int {
	t.Helper()
	body := []byte(`{"ref":"refs/heads/main","after":"` + strings.Repeat("a", 40) + `","repository":{"id":1,"full_name":"acme/one","name":"one","owner":{"login":"acme"}}}`)
	response, err := http.DefaultClient.Do(signed(t, address+"/webhooks/forge", "guid-1", secret, body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

func signed(t testing.TB, url, guid, secret string, body []byte) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	request.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	request.Header.Set("X-Github-Event", "push")
	request.Header.Set("X-Github-Delivery", guid)
	request.Header.Set("Content-Type", "application/json")
	return request
}

func get(t testing.TB, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// waitForMetrics waits until /metrics has all the texts.
func waitForMetrics(t *testing.T, address string, texts ...string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		_, body := get(t, address+"/metrics")
		missing := ""
		for _, text := range texts {
			if !strings.Contains(body, text) {
				missing = text
			}
		}
		if missing == "" {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("/metrics lacks %s:\n%s", missing, ours(body))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// ours are the metrics that are ShipSQL's own.
func ours(metrics string) string {
	var b strings.Builder
	for line := range strings.Lines(metrics) {
		if strings.HasPrefix(line, "shipsql_") && !strings.Contains(line, "_bucket") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// logLines collects the log.
type logLines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
