package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"sync/atomic"
)

// bot is `shipsql serve` as a process of its own, which can be killed and
// started again. It is for one goroutine.
type bot struct {
	executable, config, log string
	role                    string // of serve
	address                 string // host:port
	died                    func(error)

	command *exec.Cmd
	wanted  *atomic.Bool  // false: it is being ended, so its end is no surprise
	ended   chan struct{} // closed when the process is gone
}

// listenVariable is where the configuration finds the address of the process that
// reads it.
const listenVariable = "SHIPSQL_DEMO_LISTEN"

// errDied is the end of a bot that nobody ended.
var errDied = errors.New("the bot's process ended by itself")

func (b *bot) url() string { return "http://" + b.address }

// runs says whether the process was started and is not ended.
func (b *bot) runs() bool { return b.wanted != nil && b.wanted.Load() }

// start returns when the bot answers that it is ready. When the process ends
// before somebody ends it, died is called.
func (b *bot) start(ctx context.Context) error {
	log, err := os.OpenFile(b.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the process has its own handle
	b.command = exec.Command(b.executable, "serve", "--config", b.config, "--role", b.role)
	b.command.Env = append(os.Environ(), listenVariable+"="+b.address)
	b.command.Stdout, b.command.Stderr = log, log
	b.command.SysProcAttr = alone()
	if err := b.command.Start(); err != nil {
		return err
	}
	b.wanted, b.ended = &atomic.Bool{}, make(chan struct{})
	b.wanted.Store(true)
	go func(command *exec.Cmd, wanted *atomic.Bool, ended chan struct{}) {
		_ = command.Wait() // how it ended is in its state
		close(ended)
		if wanted.Load() {
			b.died(fmt.Errorf("%w: %v", errDied, command.ProcessState))
		}
	}(b.command, b.wanted, b.ended)
	return b.awaitReady(ctx)
}

func (b *bot) awaitReady(ctx context.Context) error {
	return poll(ctx, "the bot to be ready", func(ctx context.Context) (bool, string) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url()+"/readyz", nil)
		if err != nil {
			return false, err.Error()
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return false, err.Error()
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK, answer.Status
	})
}

// kill ends the bot at once, wherever it stands. That is all a demo needs: what
// has to survive does, and the rest is thrown away.
func (b *bot) kill() error {
	if b.ended == nil {
		return nil
	}
	b.wanted.Store(false)
	err := b.command.Process.Kill()
	<-b.ended
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	return err
}
