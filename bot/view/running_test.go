package view_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/bot/view"
	"github.com/shipsql/shipsql/deploy"
)

// progressing is a pull request whose release runs with these tasks.
func progressing(tasks ...deploy.Task) view.State {
	for i := range tasks {
		tasks[i].Environment = "prod"
		p := &tasks[i].Progress
		p.Path, p.Statement, p.Total, p.Of = "migrations/1_a.sql", 2, 3, 1
	}
	return merged(deploy.Running, deploy.Stage{Environment: "prod", State: deploy.Running, Tasks: tasks})
}

func task(database string, state deploy.State, p deploy.Progress) deploy.Task {
	return deploy.Task{Database: database, State: state, Progress: p}
}

// runningLines are the lines of long statements in the sticky comment.
func runningLines(s view.State) []string {
	var lines []string
	for line := range strings.Lines(view.Sticky(s)) {
		if strings.HasPrefix(line, "- 🔄") || strings.HasPrefix(line, "- ⏳") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func expectLines(t *testing.T, s view.State, want ...string) {
	t.Helper()
	if got := strings.Join(runningLines(s), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("lines\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

const statement2 = ": `migrations/1_a.sql`, statement 2 of 3"

func TestLongStatementsSayHowFarTheyAre(t *testing.T) {
	scanning := deploy.Progress{State: "progress", Phase: "building index: scanning table", PhaseDone: 47, PhaseOf: 100, Unit: "blocks"}
	unknown := deploy.Progress{State: "progress"}
	waits := deploy.Progress{State: "progress", Waits: "waits for a lock of 'psql' (pid 7)"}
	refused := deploy.Progress{State: "retrying", Waits: "waits for a lock of 'psql' (pid 7)"}
	expectLines(t, progressing(
		task("quick", deploy.Running, deploy.Progress{State: "running"}),
		task("eu", deploy.Running, scanning), task("ap", deploy.Running, unknown), task("us", deploy.Running, waits),
		task("af", deploy.Queued, refused), task("me", deploy.Done, scanning),
	),
		"- 🔄 running on `us` (prod)"+statement2+"; waits for a lock of 'psql' (pid 7)",
		"- ⏳ queued on `af` (prod)"+statement2+"; waits for a lock of 'psql' (pid 7)",
		"- 🔄 running on `eu` (prod)"+statement2+", building index: scanning table 🟦🟦🟦🟦⬜⬜⬜⬜⬜⬜ 45 %",
		"- 🔄 running on `ap` (prod)"+statement2,
	)
}

// An edit of the comment for each row of the database would use up what the forge
// lets us write.
func TestTheCommentMovesInSteps(t *testing.T) {
	shown := map[string]bool{}
	for done := range 1001 {
		shown[view.Sticky(progressing(task("eu", deploy.Running, deploy.Progress{State: "progress", PhaseDone: int64(done), PhaseOf: 1000})))] = true
	}
	if len(shown) != 21 {
		t.Errorf("%d different comments", len(shown))
	}
}

func TestOfManyLongStatementsTheFirstAreShown(t *testing.T) {
	var tasks []deploy.Task
	for i := range 9 {
		tasks = append(tasks, task(fmt.Sprintf("db%d", i), deploy.Running, deploy.Progress{State: "progress"}))
	}
	tasks[8].Progress.Waits = "waits"
	if lines := runningLines(progressing(tasks...)); len(lines) != 5 || !strings.Contains(lines[0], "db8") {
		t.Errorf("lines %q", lines)
	}
}

func TestOnAPublicRepositoryNobodysSessionIsNamed(t *testing.T) {
	s := progressing(task("eu", deploy.Running, deploy.Progress{State: "progress", Waits: "waits for a lock of 'ann@acme.example' (pid 7)"}))
	s.Public = true
	expectLines(t, s, "- 🔄 running on `eu` (prod)"+statement2+"; waits for a lock of '…' (pid 7)")
}
