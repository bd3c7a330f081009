package main

import (
	"fmt"
	"time"

	"github.com/shipsql/shipsql/executor"
)

// settled is how long a phase is watched before its speed is told.
const settled = 5 * time.Second

// foreseeable bounds the time that is told.
const foreseeable = 1000 * time.Hour

// pace measures how fast one phase of one statement goes.
type pace struct {
	path, phase, unit string
	statement         int
	since             time.Time
	from, last        int64
}

// steady are the units in which the server counts work that goes on at about one
// speed. How long others hold their locks, no speed tells.
var steady = map[string]bool{"blocks": true, "tuples": true, "bytes": true, "": true}

// measure returns the speed and the time that is left of the phase, as far as
// they can be told honestly: never for more than the phase, and "" before it was
// watched for a while.
func (p *pace) measure(e executor.Event, now time.Time) string {
	if p.path != e.Path || p.statement != e.Statement || p.phase != e.Phase || p.unit != e.Unit || e.Done < p.last {
		*p = pace{e.Path, e.Phase, e.Unit, e.Statement, now, e.Done, e.Done}
		return ""
	}
	p.last = e.Done
	elapsed, done := now.Sub(p.since), e.Done-p.from
	if elapsed < settled || done <= 0 || !steady[e.Unit] {
		return ""
	}
	perSecond := float64(done) / elapsed.Seconds()
	text := ""
	if e.Unit != "" {
		text = fmt.Sprintf("%.0f a second", perSecond)
	}
	left := float64(e.Of-e.Done) / perSecond
	if left <= 0 || left > foreseeable.Seconds() {
		return text
	}
	if text != "" {
		text += ", "
	}
	return text + "about " + about(time.Duration(left*float64(time.Second))) + " left of this phase"
}

// about is a duration as coarse as the estimate.
func about(d time.Duration) string {
	switch {
	case d < 100*time.Second:
		return fmt.Sprintf("%d s", int(d.Seconds()+1))
	case d < 100*time.Minute:
		return fmt.Sprintf("%d min", int(d.Minutes()+1))
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}
