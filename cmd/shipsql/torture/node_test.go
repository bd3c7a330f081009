package torture_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/cmd/shipsql/serve"
	"github.com/shipsql/shipsql/queue"
)

// playNode is the environment variable that holds a part, as JSON.
const playNode = "SHIPSQL_TORTURE_NODE"

// part is what the test's binary plays when it is started as a node.
type part struct {
	Config string // path of shipsql.yaml
	Role   config.Role
	Hurry  bool // short leases and pauses, and no ration of writes
}

// hurry makes a dead worker's jobs run again after about two seconds.
var hurry = queue.Options{
	Lease: 2 * time.Second, Reconcile: 500 * time.Millisecond, Grace: 5 * time.Second,
	BackoffMin: 100 * time.Millisecond, BackoffMax: 2 * time.Second,
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
	o := serve.Options{Config: cfg, Role: p.Role, Version: "torture", Log: slog.New(slog.NewJSONHandler(os.Stderr, nil))}
	if p.Hurry {
		o.Queue, o.WriteRate = hurry, 200
	}
	return serve.Run(ctx, o)
}

// node is a process that is started again whenever it ends. Its methods may be
// called from any goroutine.
type node struct {
	part

	name string
	log  string          // file
	told chan<- started  // the tasks that it starts
	life context.Context //nolint:containedctx // until then it is started again
	done sync.WaitGroup

	mu      sync.Mutex
	process *process
	faults  []string // ends that nobody asked for
}

// process is one life of a node.
type process struct {
	cmd    *exec.Cmd
	ended  chan struct{}
	ready  bool
	wanted bool // somebody ends it
	tasks  map[string]bool
}

// started is told by a node when it begins a task.
type started struct {
	node     *node
	life     *process
	task     string
	database string
	at       time.Time
}

// supervised starts a node, and starts it again as often as it ends, until life
// is over. A node that can't boot because the store is away is no surprise; one
// that ends after it was ready is.
func supervised(life context.Context, n *node) {
	n.life = life
	n.done.Go(func() {
		for life.Err() == nil {
			p, err := n.start()
			if err != nil {
				n.note("can't start: " + err.Error())
				return
			}
			<-p.ended
			n.judge(p)
			select {
			case <-life.Done():
			case <-time.After(50 * time.Millisecond): // as a supervisor would
			}
		}
	})
}

func (n *node) start() (*process, error) {
	text, err := json.Marshal(n.part)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(os.Args[0]), ended: make(chan struct{}), tasks: map[string]bool{}}
	p.cmd.Env = append(os.Environ(), playNode+"="+string(text))
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.cmd.Stdout, p.cmd.Stderr = write, write
	n.mu.Lock()
	defer n.mu.Unlock()
	n.process = p
	err = p.cmd.Start()
	_ = write.Close()
	if err != nil {
		_ = read.Close()
		return nil, err
	}
	go n.follow(p, read)
	return p, nil
}

// follow keeps what a process says, looks for what matters here, and waits for
// its end.
func (n *node) follow(p *process, from io.ReadCloser) {
	defer close(p.ended)
	defer func() { _ = from.Close() }()
	log, err := os.OpenFile(n.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		n.note(err.Error())
		return
	}
	defer func() { _ = log.Close() }()
	for lines := bufio.NewReader(from); ; {
		line, err := lines.ReadBytes('\n')
		_, _ = log.Write(line)
		n.heard(p, line)
		if err != nil {
			break
		}
	}
	_ = p.cmd.Wait() // how it ended is in its state
}

// heard reads a line of the log.
func (n *node) heard(p *process, line []byte) {
	var said struct{ Msg, Task, Database string }
	if json.Unmarshal(line, &said) != nil {
		return
	}
	switch said.Msg {
	case "ready":
		n.mu.Lock()
		p.ready = true
		n.mu.Unlock()
	case "A task starts":
		n.mu.Lock()
		p.tasks[said.Task] = true
		n.mu.Unlock()
		select {
		case n.told <- started{n, p, said.Task, said.Database, time.Now()}:
		default: // nobody listens any more
		}
	}
}

// judge notes an end that nobody asked for.
func (n *node) judge(p *process) {
	n.mu.Lock()
	surprise := p.ready && !p.wanted
	n.mu.Unlock()
	if surprise {
		n.note(fmt.Sprintf("ended by itself: %v", p.cmd.ProcessState))
	}
}

func (n *node) note(fault string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.faults = append(n.faults, n.name+" "+fault)
}

// signal sends SIGKILL or SIGTERM to the process that runs now and returns it
// once it has ended; nil when none runs.
func (n *node) signal(s syscall.Signal) *process {
	n.mu.Lock()
	p := n.process
	if p == nil || p.cmd.Process == nil {
		n.mu.Unlock()
		return nil
	}
	p.wanted = true
	err := p.cmd.Process.Signal(s)
	n.mu.Unlock()
	<-p.ended
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return p
}

// began says whether a life of the node started the task.
func (n *node) began(p *process, task string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return p.tasks[task]
}

// isReady says whether the node answers.
func (n *node) isReady() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.process != nil && n.process.ready
}

// surprises are the ends that nobody asked for, and what only a crash prints.
func (n *node) surprises() []string {
	n.mu.Lock()
	found := n.faults
	n.mu.Unlock()
	text, err := os.ReadFile(n.log)
	if err != nil {
		return append(found, err.Error())
	}
	for _, crash := range []string{"panic:", "fatal error:", "DATA RACE", "goroutine "} {
		if _, after, ok := strings.Cut(string(text), crash); ok {
			found = append(found, fmt.Sprintf("%s's log holds %q: %.500s", n.name, crash, after))
		}
	}
	return found
}
