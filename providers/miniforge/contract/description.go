package contract

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
)

//go:embed testdata/github-openapi.json.gz
var packed []byte

// howToAdd ends every report of something the kept part lacks.
const howToAdd = "add it to providers/miniforge/contract/routes.txt and run: go run ./scripts/openapi-subset"

// load reads the description once per process.
var load = sync.OnceValues(func() (*openapi3.T, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return openapi3.NewLoader().LoadFromIoReader(unzipped)
})

// manySegments are the path parameters that may hold slashes.
var manySegments = map[string]bool{"path": true, "ref": true, "branch": true, "basehead": true}

// numbered is the start of a path that GitHub redirects to from a repository's
// former name. It is the same API, described below /repos/{owner}/{repo} only.
var numbered = regexp.MustCompile(`^/repositories/(\d+)`)

// find returns the route of a request and its path parameters. A path is the
// part below the API root, still escaped. A literal segment wins over a parameter.
func find(doc *openapi3.T, method, path string) (*routers.Route, map[string]string, error) {
	var best *routers.Route
	var bestParameters map[string]string
	path = numbered.ReplaceAllString(path, "/repos/$1/$1")
	literals := func(template string) int { return len(split(template)) - strings.Count(template, "{") }
	for template, item := range doc.Paths.Map() {
		operation := item.GetOperation(method)
		if operation == nil {
			continue
		}
		parameters, ok := match(split(template), split(path))
		if ok && (best == nil || literals(template) > literals(best.Path)) {
			best = &routers.Route{Spec: doc, Path: template, PathItem: item, Method: method, Operation: operation}
			bestParameters = parameters
		}
	}
	if best == nil {
		return nil, nil, fmt.Errorf("GitHub's description as kept here has no %s %s: %s", method, path, howToAdd)
	}
	return best, bestParameters, nil
}

func split(path string) []string { return strings.Split(strings.Trim(path, "/"), "/") }

func match(template, path []string) (map[string]string, bool) {
	parameters := map[string]string{}
	for i, segment := range template {
		if i >= len(path) {
			return nil, false
		}
		name, isParameter := strings.CutPrefix(segment, "{")
		if !isParameter {
			if segment != path[i] {
				return nil, false
			}
			continue
		}
		name = strings.TrimSuffix(name, "}")
		last := i == len(template)-1
		value := path[i]
		if last && manySegments[name] {
			value = strings.Join(path[i:], "/")
			path = path[:i+1]
		}
		text, err := url.PathUnescape(value)
		if err != nil {
			return nil, false
		}
		parameters[name] = text
	}
	return parameters, len(path) == len(template)
}

// Webhook validates a payload against the description of its event; action is
// "" for an event without actions.
func Webhook(event, action string, payload []byte) error {
	doc, err := load()
	if err != nil {
		return err
	}
	name := strings.Trim(strings.ReplaceAll("webhook-"+event+"-"+action, "_", "-"), "-")
	schema := doc.Components.Schemas[name]
	if schema == nil {
		return fmt.Errorf("GitHub's description as kept here has no %s: %s", name, howToAdd)
	}
	value, err := decode(payload)
	if err != nil {
		return err
	}
	if err := schema.Value.VisitJSON(value, openapi3.MultiErrors()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func decode(text []byte) (value any, err error) {
	err = json.Unmarshal(text, &value)
	return value, err
}
