package job

import (
	"fmt"
	"time"

	"github.com/shipsql/shipsql/cmd/shipsql/console"
	"github.com/shipsql/shipsql/queue"
)

// MaxLimit is how many jobs one list shows at most.
const MaxLimit = 1000

// List is the report of `job list`; its JSON is a contract.
type List struct {
	Version int    `json:"version"`
	Total   int    `json:"total"` // jobs that were given up, those beyond the limit too
	Jobs    []Item `json:"jobs"`
}

// Item is one job that was given up.
type Item struct {
	Named

	Pool      string    `json:"pool"` // "": the default one
	CreatedAt time.Time `json:"created_at"`
	GivenUpAt time.Time `json:"given_up_at"`
	Attempts  int       `json:"attempts"` // that failed
	Error     string    `json:"error"`    // of the last one, without secrets
}

// Named is what every report says of a job. Of one that isn't there only the id
// is known.
type Named struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	Key  string `json:"key"`
}

func named(d queue.DeadJob) Named { return Named{d.ID, d.Kind, d.Key} }

// NewList makes the report, in the order given.
func NewList(dead []queue.DeadJob, total int) List {
	l := List{Version: 1, Total: total, Jobs: []Item{}}
	for _, d := range dead {
		l.Jobs = append(l.Jobs, Item{
			Named: named(d), Pool: d.Pool, CreatedAt: d.Created.UTC(), GivenUpAt: d.At.UTC(), Attempts: d.Attempts, Error: d.LastError,
		})
	}
	return l
}

// errorWidth is how much of an error a list shows.
const errorWidth = 120

// none is the text where there is nothing to do.
const none = "no job was given up"

// Text prints a table, one job a line, and the commands for them.
func (l List) Text(t console.Terminal) {
	if len(l.Jobs) == 0 {
		t.Line(none)
		return
	}
	rows := [][]string{{"JOB", "KIND", "KEY", "GIVEN UP", "ATTEMPTS", "ERROR"}}
	for _, j := range l.Jobs {
		rows = append(rows, []string{
			j.ID, console.Plain(j.Kind), console.Plain(j.Key), t.Age(j.GivenUpAt) + " ago", fmt.Sprint(j.Attempts), console.Clipped(j.Error, errorWidth),
		})
	}
	t.Table(rows)
	if more := l.Total - len(l.Jobs); more > 0 {
		t.Line("… and %d more: shipsql job list --limit %d", more, min(l.Total, MaxLimit))
	}
	t.Line("")
	t.Line("once the cause is mended: shipsql job retry %s   # or --all", l.Jobs[0].ID)
	t.Line("to have it gone:          %s", discard(l.Jobs[0].ID))
}

func discard(id string) string { return "shipsql job discard " + console.Plain(id) }
