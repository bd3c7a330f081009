package syntax

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// worker is the parent's side of one parser process.
type worker struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	w   *bufio.Writer
	r   *bufio.Reader
}

func startWorker(memory uint64) (*worker, error) {
	if os.Getenv(workerEnv) != "" { // or each worker would start the next
		return nil, errors.New("this process was started as a worker and did not call MaybeWorker first")
	}
	path, err := self()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path)
	cmd.Args[0] = "shipsql-syntax"
	// Nothing of our environment: it may hold secrets, and the worker reads
	// strangers' text with C code.
	cmd.Env = []string{fmt.Sprintf("%s=%d", workerEnv, memory), "GOMAXPROCS=1", "GOTRACEBACK=none"}
	cmd.SysProcAttr = diesWithParent()
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &worker{cmd: cmd, in: in, w: bufio.NewWriterSize(in, 1<<16), r: bufio.NewReaderSize(out, 1<<16)}, nil
}

// run sends one request and returns the answers that came: fewer than
// statements, with an error, when the worker died or ctx ended. The worker is
// of no use after an error.
func (w *worker) run(ctx context.Context, m mode, statements []string) ([]answer, error) {
	stop := context.AfterFunc(ctx, func() { _ = w.cmd.Process.Kill() })
	defer stop()
	if err := writeRequest(w.w, m, statements); err != nil {
		return nil, err
	}
	answers := make([]answer, 0, len(statements))
	for range statements {
		a, err := readAnswer(w.r)
		if err != nil {
			return answers, err
		}
		answers = append(answers, a)
	}
	return answers, ctx.Err()
}

// end kills the process and reaps it. A worker holds nothing worth saving.
func (w *worker) end() {
	_ = w.cmd.Process.Kill()
	_ = w.in.Close()
	_ = w.cmd.Wait()
}
