package postgres_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
)

// childURL and childDir name the database and the folder that a child process
// applies; see TestKilledProcesses.
const (
	childURL = "SHIPSQL_EXECUTOR_CHILD_URL"
	childDir = "SHIPSQL_EXECUTOR_CHILD_DIR"
)

// child applies a folder, tells its progress line by line, and ends the process.
func child(url string) {
	files, err := layout.ReadDir(os.DirFS(os.Getenv(childDir)), ".")
	if err != nil {
		childFailed(err)
	}
	folder, err := layout.Load(files, layout.Options{Name: layout.Native})
	if err != nil {
		childFailed(err)
	}
	_, err = openTarget(url).Apply(context.Background(), executor.Run{
		Migrations: folder.Migrations, Limits: executor.Limits{LockRetryFor: time.Minute},
		Progress: func(e executor.Event) { fmt.Println(e.Version, e.Statement, e.State) },
	})
	if err != nil {
		childFailed(err)
	}
	os.Exit(0)
}

func childFailed(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
