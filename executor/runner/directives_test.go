package runner_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
)

// directed takes transaction=off only.
type directed struct {
	limits map[int]*runner.Timeouts
	taken  []string
}

func (d *directed) LimitsOf(n int) *runner.Timeouts {
	if d.limits[n] == nil {
		d.limits[n] = &runner.Timeouts{}
	}
	return d.limits[n]
}

func (d *directed) Take(directive script.Directive) bool {
	d.taken = append(d.taken, directive.Key)
	return directive.Key == "transaction"
}

func direct(text string) (*directed, error) {
	to := &directed{limits: map[int]*runner.Timeouts{}}
	d := ledger.Decision{Verdict: ledger.Undo, Migration: executor.Migration{Version: "7", Down: text, DownPath: "7.down.sql"}}
	return to, runner.Direct(to, d, d.Migration.Form.Split(text))
}

func TestDirectivesReachTheirStatements(t *testing.T) {
	t.Parallel()
	to, err := direct("-- shipsql: transaction=off kind=ddl lock_timeout=7s\nSELECT 1;\n-- shipsql: ignore=X lock_timeout=3s statement_timeout=4s\nSELECT 2;")
	if err != nil {
		t.Fatal(err)
	}
	file, second := seconds(7, 0), seconds(3, 4)
	if diff := cmp.Diff(map[int]*runner.Timeouts{0: &file, 2: &second}, to.limits); diff != "" {
		t.Error(diff)
	}
	if taken := fmt.Sprint(to.taken); taken != "[transaction]" {
		t.Errorf("taken %s", taken)
	}
}

func TestDirectivesThatCannotBeTaken(t *testing.T) {
	t.Parallel()
	_, err := direct("SELECT 1;\n-- shipsql: batch=10\nDELETE FROM a;")
	failure, _ := errors.AsType[*executor.Failure](err)
	if failure == nil || failure.Path != "7.down.sql" || failure.Line != 2 || failure.Code != fault.Unsupported || !strings.Contains(failure.Message, "the directive batch") {
		t.Errorf("%+v", err)
	}
	if _, err := direct("-- shipsql: lock_timeout=soon\nSELECT 1;"); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "7.down.sql:1:") {
		t.Errorf("%v", err)
	}
}
