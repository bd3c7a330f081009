package intake_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/cmd/shipsql/serve"
)

// playNode is the environment variable that holds a part, as JSON.
const playNode = "SHIPSQL_INTAKE_NODE"

// part is what the test's binary plays when it is started as a node: one of
// ShipSQL's, or the bare handler.
type part struct {
	Config  string // path of shipsql.yaml
	Role    config.Role
	Bare    bool
	Profile string // where to write a CPU profile; "": none
}

// play runs a node until SIGTERM.
func play(text string) error {
	var p part
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	cfg, err := config.Load(p.Config)
	if err != nil {
		return err
	}
	defer profile(p.Profile)()
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	if p.Bare {
		return bare(ctx, cfg, log)
	}
	return serve.Run(ctx, serve.Options{
		Config: cfg, Role: p.Role, Version: "intake", Log: log,
		WriteRate: 200, Drain: time.Millisecond, // answers to people must not take minutes
	})
}

// node is a running process.
type node struct {
	cmd     *exec.Cmd
	address string // of its listener
}

// start starts a node and returns once it is ready. It ends with the test.
func start(t *testing.T, name string, p part) *node {
	t.Helper()
	if folder := os.Getenv("SHIPSQL_INTAKE_PROFILES"); folder != "" {
		p.Profile = filepath.Join(folder, name+".cpu")
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{cmd: exec.Command(os.Args[0])}
	n.cmd.Env = append(os.Environ(), playNode+"="+string(text))
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	read, err := n.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan string, 1)
	go follow(read, filepath.Join(filepath.Dir(p.Config), name+".log"), ready)
	select {
	case n.address = <-ready:
	case <-time.After(patience):
		t.Fatalf("%s is not ready", name)
	}
	t.Cleanup(func() {
		_ = n.cmd.Process.Signal(syscall.SIGTERM)
		if err := n.cmd.Wait(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
	return n
}

// follow keeps a node's log, as a collector would, and looks for its address.
func follow(from io.Reader, path string, ready chan<- string) {
	log, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	defer func() { _ = log.Close() }()
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		_, _ = log.Write(line)
		var said struct{ Msg, Address string }
		if cap(ready) > len(ready) && json.Unmarshal(line, &said) == nil && said.Msg == "ready" {
			ready <- said.Address
			break
		}
		if err != nil {
			return
		}
	}
	_, _ = io.Copy(log, lines)
}
