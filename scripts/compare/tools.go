package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// tool is a program that applies a folder.
type tool struct {
	name string
	file func(n int, text string) (path, content string)
	args func(folder string, d database) []string
}

var tools = []tool{
	{
		name: "shipsql",
		file: func(n int, text string) (string, string) { return fmt.Sprintf("%04d_step.sql", n), text },
		args: func(folder string, d database) []string {
			return []string{"migrate", "up", "--database", d.url, "--dir", folder}
		},
	},
	{
		name: "goose",
		file: func(n int, text string) (string, string) {
			return fmt.Sprintf("%04d_step.sql", n), "-- +goose Up\n" + text
		},
		args: func(folder string, d database) []string { return []string{"-dir", folder, d.goose(), d.dsn, "up"} },
	},
	{
		name: "migrate",
		file: func(n int, text string) (string, string) { return fmt.Sprintf("%04d_step.up.sql", n), text },
		args: func(folder string, d database) []string {
			return []string{"-path", folder, "-database", d.peer, "up"}
		},
	},
}

// spent is what one run of a program took.
type spent struct {
	time   time.Duration
	memory int64 // most resident, in bytes
}

// run runs the tool on a folder that [bench.files] made.
func (b *bench) run(t tool, folder string, d database) (s spent, err error) {
	command := exec.CommandContext(b.ctx, filepath.Join(b.folder, t.name), t.args(filepath.Join(folder, t.name), d)...)
	begun := time.Now()
	out, err := command.CombinedOutput()
	s.time = time.Since(begun)
	if usage, ok := command.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.memory = usage.Maxrss << 10
	}
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", t.name, err, out[max(0, len(out)-2000):])
	}
	return s, err
}
