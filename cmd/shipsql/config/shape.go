package config

import (
	"time"

	"github.com/shipsql/shipsql/internal/secret"
)

// The shape of shipsql.yaml, described once. The tags are those of
// invopop/jsonschema (required, enum, default, minimum) plus:
//
//	yaml     the key
//	notyet   on a field: values, on a blank field: keys, that later versions
//	         will know and this one refuses by name
type shape struct {
	Server       server        `yaml:"server" jsonschema:"required" jsonschema_description:"where ShipSQL listens and how the world reaches it"`
	Store        secret.Source `yaml:"store" jsonschema:"default=sqlite:shipsql.db" jsonschema_description:"the database of record: sqlite:PATH (relative to the working folder) for one process, postgres://user:password@host:5432/db?sslmode=verify-full for several"`
	Redis        secret.Source `yaml:"redis" jsonschema_description:"Redis as the doorbell between processes: redis://[user:password@]host:6379/0, unix:///path, redis+sentinel://host,host/MASTER/0, redis+cluster://host,host; with TLS rediss://, rediss+sentinel://, rediss+cluster://; omitted: in-process, and other processes find jobs by polling"`
	Providers    providers     `yaml:"providers" jsonschema:"required" jsonschema_description:"the forges whose repositories ShipSQL serves"`
	Databases    []database    `yaml:"databases" jsonschema:"required" jsonschema_description:"every database that migrations may reach"`
	Environments []environment `yaml:"environments" jsonschema:"required" jsonschema_description:"the stages of a rollout, in their order, each with its gate"`
	Projects     []project     `yaml:"projects" jsonschema:"required" jsonschema_description:"which folder of which repository goes to which databases"`
	_            struct{}      `notyet:"ai freezes rehearsal"`
}

type server struct {
	Listen    string `yaml:"listen" jsonschema:"default=:8080" jsonschema_description:"host:port of webhooks, pages, health and metrics"`
	PublicURL string `yaml:"public_url" jsonschema:"required" jsonschema_description:"the address people and forges reach it by; links in comments start with it"`
}

type providers struct {
	GitHub []gitHub `yaml:"github" jsonschema:"required" jsonschema_description:"GitHub.com and Enterprise Servers; one mapping, or a list of several"`
	_      struct{} `notyet:"gitlab bitbucket azure"`
}

type gitHub struct {
	Name          string          `yaml:"name" jsonschema_description:"first part of a project's repository, and of its webhook path /webhooks/NAME; default: the host of base_url"`
	BaseURL       string          `yaml:"base_url" jsonschema:"default=https://github.com" jsonschema_description:"the forge's web address"`
	APIURL        string          `yaml:"api_url" jsonschema_description:"the API root, where it isn't derived from base_url (https://api.github.com, BASE_URL/api/v3), e.g. for a proxy"`
	AppID         int64           `yaml:"app_id" jsonschema:"required,minimum=1" jsonschema_description:"the GitHub App's id, from its settings page"`
	PrivateKey    secret.Source   `yaml:"private_key" jsonschema:"required" jsonschema_description:"the GitHub App's private key (PEM)"`
	WebhookSecret []secret.Source `yaml:"webhook_secret" jsonschema:"required" jsonschema_description:"the secret that signs webhooks, or a list of two that are valid at once while one is rotated; an empty one is refused"`
}

type database struct {
	Name        string            `yaml:"name" jsonschema:"required" jsonschema_description:"the name people see and type in commands"`
	Engine      string            `yaml:"engine" jsonschema:"enum=postgres,enum=mysql,enum=mariadb" jsonschema_description:"the database product; default: from the scheme of url"`
	URL         secret.Source     `yaml:"url" jsonschema:"required" jsonschema_description:"postgres://user:password@host:5432/db?sslmode=verify-full; a unix socket by ?host=/path; mysql://user:password@host:3306/db?tls=true, or mariadb://; a unix socket by ?socket=/path"`
	ReviewURL   secret.Source     `yaml:"review_url" jsonschema_description:"a read-only login for the reviewer's catalog; default: url"`
	Environment string            `yaml:"environment" jsonschema:"required" jsonschema_description:"the environment it belongs to"`
	Labels      map[string]string `yaml:"labels" jsonschema_description:"what selectors of projects match"`
	SetRole     string            `yaml:"set_role" jsonschema_description:"the role that migrations run as (PostgreSQL's SET ROLE), e.g. the owner of the tables; omitted: the login"`
	Worker      string            `yaml:"worker" jsonschema_description:"the pool of workers that reaches it (serve --pool NAME): only they need its url; omitted: the default pool"`
}

type environment struct {
	Name             string        `yaml:"name" jsonschema:"required" jsonschema_description:"the name people type: approve NAME"`
	Rollout          string        `yaml:"rollout" jsonschema:"required,enum=auto,enum=manual" notyet:"window manual+window" jsonschema_description:"auto: starts when the earlier stage is done; manual: needs approvals as well"`
	Approvals        approvals     `yaml:"approvals" jsonschema_description:"who opens a manual gate"`
	LockTimeout      time.Duration `yaml:"lock_timeout" jsonschema:"default=2s" jsonschema_description:"how long a statement may wait for a lock, and so stall the queries queued behind it"`
	LockRetryFor     time.Duration `yaml:"lock_retry_for" jsonschema:"default=30m" jsonschema_description:"how long to try again after a lock was not had"`
	StatementTimeout time.Duration `yaml:"statement_timeout" jsonschema:"default=0" jsonschema_description:"how long one statement may run; 0: as long as it takes"`
	Online           string        `yaml:"online" jsonschema:"default=any,enum=any,enum=assert" jsonschema_description:"assert: on MySQL and MariaDB an ALTER that would copy its table or block writes is refused"`
	_                struct{}      `notyet:"windows timezone min_left on_close batch"`
}

type approvals struct {
	Count        int      `yaml:"count" jsonschema:"default=1,minimum=1" jsonschema_description:"how many distinct people must approve"`
	Users        []string `yaml:"users" jsonschema_description:"logins of those who may approve"`
	Teams        []string `yaml:"teams" jsonschema_description:"teams (org/slug) whose members may approve"`
	SelfApproval bool     `yaml:"self_approval" jsonschema:"default=false" jsonschema_description:"whether authors of the change count"`
}

type project struct {
	Repository string            `yaml:"repository" jsonschema:"required" jsonschema_description:"PROVIDER/OWNER/NAME, e.g. github.com/acme/orders"`
	Branch     string            `yaml:"branch" jsonschema:"required" jsonschema_description:"merges into this branch become releases"`
	Path       string            `yaml:"path" jsonschema:"required" jsonschema_description:"the folder of migrations in the repository"`
	Layout     string            `yaml:"layout" jsonschema:"default=auto" jsonschema_description:"how the folder's files are named: auto, atlas, bytebase, dbmate, flyway, golang-migrate, goose, liquibase-sql, native, prisma, sqlx, or a path template of Bytebase like {{ENV_ID}}/{{DB_NAME}}##{{VERSION}}##{{TYPE}}##{{DESCRIPTION}}.sql"`
	Mode       string            `yaml:"mode" jsonschema:"default=versioned,enum=versioned" notyet:"declarative" jsonschema_description:"versioned: the folder holds numbered migrations"`
	Databases  map[string]string `yaml:"databases" jsonschema:"required" jsonschema_description:"label selector: databases that have all these labels"`
	OutOfOrder string            `yaml:"out_of_order" jsonschema:"default=deny,enum=deny,enum=allow" jsonschema_description:"what happens to a version below one that was applied already"`
	History    string            `yaml:"history" jsonschema:"default=default" jsonschema_description:"name of the ledger's history; two projects on one database need two"`
	Compat     string            `yaml:"compat" jsonschema:"default=none,enum=none,enum=goose,enum=golang-migrate" jsonschema_description:"the tool whose own history table is written along, so that it goes on working"`
	_          struct{}          `notyet:"disclosure"`
}
