package serve_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/shipsql/shipsql/internal/privateserver"
)

// The names are a contract: dashboards and alerts are written for them.
var metrics = []string{
	"shipsql_bell_up", "shipsql_build_info", "shipsql_deliveries_recovered_total", "shipsql_deliveries_total", "shipsql_forge_requests_total", "shipsql_job_attempts_total",
	"shipsql_job_seconds", "shipsql_jobs", "shipsql_oldest_job_seconds", "shipsql_store_up", "shipsql_task_seconds", "shipsql_workers",
}

// namesOne finds the name of the repository acme/one or of the database "one".
var namesOne = regexp.MustCompile(`\b(acme|one)\b`)

func TestMetricsHaveTheirNamesAndFewLabels(t *testing.T) {
	server := privateserver.OwnRedis(t)
	o, _ := options(t, server.URL())
	address, _ := boot(t, o)
	if status := deliver(t, address, webhookSecret); status != http.StatusAccepted {
		t.Fatalf("a delivery is answered %d", status)
	}
	// The forge is away: its request fails, and the delivery's job waits for it.
	waitForMetrics(t, address, "shipsql_forge_requests_total{", `shipsql_jobs{kind="`, "shipsql_job_seconds_count{", "shipsql_bell_up 1", "shipsql_store_up 1",
		`shipsql_workers{pool="default"} 1`, `shipsql_build_info{goversion="go`, `version="test"} 1`)
	_, body := get(t, address+"/metrics")
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "shipsql_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	var found []string
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (shipsql_\w+)`).FindAllStringSubmatch(body, -1) {
		found = append(found, m[1])
	}
	slices.Sort(found)
	if !slices.Equal(found, metrics) {
		t.Errorf("the metrics are\n%s\nwant\n%s", found, metrics)
	}
	for _, m := range regexp.MustCompile(`(\w+)="([^"]*)"`).FindAllStringSubmatch(ours(body), -1) {
		if label, value := m[1], m[2]; namesOne.MatchString(value) {
			t.Errorf("the label %s names a repository or database (%s):\n%s", label, value, ours(body))
		}
	}
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	waitForMetrics(t, address, "shipsql_bell_up 0")
}
