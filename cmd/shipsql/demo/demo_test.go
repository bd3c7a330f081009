package demo_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shipsql/shipsql/cmd/shipsql/demo"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/privateserver"
)

// executable is shipsql itself: the demo's bot is a process of its own.
var executable string

func TestMain(m *testing.M) {
	os.Exit(withExecutable(m.Run))
}

func withExecutable(run func() int) int {
	folder, err := os.MkdirTemp("", "shipsql-demo-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	executable = filepath.Join(folder, "shipsql")
	build := exec.Command("go", "build", "-ldflags=-w", "-o", executable, "github.com/shipsql/shipsql/cmd/shipsql")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	return run()
}

func TestScriptTellsTheWholeStory(t *testing.T) {
	t.Parallel()
	out, err := play(t, demo.Options{Script: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []string{"review", "protect", "fix", "merge", "test", "stranger", "author", "approve", "prod", "fail", "skip", "next"} {
		if !regexp.MustCompile(`(?m)^ +[\d.]+s  ✔ ` + step + ` .*\([\d.]+ s\)$`).MatchString(out) {
			t.Errorf("step %s isn't told with its time", step)
		}
	}
}

// The bot dies in the middle of the prod apply; every migration still runs once
// and the view becomes final.
func TestScriptSurvivesAKill(t *testing.T) {
	t.Parallel()
	out, err := play(t, demo.Options{Script: true, Kill: true, Redis: privateserver.OwnRedis(t).URL()})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, "✔ crash") {
		t.Error("the bot wasn't killed")
	}
}

// A web process and two workers on one PostgreSQL and one Redis tell the same
// story, and go on where one of the workers is killed in the middle.
func TestScriptOnSeveralNodes(t *testing.T) {
	t.Parallel()
	out, err := play(t, demo.Options{
		Script: true, Kill: true, Store: privateserver.Database(t), Redis: privateserver.OwnRedis(t).URL(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, "✔ crash") {
		t.Error("no worker was killed")
	}
}

// A demo that can't fail shows nothing: with what a step stands on broken, the
// story ends there.
func TestBrokenStepIsNamed(t *testing.T) {
	steps := []string{"protect", "stranger"}
	if os.Getenv("SHIPSQL_TORTURE") != "" {
		steps = []string{"review", "protect", "fix", "merge", "test", "stranger", "author", "approve", "crash", "prod", "fail", "skip", "next"}
	}
	for _, step := range steps {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			out, err := play(t, demo.Options{Script: true, Kill: step == "crash", Break: step, Patience: 30 * time.Second})
			if err == nil || !strings.Contains(err.Error(), "step "+step+": ") {
				t.Fatalf("err = %v, want one that names the step", err)
			}
			_, log, found := strings.Cut(err.Error(), "the bot's log is ")
			if _, statErr := os.Stat(log); !found || statErr != nil {
				t.Errorf("err = %v, want one that says where the log is", err)
			}
			if !strings.Contains(out, "✘ "+step) {
				t.Error("the step isn't told as failed")
			}
			t.Logf("%s → %v", step, err)
			if found {
				_ = os.RemoveAll(filepath.Dir(log))
			}
		})
	}
}

func TestUnknownStepToBreakIsRefused(t *testing.T) {
	_, err := play(t, demo.Options{Script: true, Break: "reviwe"})
	if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "review") {
		t.Errorf("err = %v, want invalid, with the steps there are", err)
	}
}

// A person gets the address of a reviewed pull request and plays the author's
// part with Enter.
func TestGuideLeavesTheStoryToAPerson(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	keys, press := io.Pipe()
	out := &buffer{}
	pages := make(chan string, 1)
	done := make(chan error, 1)
	go func() {
		done <- demo.Run(ctx, demo.Options{Executable: executable, In: keys, Out: out, Browse: func(url string) { pages <- url }})
	}()
	select {
	case page := <-pages:
		if body := get(t, page); !strings.Contains(body, "Track shipments") {
			t.Errorf("the page doesn't show the pull request: %s", body)
		}
	case err := <-done:
		t.Fatalf("ended with %v\n%s", err, out)
	}
	for range 2 { // the fix, then the second pull request
		if _, err := io.WriteString(press, "\n"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.WriteString(press, "\n"); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Ctrl-C ends the demo with %v", err)
	}
	for _, text := range []string{"/pull/1", "/pull/2", "/approve prod"} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("%q is missing in:\n%s", text, out)
		}
	}
}

func play(t *testing.T, o demo.Options) (string, error) {
	t.Helper()
	var out bytes.Buffer
	o.Executable, o.Out = executable, &out
	err := demo.Run(t.Context(), o)
	t.Logf("\n%s", &out)
	return out.String(), err
}

func get(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
