package github_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"

	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/providers/github"
)

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func writeKey(t *testing.T, path string, key *rsa.PrivateKey) {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// lock is a forge that takes one key, and the tokens made with it.
type lock struct {
	mu    sync.Mutex
	valid *rsa.PrivateKey
	made  int
}

// change makes another key the valid one; the tokens of the old one end.
func (l *lock) change(key *rsa.PrivateKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.valid, l.made = key, l.made+1
}

func (l *lock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	_, err := jwt.Parse(credentials, func(*jwt.Token) (any, error) { return &l.valid.PublicKey, nil })
	switch token := fmt.Sprint("token-", l.made); {
	case err == nil && strings.HasSuffix(r.URL.Path, "/access_tokens"):
		answer(w, http.StatusCreated, `{"token":"`+token+`","expires_at":"2099-01-01T00:00:00Z"}`)
	case err == nil && strings.HasSuffix(r.URL.Path, "/installation"):
		answer(w, http.StatusOK, `{"id":11}`)
	case err == nil:
		answer(w, http.StatusOK, `[]`)
	case credentials == token:
		answer(w, http.StatusOK, `{"number":1}`)
	default:
		answer(w, http.StatusUnauthorized, `{"message":"Bad credentials"}`)
	}
}

// The forge takes the new key only, from the moment on at which it is rotated.
// Nothing is restarted.
func TestARotatedPrivateKeyIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.pem")
	first, second := newKey(t), newKey(t)
	writeKey(t, path, first)
	forge := &lock{valid: first}
	server := httptest.NewServer(forge)
	t.Cleanup(server.Close)
	cfg := config(server.URL)
	cfg.PrivateKey = secret.Parse("file:"+path, "")
	p := provider(t, cfg, github.Options{})
	read := func() error { _, err := p.PullRequest(t.Context(), orders, 1); return err }
	if err := read(); err != nil {
		t.Fatal(err)
	}
	forge.change(second)
	if err := read(); !errors.Is(err, providers.ErrUnauthorized) {
		t.Errorf("with the old key: %v, want ErrUnauthorized", err)
	}
	writeKey(t, path, second)
	if err := read(); err != nil {
		t.Errorf("with the new key: %v", err)
	}
	if _, err := p.Missed(t.Context(), time.Now()); err != nil {
		t.Errorf("the app's own call: %v", err)
	}
}

func TestTwoWebhookSecretsAreValidAtOnce(t *testing.T) {
	t.Setenv("SHIPSQL_TEST_OLD", "the old secret")
	t.Setenv("SHIPSQL_TEST_NEW", "the new secret")
	cfg := config("")
	cfg.WebhookSecrets = []secret.Source{secret.Parse("env:SHIPSQL_TEST_OLD", ""), secret.Parse("env:SHIPSQL_TEST_NEW", "")}
	p := provider(t, cfg, github.Options{})
	body := []byte(`{}`)
	signedWith := func(key string) error {
		h := delivery("ping", body)
		h.Set("X-Hub-Signature-256", sign(key, body))
		_, err := p.ParseWebhook(h, body)
		return err
	}
	for _, key := range []string{"the old secret", "the new secret"} {
		if err := signedWith(key); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	for _, key := range []string{"another", ""} {
		if err := signedWith(key); !errors.Is(err, providers.ErrSignature) {
			t.Errorf("%q: %v, want ErrSignature", key, err)
		}
	}
	t.Setenv("SHIPSQL_TEST_OLD", "") // it is retired: the other stays in force
	if err := signedWith("the new secret"); err != nil {
		t.Errorf("with one left: %v", err)
	}
	if err := signedWith(""); !errors.Is(err, providers.ErrSignature) {
		t.Errorf("with a missing one, signed by nothing: %v", err)
	}
	if _, err := github.New(cfg, github.Options{}); err != nil {
		t.Errorf("started with one left: %v", err)
	}
}
