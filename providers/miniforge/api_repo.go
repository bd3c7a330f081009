package miniforge

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/providers/miniforge/gitmem"
)

var repoRoutes = []route{
	{"GET /repos/{owner}/{repo}", asInstallation, func(c *call) answer { return ok(c.fullRepo(c.repo)) }},
	{"GET /repos/{owner}/{repo}/branches", asInstallation, (*call).listBranches},
	{"GET /repos/{owner}/{repo}/branches/{branch...}", asInstallation, (*call).getBranch},
	{"GET /repos/{owner}/{repo}/rules/branches/{branch...}", asInstallation, func(*call) answer { return ok([]object{}) }}, // it has no rulesets
	{"GET /repos/{owner}/{repo}/contents/{path...}", asInstallation, (*call).getContents},
	{"GET /repos/{owner}/{repo}/tarball/{ref...}", asInstallation, (*call).tarball},
}

func (c *call) listBranches() answer {
	return ok(mapEach(paginate(c, c.repo.branches()), func(name string) object {
		sha := c.repo.heads[name]
		return object{
			"name": name, "protected": len(c.repo.required[name]) > 0,
			"commit": object{"sha": sha, "url": c.repoAPI(c.repo) + "/commits/" + sha},
		}
	}))
}

func (c *call) getBranch() answer {
	name := c.r.PathValue("branch")
	sha, there := c.repo.heads[name]
	if !there {
		return problem(http.StatusNotFound, "Branch not found")
	}
	head, _ := c.repo.git.Commit(sha)
	self := c.repoAPI(c.repo) + "/branches/" + name
	return ok(object{
		"name": name, "commit": c.view.commit(c.repo, head), "protected": len(c.repo.required[name]) > 0,
		"protection": c.protection(name), "protection_url": self + "/protection",
		"_links": object{"self": self, "html": c.repoWeb(c.repo) + "/tree/" + name},
	})
}

// protection is what those who may read see of a branch's protection.
func (c *call) protection(branch string) object {
	required := c.repo.required[branch]
	if len(required) == 0 {
		return object{"enabled": false}
	}
	return object{"enabled": true, "required_status_checks": object{
		"enforcement_level": "non_admins", "contexts": required,
		"checks": mapEach(required, func(name string) object { return object{"context": name, "app_id": nil} }),
	}}
}

// ref is the commit the ref parameter names, or the default branch's head.
func (c *call) ref() (string, gitmem.Commit, bool) {
	ref := c.query("ref")
	if ref == "" {
		ref = c.repo.main
	}
	commit, found := c.repo.resolve(ref)
	return ref, commit, found
}

func (c *call) getContents() answer {
	ref, commit, found := c.ref()
	at := strings.Trim(c.r.PathValue("path"), "/")
	entry, there := c.repo.git.Lookup(commit.Tree, at)
	if !found || !there {
		return notFound()
	}
	if entries, isTree := c.repo.git.Tree(entry.Hash); isTree && entry.Mode == gitmem.Folder {
		return ok(mapEach(entries, func(e gitmem.Entry) object { return c.content(c.repo, ref, path.Join(at, e.Name), e) }))
	}
	o := c.content(c.repo, ref, at, entry)
	blob, _ := c.repo.git.Blob(entry.Hash)
	o["encoding"], o["content"] = "base64", base64.StdEncoding.EncodeToString(blob)
	if entry.Mode == gitmem.Symlink {
		o["target"] = string(blob)
	}
	return ok(o)
}

// archiveFolder is where archives are downloaded from, as codeload.github.com.
const archiveFolder = "_codeload"

// tarball answers with the address of the archive, as GitHub does.
func (c *call) tarball() answer {
	ref := c.r.PathValue("ref")
	if ref == "" {
		ref = c.repo.main
	}
	commit, found := c.repo.resolve(ref)
	if !found {
		return notFound()
	}
	key, _ := c.newToken(c.installation)
	return answer{status: http.StatusFound, location: fmt.Sprintf("%s/%s/%s/legacy.tar.gz/%s?token=%s",
		c.web, archiveFolder, c.repo.fullName(), commit.Hash, key)}
}

// serveArchive serves an archive to whoever has the address that tarball gave.
func (f *Forge) serveArchive(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	var archive []byte
	_ = f.change(func(s *State) error {
		_, allowed := s.tokens[r.URL.Query().Get("token")]
		if len(parts) == 5 && allowed {
			archive = s.archive(parts[1]+"/"+parts[2], parts[4])
		}
		return nil
	})
	if archive == nil {
		write(w, r, notFound())
		return
	}
	w.Header().Set("Content-Type", "application/x-gzip")
	_, _ = w.Write(archive)
}

// archive packs a commit's files as GitHub does: below "owner-name-sha7/".
func (s *State) archive(name, sha string) []byte {
	r, err := s.repo(name)
	if err != nil {
		return nil
	}
	commit, found := r.git.Commit(sha)
	if !found {
		return nil
	}
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	tape := tar.NewWriter(zipped)
	folder := fmt.Sprintf("%s-%s-%s/", r.owner.Login, r.name, sha[:7])
	_ = tape.WriteHeader(&tar.Header{
		Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", PAXRecords: map[string]string{"comment": sha},
	})
	_ = tape.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: folder, Mode: 0o775, ModTime: commit.Committer.When})
	files := r.git.Files(commit.Tree)
	for _, at := range slices.Sorted(maps.Keys(files)) {
		content, _ := r.git.Blob(files[at].Blob)
		writeFile(tape, &tar.Header{Name: folder + at, ModTime: commit.Committer.When}, files[at].Mode, content)
	}
	_, _ = tape.Close(), zipped.Close() // writing to memory does not fail
	return b.Bytes()
}

func writeFile(tape *tar.Writer, h *tar.Header, mode gitmem.Mode, content []byte) {
	h.Mode, h.Size = 0o664, int64(len(content))
	if mode == gitmem.Symlink {
		h.Typeflag, h.Linkname, h.Size, content = tar.TypeSymlink, string(content), 0, nil
	}
	_ = tape.WriteHeader(h)
	_, _ = tape.Write(content)
}
