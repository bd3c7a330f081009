package serve

import (
	"context"
	"errors"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/queue"
)

// Operate lends the releases and jobs of a store to the operator's command line,
// beside the processes that serve it. The app is wired as Run does it, so that
// what the operator decides is judged with the forge's word, shown on the pull
// request, and rung to the workers; but nothing listens and no job runs here.
func Operate(ctx context.Context, o Options, use func(*deploy.Service, *queue.Queue) error) error {
	o.Log = safe(o.Log)
	a, err := build(ctx, o, config.Part{Role: config.RoleWeb})
	if err != nil {
		return err
	}
	return errors.Join(use(a.deploy, a.queue), a.Close())
}
