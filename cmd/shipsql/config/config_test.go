package config_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers/github"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestLoadGivesEveryRoomItsConfig(t *testing.T) {
	got, err := config.Load("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := &config.File{
		Server: config.Server{Listen: "127.0.0.1:9090", PublicURL: "https://shipsql.example.com"},
		Store:  secret.Literal("sqlite:/var/lib/shipsql/state.db"),
		Redis:  secret.Literal("redis://localhost:6379/0"),
		GitHub: []github.Config{{
			Name: "github.com", BaseURL: "https://github.com", AppID: 1234,
			PrivateKey: secret.Parse("file:app.pem", "testdata"), WebhookSecrets: []secret.Source{secret.Parse("env:GH_SECRET", "")},
		}, {
			Name: "ghe", BaseURL: "https://ghe.example.com", APIURL: "https://proxy.example.com/ghe/api/v3", AppID: 7,
			PrivateKey: secret.Parse("file:/etc/shipsql/ghe.pem", ""), WebhookSecrets: []secret.Source{secret.Parse("env:GHE_SECRET", "")},
		}},
		Deploy: deploy.Config{
			Databases: []deploy.Database{{
				Name: "orders-test", Engine: "postgres", URL: secret.Parse("env:ORDERS_TEST", ""), Environment: "test",
				Labels: map[string]string{"app": "orders"},
			}, {
				Name: "orders-eu", Engine: "postgres", Environment: "prod",
				URL:       secret.Literal("postgres://shipsql:pw@db.example.com/orders?sslmode=verify-full"),
				ReviewURL: secret.Literal("postgresql://reader:pw@db.example.com/orders"),
				Labels:    map[string]string{"app": "orders", "region": "eu", "shard": "1"},
			}},
			Environments: []deploy.Environment{{
				Name: "test", Rollout: "auto", Approvals: deploy.Approvals{Count: 1},
				LockTimeout: deploy.DefaultLockTimeout, LockRetryFor: deploy.DefaultLockRetryFor,
			}, {
				Name: "prod", Rollout: "manual", LockTimeout: 500 * time.Millisecond, LockRetryFor: time.Hour, StatementTimeout: 15 * time.Minute,
				Approvals: deploy.Approvals{Count: 2, Users: []string{"ann"}, Teams: []string{"acme/dba"}, SelfApproval: true},
			}},
			Projects: []deploy.Project{{
				Repository: "github.com/acme/orders", Branch: "main", Path: "db/migrations",
				Databases: map[string]string{"app": "orders"}, OutOfOrder: true, History: "orders",
			}},
		},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b secret.Source) bool { return a == b }), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func TestLoadFillsInDefaults(t *testing.T) {
	got, err := config.Load("testdata/small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got.Server.Listen != ":8080" || got.Store != secret.Literal("sqlite:shipsql.db") || !got.Redis.IsZero() {
		t.Errorf("server, store, redis = %+v, %v, %v", got.Server, got.Store, got.Redis)
	}
	if got.GitHub[0].Name != "localhost" {
		t.Errorf("the provider's name = %q, want the host of its base_url", got.GitHub[0].Name)
	}
	if d := got.Deploy.Databases[0]; d.Engine != "postgres" {
		t.Errorf("the engine = %q, want what the URL's scheme says", d.Engine)
	}
	if p := got.Deploy.Projects[0]; p.OutOfOrder || p.History != deploy.DefaultHistory {
		t.Errorf("the project = %+v", p)
	}
	if err := got.Deploy.Validate(); err != nil {
		t.Errorf("deploy doesn't take it: %v", err)
	}
}

func TestLoadOfSeveralNodes(t *testing.T) {
	got := nodes(t)
	if secrets := got.GitHub[0].WebhookSecrets; len(secrets) != 2 || secrets[1] != secret.Parse("env:GH_SECRET_NEXT", "") {
		t.Errorf("the webhook secrets = %v", secrets)
	}
	var workers []string
	for _, d := range got.Deploy.Databases {
		workers = append(workers, d.Worker+":"+d.Engine)
	}
	if diff := cmp.Diff([]string{":postgres", "frankfurt:postgres", "virginia:postgres"}, workers); diff != "" {
		t.Error(diff)
	}
	if _, sqlite, err := got.SQLite(); sqlite || err != nil {
		t.Errorf("the store is SQLite: %v, %v", sqlite, err)
	}
}

// Every problem of a file is reported at once; the golden files are read by
// people who judge the words.
func TestProblemsAreReportedAllAtOnce(t *testing.T) {
	files, _ := filepath.Glob("testdata/invalid/*.yaml")
	if len(files) < 15 {
		t.Fatalf("only %d files found", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			got, err := config.Load(file)
			var invalid *config.Invalid
			if !errors.As(err, &invalid) || got != nil || fault.CodeOf(err) != fault.Invalid {
				t.Fatalf("Load = %v, %v; want *config.Invalid", got, err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", strings.ReplaceAll(err.Error(), "testdata/invalid/", "")+"\n")
		})
	}
}

func TestLoadOfNoFileSaysWhatToDo(t *testing.T) {
	_, err := config.Load(filepath.Join(t.TempDir(), "absent.yaml"))
	if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "--config") {
		t.Errorf("err = %v", err)
	}
}

func TestLoadRefusesAHugeFile(t *testing.T) {
	huge := filepath.Join(t.TempDir(), "huge.yaml")
	if err := os.WriteFile(huge, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(huge); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "larger") {
		t.Errorf("err = %v", err)
	}
}

// Aliases can make a small file mean a large one.
func TestParseBoundsTheWorkOfAliases(t *testing.T) {
	row := "&row {name: a" + strings.Repeat(", k: v", 1) + "}"
	text := "databases: [" + row + strings.Repeat(", *row", 99_000) + "]\n"
	start := time.Now()
	if _, err := config.Parse("shipsql.yaml", []byte(text)); err == nil {
		t.Error("no error")
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("took %v", took)
	}
}

func TestReadSecretsNamesEveryMissingOne(t *testing.T) {
	t.Setenv("GH_SECRET", "s3cret")
	file, err := config.Load("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	everything, err := file.Part(config.RoleAll, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = file.ReadSecrets(everything)
	for _, missing := range []string{"testdata/app.pem", "/etc/shipsql/ghe.pem", "env:GHE_SECRET", "env:ORDERS_TEST"} {
		if err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("%s is not named in: %v", missing, err)
		}
	}
	if strings.Contains(err.Error(), "GH_SECRET:") && strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a secret is shown: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*.yaml", "testdata/invalid/*.yaml"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := config.Parse("shipsql.yaml", text)
		var invalid *config.Invalid
		switch {
		case err == nil && file == nil:
			t.Fatal("neither a file nor an error")
		case err == nil:
			if err := file.Deploy.Validate(); err != nil {
				t.Fatalf("deploy refuses what config takes: %v", err)
			}
		case !errors.As(err, &invalid) || len(invalid.Problems) == 0:
			t.Fatalf("an error without problems: %v", err)
		}
	})
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (run with -update to accept):\n%s", path, diff)
	}
}
