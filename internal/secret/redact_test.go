package secret_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/shipsql/shipsql/internal/secret"
)

func TestRedact(t *testing.T) {
	for in, leak := range map[string]string{
		"dial postgres://u:p4ssw0rd@h/db failed":                                 "p4ssw0rd",
		"dial postgres://u:p4@ssw0rd@h:5432/db failed":                           "ssw0rd",
		"dial postgres://u:p4/ssw0rd@h:5432/db failed":                           "ssw0rd",
		"dial postgres://u@tenant:p4ssw0rd@h:5432/db failed":                     "p4ssw0rd",
		"redis://:p4ssw0rd@h:6379/0":                                             "p4ssw0rd",
		"rediss+sentinel://u:p4ssw0rd@h1:26379,h2:26379/m/0":                     "p4ssw0rd",
		"clone https://0123456789abcdef@git.example.com/x":                       "0123456789abcdef",
		"u:p4@ssw0rd@tcp(h:3306)/db?tls=true: refused":                           "ssw0rd",
		"u:p4ssw0rd@unix(/run/mysqld.sock)/db":                                   "p4ssw0rd",
		"u:p4ssw0rd@/db":                                                         "p4ssw0rd",
		"host=h password=p4ssw0rd user=u":                                        "p4ssw0rd",
		"host=h password = p4ssw0rd user=u":                                      "p4ssw0rd",
		"host=h password='p4 ssw0rd' user=u":                                     "ssw0rd",
		`host=h password='p4\' ssw0rd' user=u`:                                   "ssw0rd",
		"h:5432/db?sslpassword=p4ssw0rd&sslmode=require":                         "p4ssw0rd",
		"Server=h;Uid=u;Pwd=p4ssw0rd;":                                           "p4ssw0rd",
		"PGPASSWORD=p4ssw0rd psql":                                               "p4ssw0rd",
		"client_secret=0123456789abcdef&x=y":                                     "0123456789abcdef",
		"password: p4ssw0rd":                                                     "p4ssw0rd",
		`{"webhook_secret": "p4'ssw0rd"}`:                                        "ssw0rd",
		`{"a":"{\"password\":\"p4ssw0rd\"}"}`:                                    "p4ssw0rd",
		"ALTER ROLE u LOGIN PASSWORD 'p4''ssw0rd'":                               "ssw0rd",
		"CREATE USER u IDENTIFIED BY 'p4ssw0rd'":                                 "p4ssw0rd",
		"CREATE USER u IDENTIFIED WITH mysql_native_password BY 'p4ssw0rd'":      "p4ssw0rd",
		"token ghs_0123456789abcdefghij":                                         "ghs_0123456789abcdefghij",
		"glpat-0123456789abcdefghij":                                             "glpat-0123456789abcdefghij",
		"key sk-proj-0123456789abcdefghij_kl":                                    "0123456789abcdefghij",
		"Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.x":                           "eyJhbGciOiJIUzI1NiJ9",
		"authorization: Basic dTpwNHNzdzByZA==":                                  "dTpwNHNzdzByZA",
		"map[Authorization:[token 0123456789] X:[y]]":                            "0123456789",
		"Private-Token: 0123456789":                                              "0123456789",
		"jwt eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiIxMjM0In0.c2lnbmF0dXJl":              "c2lnbmF0dXJl",
		"-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----": "MIIEow",
		"-----BEGIN PRIVATE KEY-----\\nMIIEow cut off":                           "MIIEow",
		"the known-secret is here":                                               "known-secret",
	} {
		got := secret.Redact(in, "known-secret")
		if strings.Contains(got, leak) || !strings.Contains(got, "[redacted]") {
			t.Errorf("Redact(%q) = %q", in, got)
		}
	}
}

// Each form is found by itself, without a word beside it that gives it away.
func TestRedactTokensAlone(t *testing.T) {
	for _, token := range []string{
		"github_pat_11ABCDEFG0_0123456789abcdefIJ", "ghp_0123456789abcdefIJ", "gho_0123456789abcdefIJ", "rk_live_0123456789abcdefIJ", "sk_test_0123456789abcdefIJ",
		"glpat-0123456789abcdefIJ", "gldt-0123456789abcdefIJ", "sk-0123456789abcdefIJ", "xoxb-0123456789", "ATBB0123456789abcdefIJ", "ATATT30123456789abcdefIJ",
		"ATCTT30123456789abcdefIJ", "AKIA0123456789ABCDEF", "ASIA0123456789ABCDEF", "AIza0123456789abcdefIJ0123456789abcdefIJklm", "eyJhbGciOiJIUzI1NiJ9",
		"bearer 0123456789abcdef", "BEARER 0123456789abcdef",
	} {
		if got := secret.Redact(token); strings.Contains(got, "0123456789") || got == token {
			t.Errorf("Redact(%q) = %q", token, got)
		}
	}
}

func TestRedactLeavesTheRestAlone(t *testing.T) {
	for _, text := range []string{
		"see https://example.com/a@b and table users",
		"postgres://db.example.com:5432/orders?sslmode=verify-full",
		"password authentication failed for user \"shipsql\"",
		"ALTER TABLE users ADD COLUMN token text, ADD COLUMN password_hash text",
		"failed to connect to `user=u database=d`: 127.0.0.1:5432 (h): dial error: refused",
		"migrations/20260101_tokens.sql:3:1: column \"secret\" does not exist",
		"git@github.com:acme/orders.git",
		"ask-before-you-do-something-rash",
		"@dana approved prod at 10:30",
		"mysql://root@localhost:3306/orders",
	} {
		if got := secret.Redact(text); got != text {
			t.Errorf("Redact changed %q to %q", text, got)
		}
	}
}

func TestRedactKeepsWhereItWas(t *testing.T) {
	for in, want := range map[string]string{
		"dial postgres://u:p4ssw0rd@h:5432/db: refused": "dial postgres://u:[redacted]@h:5432/db: refused",
		"u:p4ssw0rd@tcp(h:3306)/db":                     "u:[redacted]@tcp(h:3306)/db",
		`{"token": "abc", "user": "u"}`:                 `{"token": "[redacted]", "user": "u"}`,
		"host=h password='x y' user=u":                  "host=h password=[redacted] user=u",
	} {
		if got := secret.Redact(in); got != want {
			t.Errorf("Redact(%q) = %q, want %q", in, got, want)
		}
	}
}

// planted are the ways in which a password stands in a connection string; each
// escapes it as its own syntax asks for.
var planted = map[string]func(password string) string{
	"URL": func(p string) string { return "postgres://u:" + url.QueryEscape(p) + "@h:5432/db?sslmode=disable" },
	"URL, userinfo": func(p string) string {
		return (&url.URL{Scheme: "redis", User: url.UserPassword("u", p), Host: "h"}).String()
	},
	"libpq": func(p string) string { return "host=h password='" + libpq.Replace(p) + "' user=u" },
	"MySQL": func(p string) string { return "u:" + strings.ReplaceAll(p, " ", "") + "@tcp(h:3306)/db" },
	"query": func(p string) string { return "postgres://h/db?user=u&password=" + url.QueryEscape(p) },
	"SQL":   func(p string) string { return "ALTER ROLE u PASSWORD '" + strings.ReplaceAll(p, "'", "''") + "'" },
	"JSON": func(p string) string {
		text, err := json.Marshal(map[string]string{"password": p})
		if err != nil {
			panic(err) // a map of texts: can't be
		}
		return string(text)
	},
	"header": func(p string) string { return "Authorization: Basic " + url.QueryEscape(p) },
}

var libpq = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

// marker is what a test looks for: it stands in the middle of every password.
const marker = "hunter2hunter2"

func TestAPlantedPasswordNeverSurvives(t *testing.T) {
	side := rapid.StringMatching(`[ -~]{0,12}`)
	for name, write := range planted {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			text := fmt.Sprintf("can't connect to %s: refused", write(side.Draw(t, "before")+marker+side.Draw(t, "after")))
			if got := secret.Redact(text); strings.Contains(got, marker) {
				t.Fatalf("Redact(%q) = %q", text, got)
			}
		}))
	}
}

// FuzzRedact: text of any kind neither makes it grow without bound, nor does a
// second pass find more to take than a mark.
func FuzzRedact(f *testing.F) {
	for _, write := range planted {
		f.Add(write("p4ss w0rd"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		once := secret.Redact(text)
		if len(once) > 4*len(text)+16 {
			t.Fatalf("%d bytes became %d: %q → %q", len(text), len(once), text, once)
		}
		twice := secret.Redact(once)
		if len(twice) > 4*len(text)+16 {
			t.Fatalf("a second pass grows: %q → %q", once, twice)
		}
	})
}

// Forms that begin often and never end must not cost more than time in
// proportion to the text.
func TestRedactIsLinear(t *testing.T) {
	for _, piece := range []string{"a:", "x://u:", "password=", "-----BEGIN PRIVATE KEY", `"token":`, "@tcp(", "eyJ", "identified by ", "authorization"} {
		began := time.Now()
		secret.Redact(strings.Repeat(piece, 256<<10/len(piece)))
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("256 KiB of %q take %v", piece, took)
		}
	}
}

func BenchmarkRedact(b *testing.B) {
	for name, text := range map[string]string{
		"word":  "accepted",
		"guid":  "2f0c1a5e-4b0e-11ef-9c0a-0242ac120002",
		"error": `can't reach orders-eu: failed to connect to "user=shipsql database=orders": 10.0.0.1:5432 (db): dial error: connection refused`,
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				secret.Redact(text)
			}
		})
	}
}
