package intake_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/pprof"

	"github.com/labstack/echo/v4"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/store"
)

const bareTable = "CREATE TABLE bare_deliveries (guid text PRIMARY KEY, body text NOT NULL)"

// bare serves the least that any intake must do: verify the signature and insert
// one row, over the same kind of pool into the same PostgreSQL.
func bare(ctx context.Context, cfg *config.File, log *slog.Logger) error {
	db, err := store.Open(ctx, cfg.Store, clock.System)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	secret, err := cfg.GitHub[0].WebhookSecrets[0].Read()
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	log.Info("ready", "address", listener.Addr().String())
	e := echo.New()
	e.POST("/webhooks/:name", bareHandler(db, []byte(secret))) //nolint:contextcheck // each request has its own
	server := &http.Server{Handler: e}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func bareHandler(db *store.DB, secret []byte) echo.HandlerFunc {
	return func(c echo.Context) error {
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		mac := hmac.New(sha256.New, secret)
		mac.Write(body)
		want := "sha256=" + hex.EncodeToString(mac.Sum(nil))
		if !hmac.Equal([]byte(want), []byte(c.Request().Header.Get("X-Hub-Signature-256"))) {
			return c.NoContent(http.StatusUnauthorized)
		}
		guid := c.Request().Header.Get("X-GitHub-Delivery")
		if _, err := db.Exec(c.Request().Context(), "INSERT INTO bare_deliveries VALUES ($1, $2)", guid, string(body)); err != nil {
			return err
		}
		return c.NoContent(http.StatusAccepted)
	}
}

// profile begins a CPU profile, where one is wanted, and returns how to end it.
func profile(path string) (end func()) {
	if path == "" {
		return func() {}
	}
	file, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		panic(err)
	}
	return func() { pprof.StopCPUProfile(); _ = file.Close() }
}
