package config

import (
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers/github"
)

// DefaultPath is where the configuration is looked for when no file is named.
const DefaultPath = "shipsql.yaml"

// File is a valid configuration, as the rooms want it.
type File struct {
	Server Server
	Store  secret.Source // sqlite:PATH or postgres://…
	Redis  secret.Source // zero: the in-process bell
	GitHub []github.Config
	Deploy deploy.Config
}

// Server is where ShipSQL listens and how the world reaches it.
type Server struct {
	Listen    string // host:port
	PublicURL string // without a trailing slash
}

// maxBytes bounds the file; a real one has a few thousand.
const maxBytes = 1 << 20

// Load reads and checks the file at path. The error is an [*Invalid] with all
// problems when the text was read but is wrong. References to files are
// relative to the file's folder; secrets are not read.
func Load(path string) (*File, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxBytes {
		return nil, fault.New(fault.Invalid, "the configuration is larger than %d bytes", maxBytes).At(path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.New(fault.Invalid, "can't read the configuration").Because(err).
			Then("name the file with --config, or see docs/configuration.md for an example")
	}
	return Parse(path, text)
}

// Parse is [Load] for text that was read already; name stands in the problems,
// and its folder is what references to files are relative to.
func Parse(name string, text []byte) (*File, error) {
	var document shape
	d := decoder{folder: filepath.Dir(name)}
	d.decode(text, &document)
	if d.places[""] != nil {
		document.fillIn()
		checker{&d, &document}.check()
	}
	if len(d.problems) > 0 {
		return nil, &Invalid{File: name, Problems: inOrder(d.problems)}
	}
	return document.build(), nil
}

// fillIn derives what a constant default can't say.
func (s *shape) fillIn() {
	for i := range s.Providers.GitHub {
		if p := &s.Providers.GitHub[i]; p.Name == "" {
			if base, err := url.Parse(p.BaseURL); err == nil {
				p.Name = base.Hostname()
			}
		}
	}
}

func (s *shape) build() *File {
	f := File{
		Server: Server{Listen: s.Server.Listen, PublicURL: strings.TrimRight(s.Server.PublicURL, "/")},
		Store:  s.Store,
		Redis:  s.Redis,
	}
	for _, p := range s.Providers.GitHub {
		f.GitHub = append(f.GitHub, p.build())
	}
	for _, d := range s.Databases {
		f.Deploy.Databases = append(f.Deploy.Databases, d.build())
	}
	for _, e := range s.Environments {
		f.Deploy.Environments = append(f.Deploy.Environments, e.build())
	}
	for _, p := range s.Projects {
		f.Deploy.Projects = append(f.Deploy.Projects, p.build())
	}
	return &f
}

func (p gitHub) build() github.Config {
	return github.Config{
		Name: p.Name, BaseURL: p.BaseURL, APIURL: p.APIURL, AppID: p.AppID,
		PrivateKey: p.PrivateKey, WebhookSecrets: p.WebhookSecret,
	}
}

func (d database) build() deploy.Database {
	engine := d.Engine
	if engine == "" {
		text, _ := read(d.URL) // check saw that it can be read
		engine = engineOf(text)
	}
	return deploy.Database{
		Name: d.Name, Engine: engine, URL: d.URL, ReviewURL: d.ReviewURL,
		Environment: d.Environment, Labels: d.Labels, Worker: d.Worker, SetRole: d.SetRole,
	}
}

func (e environment) build() deploy.Environment {
	return deploy.Environment{
		Name: e.Name, Rollout: e.Rollout, Approvals: deploy.Approvals(e.Approvals),
		LockTimeout: e.LockTimeout, LockRetryFor: e.LockRetryFor, StatementTimeout: e.StatementTimeout,
		Online: strings.TrimPrefix(e.Online, "any"),
	}
}

func (p project) build() deploy.Project {
	return deploy.Project{
		Repository: p.Repository, Branch: p.Branch, Path: path.Clean(p.Path), Databases: p.Databases,
		Layout: strings.TrimPrefix(p.Layout, "auto"), OutOfOrder: p.OutOfOrder == "allow", History: p.History, Compat: strings.TrimPrefix(p.Compat, "none"),
	}
}
