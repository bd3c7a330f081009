// Command shipsql is the whole of ShipSQL in one binary: the app that teams
// install on their repositories, and the command line for laptops and
// pipelines. This package only reads arguments and wires the rooms together.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/mattn/go-isatty"

	_ "github.com/shipsql/shipsql/cmd/shipsql/early" // first of all
	"github.com/shipsql/shipsql/executor/layout"
)

// version is set by the build: -ldflags "-X main.version=v1.2.3".
var version = "dev"

// commands is the command line; each command lives in the file of its name.
type commands struct {
	Version kong.VersionFlag `help:"Print the version and exit."`

	Serve   serveCmd   `cmd:"" help:"Run the app: webhooks, reviews, releases, live pages."`
	Demo    demoCmd    `cmd:"" help:"Play a whole rollout on this machine: no account, no docker, no network."`
	Review  reviewCmd  `cmd:"" help:"Say what SQL files would do to a database, and what is wrong with them."`
	Migrate migrateCmd `cmd:"" help:"Apply a folder of migrations to one database, without the app."`
	Release releaseCmd `cmd:"" help:"List, show, approve and retry releases, beside the running app."`
	Job     jobCmd     `cmd:"" help:"List, retry and discard jobs that were given up, beside the running app."`
	Doctor  doctorCmd  `cmd:"" help:"Look at everything ShipSQL needs: secrets, store, queue, Redis, forges, webhooks, databases."`
	Config  configCmd  `cmd:"" help:"Check or describe the configuration file."`

	Completion completionCmd `cmd:"" help:"Print a script that completes shipsql's commands in a shell."`
	Complete   completeCmd   `cmd:"" name:"__complete" hidden:""`
}

// terminal is what a command may know of where it runs.
type terminal struct {
	ctx      context.Context // done at SIGINT or SIGTERM
	insisted <-chan struct{} // closed at the second; nil: never
	in       io.Reader
	out, err io.Writer
	isTTY    bool // out is a terminal: colours and progress bars are welcome
	errIsTTY bool // err is one
}

// exit is an error that carries its own exit code; a nil err prints nothing.
type exit struct {
	code int
	err  error
}

func (e exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e exit) Unwrap() error { return e.err }

const (
	exitOK    = 0
	exitFail  = 1 // failed, refused, or blocking findings
	exitUsage = 2 // wrong usage or unreadable input
)

func main() {
	ctx, insisted, stop := interrupts(context.Background())
	code := run(os.Args[1:], &terminal{
		ctx: ctx, insisted: insisted, in: os.Stdin, out: os.Stdout, err: os.Stderr,
		isTTY:    isatty.IsTerminal(os.Stdout.Fd()) && os.Getenv("NO_COLOR") == "",
		errIsTTY: isatty.IsTerminal(os.Stderr.Fd()),
	})
	stop()
	os.Exit(code)
}

// run executes one command line and returns the process's exit code.
func run(args []string, t *terminal) int {
	parser, err := newParser(t)
	if err != nil {
		panic(err) // the command tree itself is wrong: a programming error
	}
	return parseAndRun(parser, args, t)
}

func newParser(t *terminal) (*kong.Kong, error) {
	return kong.New(&commands{},
		kong.Name("shipsql"),
		kong.Description("GitOps for databases: review, release and roll out SQL from pull requests."),
		kong.Vars{"version": version, "layouts": strings.Join(layout.Names(), ", ")},
		kong.Writers(t.out, t.err),
		kong.Bind(t),
		kong.UsageOnError(),
		kong.Exit(func(code int) { panic(exit{code: code}) }),
	)
}

// parseAndRun turns kong's early exits (--help, --version), usage errors and
// the command's own error into an exit code.
func parseAndRun(parser *kong.Kong, args []string, t *terminal) (code int) {
	defer func() {
		switch cause := recover().(type) {
		case nil:
		case exit:
			code = cause.code
		default:
			panic(cause)
		}
	}()
	selected, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(t.err, "shipsql: %v\n", err)
		return exitUsage
	}
	return t.exitCode(selected.Run())
}

func (t *terminal) exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	code := exitFail
	if e, ok := errors.AsType[exit](err); ok {
		code, err = e.code, e.err
	}
	if err != nil {
		fmt.Fprintf(t.err, "shipsql: %v\n", err)
	}
	return code
}
