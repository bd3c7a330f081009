package miniforge

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/shipsql/shipsql/internal/fault"
)

// call is one API request while the state is locked.
type call struct {
	*State
	view
	r            *http.Request
	body         []byte
	installation *installation // who calls; nil when the App itself does
	repo         *repo         // of {owner}/{repo} routes
	link         string        // the Link header of a page of a list
}

// answer is what a route answers.
type answer struct {
	status   int
	body     any // written as JSON; nil: no body
	location string
}

func ok(body any) answer      { return answer{status: http.StatusOK, body: body} }
func created(body any) answer { return answer{status: http.StatusCreated, body: body} }

const docs = "https://docs.github.com/rest"

func problem(status int, format string, args ...any) answer {
	return answer{status: status, body: object{
		"message": fmt.Sprintf(format, args...), "documentation_url": docs, "status": strconv.Itoa(status),
	}}
}

func notFound() answer { return problem(http.StatusNotFound, "Not Found") }

// invalid is GitHub's answer to a field it doesn't take.
func invalid(resource, field, format string, args ...any) answer {
	return answer{status: http.StatusUnprocessableEntity, body: object{
		"message": "Validation Failed", "documentation_url": docs, "status": "422",
		"errors": []object{{
			"resource": resource, "field": field, "code": "custom", "message": fmt.Sprintf(format, args...),
		}},
	}}
}

// route is a handler and who may call it.
type route struct {
	pattern string // "METHOD /path/{value}/{rest...}", below the API root
	as      access
	handle  func(*call) answer
}

// newAPI routes the HTTP API; the paths it gets are below the API root.
func (f *Forge) newAPI() http.Handler {
	routes := newRouter(
		appRoutes, peopleRoutes, repoRoutes, gitRoutes, pullRoutes, issueRoutes, checkRoutes, deployRoutes,
	)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = f.byName(r)
		rt, found := routes.find(r)
		if !found {
			write(w, r, notFound())
			return
		}
		f.serveRoute(w, r, rt)
	})
}

// maxBody is the largest request body read, in bytes.
const maxBody = 10 << 20

func (f *Forge) serveRoute(w http.ResponseWriter, r *http.Request, rt route) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		write(w, r, problem(http.StatusRequestEntityTooLarge, "Request body too large"))
		return
	}
	var a answer
	_ = f.change(func(s *State) error {
		c := &call{State: s, r: r, body: body, view: view{s: s, web: rootOf(r), api: rootOf(r) + prefixOf(r)}}
		a = c.serve(rt)
		c.finish(w, a)
		return nil
	})
	write(w, r, a)
}

// serve authenticates, finds the repository and runs the route.
func (c *call) serve(rt route) answer {
	if refusal, refused := c.authenticate(rt.as); refused {
		return refusal
	}
	if rt.as == asInstallation && c.spend() {
		return problem(http.StatusForbidden, "API rate limit exceeded for installation ID %d.", c.installation.id)
	}
	if name := c.r.PathValue("repo"); name != "" && rt.as == asInstallation {
		if refusal, refused := c.findRepo(c.r.PathValue("owner") + "/" + name); refused {
			return refusal
		}
	}
	return rt.handle(c)
}

// byName makes of a path below /repositories/ID the one below /repos/ that the
// repository has now. GitHub describes only those, and redirects to these.
func (f *Forge) byName(r *http.Request) *http.Request {
	id, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/repositories/"), "/")
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil || !strings.HasPrefix(r.URL.Path, "/repositories/") {
		return r
	}
	name := read(f, func(s *State) string {
		for _, known := range s.repos {
			if known.id == number {
				return known.fullName()
			}
		}
		return "-/-" // which no repository is called
	})
	named := r.Clone(r.Context())
	named.URL.RawPath = strings.TrimSuffix("/repos/"+name+"/"+rest, "/")
	named.URL.Path, _ = url.PathUnescape(named.URL.RawPath) // it was escaped before
	return named
}

// named finds a repository by its name, or by one it had before.
func (s *State) named(name string) (r *repo, moved bool) {
	key := strings.ToLower(name)
	if r = s.repos[key]; r != nil {
		return r, false
	}
	return s.former[key], true
}

// redirect leads from a former name to the number. Writes keep their method.
// https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects
func (c *call) redirect(r *repo) answer {
	rest := strings.SplitN(strings.TrimPrefix(c.r.URL.EscapedPath(), "/"), "/", 4)[3:]
	to := strings.Join(append([]string{c.api, "repositories", strconv.FormatInt(r.id, 10)}, rest...), "/")
	if c.r.URL.RawQuery != "" {
		to += "?" + c.r.URL.RawQuery
	}
	a := problem(http.StatusMovedPermanently, "Moved Permanently")
	if c.r.Method != http.MethodGet {
		a.status = http.StatusTemporaryRedirect
	}
	a.location = to
	a.body = with(a.body.(object), object{"url": to})
	return a
}

// findRepo hides what the installation can't see, as GitHub does.
func (c *call) findRepo(name string) (answer, bool) {
	r, moved := c.named(name)
	switch write := c.r.Method != http.MethodGet; {
	case r == nil || (r.private && !c.owns(r)):
		return notFound(), true
	case moved:
		return c.redirect(r), true
	case write && !c.owns(r):
		return problem(http.StatusForbidden, "Resource not accessible by integration"), true
	case write && r.archived:
		return problem(http.StatusForbidden, "Repository was archived so is read-only."), true
	}
	c.repo = r
	return answer{}, false
}

func (c *call) owns(r *repo) bool { return r.installed && r.owner == c.installation.account }

// finish adds the headers that need the state, and records the request.
func (c *call) finish(w http.ResponseWriter, a answer) {
	if c.link != "" {
		w.Header().Set("Link", c.link)
	}
	if c.installation != nil {
		c.rateHeaders(w.Header())
	}
	c.requests = append(c.requests, Request{
		Method: c.r.Method, Path: strings.TrimPrefix(c.r.URL.Path, "/"), Query: c.r.URL.RawQuery,
		Status: a.status, At: c.o.Clock.Now(),
	})
}

// decode reads the JSON body into v; it says no when it isn't any.
func (c *call) decode(v any) bool { return json.Unmarshal(c.body, v) == nil }

func badJSON() answer { return problem(http.StatusBadRequest, "Problems parsing JSON") }

// id is a numeric part of the path, 0 when it isn't a number.
func (c *call) id(name string) int64 {
	n, err := strconv.ParseInt(c.r.PathValue(name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (c *call) query(name string) string { return c.r.URL.Query().Get(name) }

func (c *call) number(name string, otherwise int) int {
	n, err := strconv.Atoi(c.query(name))
	if err != nil || n < 1 {
		return otherwise
	}
	return n
}

const (
	defaultPage = 30
	maxPage     = 100
)

// paginate cuts the page out of a list that the request asks for, and sets the
// Link header: https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
func paginate[T any](c *call, items []T) []T {
	size := min(c.number("per_page", defaultPage), maxPage)
	page := c.number("page", 1)
	last := max((len(items)+size-1)/size, 1)
	var links []string
	add := func(rel string, n int) {
		query := c.r.URL.Query()
		query.Set("page", strconv.Itoa(n))
		links = append(links, fmt.Sprintf(`<%s%s?%s>; rel="%s"`, c.api, c.r.URL.EscapedPath(), query.Encode(), rel))
	}
	if page > 1 {
		add("prev", page-1)
		add("first", 1)
	}
	if page < last {
		add("next", page+1)
		add("last", last)
	}
	c.link = strings.Join(links, ", ")
	from := min((page-1)*size, len(items))
	return items[from:min(from+size, len(items))]
}

// write sends an answer; a GET whose ETag the caller has is answered 304.
func write(w http.ResponseWriter, r *http.Request, a answer) {
	h := w.Header()
	h.Set("X-GitHub-Media-Type", "github.v3; format=json")
	h.Set("X-GitHub-Request-Id", "MINI:FORGE")
	if a.location != "" {
		h.Set("Location", a.location)
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	body := encode(a, h)
	if r.Method == http.MethodGet && a.status == http.StatusOK {
		sum := sha256.Sum256(body)
		etag := `W/"` + hex.EncodeToString(sum[:]) + `"`
		h.Set("ETag", etag)
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(body)
}

func encode(a answer, h http.Header) []byte {
	h.Set("Content-Type", "application/json; charset=utf-8")
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(a.body); err != nil {
		return fmt.Appendf(nil, `{"message":%q}`, err.Error())
	}
	return b.Bytes()
}

// refusal turns a scripting error into an API answer.
func refusal(err error) answer {
	switch fault.CodeOf(err) {
	case fault.NotFound:
		return notFound()
	case fault.Conflict:
		return problem(http.StatusConflict, "%s", err)
	}
	return problem(http.StatusUnprocessableEntity, "%s", err)
}

// rootOf is the address the request came to.
func rootOf(r *http.Request) string { return (&url.URL{Scheme: "http", Host: r.Host}).String() }
