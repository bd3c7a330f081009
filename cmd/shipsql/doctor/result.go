package doctor

import (
	"errors"
	"fmt"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

// Status is how bad a result is.
type Status string

// The statuses; see the package's table.
const (
	OK         Status = "ok"
	Warning    Status = "warning"
	Failed     Status = "failed"
	NotChecked Status = "not_checked"
)

// Result is one thing that was looked at. Its JSON is a contract.
type Result struct {
	Check   string   `json:"check"`   // config, secrets, store, queue, redis, forge, webhook, database
	Subject string   `json:"subject"` // the provider, repository or database; "" where there is only one
	Status  Status   `json:"status"`
	Found   string   `json:"found"` // one sentence without a full stop
	Why     string   `json:"why"`   // why it matters; "" when all is well
	Fix     []string `json:"fix"`   // what to run or change, in order; empty when all is well
}

// Report is the JSON of doctor.
type Report struct {
	Version int            `json:"version"`
	Results []Result       `json:"results"`
	Summary map[Status]int `json:"summary"` // how many results have each status
}

// NewReport counts the results.
func NewReport(results []Result) Report {
	r := Report{Version: 1, Results: append([]Result{}, results...), Summary: map[Status]int{OK: 0, Warning: 0, Failed: 0, NotChecked: 0}}
	for _, result := range results {
		r.Summary[result.Status]++
	}
	return r
}

// Healthy says that nothing failed; warnings are allowed.
func (r Report) Healthy() bool { return r.Summary[Failed] == 0 }

// topic starts the results of one check.
type topic struct{ check, subject string }

func (t topic) result(s Status, format string, args ...any) Result {
	return Result{Check: t.check, Subject: t.subject, Status: s, Found: secret.Redact(fmt.Sprintf(format, args...)), Fix: []string{}}
}

func (t topic) ok(format string, args ...any) Result      { return t.result(OK, format, args...) }
func (t topic) warning(format string, args ...any) Result { return t.result(Warning, format, args...) }
func (t topic) failed(format string, args ...any) Result  { return t.result(Failed, format, args...) }
func (t topic) notChecked(format string, args ...any) Result {
	return t.result(NotChecked, format, args...)
}

// broken is the result of an error: its own words, and its own next step.
func (t topic) broken(err error, why string) Result {
	r := t.failed("%s", err)
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Next != "" {
		r = t.failed("%s", f.Then(""))
		r.Fix = []string{f.Next}
	}
	return r.because(why)
}

func (r Result) because(why string) Result {
	r.Why = why
	return r
}

func (r Result) fix(steps ...string) Result {
	r.Fix = steps
	return r
}
