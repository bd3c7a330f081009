package miniforge

import (
	"encoding/base64"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/providers/miniforge/gitmem"
)

var gitRoutes = []route{
	{"GET /repos/{owner}/{repo}/commits", asInstallation, (*call).listCommits},
	{"GET /repos/{owner}/{repo}/commits/{ref...}", asInstallation, (*call).getCommit},
	{"GET /repos/{owner}/{repo}/commits/{ref}/pulls", asInstallation, (*call).listPullsOf},
	{"GET /repos/{owner}/{repo}/compare/{basehead...}", asInstallation, (*call).compare},
	{"GET /repos/{owner}/{repo}/git/ref/{ref...}", asInstallation, (*call).getRef},
	{"GET /repos/{owner}/{repo}/git/commits/{sha}", asInstallation, (*call).getGitCommit},
	{"GET /repos/{owner}/{repo}/git/trees/{sha}", asInstallation, (*call).getTree},
	{"GET /repos/{owner}/{repo}/git/blobs/{sha}", asInstallation, (*call).getBlob},
}

func noCommitFor(ref string) answer {
	return problem(http.StatusUnprocessableEntity, "No commit found for SHA: %s", ref)
}

func (c *call) listCommits() answer {
	from := c.query("sha")
	if from == "" {
		from = c.repo.main
	}
	head, found := c.repo.resolve(from)
	if !found {
		return notFound()
	}
	log := c.repo.git.Log(head.Hash)
	if at := strings.Trim(c.query("path"), "/"); at != "" {
		log = c.repo.git.Touched(log, at)
	}
	return ok(mapEach(paginate(c, log), func(o gitmem.Commit) object { return c.view.commit(c.repo, o) }))
}

func (c *call) getCommit() answer {
	commit, found := c.repo.resolve(c.r.PathValue("ref"))
	if !found {
		return noCommitFor(c.r.PathValue("ref"))
	}
	o := c.commitWithFiles(c.repo, commit)
	o["files"] = paginate(c, o["files"].([]object))
	return ok(o)
}

// listPullsOf finds the pull requests that a commit belongs to, or that a merge
// brought it with.
func (c *call) listPullsOf() answer {
	commit, found := c.repo.resolve(c.r.PathValue("ref"))
	if !found {
		return noCommitFor(c.r.PathValue("ref"))
	}
	var of []*pull
	for _, p := range c.repo.pulls {
		if p.holds(commit.Hash) {
			of = append(of, p)
		}
	}
	return ok(mapEach(paginate(c, of), c.view.pull))
}

func (p *pull) holds(sha string) bool {
	if slices.Contains(p.landed, sha) {
		return true
	}
	for _, own := range p.commits() {
		if own.Hash == sha {
			return true
		}
	}
	return false
}

// maxCompareFiles is how many files a comparison lists.
const maxCompareFiles = 300

func (c *call) compare() answer {
	from, to, isRange := strings.Cut(c.r.PathValue("basehead"), "...")
	base, found := c.repo.resolve(from)
	head, alsoFound := c.repo.resolve(to)
	git := c.repo.git
	common, _ := git.Commit(git.MergeBase(base.Hash, head.Hash))
	if !isRange || !found || !alsoFound || common.Hash == "" {
		return notFound()
	}
	ahead, behind := git.Log(head.Hash, base.Hash), git.Log(base.Hash, head.Hash)
	oldest := make([]gitmem.Commit, len(ahead))
	for i, o := range ahead {
		oldest[len(ahead)-1-i] = o
	}
	self := "/compare/" + base.Hash + "..." + head.Hash
	o := object{
		"url": c.repoAPI(c.repo) + self, "html_url": c.repoWeb(c.repo) + self, "permalink_url": c.repoWeb(c.repo) + self,
		"diff_url": c.repoWeb(c.repo) + self + ".diff", "patch_url": c.repoWeb(c.repo) + self + ".patch",
		"base_commit": c.view.commit(c.repo, base), "merge_base_commit": c.view.commit(c.repo, common),
		"status": relation(len(ahead), len(behind)), "ahead_by": len(ahead), "behind_by": len(behind),
		"total_commits": len(ahead),
		"commits":       mapEach(paginate(c, oldest), func(o gitmem.Commit) object { return c.view.commit(c.repo, o) }),
	}
	if c.number("page", 1) == 1 { // the files come with the first page only
		files := git.Diff(common.Tree, head.Tree)
		files = files[:min(len(files), maxCompareFiles)]
		o["files"] = mapEach(files, func(f gitmem.FileDiff) object { return c.file(c.repo, head.Hash, f) })
	}
	return ok(o)
}

func relation(ahead, behind int) string {
	switch {
	case ahead == 0 && behind == 0:
		return "identical"
	case behind == 0:
		return "ahead"
	case ahead == 0:
		return "behind"
	}
	return "diverged"
}

func (c *call) getRef() answer {
	name := strings.TrimPrefix(c.r.PathValue("ref"), "heads/")
	sha, there := c.repo.heads[name]
	if !there {
		return notFound()
	}
	api := c.repoAPI(c.repo)
	return ok(object{
		"ref": "refs/heads/" + name, "node_id": nodeID("Ref", name), "url": api + "/git/refs/heads/" + name,
		"object": object{"sha": sha, "type": "commit", "url": api + "/git/commits/" + sha},
	})
}

func (c *call) getGitCommit() answer {
	commit, found := c.repo.git.Commit(c.r.PathValue("sha"))
	if !found {
		return notFound()
	}
	return ok(c.gitCommit(c.repo, commit))
}

// maxTreeEntries is where a recursive tree is cut off:
// https://docs.github.com/en/rest/git/trees#get-a-tree
const maxTreeEntries = 100_000

// getTree takes a tree's own name, a commit or a branch.
func (c *call) getTree() answer {
	sha := c.r.PathValue("sha")
	if _, isTree := c.repo.git.Tree(sha); !isTree {
		commit, found := c.repo.resolve(sha)
		if !found {
			return notFound()
		}
		sha = commit.Tree
	}
	list := c.treeEntries(nil, "", sha, c.query("recursive") != "")
	truncated := len(list) > maxTreeEntries
	if truncated {
		list = list[:maxTreeEntries]
	}
	return ok(object{
		"sha": sha, "url": c.repoAPI(c.repo) + "/git/trees/" + sha, "tree": list, "truncated": truncated,
	})
}

func (c *call) treeEntries(list []object, at, tree string, recursive bool) []object {
	entries, _ := c.repo.git.Tree(tree)
	for _, e := range entries {
		list = append(list, c.treeEntry(c.repo, path.Join(at, e.Name), e))
		if recursive && e.Mode == gitmem.Folder {
			list = c.treeEntries(list, path.Join(at, e.Name), e.Hash, true)
		}
	}
	return list
}

func (c *call) getBlob() answer {
	sha := c.r.PathValue("sha")
	content, there := c.repo.git.Blob(sha)
	if !there {
		return notFound()
	}
	return ok(object{
		"sha": sha, "node_id": nodeID("Blob", sha), "size": len(content), "encoding": "base64",
		"url": c.repoAPI(c.repo) + "/git/blobs/" + sha, "content": base64.StdEncoding.EncodeToString(content),
	})
}
