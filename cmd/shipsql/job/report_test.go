package job_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/cmd/shipsql/console"
	"github.com/shipsql/shipsql/cmd/shipsql/job"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/queue"
)

var update = flag.Bool("update", false, "write the golden files")

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

var (
	review = queue.DeadJob{
		Job:       queue.Job{ID: "01KAJ0000000000000000000AA", Kind: "review", Key: "github.com/acme/orders#42", Attempts: 20, Created: noon.Add(-5 * time.Hour)},
		LastError: "review: the answer is\x1b]0;title\x07 no JSON\nline two " + strings.Repeat("and more ", 20), At: noon.Add(-3 * time.Hour),
	}
	task = queue.DeadJob{
		Job:       queue.Job{ID: "01KAJ0000000000000000000BB", Kind: "task", Key: "db:\u202Eorders-eu", Pool: "eu", Attempts: 1, Created: noon.Add(-time.Minute)},
		LastError: "unreadable job", At: noon.Add(-time.Minute),
	}
	gone = queue.DeadJob{Job: queue.Job{ID: "01KAJ0000000000000000000CC"}}
)

func retried() *job.Answer {
	a := job.NewAnswer("retry")
	a.Did(task, job.Ready)
	a.Refuse(review, fault.New(fault.Conflict, "a newer job of the same kind and key is ready").At("job "+review.ID))
	a.Refuse(gone, fault.New(fault.NotFound, "no such dead job").At("job "+gone.ID))
	return a
}

func discarding(o job.Outcome, err error) *job.Answer {
	a := job.NewAnswer("discard")
	a.Did(task, o)
	a.Did(review, o)
	if err != nil {
		a.Stop(err)
	}
	return a
}

func TestReports(t *testing.T) {
	for name, report := range map[string]interface{ Text(console.Terminal) }{
		"list":    job.NewList([]queue.DeadJob{review, task}, 5000),
		"none":    job.NewList(nil, 0),
		"retry":   retried(),
		"discard": discarding(job.Discarded, nil),
		"plan":    discarding(job.WouldDiscard, fault.New(fault.Denied, "nothing was discarded").Then("add --yes")),
		"nothing": job.NewAnswer("retry"),
		"away":    discarding(job.Discarded, fault.New(fault.Unreachable, "the store is away")),
	} {
		t.Run(name, func(t *testing.T) {
			var text bytes.Buffer
			report.Text(console.Terminal{Out: &text, Now: noon})
			golden(t, name+".txt", text.Bytes())
			document, err := json.MarshalIndent(report, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", append(document, '\n'))
			if strings.ContainsAny(text.String(), "\x1b\x07\u202E") {
				t.Errorf("a terminal would obey this: %q", text.String())
			}
		})
	}
}

func TestCarried(t *testing.T) {
	if !discarding(job.Discarded, nil).Carried() {
		t.Error("all were discarded")
	}
	for name, a := range map[string]*job.Answer{"one refused": retried(), "stopped": discarding(job.WouldDiscard, fault.New(fault.Denied, "no"))} {
		if a.Carried() {
			t.Errorf("%s: not all was carried out", name)
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
