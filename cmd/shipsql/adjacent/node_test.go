package adjacent_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/shipsql/shipsql/internal/loopback"
)

// node is one process of one version.
type node struct {
	name, binary, role string
	config, log        string // files
	address            string

	cmd   *exec.Cmd
	ended chan error
}

// patience is how long anything may take that must come.
const patience = 2 * time.Minute

func (w *world) node(binary, name, role string) *node {
	w.t.Helper()
	port, err := loopback.Free(w.t.Context())
	w.must(err)
	n := &node{
		name: name, binary: binary, role: role, address: loopback.Address(port),
		config: filepath.Join(w.folder, name+".yaml"), log: filepath.Join(w.folder, name+".log"),
	}
	w.must(os.WriteFile(n.config, []byte(w.configuration(n.address)), 0o600))
	w.nodes = append(w.nodes, n)
	w.t.Cleanup(n.kill)
	return n
}

// start returns when the node is ready.
func (n *node) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(n.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	n.cmd, n.ended = exec.Command(n.binary, "serve", "--config", n.config, "--role", n.role), make(chan error, 1)
	n.cmd.Stdout, n.cmd.Stderr = log, log
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func(cmd *exec.Cmd, ended chan<- error) { ended <- cmd.Wait() }(n.cmd, n.ended)
	until(t, n.name+" to be ready", func(ctx context.Context) error {
		select {
		case err := <-n.ended:
			n.cmd = nil
			t.Fatalf("%s ended by itself: %v", n.name, err)
		default:
		}
		return get(ctx, "http://"+n.address+"/readyz")
	})
}

func get(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return nil
}

// stop tells the node to end; it must do so in order.
func (n *node) stop(t *testing.T) {
	t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("%s was gone already: %v", n.name, err)
	}
	select {
	case err := <-n.ended:
		if err != nil {
			t.Errorf("%s did not end in order: %v", n.name, err)
		}
	case <-time.After(patience):
		t.Errorf("%s does not end", n.name)
		n.kill()
	}
	n.cmd = nil
}

func (n *node) kill() {
	if n.cmd == nil {
		return
	}
	_ = n.cmd.Process.Kill()
	<-n.ended
	n.cmd = nil
}

// until asks again until there is no error.
func until(t *testing.T, what string, ask func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s: %v", what, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func notYet(what string, got, want any) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("%s: %v, want %v", what, got, want)
}
