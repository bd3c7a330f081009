package serve_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/shipsql/shipsql/cmd/shipsql/serve"
	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/store"
)

// BenchmarkIntake sends signed webhooks to the whole app, whose workers act on
// them meanwhile, and then to a bare echo handler that verifies the same
// signature and inserts one row. It reports the app's rate as a part of the bare
// one's (the budget of DESIGN §9 is 0.5), and the app's 99th percentile.
func BenchmarkIntake(b *testing.B) {
	o, _ := options(b, "")
	address, _ := boot(b, o)
	meet(b, o)
	b.ResetTimer()
	ours := load(b, address+"/webhooks/forge")
	b.StopTimer()
	bare := httptest.NewServer(bareIntake(b))
	defer bare.Close()
	base := load(b, bare.URL+"/webhooks/forge")
	b.ReportMetric(base.took.Seconds()/ours.took.Seconds(), "of-bare")
	b.ReportMetric(float64(ours.p99.Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(b.N)/ours.took.Seconds(), "deliveries/s")
}

// meet writes down which repository is which, as the app does when it first sees
// one: this forge is away.
func meet(b *testing.B, o serve.Options) {
	db, err := store.Open(b.Context(), o.Config.Store, clock.System)
	if err == nil {
		_, err = db.Exec(b.Context(), `INSERT INTO bot_repositories (repository, provider, forge_id, current, installation, private, paused, asked_at)
			VALUES ('forge/acme/one', 'forge', 1, 'acme/one', 1, 0, '', 0)`)
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		b.Fatal(err)
	}
}

// bareIntake is the least that any intake must do.
func bareIntake(b *testing.B) http.Handler {
	db, err := store.Open(b.Context(), secret.Literal("sqlite:"+filepath.Join(b.TempDir(), "bare.db")), clock.System)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	if _, err := db.Exec(b.Context(), "CREATE TABLE deliveries (guid text PRIMARY KEY, body text NOT NULL)"); err != nil {
		b.Fatal(err)
	}
	e := echo.New()
	e.POST("/webhooks/:name", func(c echo.Context) error {
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		mac := hmac.New(sha256.New, []byte(webhookSecret))
		mac.Write(body)
		want := "sha256=" + hex.EncodeToString(mac.Sum(nil))
		if !hmac.Equal([]byte(want), []byte(c.Request().Header.Get("X-Hub-Signature-256"))) {
			return c.NoContent(http.StatusUnauthorized)
		}
		guid := c.Request().Header.Get("X-Github-Delivery")
		if _, err := db.Exec(c.Request().Context(), "INSERT INTO deliveries VALUES ($1, $2)", guid, string(body)); err != nil {
			return err
		}
		return c.NoContent(http.StatusAccepted)
	})
	return e
}

type measured struct{ took, p99 time.Duration }

// load sends b.N deliveries from a few clients at once.
func load(b *testing.B, url string) measured {
	const clients = 8
	body := bytes.Repeat([]byte(" "), 8<<10) // GitHub's pushes are about this large
	copy(body, `{"ref":"refs/heads/feature","after":"0123456789012345678901234567890123456789","repository":{"id":1,"full_name":"acme/one","name":"one","owner":{"login":"acme"}}}`)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	defer client.CloseIdleConnections()
	var sent atomic.Int64
	each := make([]time.Duration, b.N)
	var group sync.WaitGroup
	began := time.Now()
	for range clients {
		group.Go(func() {
			for n := sent.Add(1); n <= int64(b.N); n = sent.Add(1) {
				start := time.Now()
				response, err := client.Do(signed(b, url, strconv.FormatInt(n, 10), webhookSecret, body))
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				if response.StatusCode != http.StatusAccepted {
					b.Errorf("status %d", response.StatusCode)
					return
				}
				each[n-1] = time.Since(start)
			}
		})
	}
	group.Wait()
	m := measured{took: time.Since(began)}
	slices.Sort(each)
	m.p99 = each[len(each)*99/100]
	return m
}
