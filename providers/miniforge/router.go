package miniforge

import (
	"net/http"
	"net/url"
	"strings"
)

// router finds the route of a request. http.ServeMux can't hold GitHub's paths:
// issues/{number}/comments and issues/comments/{id} overlap.
type router map[string][]parsedRoute // by method

type parsedRoute struct {
	route
	segments []string
}

func newRouter(groups ...[]route) router {
	rt := router{}
	for _, routes := range groups {
		for _, r := range routes {
			method, path, _ := strings.Cut(r.pattern, " ")
			rt[method] = append(rt[method], parsedRoute{route: r, segments: segmentsOf(path)})
		}
	}
	return rt
}

// find returns the matching route with the most literal segments and sets the
// request's path values.
func (rt router) find(r *http.Request) (route, bool) {
	path := segmentsOf(r.URL.EscapedPath())
	var best parsedRoute
	var values map[string]string
	for _, candidate := range rt[r.Method] {
		got, ok := candidate.match(path)
		if ok && (values == nil || candidate.literals() > best.literals()) {
			best, values = candidate, got
		}
	}
	for name, value := range values {
		r.SetPathValue(name, value)
	}
	return best.route, values != nil
}

func (p parsedRoute) literals() int {
	return len(p.segments) - strings.Count(strings.Join(p.segments, ""), "{")
}

func segmentsOf(path string) []string { return strings.Split(strings.Trim(path, "/"), "/") }

// match compares segment by segment; "{name...}" takes all that is left.
func (p parsedRoute) match(path []string) (map[string]string, bool) {
	values := map[string]string{}
	for i, segment := range p.segments {
		name, isValue := strings.CutPrefix(strings.TrimSuffix(segment, "}"), "{")
		name, takesRest := strings.CutSuffix(name, "...")
		switch {
		case takesRest:
			rest := strings.Join(path[min(i, len(path)):], "/")
			text, err := url.PathUnescape(rest)
			values[name] = text
			return values, err == nil
		case i >= len(path):
			return nil, false
		case isValue:
			text, err := url.PathUnescape(path[i])
			if err != nil || text == "" {
				return nil, false
			}
			values[name] = text
		case segment != path[i]:
			return nil, false
		}
	}
	return values, len(path) == len(p.segments)
}
