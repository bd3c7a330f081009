package bot

import (
	"errors"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/queue"
)

// What the forge refuses to the app is tried again until somebody repairs its
// credentials or permissions, however long that takes: soon, because forges have
// bad moments too, and then at longer and longer intervals.
const (
	unauthorizedFirst = 5 * time.Second
	unauthorizedLast  = 10 * time.Minute
)

// enoughTries is after how many refusals of the same kind a thing that needs not
// be is left alone.
const enoughTries = 6

// sorted turns a job's error into what the queue should do: wait, without
// counting, for what will pass or somebody will repair; count the rest as failed
// attempts.
func (b *Bot) sorted(job queue.Job, err error) error {
	var limited providers.ErrRateLimited
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errPaused), errors.Is(err, providers.ErrGone):
		b.Log.Info("Work for a repository waits: the app can't use it now", "job", job.Kind, "key", job.Key, "error", secret.Redact(err.Error()))
		return queue.Retry(pausedWait, nil)
	case errors.As(err, &limited):
		return queue.Retry(limited.RetryAfter, nil)
	case errors.Is(err, providers.ErrUnauthorized):
		b.Log.Warn("The forge refuses the app; it is tried again", "job", job.Kind, "key", job.Key, "error", secret.Redact(err.Error()))
		waited := b.Store.Now().Sub(job.Created)
		return queue.Retry(min(max(waited, unauthorizedFirst), unauthorizedLast), nil)
	}
	return err
}

// later says that the same call may get another answer without anybody doing
// anything.
func later(err error) bool { return code(err) == fault.Unreachable }

// refusedAgain says that the forge has refused something for what it is so often
// that it always will.
func refusedAgain(err error, attempts int) bool {
	refused := errors.Is(err, providers.ErrNotFound) || errors.Is(err, providers.ErrUnprocessable)
	return refused && attempts >= enoughTries
}

// code is the error's fault code, with which callers decide.
func code(err error) fault.Code { return fault.CodeOf(err) }
