package privateserver

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/loopback"
)

const (
	startLimit = 30 * time.Second // a loaded machine recovering from a crash
	stopLimit  = 10 * time.Second // then the server is killed
	pollEvery  = 10 * time.Millisecond
	maxPorts   = 5 // that a server tries
)

// server is one server's folder, port and process. Its methods may be called
// from any goroutine.
type server struct {
	name     string // for messages
	home     string // holds data, socket and log; removed by stop
	port     int
	password string
	account  account

	command func() *exec.Cmd            // the process to run, in the foreground
	ping    func(context.Context) error // nil once the server answers

	mu      sync.Mutex
	cmd     *exec.Cmd
	exited  chan struct{} // closed when cmd has ended
	janitor *os.File      // closing it makes the janitor clean up
}

// newServer makes the folder of a server. One that flushes nothing may have it in
// memory.
func newServer(ctx context.Context, name string, durable bool, users ...string) (*server, error) {
	a, err := unprivileged(users...)
	if err != nil {
		return nil, err
	}
	port, err := loopback.Free(ctx)
	if err != nil {
		return nil, err
	}
	home, err := newHome(strings.ToLower(name), durable, a)
	if err != nil {
		return nil, err
	}
	s := &server{name: name, home: home, port: port, password: rand.Text(), account: a}
	if s.janitor, err = startJanitor(home); err != nil {
		return nil, err
	}
	return s, nil
}

// start runs the process and returns when the server answers. A port that
// somebody took since it was free is given up for another.
func (s *server) start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for try := 1; ; try++ {
		err := s.startLocked(ctx)
		if err == nil || try == maxPorts || !s.portTaken() {
			return err
		}
		if s.port, err = loopback.Free(ctx); err != nil {
			return err
		}
	}
}

// portTaken says that the process found its port in use. What it said of that is
// dropped, so that the log holds what comes next.
func (s *server) portTaken() bool {
	text, _ := os.ReadFile(s.path("log"))
	return strings.Contains(string(text), "Address already in use") && os.Remove(s.path("log")) == nil
}

func (s *server) startLocked(ctx context.Context) error {
	if err := s.spawn(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		err := s.ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.exited:
			return s.failed(err)
		case <-ctx.Done():
			s.killLocked()
			return s.failed(err)
		case <-time.After(pollEvery):
		}
	}
}

func (s *server) spawn() error {
	logFile, err := os.OpenFile(s.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the log of %s: %w", s.name, err)
	}
	defer func() { _ = logFile.Close() }()
	cmd := s.command()
	cmd.Dir = s.home
	cmd.Stdout, cmd.Stderr = logFile, logFile
	// A group of its own: Ctrl-C on the terminal is ours to handle.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.account.credential(), Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fault.New(fault.Unreachable, "can't start %s", s.name).Because(err)
	}
	if err := os.WriteFile(s.path("pid"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600); err != nil {
		_ = cmd.Process.Kill()
		return fmt.Errorf("note the pid of %s for the janitor: %w", s.name, err)
	}
	exited := make(chan struct{})
	s.cmd, s.exited = cmd, exited
	go func() {
		_ = cmd.Wait()
		_ = os.Remove(s.path("pid")) // the number may soon be another process's
		close(exited)
	}()
	return nil
}

// running says whether the process was started and has not ended.
func (s *server) running() bool {
	if s.cmd == nil {
		return false
	}
	select {
	case <-s.exited:
		return false
	default:
		return true
	}
}

// failed explains a start that did not come to an answer.
func (s *server) failed(cause error) error {
	text, _ := os.ReadFile(s.path("log"))
	const tail = 2000
	text = text[max(0, len(text)-tail):]
	return fault.New(fault.Unreachable, "%s did not start; its log ends with:\n%s\n", s.name, text).Because(cause)
}

// kill ends the process and its children at once, as a crash would.
func (s *server) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.killLocked()
}

func (s *server) killLocked() {
	if !s.running() {
		return
	}
	// PostgreSQL's backends notice a dead postmaster only between statements, so
	// they are killed as well. Stopped first, the parent makes no new ones.
	_ = s.cmd.Process.Signal(syscall.SIGSTOP)
	children := childrenOf(s.cmd.Process.Pid)
	_ = s.cmd.Process.Kill()
	for _, pid := range children {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-s.exited
	for _, pid := range children {
		waitGone(pid)
	}
}

// restart kills the server if it runs and starts it again on the same port.
func (s *server) restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.killLocked()
	return s.startLocked(ctx)
}

// stop shuts the server down and removes its folder. It may be called twice.
func (s *server) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running() {
		_ = s.cmd.Process.Signal(syscall.SIGINT)  // "fast" for PostgreSQL: sessions are ended
		_ = s.cmd.Process.Signal(syscall.SIGTERM) // MariaDB's; the others are at it already
		select {
		case <-s.exited:
		case <-time.After(stopLimit):
			s.killLocked()
		}
	}
	err := os.RemoveAll(s.home)
	_ = s.janitor.Close()
	return err
}

// write makes a file in the server's folder that the server's user owns.
func (s *server) write(name string, content []byte) error {
	if err := os.WriteFile(s.path(name), content, 0o600); err != nil {
		return fmt.Errorf("write %s for %s: %w", name, s.name, err)
	}
	return os.Chown(s.path(name), s.account.uid, s.account.gid)
}

func (s *server) path(name string) string { return filepath.Join(s.home, name) }

func (s *server) address() string { return loopback.Address(s.port) }

// startJanitor starts the shell that cleans up after us; see the package
// comment. It asks with the signals that stop asks with.
func startJanitor(home string) (*os.File, error) {
	const script = `alive() { kill -0 "$pid" && ! grep -qs ') Z' "/proc/$pid/stat"; }
read _
if [ -f "$1/pid" ]; then
  pid=$(cat "$1/pid"); n=0
  kill -INT "$pid"; kill -TERM "$pid"
  while alive && [ $n -lt 50 ]; do sleep 0.1; n=$((n+1)); done
  alive && kill -KILL "$pid"
fi
rm -rf "$1"`
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make the janitor's pipe: %w", err)
	}
	defer func() { _ = read.Close() }()
	cmd := exec.Command("/bin/sh", "-c", script, "shipsql-janitor", home)
	cmd.Stdin = read
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the janitor: %w", err)
	}
	go func() { _ = cmd.Wait() }()
	return write, nil
}

// childrenOf lists the direct children of a process where /proc tells them.
func childrenOf(pid int) []int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	var pids []int
	for field := range strings.FieldsSeq(string(text)) {
		if child, err := strconv.Atoi(field); err == nil {
			pids = append(pids, child)
		}
	}
	return pids
}

// waitGone returns when the killed process is gone, or a zombie that init will
// reap: it holds nothing any more.
func waitGone(pid int) {
	for range int(stopLimit / pollEvery) {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if syscall.Kill(pid, 0) != nil || strings.Contains(string(stat), ") Z") {
			return
		}
		time.Sleep(pollEvery)
	}
}
