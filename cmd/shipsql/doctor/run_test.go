package doctor_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/cmd/shipsql/doctor"
)

func found(text string) []doctor.Result {
	return []doctor.Result{{Check: "c", Status: doctor.OK, Found: text}}
}

func TestRunTellsInOrderAndSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		after := func(d time.Duration, text string) doctor.Check {
			return doctor.Check{Name: "c", Run: func(context.Context) []doctor.Result { time.Sleep(d); return found(text) }}
		}
		began := time.Now()
		var told []string
		tell := func(r doctor.Result) { told = append(told, time.Since(began).String()+" "+r.Found) }
		all := doctor.Run(t.Context(), []doctor.Check{after(time.Second, "a"), after(3*time.Second, "b"), after(2*time.Second, "c")}, tell)
		if diff := cmp.Diff([]string{"1s a", "3s b", "3s c"}, told); diff != "" || len(all) != 3 {
			t.Errorf("%d results (-want +got):\n%s", len(all), diff)
		}
	})
}

func TestRunBoundsWhatRunsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		running := make(chan struct{}, 8)
		checks := make([]doctor.Check, 50)
		for i := range checks {
			checks[i].Run = func(context.Context) []doctor.Result {
				select {
				case running <- struct{}{}:
				default:
					t.Error("a ninth check runs")
				}
				time.Sleep(time.Second)
				<-running
				return nil
			}
		}
		began := time.Now()
		doctor.Run(t.Context(), checks, func(doctor.Result) {})
		if took := time.Since(began); took != 7*time.Second {
			t.Errorf("50 checks of a second took %s", took)
		}
	})
}

func TestACheckThatHangsOrPanicsHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		checks := []doctor.Check{
			{Name: "hangs", Subject: "here", Run: func(context.Context) []doctor.Result { <-release; return nil }},
			{Name: "heeds", Run: func(ctx context.Context) []doctor.Result { <-ctx.Done(); return found(context.Cause(ctx).Error()) }},
			{Name: "panics", Run: func(context.Context) []doctor.Result { panic(errors.New("password=hunter2")) }},
		}
		results := doctor.Run(t.Context(), checks, func(doctor.Result) {})
		close(release)
		var got []string
		for _, r := range results {
			got = append(got, string(r.Status)+" "+r.Check+" "+r.Subject+" "+r.Found)
		}
		want := []string{
			"failed hangs here no answer within 20s", "ok c  context deadline exceeded", "failed panics  the check itself failed: password=[redacted]",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if report := doctor.NewReport(results); report.Healthy() || report.Summary[doctor.Failed] != 2 {
			t.Errorf("%+v", report.Summary)
		}
	})
}

func TestTextOfOthersIsNotObeyed(t *testing.T) {
	var b strings.Builder
	doctor.Text{Out: &b}.Result(doctor.Result{Check: "c", Subject: "\x1b[2J", Status: doctor.Failed, Found: "a\x07\nb\u202E", Fix: []string{"\x1b]0;x"}})
	if got := b.String(); strings.ContainsAny(got, "\x1b\x07\u202E") || strings.Count(got, "\n") != 2 {
		t.Errorf("%q", got)
	}
}
