package github

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
)

// request is one API request.
type request struct {
	method string
	path   string // below the API's root, escaped
	body   any    // JSON; nil for none
}

// scope says in whose name a request goes out: the path of a repository or an
// organisation, and the installation it is thought to have.
type scope struct {
	path string
	hint int64
}

// of is a repository's scope. Names are checked because they become part of
// paths and may come from a configuration.
func of(repo providers.Repo) (scope, error) {
	if !plain(repo.Owner) || !plain(repo.Name) {
		return scope{}, fault.New(fault.Invalid, "%q is no repository's name", repo.FullName()).Then("write owner/name")
	}
	return scope{path: "repos/" + repo.Owner + "/" + repo.Name, hint: repo.Installation}, nil
}

// plain says if s can stand in a path as it is.
func plain(s string) bool {
	return s != "" && s != "." && s != ".." && url.PathEscape(s) == s && !strings.ContainsAny(s, "&=+:@$,;")
}

// pathf formats a path; text arguments are escaped.
func pathf(format string, args ...any) string {
	for i, arg := range args {
		if text, ok := arg.(string); ok {
			args[i] = url.PathEscape(text)
		}
	}
	return fmt.Sprintf(format, args...)
}

// repo makes a request below a repository's path. A repository that has another
// name or owner by now is found by its number, and the request made once more:
// GitHub redirects reads, and some writes, but forgets the old name when another
// repository takes it.
func (p *Provider) repo(ctx context.Context, repo providers.Repo, r request, out any) (*github.Response, error) {
	resp, err := p.below(ctx, repo, r, out)
	if repo.ID == 0 || !elsewhere(err) {
		return resp, err
	}
	now, lookup := p.RepositoryByID(ctx, repo.ID)
	switch {
	case errors.Is(lookup, providers.ErrGone):
		return nil, lookup
	case lookup != nil || strings.EqualFold(now.FullName(), repo.FullName()):
		return resp, err
	}
	return p.below(ctx, now, r, out)
}

// below makes a request below a repository's path, by its name as it is known.
func (p *Provider) below(ctx context.Context, repo providers.Repo, r request, out any) (*github.Response, error) {
	s, err := of(repo)
	if err != nil {
		return nil, err
	}
	r.path = s.path + r.path
	return p.call(ctx, s, r, out)
}

// elsewhere says that the repository may have another name by now.
func elsewhere(err error) bool {
	return errors.Is(err, providers.ErrGone) || errors.Is(err, providers.ErrNotFound) || errors.Is(err, errRedirectedWrite)
}

// asApp makes a request in the name of the app itself.
func (p *Provider) asApp(ctx context.Context, r request, out any) (*github.Response, error) {
	resp, err := p.send(ctx, p.app, r, out)
	return resp, p.translate(ctx, err)
}

// get reads one thing below a repository's path.
func (p *Provider) get(ctx context.Context, repo providers.Repo, path string, out any) error {
	_, err := p.repo(ctx, repo, request{method: http.MethodGet, path: path}, out)
	return err
}

// listing is a list below a repository's path.
type listing struct {
	repo  providers.Repo
	path  string
	query url.Values // further parameters
}

// pages reads a list, 100 at a time, until visit says that it has enough.
func pages[T any](ctx context.Context, p *Provider, l listing, visit func(page T) (more bool)) error {
	for n := 1; n > 0; {
		page, resp, err := pageOf[T](ctx, p, l, n)
		if err != nil {
			return err
		}
		if !visit(page) {
			return nil
		}
		n = resp.NextPage
	}
	return nil
}

// pagesFromLast reads a list that the forge sorts with the newest last, from the
// last page to the first. Only the first page says which one is the last.
func pagesFromLast[T any](ctx context.Context, p *Provider, l listing, visit func(page T) (more bool)) error {
	first, resp, err := pageOf[T](ctx, p, l, 1)
	if err != nil {
		return err
	}
	for n := resp.LastPage; n > 1; n-- {
		page, _, err := pageOf[T](ctx, p, l, n)
		if err != nil || !visit(page) {
			return err
		}
	}
	visit(first)
	return nil
}

// pageOf reads one page of a list, 1-based.
func pageOf[T any](ctx context.Context, p *Provider, l listing, n int) (page T, resp *github.Response, err error) {
	query := url.Values{"per_page": {"100"}, "page": {strconv.Itoa(n)}}
	maps.Copy(query, l.query)
	r := request{method: http.MethodGet, path: l.path + "?" + query.Encode()}
	resp, err = p.repo(ctx, l.repo, r, &page)
	return page, resp, err
}

// call sends a request in the name of the scope's installation. An installation
// that turns out to be the wrong one is looked up again, once: the app may have
// been removed and installed anew, or the repository transferred.
func (p *Provider) call(ctx context.Context, s scope, r request, out any) (*github.Response, error) {
	id, fresh, err := p.installation(ctx, s)
	if err != nil {
		return nil, err
	}
	resp, err := p.send(ctx, p.client(id), r, out)
	if fresh || !misdirected(err) {
		return resp, p.translate(ctx, err)
	}
	now, lookup := p.findInstallation(ctx, s)
	if lookup != nil {
		return nil, lookup
	}
	if now == id {
		return nil, p.translate(ctx, err)
	}
	resp, err = p.send(ctx, p.client(now), r, out)
	return resp, p.translate(ctx, err)
}

// send makes one request; the error is as go-github gives it.
func (p *Provider) send(ctx context.Context, c *github.Client, r request, out any) (*github.Response, error) {
	req, err := c.NewRequest(r.method, r.path, r.body)
	if err != nil {
		return nil, err
	}
	resp, err := c.Do(ctx, req, out)
	if _, promised := errors.AsType[*github.AcceptedError](err); promised { // a 202: it will be done
		err = nil
	}
	if link, ok := out.(*redirect); ok && statusOf(err) == http.StatusFound {
		link.to, err = resp.Location()
	}
	return resp, err
}

// redirect, as the place for an answer, takes the address it points to.
type redirect struct{ to *url.URL }

// installation gives the scope's installation; fresh says that the forge was
// asked just now.
func (p *Provider) installation(ctx context.Context, s scope) (id int64, fresh bool, err error) {
	p.mu.Lock()
	id, ok := p.installations[s.path]
	p.mu.Unlock()
	if ok {
		return id, false, nil
	}
	if s.hint != 0 {
		return s.hint, false, nil
	}
	id, err = p.findInstallation(ctx, s)
	return id, true, err
}

// findInstallation asks the forge who installed us there, and remembers it.
// ErrGone when nobody did, or the installation is suspended.
func (p *Provider) findInstallation(ctx context.Context, s scope) (int64, error) {
	var found github.Installation
	_, err := p.send(ctx, p.app, request{method: http.MethodGet, path: s.path + "/installation"}, &found)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil && found.SuspendedAt == nil {
		p.installations[s.path] = found.GetID()
		return found.GetID(), nil
	}
	delete(p.installations, s.path)
	if err == nil || statusOf(err) == http.StatusNotFound {
		return 0, fmt.Errorf("%s: %s: %w", p.cfg.Name, s.path, providers.ErrGone)
	}
	return 0, p.translate(ctx, err)
}

// client gives the installation's client, making it at its first use.
func (p *Provider) client(installation int64) *github.Client {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.clients[installation]
	if !ok {
		c = p.newClient(strconv.FormatInt(installation, 10), &installationAuth{p: p, id: installation})
		p.clients[installation] = c
	}
	return c
}

// newClient stacks the layers for one identity.
func (p *Provider) newClient(owner string, auth http.RoundTripper) *github.Client {
	c := github.NewClient(&http.Client{
		Transport:     newPace(p.o, &conditional{next: auth, store: p.cache, owner: owner}),
		CheckRedirect: inside,
	})
	c.BaseURL = p.api
	return c
}

// inside follows redirects within the API: a renamed repository's reads get a
// 301, its writes a 307. A 302 leads to an archive outside of it, for which our
// credentials aren't meant, and a write must stay that write (Go would turn it
// into a read).
// https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects
func inside(req *http.Request, via []*http.Request) error {
	switch {
	case req.Response.StatusCode == http.StatusFound:
		return http.ErrUseLastResponse
	case len(via) >= 5:
		return fault.New(fault.Unreachable, "the forge redirects too often")
	case req.Method != via[0].Method:
		return fmt.Errorf("%s: %w", via[0].Method, errRedirectedWrite)
	}
	return nil
}

var errRedirectedWrite = fault.New(fault.Unsupported, "the forge redirects a write in a way that would make a read of it")
