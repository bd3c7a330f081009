package enginetest

import (
	"bufio"
	"bytes"
	"context"
	"flag"
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

// Main runs an engine's tests, more of them at once than there are cores: they
// wait for servers and locks more than they compute. Where the process was
// started by [Bench.RunChild] it applies a folder instead. An engine's TestMain exits with
// what it returns.
func Main(m *testing.M, e Engine) int {
	if os.Getenv(childURL) != "" {
		if err := child(e); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "test.parallel" })
	if !asked {
		if err := flag.Set("test.parallel", "8"); err != nil {
			panic(err)
		}
	}
	return m.Run()
}

// child applies a folder and tells its progress line by line.
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
	cmd := exec.Command(os.Args[0]) //nolint:gosec // ourselves
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
