package main

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// docs/operations.md speaks of metrics and commands that exist.
func TestTheOperationsPageIsTrue(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	source := sourceOf(t, "../..")
	for _, metric := range regexp.MustCompile(`shipsql_[a-z_]+`).FindAllString(string(page), -1) {
		if !strings.Contains(source, `"`+metric+`"`) {
			t.Errorf("there is no metric %s", metric)
		}
	}
	commands := regexp.MustCompile("(?m)(?:^|`)(shipsql [a-z][^`\n]*)").FindAllStringSubmatch(string(page), -1)
	if len(commands) < 15 {
		t.Errorf("only %d commands found", len(commands))
	}
	for _, c := range commands {
		if err := parses(t, words(c[1])); err != nil {
			t.Errorf("%s: %v", c[1], err)
		}
	}
}

// sourceOf is the text of all Go files but tests.
func sourceOf(t *testing.T, root string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		b.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// words takes a command apart as a shell does, quotes included.
func words(command string) []string {
	var all []string
	for _, word := range regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`).FindAllString(command, -1) {
		all = append(all, strings.Trim(word, `'"`))
	}
	return all[1:]
}

func parses(t *testing.T, args []string) error {
	t.Helper()
	parser, err := kong.New(&commands{}, kong.Name("shipsql"), kong.Vars{"version": "test", "layouts": "any"}, kong.Writers(io.Discard, io.Discard), kong.Exit(func(int) {}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(args)
	return err
}
