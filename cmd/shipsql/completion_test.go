package main

import (
	"os"
	osexec "os/exec" // release_test.go has a function of that name
	"path/filepath"
	"strings"
	"testing"
)

func TestComplete(t *testing.T) {
	for name, c := range map[string]struct {
		words     []string
		has, lack []string
	}{
		"commands":          {[]string{""}, []string{"serve", "migrate", "completion"}, []string{"__complete", "--version"}},
		"a beginning":       {[]string{"mig"}, []string{"migrate"}, []string{"serve"}},
		"commands below":    {[]string{"migrate", ""}, []string{"up", "down", "adopt"}, []string{"serve"}},
		"of jobs":           {[]string{"job", ""}, []string{"list", "retry", "discard"}, []string{"serve"}},
		"by an alias":       {[]string{"migrate", "undo", "--y"}, []string{"--yes"}, nil},
		"flags":             {[]string{"migrate", "up", "--"}, []string{"--database", "--dry-run", "--help"}, []string{"up", "--yes"}},
		"a flag's words":    {[]string{"migrate", "status", "--format", ""}, []string{"text", "json"}, []string{"--format"}},
		"bash's equal sign": {[]string{"migrate", "status", "--format", "=", "j"}, []string{"json"}, []string{"text"}},
		"layouts":           {[]string{"migrate", "up", "--layout", "go"}, []string{"goose", "golang-migrate"}, []string{"flyway"}},
		"behind a value":    {[]string{"migrate", "up", "--dir", "x", "--dry"}, []string{"--dry-run"}, nil},
		"behind a switch":   {[]string{"migrate", "up", "--dry-run", "--to"}, []string{"--to"}, nil},
		"an argument":       {[]string{"completion", ""}, []string{"bash", "zsh", "fish"}, nil},
		"second argument":   {[]string{"migrate", "resolve", "1#2", ""}, []string{"applied", "retry"}, nil},
		"free text":         {[]string{"migrate", "up", "--to", ""}, nil, []string{"up"}},
		"nothing":           {nil, []string{"serve"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, err := shipsql(t, append([]string{"__complete", "--"}, c.words...)...)
			if code != exitOK || err != "" {
				t.Fatalf("exit %d: %s", code, err)
			}
			found := map[string]bool{}
			for line := range strings.Lines(out) {
				word, _, _ := strings.Cut(line, "\t")
				found[word] = true
			}
			for _, w := range c.has {
				if !found[w] {
					t.Errorf("lacks %q: %v", w, found)
				}
			}
			for _, w := range c.lack {
				if found[w] {
					t.Errorf("offers %q", w)
				}
			}
		})
	}
}

// TestBashCompletes presses Tab in a real bash.
func TestBashCompletes(t *testing.T) {
	dir := t.TempDir()
	_, script, _ := shipsql(t, "completion", "bash")
	if err := os.WriteFile(filepath.Join(dir, "completion"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	// The program is this test's binary, which main_test.go lets be the command.
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	wrapper := "#!/bin/sh\nSHIPSQL_TEST_AS_COMMAND=1 exec " + self + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "shipsql"), []byte(wrapper), 0o700); err != nil {
		t.Fatal(err)
	}
	press := `source "$1/completion"; COMP_WORDS=("$1/shipsql" migrate up --format = js); COMP_CWORD=5; _shipsql; echo "${COMPREPLY[*]}"
COMP_WORDS=("$1/shipsql" mig); COMP_CWORD=1; _shipsql; echo "${COMPREPLY[*]}"`
	out, err := osexec.CommandContext(t.Context(), "bash", "-c", press, "bash", dir).CombinedOutput()
	if err != nil || string(out) != "json\nmigrate\n" {
		t.Errorf("%v: %q", err, out)
	}
}
