package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

// The documentation's list of commands is generated; -update rewrites it.
func TestDocumentationHasTheCommandLine(t *testing.T) {
	const begin, end, path = "<!-- command line -->\n", "<!-- /command line -->", "../../docs/commands.md"
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(content), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place between %q and %q", path, begin, end)
	}
	want := before + begin + commandLine(t) + end + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := string(content); got != want && !*update {
		t.Errorf("run with -update: %s", cmp.Diff(got, want))
	}
}

// commandLine lists every command with its flags; those that all commands of a
// group have stand with the group.
func commandLine(t *testing.T) string {
	t.Helper()
	parser, err := newParser(&terminal{out: os.Stdout, err: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, top := range parser.Model.Children {
		if top.Hidden {
			continue
		}
		shared := sharedFlags(top)
		if len(shared) > 0 {
			fmt.Fprintf(&b, "### `shipsql %s …`\n\n%s\n\n", top.Name, top.Help)
			listFlags(&b, shared, nil)
		}
		for _, leaf := range top.Leaves(true) {
			fmt.Fprintf(&b, "### `%s`\n\n%s\n\n", strings.TrimSuffix(leaf.FullPath()+" "+positions(leaf), " "), leaf.Help)
			listFlags(&b, leaf.Flags, shared)
		}
	}
	return b.String()
}

// sharedFlags are those that all of several commands have.
func sharedFlags(top *kong.Node) (shared []*kong.Flag) {
	leaves := top.Leaves(true)
	if len(leaves) < 2 {
		return nil
	}
	for _, f := range leaves[0].Flags {
		if !slices.ContainsFunc(leaves, func(n *kong.Node) bool { return !has(n.Flags, f) }) {
			shared = append(shared, f)
		}
	}
	return shared
}

func has(flags []*kong.Flag, f *kong.Flag) bool {
	return slices.ContainsFunc(flags, func(x *kong.Flag) bool { return x.Name == f.Name && x.Help == f.Help })
}

func listFlags(b *strings.Builder, flags, without []*kong.Flag) {
	listed := false
	for _, f := range flags {
		if !has(without, f) {
			fmt.Fprintf(b, "* `--%s`: %s\n", flagText(f), f.Help)
			listed = true
		}
	}
	if listed {
		b.WriteString("\n")
	}
}

func positions(n *kong.Node) string {
	var all []string
	for _, p := range n.Positional {
		all = append(all, p.Summary())
	}
	return strings.Join(all, " ")
}

func flagText(f *kong.Flag) string {
	text := f.Name
	if !f.IsBool() {
		text += "=" + f.FormatPlaceHolder()
	}
	if f.Required {
		text += " (required)"
	}
	return text
}

// Errors say which command is next: each must be one.
func TestAdviceNamesCommandsThatAre(t *testing.T) {
	parser, err := newParser(&terminal{out: os.Stdout, err: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	flags := map[string][]string{}
	for _, leaf := range parser.Model.Leaves(true) {
		command := "shipsql " + leaf.Parent.Name + " " + leaf.Name
		for _, flag := range slices.Concat(leaf.AllFlags(true)...) {
			flags[command] = append(flags[command], flag.Name)
		}
	}
	named := regexp.MustCompile(`(shipsql migrate [a-z]+)(?: --([a-z-]+))?`)
	seen := 0
	err = fs.WalkDir(os.DirFS("../.."), "executor", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(filepath.Join("../..", path))
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			seen++
			if known, ok := flags[m[1]]; !ok || m[2] != "" && !slices.Contains(known, m[2]) {
				t.Errorf("%s: there is no %s", path, m[0])
			}
		}
		return err
	})
	if err != nil || seen < 5 {
		t.Errorf("%d pieces of advice, %v", seen, err)
	}
}
