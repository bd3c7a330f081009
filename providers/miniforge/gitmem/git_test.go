package gitmem_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/providers/miniforge/gitmem"
)

// git is a real repository to compare with.
type git struct {
	t   *testing.T
	dir string
}

func newGit(t *testing.T) git {
	g := git{t: t, dir: t.TempDir()}
	g.run("init", "-q", "-b", "main")
	return g
}

func (g git) run(args ...string) string {
	g.t.Helper()
	cmd := exec.CommandContext(g.t.Context(), "git", args...)
	cmd.Dir = g.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=Ann Ö", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_AUTHOR_DATE=2026-11-20T12:00:00+0100",
		"GIT_COMMITTER_NAME=Bob", "GIT_COMMITTER_EMAIL=bob@example.com", "GIT_COMMITTER_DATE=2026-11-20T13:00:00+0000")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		g.t.Fatalf("git %v: %v %s", args, err, stderr.String())
	}
	return strings.TrimRight(string(out), "\n")
}

func (g git) write(path, content string) {
	g.t.Helper()
	full := filepath.Join(g.dir, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		g.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
		g.t.Fatal(err)
	}
}

func (g git) commit(message string) string {
	g.t.Helper()
	g.run("add", "-A")
	g.run("commit", "-q", "-m", message)
	return g.run("rev-parse", "HEAD")
}

var (
	ann = gitmem.Signature{Name: "Ann Ö", Email: "ann@example.com", When: time.Date(2026, 11, 20, 12, 0, 0, 0, time.FixedZone("", 3600))}
	bob = gitmem.Signature{Name: "Bob", Email: "bob@example.com", When: time.Date(2026, 11, 20, 13, 0, 0, 0, time.UTC)}
)

func tree(s *gitmem.Store, files map[string]string) string {
	stored := map[string]gitmem.File{}
	for path, content := range files {
		stored[path] = gitmem.File{Mode: gitmem.Regular, Blob: s.WriteBlob([]byte(content))}
	}
	return s.WriteTree(stored)
}

// files has the names that git orders in ways of its own.
var files = map[string]string{
	"migrations/1_a.sql": "CREATE TABLE a (id int);\n", "migrations/10_b.sql": "SELECT 'ü';\n", "migrations-old": "x",
	"migrations.md": "# m\n", "migrations/sub/deep/c.sql": "", "README.md": "no newline",
}

func TestNamesAreGitsOwn(t *testing.T) {
	g := newGit(t)
	for path, content := range files {
		g.write(path, content)
	}
	first := g.commit("Add all\n\nCo-authored-by: Carl <carl@example.com>")
	g.write("README.md", "now with one\n")
	second := g.commit("Change")

	s := gitmem.NewStore()
	before := tree(s, files)
	changed := map[string]string{"README.md": "now with one\n"}
	for path, content := range files {
		if _, ok := changed[path]; !ok {
			changed[path] = content
		}
	}
	a := s.WriteCommit(gitmem.Commit{
		Tree: before, Author: ann, Committer: bob, Message: "Add all\n\nCo-authored-by: Carl <carl@example.com>\n",
	})
	b := s.WriteCommit(gitmem.Commit{Tree: tree(s, changed), Parents: []string{a}, Author: ann, Committer: bob, Message: "Change\n"})
	if before != g.run("rev-parse", first+"^{tree}") || a != first || b != second {
		t.Errorf("tree %s, commits %s and %s; git has %s, %s and %s", before, a, b, g.run("rev-parse", first+"^{tree}"), first, second)
	}
	c, ok := s.FindCommit(second[:8])
	if !ok || c.Hash != second {
		t.Errorf("%s is not found by its short name", second)
	}
}

// Links keep their mode, and so their names.
func TestSymlink(t *testing.T) {
	g := newGit(t)
	if err := os.Symlink("/etc/passwd", filepath.Join(g.dir, "link.sql")); err != nil {
		t.Fatal(err)
	}
	want := g.commit("Link")
	s := gitmem.NewStore()
	made := s.WriteTree(map[string]gitmem.File{"link.sql": {Mode: gitmem.Symlink, Blob: s.WriteBlob([]byte("/etc/passwd"))}})
	if got := s.WriteCommit(gitmem.Commit{Tree: made, Author: ann, Committer: bob, Message: "Link\n"}); got != want {
		t.Errorf("%s, git has %s", got, want)
	}
}

func lines(from, to int, changed map[int]string) string {
	var b strings.Builder
	for i := from; i <= to; i++ {
		if text, ok := changed[i]; ok {
			b.WriteString(text)
			continue
		}
		b.WriteString("line " + strconv.Itoa(i) + "\n")
	}
	return b.String()
}

// What changed, and every hunk, is what `git diff -M` says.
func TestDiffIsGitsDiff(t *testing.T) {
	before := map[string]string{
		"same.sql": "x\n", "gone.sql": "one\ntwo\nthree\n", "far.sql": lines(1, 40, nil), "old/name.sql": lines(50, 70, nil),
		"exact.sql": "moved\nas it is\n", "end.sql": "a\nb",
	}
	after := map[string]string{
		"same.sql": "x\n", "new.sql": "quite different\n", "far.sql": lines(1, 40, map[int]string{3: "changed\n", 30: ""}),
		"new/name.sql": lines(50, 70, map[int]string{60: "renamed and changed\n"}), "exact2.sql": "moved\nas it is\n", "end.sql": "a\nc",
	}
	g := newGit(t)
	for path, content := range before {
		g.write(path, content)
	}
	first := g.commit("before")
	g.run("rm", "-q", "-r", ".")
	for path, content := range after {
		g.write(path, content)
	}
	second := g.commit("after")
	s := gitmem.NewStore()
	var status, patches []string
	for _, d := range s.Diff(tree(s, before), tree(s, after)) {
		letter := strings.ToUpper(string(d.Status[0]))
		line := map[bool]string{true: "D", false: letter}[d.Status == gitmem.Removed]
		if d.Status == gitmem.Renamed {
			line += "\t" + d.Previous
		}
		status = append(status, line+"\t"+d.Path)
		if d.Patch != "" {
			patches = append(patches, d.Path+"\n"+d.Patch)
		}
	}
	wantStatus, wantPatches := g.diff(first, second)
	if diff := cmp.Diff(wantStatus, status); diff != "" {
		t.Errorf("status (-git +ours):\n%s", diff)
	}
	if diff := cmp.Diff(wantPatches, patches); diff != "" {
		t.Errorf("patches (-git +ours):\n%s", diff)
	}
}

// diff is git's own answer: status lines, and patches that begin with the path.
func (g git) diff(first, second string) (status, patches []string) {
	for line := range strings.Lines(g.run("diff", "--name-status", "-M", first, second)) {
		kind, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		status = append(status, kind[:1]+"\t"+rest)
	}
	for _, file := range strings.Split("\n"+g.run("diff", "-M", first, second), "\ndiff --git ")[1:] {
		_, hunks, changed := strings.Cut(file, "\n@@ ")
		path := strings.TrimSuffix(file[strings.LastIndex(firstOf(file), " b/")+3:strings.Index(file, "\n")], "\n")
		if changed {
			patches = append(patches, path+"\n"+withoutContext("@@ "+strings.TrimSuffix(hunks, "\n")))
		}
	}
	return status, patches
}

func firstOf(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// withoutContext cuts off what git writes after a hunk's second "@@".
func withoutContext(patch string) string {
	all := strings.Split(patch, "\n")
	for i, line := range all {
		if strings.HasPrefix(line, "@@ ") {
			all[i] = line[:strings.Index(line[3:], "@@")+5]
		}
	}
	return strings.Join(all, "\n")
}

// A merge has the tree that git's has, or conflicts where git does.
func TestMergeIsGitsMerge(t *testing.T) {
	base := map[string]string{"a.sql": lines(1, 20, nil), "b.sql": "b\n", "c.sql": "c\n"}
	for name, sides := range map[string]struct{ ours, theirs map[string]string }{
		"different files":     {map[string]string{"b.sql": "b2\n"}, map[string]string{"c.sql": "c2\n"}},
		"different lines":     {map[string]string{"a.sql": lines(1, 20, map[int]string{2: "x\n"})}, map[string]string{"a.sql": lines(1, 20, map[int]string{15: "y\n"})}},
		"the same change":     {map[string]string{"b.sql": "z\n"}, map[string]string{"b.sql": "z\n"}},
		"new and deleted":     {map[string]string{"n.sql": "n\n"}, map[string]string{"c.sql": "-"}},
		"the same line":       {map[string]string{"b.sql": "b1\n"}, map[string]string{"b.sql": "b2\n"}},
		"both add":            {map[string]string{"n.sql": "1\n"}, map[string]string{"n.sql": "2\n"}},
		"changed and deleted": {map[string]string{"b.sql": "b1\n"}, map[string]string{"b.sql": "-"}},
		"adjacent lines":      {map[string]string{"a.sql": lines(1, 20, map[int]string{5: "x\n"})}, map[string]string{"a.sql": lines(1, 20, map[int]string{6: "y\n"})}},
	} {
		t.Run(name, func(t *testing.T) {
			s := gitmem.NewStore()
			ours, theirs := overlay(base, sides.ours), overlay(base, sides.theirs)
			got, conflicts := s.Merge(tree(s, base), tree(s, ours), tree(s, theirs))
			want, clean := gitMerge(t, base, ours, theirs)
			if clean != (len(conflicts) == 0) || (clean && got != want) {
				t.Errorf("tree %s, conflicts %v; git has %s, clean %v", got, conflicts, want, clean)
			}
		})
	}
}

// overlay changes files; "-" deletes one.
func overlay(base, changes map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, base)
	for path, content := range changes {
		all[path] = content
		if content == "-" {
			delete(all, path)
		}
	}
	return all
}

func gitMerge(t *testing.T, base, ours, theirs map[string]string) (tree string, clean bool) {
	t.Helper()
	g := newGit(t)
	put := func(files map[string]string) {
		g.run("rm", "-q", "-r", "--ignore-unmatch", ".")
		for path, content := range files {
			g.write(path, content)
		}
		g.run("add", "-A")
		g.run("commit", "-q", "--allow-empty", "-m", "x")
	}
	put(base)
	g.run("branch", "theirs")
	put(ours)
	g.run("checkout", "-q", "theirs")
	put(theirs)
	cmd := exec.CommandContext(t.Context(), "git", "-C", g.dir, "merge-tree", "--write-tree", "main", "theirs")
	out, err := cmd.Output()
	return firstOf(string(out)), err == nil
}
