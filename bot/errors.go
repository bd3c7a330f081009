package bot

import (
	"errors"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/queue"
)

// sorted turns a job's error into what the queue should do. What the forge will
// answer the same way again (gone, not found, refused) ends the job with a log
// line: the next webhook or the reconciler starts anew when that changes.
func (b *Bot) sorted(job queue.Job, err error) error {
	var limited providers.ErrRateLimited
	switch {
	case err == nil:
		return nil
	case errors.As(err, &limited):
		return queue.Retry(limited.RetryAfter, nil)
	case final(err):
		b.Log.Warn("The forge refuses; the job ends", "task", job.Kind, "error", secret.Redact(err.Error()))
		return nil
	}
	return err
}

// final says that the forge would give the same answer again.
func final(err error) bool {
	for _, is := range []error{providers.ErrNotFound, providers.ErrGone, providers.ErrUnauthorized, providers.ErrUnprocessable} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}

// code is the error's fault code, with which callers decide.
func code(err error) fault.Code { return fault.CodeOf(err) }
