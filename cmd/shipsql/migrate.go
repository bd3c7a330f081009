package main

import (
	"errors"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// migrateCmd is the executor alone, for laptops and pipelines.
type migrateCmd struct {
	Up       migrateUpCmd       `cmd:"" help:"Apply what is pending, each file exactly once."`
	Down     migrateDownCmd     `cmd:"" aliases:"undo" help:"Take back what was applied, newest first, by the down files."`
	Status   migrateStatusCmd   `cmd:"" help:"Show where each migration stands."`
	Baseline migrateBaselineCmd `cmd:"" help:"Record files as already there, without running them."`
	Adopt    migrateAdoptCmd    `cmd:"" help:"Take over from another tool: record what its history calls applied."`
	Skip     migrateSkipCmd     `cmd:"" help:"Record that a file will not run here."`
	Resolve  migrateResolveCmd  `cmd:"" help:"Say what became of an ambiguous step."`
}

// Help says what the exit codes mean.
func (migrateCmd) Help() string {
	return "Exit code 0: done, or nothing to do; 1: failed or refused; 2: wrong usage; 3: ambiguous, see resolve; 4: try again (no lock, unreachable)."
}

const (
	exitAmbiguous = 3
	exitTryAgain  = 4
)

// interruptGrace is how long a running file may go on after Ctrl-C.
const interruptGrace = 2 * time.Second

// migrateTarget are the flags of every migrate command.
type migrateTarget struct {
	Database string `help:"The database: a URL, env:NAME or file:PATH." required:"" placeholder:"URL"`
	Dir      string `help:"Folder of the migrations." default:"migrations"`
	History  string `help:"The ledger's history, where several projects share the database." default:"default"`
	Layout   string `help:"Naming of the files: ${layouts}, or a path template like {{ENV_ID}}/{{DB_NAME}}##{{VERSION}}##{{TYPE}}##{{DESCRIPTION}}.sql." default:"auto" placeholder:"LAYOUT"`
	Format   string `help:"text or json." enum:"text,json" default:"text"`

	Environment string `help:"What environment the database is, where the files' paths name one." placeholder:"ENV"`
	Name        string `help:"What the database is called, where the files' paths name one."`

	LockRetryFor time.Duration `help:"How long to try for a lock that others hold." default:"30m"`
}

// coded gives an error the exit code of the contract.
func coded(err error) error {
	var already exit
	if err == nil || errors.As(err, &already) {
		return err
	}
	code := exitFail
	_, ofAFile := errors.AsType[*executor.Failure](err)
	switch fault.CodeOf(err) {
	default:
	case fault.Ambiguous:
		code = exitAmbiguous
	case fault.LockTimeout, fault.Unreachable:
		code = exitTryAgain
	case fault.Invalid:
		if !ofAFile { // a URL
			code = exitUsage
		}
	}
	return exit{code, err}
}
