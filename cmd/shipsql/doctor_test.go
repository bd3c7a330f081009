package main

import (
	"encoding/json"
	"flag"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/cmd/shipsql/doctor"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/providers/miniforge"
)

var update = flag.Bool("update", false, "write the golden files")

// withForge is a station whose forge answers.
func withForge(t *testing.T) (*station, *miniforge.Forge) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String() // for serve, which comes later
	_ = listener.Close()
	forge := miniforge.New(miniforge.Options{WebhookURL: "http://" + address + "/webhooks/forge", WebhookSecret: forgeSecret})
	if err := forge.Serve("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = forge.Close() })
	if err := forge.AddRepo(miniforge.NewRepo{Name: "acme/orders"}); err != nil {
		t.Fatal(err)
	}
	if err := forge.Protect("acme/orders", "main", "sql-review"); err != nil {
		t.Fatal(err)
	}
	return newStationOf(t, forgeAt{url: forge.URL(), api: forge.APIURL(), key: forge.PrivateKeyPEM(), app: forge.AppID(), listen: address}), forge
}

// examine runs doctor and returns its results by "check subject".
func (s *station) examine(code int, args ...string) map[string][]doctor.Result {
	s.Helper()
	out, _ := s.run(code, append([]string{"doctor", "--format", "json"}, args...)...)
	var report doctor.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		s.Fatalf("%v: %s", err, out)
	}
	found := map[string][]doctor.Result{}
	for _, r := range report.Results {
		topic := strings.TrimSpace(r.Check + " " + r.Subject)
		found[topic] = append(found[topic], r)
	}
	return found
}

// working serves, and returns when its first heartbeat is in the store.
func (s *station) working() {
	s.Helper()
	s.serving()
	deadline := time.After(30 * time.Second)
	for {
		_, out, _ := shipsql(s.T, "doctor", "--config", s.file)
		if strings.Contains(out, " serves default") {
			return
		}
		select {
		case <-deadline:
			s.Fatalf("no worker: %s", out)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// expect wants a result of the status that holds the text.
func expect(t *testing.T, results []doctor.Result, status doctor.Status, text string) doctor.Result {
	t.Helper()
	for _, r := range results {
		if r.Status == status && strings.Contains(r.Found, text) {
			return r
		}
	}
	t.Errorf("no %s with %q in %+v", status, text, results)
	return doctor.Result{}
}

func TestDoctorOfAHealthySite(t *testing.T) {
	s, _ := withForge(t)
	if results := s.examine(exitFail); true { // nothing runs yet
		expect(t, results["store"], doctor.Warning, "there is no store at")
		expect(t, results["queue"], doctor.NotChecked, "the store can't be opened")
		expect(t, results["webhook forge"], doctor.Failed, "does not answer")
	}
	s.working()
	out, _ := s.run(exitOK, "doctor")
	got := strings.ReplaceAll(out, filepath.Dir(s.file), "DIR")
	for _, unstable := range []struct{ pattern, word string }{
		{`127\.0\.0\.1:\d+`, "HOST"}, {`[0-9.]+ [KMGT]iB`, "SIZE"}, {`\d{4}-\d\d-\d\dT[0-9:]+Z`, "TIME"}, {`PostgreSQL [0-9.]+`, "PostgreSQL V"},
		{`SQLite [0-9.]+`, "SQLite V"}, {`t_[a-z0-9]{16}`, "DB"}, {`at [0-9a-f]{10}\b`, "at COMMIT"}, {`worker \S+ serves`, "worker NODE serves"},
		{`schema versions: .*`, "schema versions: VERSIONS"}, {`\d+ ready, \d+ running`, "N ready, N running"}, {`number \d+`, "number N"},
	} {
		got = regexp.MustCompile(unstable.pattern).ReplaceAllString(got, unstable.word)
	}
	golden := filepath.Join("testdata", "doctor.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, out)
	}
	for _, b := range []byte(out) {
		if b > 127 {
			t.Fatalf("not a terminal, and not ASCII: %q", out)
		}
	}
}

func TestDoctorOfASickSite(t *testing.T) {
	s, forge := withForge(t)
	s.working()
	for name, c := range map[string]struct {
		sicken func() (mend func())
		topic  string
		status doctor.Status
		says   string
	}{
		"another webhook secret": {s.with(forgeSecret, "another-"+forgeSecret), "webhook forge", doctor.Failed, "refuses the webhook_secret"},
		"wrong password":         {s.with(s.url["prod"], strings.Replace(s.url["prod"], password(s.url["prod"]), "wrong", 1)), "database orders-prod", doctor.Failed, "refuses the login"},
		"no such database":       {s.with(s.url["prod"], strings.Replace(s.url["prod"], "?", "_absent?", 1)), "database orders-prod", doctor.Failed, "does not exist"},
		"unreachable database":   {s.with(s.url["prod"], "postgres://u@127.0.0.1:1/x"), "database orders-prod", doctor.Failed, "can't be reached"},
		"unset secret":           {s.with(`"`+s.url["prod"]+`", environment: prod`, `"env:SHIPSQL_TEST_UNSET", engine: postgres, environment: prod`), "secrets", doctor.Failed, "env:SHIPSQL_TEST_UNSET"},
		"another public address": {s.with(`public_url: "http://`, `public_url: "http://localhost.invalid`), "webhook forge", doctor.Failed, "does not answer"},
		"mistyped branch":        {s.with("branch: main", "branch: trunk"), "forge forge/acme/orders", doctor.Failed, "there is no branch trunk"},
		"redis away":             {s.with("store: ", "redis: redis://127.0.0.1:1\nstore: "), "redis", doctor.Failed, "Redis does not work"},
		"config open to all":     {s.mode("shipsql.yaml", 0o644), "secrets", doctor.Warning, "shipsql.yaml is open to every account"},
		"key open to all":        {s.mode("app.pem", 0o604), "secrets", doctor.Warning, "app.pem is open to every account"},
		"uninstalled": {func() func() {
			must(t, forge.Uninstall("acme"))
			return func() { must(t, forge.Install("acme")) }
		}, "forge forge/acme/orders", doctor.Failed, "the app does not see the repository"},
		"suspended": {func() func() {
			must(t, forge.Suspend("acme"))
			return func() { must(t, forge.Unsuspend("acme")) }
		}, "forge forge", doctor.Failed, "the installation of acme is suspended"},
		"check not required": {func() func() {
			must(t, forge.Protect("acme/orders", "main", "build"))
			return func() { must(t, forge.Protect("acme/orders", "main", "sql-review")) }
		}, "forge forge/acme/orders", doctor.Warning, "does not require the check sql-review"},
		"renamed": {func() func() {
			must(t, forge.Rename("acme/orders", "sales", "acme"))
			return func() { must(t, forge.Rename("acme/sales", "orders", "acme")) }
		}, "forge forge/acme/orders", doctor.Warning, "the repository is now called acme/sales"},
		"webhooks elsewhere": {func() func() {
			forge.SetWebhookURL("http://127.0.0.1:1/")
			return func() { forge.SetWebhookURL(s.cfg.Server.PublicURL + "/webhooks/forge") }
		}, "forge forge", doctor.Failed, "the app sends its webhooks to http://127.0.0.1:1/"},
	} {
		t.Run(name, func(t *testing.T) {
			defer c.sicken()()
			code := exitOK
			if c.status == doctor.Failed {
				code = exitFail
			}
			expect(t, s.examine(code)[c.topic], c.status, c.says)
		})
	}
	s.examine(exitOK)
}

// with changes the configuration's text, but not the running server's.
func (s *station) with(text, instead string) func() func() {
	return func() func() {
		before := s.text
		if !strings.Contains(before, text) {
			s.Fatalf("no %q in the configuration", text)
		}
		s.write("shipsql.yaml", strings.Replace(before, text, instead, 1))
		return func() { s.write("shipsql.yaml", before) }
	}
}

func (s *station) mode(name string, mode os.FileMode) func() func() {
	return func() func() {
		path := filepath.Join(filepath.Dir(s.file), name)
		must(s.T, os.Chmod(path, mode))
		return func() { must(s.T, os.Chmod(path, 0o600)) }
	}
}

func password(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	login, _, _ := strings.Cut(rest, "@")
	_, text, _ := strings.Cut(login, ":")
	return text
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestDoctorOfAPool looks with the eyes of processes that hold only some secrets.
func TestDoctorOfAPool(t *testing.T) {
	s, _ := withForge(t)
	store := privateserver.Database(t)
	text := strings.Replace(s.text, "sqlite:"+filepath.Dir(s.file)+"/shipsql.db", store, 1)
	text = strings.Replace(text, `"`+s.url["prod"]+`", environment: prod`, `"env:SHIPSQL_TEST_UNSET", engine: postgres, worker: eu, environment: prod`, 1)
	s.configure(text)
	s.working()
	for args, want := range map[string]string{
		"--role web":                doctorSkips("orders-test", "orders-prod"),
		"--role worker":             doctorSkips("orders-prod"),
		"--role worker --pool eu":   doctorSkips("orders-test"),
		"--role all --pool default": doctorSkips("orders-prod"),
	} {
		code := exitOK
		if !strings.Contains(want, "orders-prod") {
			code = exitFail // the secret of that pool is not here
		}
		got := ""
		for topic, results := range s.examine(code, strings.Fields(args)...) {
			for _, r := range results {
				if r.Status == doctor.NotChecked && strings.HasPrefix(topic, "database") {
					got += r.Subject + " "
				}
			}
		}
		for name := range strings.FieldsSeq(want) {
			if !strings.Contains(got, name) {
				t.Errorf("%s skips %q, want %q", args, got, want)
			}
		}
	}
	expect(t, s.examine(exitFail)["queue"], doctor.OK, "serves default, eu")
	s.run(exitUsage, "doctor", "--role", "web", "--pool", "eu")
	s.run(exitUsage, "doctor", "--pool", "us")
	s.run(exitUsage, "doctor", "--format", "xml")
}

func doctorSkips(names ...string) string { return strings.Join(names, " ") }

func TestDoctorOfABadConfiguration(t *testing.T) {
	code, out, _ := shipsql(t, "doctor", "--config", "config/testdata/invalid/gates.yaml", "--format", "json")
	var report doctor.Report
	if err := json.Unmarshal([]byte(out), &report); code != exitFail || err != nil || report.Summary[doctor.Failed] < 2 {
		t.Errorf("exit %d, %v: %s", code, err, out)
	}
	if code, _, err := shipsql(t, "doctor", "--config", "absent.yaml"); code != exitUsage || !strings.Contains(err, "can't read the configuration") {
		t.Errorf("exit %d: %s", code, err)
	}
}
