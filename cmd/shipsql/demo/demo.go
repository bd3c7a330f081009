package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
)

// Options say how the demo runs.
type Options struct {
	Executable string        // of shipsql: the bot is a process of its own
	Script     bool          // play the story alone, instead of leaving it to a person
	Kill       bool          // SIGKILL the process in the middle of the prod apply; a single one is started again
	Keep       bool          // leave the folder with configuration, store and logs
	Store      string        // URL of a PostgreSQL store: a web process and two workers; "" is one process on SQLite
	Redis      string        // URL of the bot's doorbell; "" is in-process
	Break      string        // the step to sabotage; "" for none
	Patience   time.Duration // how long a step may take; 0: DefaultPatience

	In     io.Reader        // Enter plays the author's part; nil without a person
	Out    io.Writer        // the story
	Browse func(url string) // opens a browser; nil: none
}

// DefaultPatience is far more than a step takes, but for the one after a kill,
// which waits for the dead process's lease to run out.
const DefaultPatience = 90 * time.Second

// Run builds the world, plays the story or lets a person play it, and takes the
// world down. The error of a failing step names it and says where the logs are.
func Run(ctx context.Context, o Options) error {
	if o.Patience == 0 {
		o.Patience = DefaultPatience
	}
	if names := stepNames(o.Kill); o.Break != "" && !slices.Contains(names, o.Break) {
		return fault.New(fault.Invalid, "there is no step %q to break", o.Break).Then("choose one of: %s", strings.Join(names, ", "))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := &world{Options: o, app: &app{}, started: time.Now()}
	err := w.build(ctx, cancel)
	if err == nil {
		err = w.tell(ctx)
	}
	return errors.Join(w.explain(err), w.close())
}

func (w *world) tell(ctx context.Context) error {
	fmt.Fprintf(w.Out, "%s  two PostgreSQL servers, a forge at %s, ShipSQL at %s\n", since(w.started), w.forge.URL(), w.app.url())
	s := &story{world: w}
	if w.Script {
		return s.play(ctx)
	}
	return s.guide(ctx)
}

// explain keeps the folder of a story that failed and says where it is.
func (w *world) explain(err error) error {
	if logs := w.app.logs(); err != nil && len(logs) > 0 {
		w.Keep = true
		err = fmt.Errorf("%w; the bot's log is %s", err, strings.Join(logs, ", "))
	}
	if w.Keep {
		fmt.Fprintf(w.Out, "Kept %s\n", w.folder)
	}
	return err
}

func since(start time.Time) string {
	return fmt.Sprintf("%6.1fs", time.Since(start).Seconds())
}
