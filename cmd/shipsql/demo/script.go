package demo

import (
	"embed"
	"strings"

	"github.com/shipsql/shipsql/providers/miniforge"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

func sqlFile(name string) string {
	text, err := sqlFiles.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic(err) // the file isn't embedded: a programming error
	}
	return string(text)
}

// The place and its people.
const (
	repository = "acme/orders"
	branch     = "main"
	folder     = "migrations"
	team       = "acme/dba"

	author   = "alice"   // writes every change
	merger   = "bob"     // maintains the repository
	approver = "dana"    // of the team that approves
	stranger = "mallory" // may read, and tries more
)

// Versions of the story's migrations.
const (
	versionSeed      = "20260101090000"
	versionShipments = "20260210100000"
	versionRevision  = "20260210100100"
	versionIndex     = "20260210100200"
	versionCheck     = "20260211090000"
	versionValidate  = "20260211090100"
	versionRefunds   = "20260212090000"
)

func migrationPath(version, name string) string { return folder + "/" + version + "_" + name + ".sql" }

// seedFile is what the repository and the databases hold when the story begins.
func seedFile() map[string]string {
	return map[string]string{migrationPath(versionSeed, "create_shop"): sqlFile("seed")}
}

// change is one pull request of the story.
type change struct {
	branch, title, body string
	files               map[string]string
}

// unsafe would block writes, fail on existing rows, and make a table without a
// primary key.
func unsafe() change {
	return change{
		branch: "shipments", title: "Track shipments",
		body:  "Shipments get a table, orders get a status, and listing a customer's orders gets fast.",
		files: map[string]string{migrationPath(versionShipments, "create_shipments"): sqlFile("unsafe")},
	}
}

// fixed is the same change done right.
func fixed() miniforge.Commit {
	return miniforge.Commit{
		Author: author, Message: "Build the index without blocking writes, give the table a key",
		Files: map[string]string{
			migrationPath(versionShipments, "create_shipments"):     sqlFile("shipments"),
			migrationPath(versionRevision, "count_revision"):        sqlFile("revision"),
			migrationPath(versionIndex, "index_orders_by_customer"): sqlFile("index"),
		},
	}
}

// strict holds on test, but not on one of prod's databases.
func strict() change {
	return change{
		branch: "totals", title: "Totals are never negative",
		body: "New orders are checked at once, old ones by the second migration.",
		files: map[string]string{
			migrationPath(versionCheck, "check_order_totals"):       sqlFile("check"),
			migrationPath(versionValidate, "validate_order_totals"): sqlFile("validate"),
		},
	}
}

// harmless passes everywhere.
func harmless() change {
	return change{
		branch: "refunds", title: "Keep refunds",
		body:  "Refunds get a table of their own.",
		files: map[string]string{migrationPath(versionRefunds, "create_refunds"): sqlFile("refunds")},
	}
}

func (c change) commit() miniforge.Commit {
	return miniforge.Commit{Author: author, Message: c.title + "\n\n" + c.body, Files: c.files}
}

// approve is what a person types to open prod.
const approve = "/approve prod"

func skipCommand() string {
	return strings.Join([]string{"/shipsql skip", versionValidate, "prod", "old refunds were booked as negative orders and stay"}, " ")
}
