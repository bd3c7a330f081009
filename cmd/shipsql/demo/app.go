package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/shipsql/shipsql/internal/loopback"
)

// app is ShipSQL as the story meets it: one process that does everything, or on a
// store for several, a web process and two workers.
type app struct {
	nodes []*bot // the first answers forges and people
}

// plan finds a port for each process; none runs yet. Each has its log in the
// folder. When one ends by itself, died is called.
func (a *app) plan(ctx context.Context, o Options, folder string, died func(error)) error {
	roles := []string{"all"}
	if o.Store != "" {
		roles = []string{"web", "worker", "worker"}
	}
	for i, role := range roles {
		port, err := loopback.Free(ctx)
		if err != nil {
			return err
		}
		a.nodes = append(a.nodes, &bot{
			executable: o.Executable, config: filepath.Join(folder, configuration), role: role,
			log: filepath.Join(folder, fmt.Sprintf("shipsql-%d-%s.log", i+1, role)), address: loopback.Address(port), died: died,
		})
	}
	return nil
}

func (a *app) url() string { return a.nodes[0].url() }

// start starts the processes that don't run, all at once, and returns when they
// answer that they are ready.
func (a *app) start(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, node := range a.nodes {
		if !node.runs() {
			group.Go(func() error { return node.start(ctx) })
		}
	}
	return group.Wait()
}

// kill ends all processes at once, wherever they stand.
func (a *app) kill() error {
	var errs []error
	for _, node := range a.nodes {
		errs = append(errs, node.kill())
	}
	return errors.Join(errs...)
}

// logs are the files that the processes wrote.
func (a *app) logs() []string {
	var files []string
	for _, node := range a.nodes {
		if _, err := os.Stat(node.log); err == nil {
			files = append(files, node.log)
		}
	}
	return files
}

// workingOn finds the process that began the last task on a database.
func (a *app) workingOn(database string) (*bot, error) {
	for _, node := range a.nodes {
		log, err := os.ReadFile(node.log)
		if err != nil {
			return nil, err
		}
		for line := range bytes.Lines(log) {
			if bytes.Contains(line, []byte(`"msg":"A task starts"`)) && bytes.Contains(line, []byte(`"environment":"prod"`)) &&
				bytes.Contains(line, []byte(`"database":"`+database+`"`)) {
				return node, nil
			}
		}
	}
	return nil, fmt.Errorf("no process says that it works on %s", database)
}
