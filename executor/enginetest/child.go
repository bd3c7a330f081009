package enginetest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/internal/secret"
)

// These name the database and the folder that a child process applies.
const (
	childURL = "SHIPSQL_EXECUTOR_CHILD_URL"
	childDir = "SHIPSQL_EXECUTOR_CHILD_DIR"
)

// MaybeChild makes this process one that applies a folder, tells its progress
// line by line, and ends, if it was started as such. An engine's TestMain calls
// it.
func MaybeChild(e Engine) {
	if os.Getenv(childURL) == "" {
		return
	}
	if err := child(e); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func child(e Engine) error {
	files, err := layout.ReadDir(os.DirFS(os.Getenv(childDir)), ".")
	if err != nil {
		return err
	}
	folder, err := layout.Load(files, layout.Options{Dialect: e.Dialect})
	if err != nil {
		return err
	}
	_, err = e.Open(secret.Literal(os.Getenv(childURL))).Apply(context.Background(), executor.Run{
		Migrations: folder.Migrations, Limits: Patient,
		Progress: func(e executor.Event) { fmt.Println(e.Version, e.Statement, e.State) },
	})
	fmt.Println("peak", ownPeak())
	return err
}

// Folder writes files to a directory for a child process.
func Folder(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for path, text := range files {
		if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// RunChild starts a process that applies a directory, and kills it a little after
// it told about so many steps. It says whether it had to.
func (b *Bench) RunChild(dir string, after int, delay time.Duration) (killed bool) {
	b.tb.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childURL+"="+b.URL, childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.tb.Fatal(err)
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		b.tb.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for seen := 0; seen < after && lines.Scan(); {
		seen++
	}
	if lines.Err() == nil {
		timer := time.AfterFunc(delay, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
	}
	for lines.Scan() { // until the process ends
	}
	err = cmd.Wait()
	if err != nil && cmd.ProcessState.ExitCode() != -1 {
		b.tb.Fatalf("%v: %s", err, said.String())
	}
	return err != nil
}

// killed has processes killed at random moments until one of them is through.
func killed(t *testing.T, b *Bench) {
	random := rand.New(rand.NewPCG(1, uint64(Torture(t)))) //nolint:gosec // moments, no secrets
	dir := Folder(t, b.engine.Folder)
	for range 8 * Torture(t) {
		processes := 1
		b := b.engine.NewBench(t)
		for b.RunChild(dir, 1+random.IntN(30), time.Duration(random.IntN(4000))*time.Microsecond) {
			processes++
		}
		b.proveOnce()
		t.Logf("%d processes", processes)
	}
}
