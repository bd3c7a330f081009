package serve_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shipsql/shipsql/cmd/shipsql/serve"
)

// lines logs through the guard and returns the JSON lines.
func lines(t *testing.T, write func(*slog.Logger)) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	write(serve.Safe(serve.NewLog(&out, false)))
	var all []map[string]any
	for line := range strings.Lines(out.String()) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		all = append(all, object)
	}
	return all
}

// password is planted in everything that a line can hold.
const password = "hunter2-planted"

type shy struct{}

func (shy) LogValue() slog.Value { return slog.StringValue("password=" + password) }

func TestNoSecretPassesTheLog(t *testing.T) {
	dsn := "postgres://u:" + password + "@h/db"
	got := lines(t, func(log *slog.Logger) {
		log.Info("can't reach " + dsn)
		log.Warn("text", "error", dsn)
		log.Error("an error", "error", fmt.Errorf("dial: %w", errors.New(dsn)))
		log.Info("a value that makes itself", "error", shy{})
		log.Info("a struct", "error", struct{ URL string }{dsn})
		log.Info("a stringer", "error", bytes.NewBufferString("Authorization: Basic "+password))
		log.Info("a group", slog.Group("error", "cause", dsn))
		log.Info("an unknown key", "url", dsn)
		log.With("error", dsn).Info("from before")
		log.WithGroup("g").Info("in a group", "error", dsn)
		slog.NewLogLogger(log.Handler(), slog.LevelWarn).Printf("http: %s", dsn)
	})
	if len(got) != 11 {
		t.Errorf("%d lines", len(got))
	}
	for _, line := range got {
		if text := fmt.Sprint(line); strings.Contains(text, password) || !strings.Contains(text, "[redacted]") {
			t.Errorf("the line is %s", text)
		}
	}
}

func TestOnlyKnownKeysStandAtTheTop(t *testing.T) {
	line := lines(t, func(log *slog.Logger) {
		log.Info("m", "delivery", "d", "surprise", 7, "took", time.Second, "attempts", 3)
	})[0]
	if line["delivery"] != "d" || line["attempts"] != 3.0 || line["surprise"] != nil {
		t.Errorf("the line is %v", line)
	}
	if more, _ := line["more"].(map[string]any); more["surprise"] != 7.0 {
		t.Errorf("the unknown key is lost in %v", line)
	}
}

func TestATerminalGetsLinesForPeople(t *testing.T) {
	var out bytes.Buffer
	log := serve.NewLog(&out, true).With("role", "all")
	log.Info("ready", "address", "127.0.0.1:8080")
	log.Warn("no fields but one")
	log.Debug("a detail")
	want := regexp.MustCompile(`^\d\d:\d\d:\d\d INFO  ready  role=all address=127\.0\.0\.1:8080
\d\d:\d\d:\d\d WARN  no fields but one  role=all
$`)
	if !want.Match(out.Bytes()) {
		t.Errorf("got:\n%s", out.String())
	}
}

func TestTheLogsLevelIsThatOfTheHandlerBehind(t *testing.T) {
	log := serve.Safe(slog.New(slog.NewJSONHandler(&bytes.Buffer{}, &slog.HandlerOptions{Level: slog.LevelError})))
	if log.Enabled(context.Background(), slog.LevelWarn) {
		t.Error("it is louder than it was told to be")
	}
}
