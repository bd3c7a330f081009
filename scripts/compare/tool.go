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
	"strconv"
	"strings"
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
	peak int64 // resident memory in bytes, of the process and its children together
}

// timed runs a tool to its end.
func timed(command *exec.Cmd) (cost, error) {
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	started := time.Now()
	if err := command.Start(); err != nil {
		return cost{}, err
	}
	ended, peak := make(chan struct{}), make(chan int64)
	go func() { peak <- watch(command.Process.Pid, ended) }()
	err := command.Wait()
	c := cost{took: time.Since(started)}
	close(ended)
	if c.peak = <-peak; err != nil {
		return cost{}, fmt.Errorf("%s: %w\n%s", filepath.Base(command.Path), err, tail(out.String()))
	}
	return c, nil
}

// watch looks at a process and its children until it ended and returns the most
// memory that they had together.
func watch(pid int, ended <-chan struct{}) (peak int64) {
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		peak = max(peak, resident(pid))
		select {
		case <-ended:
			tick.Stop()
			return peak
		case <-tick.C:
		}
	}
}

// resident is the memory of a process and its children in bytes, as Linux tells
// it; 0 when they are gone.
func resident(pid int) int64 {
	folder := fmt.Sprintf("/proc/%d", pid)
	var total, pages int64
	if text, err := os.ReadFile(folder + "/statm"); err == nil {
		_, _ = fmt.Sscan(string(text), &total, &pages)
	}
	sum := pages * int64(os.Getpagesize())
	tasks, _ := filepath.Glob(folder + "/task/*/children")
	for _, task := range tasks {
		children, _ := os.ReadFile(task)
		for child := range strings.FieldsSeq(string(children)) {
			if id, err := strconv.Atoi(child); err == nil {
				sum += resident(id)
			}
		}
	}
	return sum
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
