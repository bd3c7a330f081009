package github_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/providers/github"
)

func blobID(content string) string {
	sum := sha1.Sum([]byte(fmt.Sprintf("blob %d\x00%s", len(content), content)))
	return hex.EncodeToString(sum[:])
}

// contents serves files as blobs, and as an archive with altered ones on
// another path of the same host, as Enterprise Server does.
type contents struct {
	files   map[string]string // path → content
	altered map[string]string // path → content in the archive; "-" leaves it out
	blobs   atomic.Int64      // blob calls so far
	badID   atomic.Bool       // blobs answer with other content
	leaked  atomic.Bool       // the archive was fetched with credentials
}

func (c *contents) entries() []providers.TreeEntry {
	var list []providers.TreeEntry
	for name, content := range c.files {
		list = append(list, providers.TreeEntry{Path: name, Blob: blobID(content), Size: int64(len(content)), Kind: providers.File})
	}
	return list
}

func (c *contents) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.Contains(r.URL.Path, "/git/blobs/"):
		c.blobs.Add(1)
		c.blob(w, path.Base(r.URL.Path))
	case strings.Contains(r.URL.Path, "/tarball/"):
		http.Redirect(w, r, "/_codeload/acme/orders?token=archive-token", http.StatusFound)
	case strings.HasPrefix(r.URL.Path, "/_codeload/"):
		c.leaked.Store(c.leaked.Load() || r.Header.Get("Authorization") != "")
		_, _ = w.Write(c.archive())
	default:
		http.NotFound(w, r)
	}
}

func (c *contents) blob(w http.ResponseWriter, id string) {
	for _, content := range c.files {
		if blobID(content) != id {
			continue
		}
		if c.badID.Load() {
			content += "!"
		}
		encoded := base64.StdEncoding.EncodeToString([]byte(content))
		for i := 60; i < len(encoded); i += 61 { // GitHub breaks the lines
			encoded = encoded[:i] + "\n" + encoded[i:]
		}
		answerJSON(w, object{"sha": id, "size": len(content), "content": encoded, "encoding": "base64"})
		return
	}
	answer(w, http.StatusNotFound, `{"message":"Not Found"}`)
}

func (c *contents) archive() []byte {
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	files := tar.NewWriter(zipped)
	for name, content := range c.files {
		if other, ok := c.altered[name]; ok {
			content = other
		}
		if content != "-" {
			_ = files.WriteHeader(&tar.Header{Name: "acme-orders-abc/" + name, Size: int64(len(content)), Mode: 0o644, Typeflag: tar.TypeReg})
			_, _ = files.Write([]byte(content))
		}
	}
	_, _ = files.Close(), zipped.Close()
	return out.Bytes()
}

func migrations(n int) *contents {
	c := &contents{files: map[string]string{}}
	for i := range n {
		c.files[fmt.Sprintf("migrations/%d.sql", i)] = fmt.Sprintf("select %d;\n", i)
	}
	return c
}

// read proves that all of the files come back as they are.
func (c *contents) read(t *testing.T, p *github.Provider, entries []providers.TreeEntry) {
	t.Helper()
	got, err := p.Blobs(t.Context(), orders, "abc", entries)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range c.files {
		if string(got[blobID(content)]) != content {
			t.Errorf("%s: %q, want %q", name, got[blobID(content)], content)
		}
	}
}

func TestFewBlobsAreReadOneByOne(t *testing.T) {
	c := migrations(8)
	c.files["migrations/0.sql"] = ""
	f := newFake(t, c.ServeHTTP)
	entries := append(c.entries(), c.entries()...) // the same twice
	for i := range entries {
		entries[i].Size = 0 // not known
	}
	c.read(t, f.provider(t), entries)
	if n := len(f.calls()); n != 8 {
		t.Errorf("%d calls, want 8", n)
	}
	if got, err := f.provider(t).Blobs(t.Context(), orders, "abc", nil); err != nil || got == nil || len(got) != 0 {
		t.Errorf("no blobs: %v, %v", got, err)
	}
}

func TestManyBlobsAreReadFromOneArchive(t *testing.T) {
	c := migrations(500)
	c.files["migrations/é 日本.sql"] = strings.Repeat("-- long\n", 10_000)
	c.files["migrations/empty.sql"] = ""
	f := newFake(t, c.ServeHTTP)
	c.read(t, f.provider(t), c.entries())
	if n := len(f.calls()); n != 1 || c.blobs.Load() != 0 {
		t.Errorf("%d API calls, %d of them for blobs; want 1 and 0", n, c.blobs.Load())
	}
	if c.leaked.Load() {
		t.Error("the archive was fetched with our credentials")
	}
}

// .gitattributes may leave files out of archives or substitute text in them,
// and LFS may replace them: what is reviewed and applied is what git has.
func TestWhatTheArchiveLacksOrAltersIsReadAsBlobs(t *testing.T) {
	c := migrations(20)
	c.altered = map[string]string{
		"migrations/1.sql": "-", "migrations/2.sql": "select 9;\n", "migrations/3.sql": strings.Repeat("x", 4<<10),
	}
	f := newFake(t, c.ServeHTTP)
	c.read(t, f.provider(t, func(o *github.Options) { o.MaxBlob = 1 << 10 }), c.entries())
	if c.blobs.Load() != 3 {
		t.Errorf("%d blob calls, want 3", c.blobs.Load())
	}
}

func TestLargeFilesAreNamedAndTheOthersRead(t *testing.T) {
	for _, known := range []bool{true, false} {
		c := migrations(3)
		f := newFake(t, c.ServeHTTP)
		large := strings.Repeat("x", 2000)
		c.files["migrations/large.sql"] = large
		entries := c.entries()
		for i := range entries {
			if !known {
				entries[i].Size = 0
			}
		}
		got, err := f.provider(t, func(o *github.Options) { o.MaxBlob = 1000 }).Blobs(t.Context(), orders, "abc", entries)
		var tooLarge providers.ErrTooLarge
		if !errors.As(err, &tooLarge) || tooLarge.Path != "migrations/large.sql" || tooLarge.Limit != 1000 || fault.CodeOf(err) != fault.Invalid {
			t.Errorf("size known %t: %v, want ErrTooLarge", known, err)
		}
		if len(got) != 3 || got[blobID(large)] != nil {
			t.Errorf("size known %t: %d files, want the other 3", known, len(got))
		}
	}
}

func TestFilesTooLargeTogether(t *testing.T) {
	f := newFake(t, migrations(0).ServeHTTP)
	var entries []providers.TreeEntry
	for i := range 20 {
		entries = append(entries, providers.TreeEntry{Path: fmt.Sprint(i), Blob: fmt.Sprint(i), Size: 15 << 20})
	}
	if _, err := f.provider(t).Blobs(t.Context(), orders, "abc", entries); !errors.Is(err, providers.ErrTooMany) {
		t.Errorf("%v, want ErrTooMany", err)
	}
	if len(f.calls()) != 0 {
		t.Errorf("calls: %v", f.calls())
	}
}

func TestContentThatIsNotWhatWasAskedFor(t *testing.T) {
	c := migrations(1)
	c.badID.Store(true)
	got, err := newFake(t, c.ServeHTTP).provider(t).Blobs(t.Context(), orders, "abc", c.entries())
	if got != nil || fault.CodeOf(err) != fault.Unreachable || !strings.Contains(err.Error(), "migrations/0.sql") {
		t.Errorf("%v, %v; want an unreachable error with the path", got, err)
	}
	c.files = nil
	got, err = newFake(t, c.ServeHTTP).provider(t).Blobs(t.Context(), orders, "abc", migrations(1).entries())
	if got != nil || !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("%v, %v; want ErrNotFound", got, err)
	}
}

func TestBrokenArchives(t *testing.T) {
	whole := migrations(20).archive()
	for name, c := range map[string]struct {
		status int
		body   []byte
		want   fault.Code
	}{
		"no gzip":   {http.StatusOK, []byte("hello"), fault.Unreachable},
		"cut":       {http.StatusOK, whole[:len(whole)/2], fault.Unreachable},
		"not there": {http.StatusNotFound, []byte("404"), fault.NotFound},
		"a gateway": {http.StatusBadGateway, nil, fault.Unreachable},
	} {
		f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/tarball/") {
				http.Redirect(w, r, "/_codeload/x?token=archive-token", http.StatusFound)
				return
			}
			w.WriteHeader(c.status)
			_, _ = w.Write(c.body)
		})
		got, err := f.provider(t).Blobs(t.Context(), orders, "abc", migrations(20).entries())
		if got != nil || fault.CodeOf(err) != c.want || strings.Contains(err.Error(), "archive-token") {
			t.Errorf("%s: %v, %v; want %s", name, got, err, c.want)
		}
	}
}

func TestTreesOfHugeRepositories(t *testing.T) {
	trees := map[string]string{
		"abc?recursive=1":   `{"truncated":true,"tree":[{"path":"README","type":"blob","sha":"1"}]}`,
		"abc":               `{"tree":[{"path":"db","type":"tree","sha":"t-db"},{"path":"file","type":"blob","sha":"1"}]}`,
		"t-db":              `{"tree":[{"path":"migrations","type":"tree","sha":"t-m"},{"path":"huge","type":"tree","sha":"t-h"}]}`,
		"t-m?recursive=1":   `{"tree":[{"path":"1.sql","type":"blob","mode":"100644","sha":"2","size":5},{"path":"sub","type":"tree","sha":"t-s"},{"path":"sub/2.sql","type":"blob","mode":"120000","sha":"3"},{"path":"lib","type":"commit","mode":"160000","sha":"4"}]}`,
		"t-h?recursive=1":   `{"truncated":true,"tree":[]}`,
		"cut?recursive=1":   `{"truncated":true,"tree":[]}`,
		"cut":               `{"truncated":true,"tree":[]}`,
		"small?recursive=1": `{"tree":[{"path":"db","type":"tree"},{"path":"db/1.sql","type":"blob","sha":"5","size":1},{"path":"dbx/2.sql","type":"blob","sha":"6"}]}`,
	}
	p := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		body, ok := trees[strings.TrimSuffix(path.Base(r.URL.Path)+"?"+r.URL.RawQuery, "?")]
		if !ok {
			answer(w, http.StatusNotFound, `{}`)
			return
		}
		answer(w, http.StatusOK, body)
	}).provider(t)
	for _, c := range []struct {
		commit, dir string
		want        string
		is          error
	}{
		{"abc", "db/migrations", "[{db/migrations/1.sql 2 5 file} {db/migrations/sub/2.sql 3 0 symlink} {db/migrations/lib 4 0 submodule}]", nil},
		{"abc", "/db/migrations/", "[{db/migrations/1.sql 2 5 file} {db/migrations/sub/2.sql 3 0 symlink} {db/migrations/lib 4 0 submodule}]", nil},
		{"abc", "db/none", "[]", nil},
		{"abc", "file", "[]", nil},
		{"abc", "db/huge", "[]", providers.ErrTooMany},
		{"abc", "", "[]", providers.ErrTooMany},
		{"cut", "db", "[]", providers.ErrTooMany},
		{"small", "db", "[{db/1.sql 5 1 file}]", nil},
		{"small", ".", "[{db/1.sql 5 1 file} {dbx/2.sql 6 0 file}]", nil},
		{"small", "none", "[]", nil},
		{"none", "db", "[]", providers.ErrNotFound},
	} {
		got, err := p.Tree(t.Context(), orders, c.commit, c.dir)
		if fmt.Sprint(got) != c.want || !errors.Is(err, c.is) {
			t.Errorf("%s %q: %v, %v; want %s, %v", c.commit, c.dir, got, err, c.want, c.is)
		}
	}
}
