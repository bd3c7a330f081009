package gitmem

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // git's object names are SHA-1
	"encoding/hex"
	"fmt"
	"sort"
	"strings"
	"time"
)

// Mode is a tree entry's mode as git writes it.
type Mode string

// The modes of files, links and folders.
const (
	Regular    Mode = "100644"
	Executable Mode = "100755"
	Symlink    Mode = "120000"
	Folder     Mode = "040000"
)

// File is a file of a tree: how it is stored and the name of its blob.
type File struct {
	Mode Mode
	Blob string
}

// Entry is one line of a tree.
type Entry struct {
	Name string
	Mode Mode
	Hash string
}

// Signature says who did something and when, to the second.
type Signature struct {
	Name, Email string
	When        time.Time
}

// String is the signature as it stands in a commit object.
func (s Signature) String() string {
	return fmt.Sprintf("%s <%s> %d %s", s.Name, s.Email, s.When.Unix(), s.When.Format("-0700"))
}

// Commit is a commit object.
type Commit struct {
	Hash      string // set by WriteCommit
	Tree      string
	Parents   []string
	Author    Signature
	Committer Signature
	Message   string

	order int // of writing, to break ties of equal dates
}

// Store holds git objects. The zero value is not usable: use NewStore.
type Store struct {
	blobs   map[string][]byte
	trees   map[string][]Entry
	commits map[string]Commit
}

// NewStore returns an empty store.
func NewStore() *Store {
	return &Store{blobs: map[string][]byte{}, trees: map[string][]Entry{}, commits: map[string]Commit{}}
}

// WriteBlob stores a file's content and returns its name.
func (s *Store) WriteBlob(content []byte) string {
	hash := objectName("blob", content)
	if _, ok := s.blobs[hash]; !ok {
		s.blobs[hash] = bytes.Clone(content)
	}
	return hash
}

// Blob returns a blob's content, which must not be changed.
func (s *Store) Blob(hash string) ([]byte, bool) {
	b, ok := s.blobs[hash]
	return b, ok
}

// WriteTree stores the folders that hold the files (path with slashes → file)
// and returns the name of the topmost one.
func (s *Store) WriteTree(files map[string]File) string {
	var entries []Entry
	folders := map[string]map[string]File{}
	for path, file := range files {
		top, rest, nested := strings.Cut(path, "/")
		if !nested {
			entries = append(entries, Entry{Name: path, Mode: file.Mode, Hash: file.Blob})
			continue
		}
		if folders[top] == nil {
			folders[top] = map[string]File{}
		}
		folders[top][rest] = file
	}
	for name, inside := range folders {
		entries = append(entries, Entry{Name: name, Mode: Folder, Hash: s.WriteTree(inside)})
	}
	return s.writeEntries(entries)
}

func (s *Store) writeEntries(entries []Entry) string {
	sort.Slice(entries, func(i, j int) bool { return sortName(entries[i]) < sortName(entries[j]) })
	var b bytes.Buffer
	for _, e := range entries {
		raw, _ := hex.DecodeString(e.Hash)
		fmt.Fprintf(&b, "%s %s\x00%s", strings.TrimPrefix(string(e.Mode), "0"), e.Name, raw)
	}
	hash := objectName("tree", b.Bytes())
	s.trees[hash] = entries
	return hash
}

// sortName is what git orders entries by: folders as if they ended in a slash.
func sortName(e Entry) string {
	if e.Mode == Folder {
		return e.Name + "/"
	}
	return e.Name
}

// Tree returns a tree's own entries, in git's order.
func (s *Store) Tree(hash string) ([]Entry, bool) {
	entries, ok := s.trees[hash]
	return entries, ok
}

// Files returns all files below a tree by path; an unknown tree has none.
func (s *Store) Files(tree string) map[string]File {
	files := map[string]File{}
	s.collect(tree, "", files)
	return files
}

func (s *Store) collect(tree, prefix string, into map[string]File) {
	for _, e := range s.trees[tree] {
		if e.Mode == Folder {
			s.collect(e.Hash, prefix+e.Name+"/", into)
			continue
		}
		into[prefix+e.Name] = File{Mode: e.Mode, Blob: e.Hash}
	}
}

// Lookup finds what stands at a path below a tree; "" is the tree itself.
func (s *Store) Lookup(tree, path string) (Entry, bool) {
	entry := Entry{Mode: Folder, Hash: tree}
	for _, name := range strings.FieldsFunc(path, func(r rune) bool { return r == '/' }) {
		found := false
		for _, e := range s.trees[entry.Hash] {
			if e.Name == name {
				entry, found = e, true
				break
			}
		}
		if !found {
			return Entry{}, false
		}
	}
	_, ok := s.trees[entry.Hash]
	return entry, ok || entry.Mode != Folder
}

// WriteCommit stores a commit and returns its name.
func (s *Store) WriteCommit(c Commit) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "tree %s\n", c.Tree)
	for _, p := range c.Parents {
		fmt.Fprintf(&b, "parent %s\n", p)
	}
	fmt.Fprintf(&b, "author %s\ncommitter %s\n\n%s", c.Author, c.Committer, c.Message)
	c.Hash = objectName("commit", b.Bytes())
	if _, ok := s.commits[c.Hash]; !ok {
		c.order = len(s.commits)
		s.commits[c.Hash] = c
	}
	return c.Hash
}

// Commit returns a commit.
func (s *Store) Commit(hash string) (Commit, bool) {
	c, ok := s.commits[hash]
	return c, ok
}

// FindCommit returns the one commit whose name starts with prefix (at least
// four characters); none when there are several.
func (s *Store) FindCommit(prefix string) (Commit, bool) {
	if c, ok := s.commits[prefix]; ok || len(prefix) < 4 || len(prefix) >= 40 {
		return c, ok
	}
	var found Commit
	for hash, c := range s.commits {
		if strings.HasPrefix(hash, prefix) {
			if found.Hash != "" {
				return Commit{}, false
			}
			found = c
		}
	}
	return found, found.Hash != ""
}

func objectName(kind string, content []byte) string {
	h := sha1.New() //nolint:gosec // git's object names are SHA-1
	fmt.Fprintf(h, "%s %d\x00", kind, len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}
