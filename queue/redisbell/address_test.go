package redisbell_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/queue/redisbell"
)

func TestTheFormsOfAURL(t *testing.T) {
	for _, url := range []string{
		"redis://localhost", "redis://:pw@localhost:6379/3", "redis://user:p%40w@[::1]:6380",
		"rediss://user:pw@redis.example.com:6380/0?server_name=redis.internal",
		"unix:///run/redis.sock", "unix://:pw@/run/redis.sock?db=2",
		"redis+sentinel://:pw@a:26379,b,c:26380/main", "redis+sentinel://a/main/2?sentinel_user=u&sentinel_password=p",
		"rediss+sentinel://u:pw@a,b/main/0", "redis+cluster://:pw@a:1,b:2,[::1]:3", "rediss+cluster://a",
	} {
		bell, err := redisbell.New(secret.Literal(url), quiet)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if err := bell.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestAWrongURLIsRefusedWithoutShowingIt(t *testing.T) {
	for url, why := range map[string]string{
		"http://:hunter2@h":                            "begins with none of",
		"localhost:6379":                               "begins with none of",
		"redis://:hunter2@h:port":                      "port is no number",
		"redis://:hunter2@h:99999":                     "port is no number",
		"redis://:hunter2@/0":                          "host is missing",
		"redis://:hunter2@h/x":                         "no number of a database",
		"redis://:hunter2@h/-1":                        "no number of a database",
		"redis://:hunter2@h/1/2":                       "no number of a database",
		"redis://:hunter2@a,b/0":                       "several hosts",
		"redis://:hunter2%zz@h":                        "no URL",
		"redis://:hunter2@h?ca=x":                      "no parameter",
		"rediss://:hunter2@h?insecure=true":            "no parameter",
		"redis+sentinel://:hunter2@a,b":                "name of Sentinel's master",
		"redis+cluster://:hunter2@a,b/1":               "only database 0",
		"unix://:hunter2@":                             "socket's path",
		"rediss://:hunter2@h?ca=/no/such.pem":          "can't read the CA",
		"rediss://:hunter2@h?cert=/no/a.pem&key=/no/k": "can't use the certificate",
	} {
		_, err := redisbell.New(secret.Literal(url), quiet)
		if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("New(%q): %v, want %q", url, err, why)
		}
	}
	if _, err := redisbell.New(secret.Literal(""), quiet); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("New of nothing: %v", err)
	}
}

func TestACAFileWithoutACertificateIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, []byte("not PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := redisbell.New(secret.Literal("rediss://h?ca="+path), quiet); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("New: %v", err)
	}
}

// FuzzURL: no URL panics, hangs or shows its password.
func FuzzURL(f *testing.F) {
	for _, seed := range []string{"redis://:pw@h:1/0", "rediss+sentinel://u:pw@a,b/m/1?sentinel_password=x", "redis+cluster://@,:/?", "unix://", "redis://@@[::1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, url string) {
		const password = "correct-horse-battery"
		bell, err := redisbell.New(secret.Literal(strings.ReplaceAll(url, "pw", password)), quiet)
		if err == nil {
			_ = bell.Close()
			return
		}
		if strings.Contains(err.Error(), password) && !strings.Contains(url, password) {
			t.Errorf("shown: %v", err)
		}
	})
}
