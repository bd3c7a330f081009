package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/plural"
)

// follow has a run tell on stderr how it gets on: as a bar on a terminal, in lines
// elsewhere, in one JSON object a line for --format json. Call done when the run is
// over.
func (t *terminal) follow(run *executor.Run, format string) (done func()) {
	out := newRelay(t.err)
	switch {
	case format == "json":
		run.Progress = jsonEvents(out)
	case t.errIsTTY:
		run.Progress = (&barProgress{out: out, bar: newBar(out, len(run.Migrations))}).event
	default:
		run.Progress = (&lineProgress{out: out, now: time.Now}).event
	}
	return out.Close
}

// ended says that a file is through.
func ended(e executor.Event) bool {
	switch e.State {
	case executor.EventApplied, executor.EventSkipped, executor.EventUndone:
		return true
	}
	return false
}

// lineEvery is how often a line is printed while a statement takes long.
const lineEvery = 5 * time.Second

// lineProgress prints a line when a file starts, now and then one while a
// statement takes long, and always why nothing moves.
type lineProgress struct {
	out   io.Writer
	now   func() time.Time
	pace  pace
	last  time.Time // the last line of a long statement
	waits string    // what it said of who is in the way
}

func (p *lineProgress) event(e executor.Event) {
	switch {
	case e.State == executor.EventProgress:
		p.long(e)
	case e.Detail != "":
		fmt.Fprintf(p.out, "%s: %s\n", e.State, e.Detail)
	case e.State == executor.EventRunning && e.Statement == 1:
		fmt.Fprintf(p.out, "running: %s (%s)\n", e.Path, plural.Count(e.Total, "statement"))
	}
}

// long tells of a statement that takes long, at once when somebody else is in its
// way.
func (p *lineProgress) long(e executor.Event) {
	now := p.now()
	rate := p.pace.measure(e, now)
	if e.Detail == p.waits && now.Sub(p.last) < lineEvery {
		return
	}
	p.last, p.waits = now, e.Detail
	fmt.Fprintf(p.out, "still running: %s, %s\n", e.Path, sentence(e, rate))
}

// sentence says where a long statement stands, in one line.
func sentence(e executor.Event, rate string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "statement %d of %d", e.Statement, e.Total)
	if e.Phase != "" {
		b.WriteString(", " + e.Phase)
	}
	if percent, known := executor.Percent(e.Done, e.Of); known {
		fmt.Fprintf(&b, " %d %%", percent)
	}
	var counts []string
	switch {
	case e.Unit != "" && e.Of > 0:
		counts = append(counts, fmt.Sprintf("%d of %d %s", e.Done, e.Of, e.Unit))
	case e.Unit != "":
		counts = append(counts, fmt.Sprintf("%d %s", e.Done, e.Unit))
	}
	if rate != "" {
		counts = append(counts, rate)
	}
	if len(counts) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(counts, ", "))
	}
	if e.Detail != "" {
		b.WriteString("; " + e.Detail)
	}
	return b.String()
}

// barProgress shows a bar of files, and beside it the statement that takes long.
type barProgress struct {
	out   io.Writer
	bar   *progressbar.ProgressBar
	pace  pace
	waits string
}

const barWord = "migrating"

func newBar(w io.Writer, files int) *progressbar.ProgressBar {
	return progressbar.NewOptions(files, progressbar.OptionSetWriter(w), progressbar.OptionClearOnFinish(),
		progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(false), progressbar.OptionSetDescription(barWord))
}

func (p *barProgress) event(e executor.Event) {
	switch {
	case e.State == executor.EventProgress:
		p.long(e)
	case e.Detail != "":
		p.line(fmt.Sprintf("%s: %s", e.State, e.Detail))
	case ended(e):
		p.bar.Describe(barWord)
		_ = p.bar.Add(1) // drawing is no reason to fail
	case e.State == executor.EventDone:
		p.waits = ""
	}
}

// long puts the statement beside the bar, and who is in its way above it.
func (p *barProgress) long(e executor.Event) {
	if e.Detail != "" && e.Detail != p.waits {
		p.line(fmt.Sprintf("%s, statement %d of %d: %s", e.Path, e.Statement, e.Total, e.Detail))
	}
	p.waits, e.Detail = e.Detail, ""
	p.bar.Describe(fmt.Sprintf("%s %s, %s", barWord, e.Version, sentence(e, p.pace.measure(e, time.Now()))))
}

// line prints a line above the bar.
func (p *barProgress) line(text string) {
	_ = p.bar.Clear()
	fmt.Fprintln(p.out, text)
	_ = p.bar.RenderBlank()
}

// eventJSON is one line of --format json on stderr.
type eventJSON struct {
	Event     executor.EventState `json:"event"`
	Version   string              `json:"version,omitempty"`
	Path      string              `json:"path,omitempty"`
	Statement int                 `json:"statement,omitempty"` // 1-based
	Total     int                 `json:"total,omitempty"`
	Phase     string              `json:"phase,omitempty"`
	Done      int64               `json:"done,omitempty"`
	Of        int64               `json:"of,omitempty"`
	Unit      string              `json:"unit,omitempty"`
	Percent   *int                `json:"percent,omitempty"` // of the phase
	Detail    string              `json:"detail,omitempty"`
}

// jsonEvents leaves out what comes with every statement.
func jsonEvents(w io.Writer) func(executor.Event) {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return func(e executor.Event) {
		if e.State == executor.EventDone || e.State == executor.EventRunning && e.Statement > 1 {
			return
		}
		line := eventJSON{e.State, e.Version, e.Path, e.Statement, e.Total, e.Phase, e.Done, e.Of, e.Unit, nil, e.Detail}
		if percent, known := executor.Percent(e.Done, e.Of); known {
			line.Percent = &percent
		}
		_ = out.Encode(line) // like drawing
	}
}
