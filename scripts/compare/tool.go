package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The tools, by the names of their programs.
const (
	byHand  = "by-hand"
	shipsql = "shipsql"
	goose   = "goose"
	migrate = "migrate" // golang-migrate
)

var tools = []string{byHand, shipsql, goose, migrate}

// command applies a folder with one tool, as its documentation says.
func (b bench) command(ctx context.Context, tool, target, dir string) *exec.Cmd {
	program := filepath.Join(b.folder, tool)
	switch tool {
	case shipsql:
		return exec.CommandContext(ctx, program, "migrate", "up", "--database", target, "--dir", dir, "--format", "json")
	case goose:
		if b.engine == "mysql" {
			target = driverName(target) + "?parseTime=true"
		}
		return exec.CommandContext(ctx, program, "-dir", dir, b.engine, target, "up")
	case migrate:
		if b.engine == "mysql" {
			target = "mysql://" + driverName(target) + "?multiStatements=true"
		}
		return exec.CommandContext(ctx, program, "-path", dir, "-database", target, "up")
	}
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	return exec.CommandContext(ctx, self, byHand, target, dir) //nolint:gosec // this very program
}

// driverName turns mariadb://user:password@host:port/database into what
// go-sql-driver/mysql reads.
func driverName(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return target
	}
	password, _ := u.User.Password()
	return fmt.Sprintf("%s:%s@tcp(%s)%s", u.User.Username(), password, u.Host, u.Path)
}

// cost is what one process took.
type cost struct {
	took time.Duration
	peak int64 // resident memory in bytes, of the process or a child of it, whichever is larger
}

// timed runs a tool to its end.
func timed(command *exec.Cmd) (cost, error) {
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	started := time.Now()
	if err := command.Run(); err != nil {
		return cost{}, fmt.Errorf("%s: %w\n%s", filepath.Base(command.Path), err, tail(out.String()))
	}
	c := cost{took: time.Since(started)}
	if usage, ok := command.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.peak = usage.Maxrss << 10
	}
	return c, nil
}

func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}

// file is one migration of a folder.
type file struct {
	name string
	up   func(io.Writer) error
}

// text is the up part of a small file.
func text(sql string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, sql)
		return err
	}
}

// write lays the files out for a tool. ShipSQL reads goose's folder.
func (b bench) write(tool string, files []file) (dir string, err error) {
	if dir, err = os.MkdirTemp(b.folder, tool+"-files-"); err != nil {
		return "", err
	}
	for _, f := range files {
		name, head := f.name+".up.sql", ""
		if tool == goose || tool == shipsql {
			name, head = f.name+".sql", "-- +goose Up\n"
		}
		if err := writeFile(filepath.Join(dir, name), head, f.up); err != nil {
			return "", err
		}
	}
	return dir, nil
}

func writeFile(path, head string, up func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	_, err = w.WriteString(head)
	return errors.Join(err, up(w), w.Flush(), f.Close())
}
