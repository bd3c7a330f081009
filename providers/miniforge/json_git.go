package miniforge

import (
	"net/url"
	"path"

	"github.com/shipsql/shipsql/providers/miniforge/gitmem"
)

func signatureJSON(s gitmem.Signature) object {
	return object{"name": s.Name, "email": s.Email, "date": timeOrNull(s.When)}
}

var unverified = object{"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil}

// commit is a commit of a repository, without its files.
func (v view) commit(r *repo, c gitmem.Commit) object {
	api := v.repoAPI(r)
	return object{
		"sha": c.Hash, "node_id": nodeID("Commit", c.Hash), "url": api + "/commits/" + c.Hash,
		"html_url": v.repoWeb(r) + "/commit/" + c.Hash, "comments_url": api + "/commits/" + c.Hash + "/comments",
		"commit": object{
			"author": signatureJSON(c.Author), "committer": signatureJSON(c.Committer), "message": c.Message,
			"tree": object{"sha": c.Tree, "url": api + "/git/trees/" + c.Tree}, "url": api + "/git/commits/" + c.Hash,
			"comment_count": 0, "verification": unverified,
		},
		"author":    orNull(v.user(v.s.userByEmail(c.Author.Email))),
		"committer": orNull(v.user(v.s.userByEmail(c.Committer.Email))),
		"parents":   v.parents(r, c, "/commits/"),
	}
}

// orNull keeps a nil object from becoming an empty one in an any.
func orNull(o object) any {
	if o == nil {
		return nil
	}
	return o
}

func (v view) parents(r *repo, c gitmem.Commit, folder string) []object {
	return mapEach(c.Parents, func(sha string) object {
		return object{
			"sha": sha, "url": v.repoAPI(r) + folder + sha, "html_url": v.repoWeb(r) + "/commit/" + sha,
		}
	})
}

// commitWithFiles is a commit with what it changed against its first parent.
func (v view) commitWithFiles(r *repo, c gitmem.Commit) object {
	o := v.commit(r, c)
	files := r.changesOf(c)
	added, deleted := 0, 0
	for _, f := range files {
		added, deleted = added+f.Additions, deleted+f.Deletions
	}
	o["stats"] = object{"additions": added, "deletions": deleted, "total": added + deleted}
	o["files"] = mapEach(files, func(f gitmem.FileDiff) object { return v.file(r, c.Hash, f) })
	return o
}

func (r *repo) changesOf(c gitmem.Commit) []gitmem.FileDiff {
	before := ""
	if len(c.Parents) > 0 {
		parent, _ := r.git.Commit(c.Parents[0])
		before = parent.Tree
	}
	return r.git.Diff(before, c.Tree)
}

// gitCommit is a commit as the git database shows it.
func (v view) gitCommit(r *repo, c gitmem.Commit) object {
	api := v.repoAPI(r)
	return object{
		"sha": c.Hash, "node_id": nodeID("Commit", c.Hash), "url": api + "/git/commits/" + c.Hash,
		"html_url": v.repoWeb(r) + "/commit/" + c.Hash, "message": c.Message,
		"author": signatureJSON(c.Author), "committer": signatureJSON(c.Committer),
		"tree":    object{"sha": c.Tree, "url": api + "/git/trees/" + c.Tree},
		"parents": v.parents(r, c, "/git/commits/"), "verification": unverified,
	}
}

// file is one file of a diff that leads to the commit head.
func (v view) file(r *repo, head string, f gitmem.FileDiff) object {
	name := (&url.URL{Path: f.Path}).EscapedPath()
	blob := f.After.Blob
	if blob == "" {
		blob = f.Before.Blob
	}
	o := object{
		"sha": blob, "filename": f.Path, "status": string(f.Status), "additions": f.Additions, "deletions": f.Deletions,
		"changes": f.Additions + f.Deletions, "blob_url": v.repoWeb(r) + "/blob/" + head + "/" + name,
		"raw_url":      v.repoWeb(r) + "/raw/" + head + "/" + name,
		"contents_url": v.repoAPI(r) + "/contents/" + name + "?ref=" + head,
	}
	if f.Patch != "" {
		o["patch"] = f.Patch
	}
	if f.Previous != "" {
		o["previous_filename"] = f.Previous
	}
	return o
}

var entryTypes = map[gitmem.Mode]string{gitmem.Folder: "tree"}

// treeEntry is an entry of a git tree at a path.
func (v view) treeEntry(r *repo, at string, e gitmem.Entry) object {
	kind := "blob"
	if named, ok := entryTypes[e.Mode]; ok {
		kind = named
	}
	o := object{
		"path": at, "mode": string(e.Mode), "type": kind, "sha": e.Hash,
		"url": v.repoAPI(r) + "/git/" + kind + "s/" + e.Hash,
	}
	if content, ok := r.git.Blob(e.Hash); ok {
		o["size"] = len(content)
	}
	return o
}

// content is an entry as the contents API lists it, without its content.
func (v view) content(r *repo, ref, at string, e gitmem.Entry) object {
	kind, git := "file", "/git/blobs/"
	switch e.Mode {
	case gitmem.Folder:
		kind, git = "dir", "/git/trees/"
	case gitmem.Symlink:
		kind = "symlink"
	}
	blob, _ := r.git.Blob(e.Hash)
	name := (&url.URL{Path: at}).EscapedPath()
	self, web := v.repoAPI(r)+"/contents/"+name+"?ref="+url.QueryEscape(ref), v.repoWeb(r)+"/blob/"+ref+"/"+name
	return object{
		"type": kind, "name": path.Base(at), "path": at, "sha": e.Hash, "size": len(blob), "url": self,
		"html_url": web, "git_url": v.repoAPI(r) + git + e.Hash, "download_url": v.repoWeb(r) + "/raw/" + ref + "/" + name,
		"_links": object{"self": self, "git": v.repoAPI(r) + git + e.Hash, "html": web},
	}
}

// simpleCommit is a commit as webhooks carry it.
func (v view) simpleCommit(c gitmem.Commit) object {
	person := func(s gitmem.Signature) object { return object{"name": s.Name, "email": s.Email} }
	return object{
		"id": c.Hash, "tree_id": c.Tree, "message": c.Message, "timestamp": timeOrNull(c.Committer.When),
		"author": person(c.Author), "committer": person(c.Committer),
	}
}
