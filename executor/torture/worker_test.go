package torture_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// playWorker is the environment variable that holds a role, as JSON.
const playWorker = "SHIPSQL_EXECUTOR_TORTURE_WORKER"

// role is what the test's binary plays when it is started as a worker.
type role struct {
	Product string
	URL     string
	Folder  string // a file that holds the migrations as JSON
	Undo    bool   // they are to be taken back
}

// word is one line that a worker says.
type word struct {
	Event     *executor.Event          `json:",omitempty"`
	Result    *executor.Result         `json:",omitempty"` // of one Apply
	Ambiguous *executor.AmbiguousError `json:",omitempty"`
	Code      fault.Code               `json:",omitempty"` // of its error
	Error     string                   `json:",omitempty"`
}

// The exit codes of a worker.
const (
	exitDone      = 0
	exitFailed    = 1
	exitAmbiguous = 3
)

// limits make workers give up soon, so that they come back with new sessions.
var limits = executor.Limits{LockTimeout: 500 * time.Millisecond, LockRetryFor: 5 * time.Second}

// play applies a folder until it is applied, or nobody but a person can help.
func play(text string) int {
	say := json.NewEncoder(os.Stdout).Encode
	var r role
	var folder []executor.Migration
	if err := errors.Join(json.Unmarshal([]byte(text), &r), readJSON(r.Folder, &folder)); err != nil {
		_ = say(word{Error: err.Error(), Code: fault.Invalid})
		return exitFailed
	}
	target := productNamed(r.Product).open(r.URL)
	run := executor.Run{
		Migrations: folder, Folder: folder, Task: fmt.Sprint(os.Getpid()), Actor: "torture", Limits: limits,
		Progress: func(e executor.Event) { _ = say(word{Event: &e}) },
	}
	do := target.Apply
	if r.Undo {
		do = target.Undo
	}
	for {
		result, err := do(context.Background(), run)
		w := word{Result: &result, Code: fault.CodeOf(err)}
		if err != nil {
			w.Error = err.Error()
			errors.As(err, &w.Ambiguous)
		}
		_ = say(w)
		switch {
		case err == nil:
			return exitDone
		case w.Code == fault.Ambiguous:
			return exitAmbiguous
		case w.Code != fault.Unreachable && w.Code != fault.LockTimeout:
			return exitFailed
		}
		time.Sleep(20 * time.Millisecond) // a supervisor would wait, too
	}
}

func readJSON(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func writeJSON(path string, from any) error {
	text, err := json.MarshalIndent(from, "", " ")
	if err != nil {
		return err
	}
	part := path + ".part"
	return errors.Join(os.WriteFile(part, text, 0o600), os.Rename(part, path))
}

// life is one process of a worker.
type life struct {
	worker string
	cmd    *exec.Cmd
	ended  chan struct{}
	last   word // valid once ended: what it said last

	mu     sync.Mutex
	killed bool
}

// begin starts a process of a worker. What it says is handed on until it ends.
func begin(worker string, r role, heard func(*life, word)) (*life, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	l := &life{worker: worker, cmd: exec.Command(os.Args[0]), ended: make(chan struct{})}
	l.cmd.Env = append(os.Environ(), playWorker+"="+string(text))
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	said, err := l.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	noise := &strings.Builder{}
	l.cmd.Stderr = noise
	if err := l.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(l.ended)
		l.follow(said, heard)
		if err := l.cmd.Wait(); err != nil && noise.Len() > 0 {
			l.last = word{Error: noise.String(), Code: fault.Internal}
		}
	}()
	return l, nil
}

func (l *life) follow(said io.Reader, heard func(*life, word)) {
	for lines := bufio.NewReader(said); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return // a line that was cut by SIGKILL says nothing
		}
		var w word
		if json.Unmarshal(line, &w) != nil {
			w.Error = string(line)
		}
		l.last = w
		heard(l, w)
	}
}

// kill ends the process with SIGKILL. It says whether it was alive.
func (l *life) kill() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.ended:
		return false
	default:
	}
	if l.killed || l.cmd.Process.Kill() != nil {
		return false
	}
	l.killed = true
	return true
}

// exit is how it ended.
func (l *life) exit() (code int, killed bool) {
	<-l.ended
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cmd.ProcessState.ExitCode(), l.killed && !l.cmd.ProcessState.Exited()
}

func folderFile(dir string) string { return filepath.Join(dir, "folder.json") }
