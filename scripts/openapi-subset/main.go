// Command openapi-subset cuts the part of GitHub's OpenAPI description that
// providers/miniforge/contract/routes.txt names out of the npm package it is
// published in, and writes it beside its licence. Run it from the repository's
// root: go run ./scripts/openapi-subset
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/shipsql/shipsql/scripts/internal/npm"
)

const (
	source  = "@octokit/openapi@23.0.2"
	spec    = "package/generated/api.github.com.json"
	licence = "package/LICENSE"
	folder  = "providers/miniforge/contract"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "openapi-subset:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	files, err := npm.Files(ctx, source, spec, licence)
	if err != nil {
		return err
	}
	var whole document
	if err := json.Unmarshal(files[spec], &whole); err != nil {
		return err
	}
	routes, err := os.ReadFile(filepath.Join(folder, "routes.txt"))
	if err != nil {
		return err
	}
	part, err := whole.subset(routes)
	if err != nil {
		return err
	}
	text, err := json.Marshal(part)
	if err != nil {
		return err
	}
	packed, err := npm.Compress(text)
	if err != nil {
		return err
	}
	return write(map[string][]byte{"github-openapi.json.gz": packed, "LICENSE": files[licence]})
}

func write(files map[string][]byte) error {
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, "testdata", name), content, 0o644); err != nil {
			return err
		}
		fmt.Printf("%s: %d bytes\n", name, len(content))
	}
	return nil
}

// document is an OpenAPI description as far as it is looked into.
type document struct {
	OpenAPI    string                               `json:"openapi"`
	Info       any                                  `json:"info"`
	Servers    any                                  `json:"servers"`
	Paths      map[string]map[string]any            `json:"paths"`
	Webhooks   map[string]map[string]any            `json:"x-webhooks"`
	Components map[string]map[string]map[string]any `json:"components"`
}

// subset keeps the named routes and webhooks and what they refer to.
func (d document) subset(routes []byte) (document, error) {
	part := d
	part.Paths = map[string]map[string]any{}
	part.Webhooks = map[string]map[string]any{}
	part.Components = map[string]map[string]map[string]any{}
	for scan := bufio.NewScanner(bytes.NewReader(routes)); scan.Scan(); {
		method, path, ok := strings.Cut(scan.Text(), " ")
		if !ok || method == "#" {
			continue
		}
		if err := d.keep(part, method, path); err != nil {
			return document{}, err
		}
	}
	return part, nil
}

func (d document) keep(part document, method, path string) error {
	from, to, key := d.Paths, part.Paths, strings.ToLower(method)
	if method == "WEBHOOK" {
		from, to, key = d.Webhooks, part.Webhooks, "post"
	}
	operation, ok := from[path][key]
	if !ok {
		return fmt.Errorf("%s has no %s %s", source, method, path)
	}
	if to[path] == nil {
		to[path] = map[string]any{}
	}
	to[path][key] = d.trim(part, operation)
	return nil
}

// prose are the keys that validate nothing. A response must have a description.
var prose = map[string]bool{
	"summary": true, "example": true, "examples": true, "externalDocs": true, "tags": true, "x-github": true,
}

// trim drops the prose of a node and copies the components it refers to.
func (d document) trim(part document, node any) any {
	switch node := node.(type) {
	case []any:
		for i := range node {
			node[i] = d.trim(part, node[i])
		}
	case map[string]any:
		if ref, ok := node["$ref"].(string); ok {
			d.copyComponent(part, ref)
			return map[string]any{"$ref": ref}
		}
		for key, value := range node {
			properties, named := value.(map[string]any)
			switch {
			case prose[key]:
				delete(node, key)
			case key == "description":
				node[key] = ""
			case key == "properties" && named:
				for name := range properties {
					properties[name] = d.trim(part, properties[name])
				}
			default:
				node[key] = d.trim(part, value)
			}
		}
	}
	return node
}

func (d document) copyComponent(part document, ref string) {
	kind, name, _ := strings.Cut(strings.TrimPrefix(ref, "#/components/"), "/")
	if _, done := part.Components[kind][name]; done {
		return
	}
	if part.Components[kind] == nil {
		part.Components[kind] = map[string]map[string]any{}
	}
	component := d.Components[kind][name]
	part.Components[kind][name] = component // before its own references, which may come back to it
	d.trim(part, component)
}
