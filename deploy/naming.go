package deploy

import (
	"strings"

	"github.com/shipsql/shipsql/executor"
)

// nameOf is a migration's name among all of a project's: its version, and what
// else tells it apart. A baseline may have the number of a version ("B10"), and
// files for several environments or databases may share one ("10@prod/orders").
// On one database the executor's version suffices.
func nameOf(m executor.Migration) string {
	name := m.Version
	if m.Kind == executor.Baseline {
		name = "B" + name
	}
	if m.Target != (executor.Destination{}) {
		name += "@" + m.Target.Environment + "/" + m.Target.Database
	}
	return name
}

// versionOf is the executor's version of a name.
func versionOf(name string) string {
	number, _ := cutTarget(name)
	if rest, ok := strings.CutPrefix(number, "B"); ok && rest != "" && executor.IsNumeric(rest) {
		return rest
	}
	return number
}

// targetOf is where the migration of a name goes.
func targetOf(name string) executor.Destination {
	_, target := cutTarget(name)
	environment, database, _ := strings.Cut(target, "/")
	return executor.Destination{Environment: environment, Database: database}
}

// cutTarget parts a name; only numbers have a target.
func cutTarget(name string) (version, target string) {
	version, target, found := strings.Cut(name, "@")
	if number := strings.TrimPrefix(version, "B"); !found || number == "" || !executor.IsNumeric(number) {
		return name, ""
	}
	return version, target
}

// goesTo says whether a migration runs on a database: its destination names the
// environment, and the database by its name or its label "database".
func goesTo(to executor.Destination, d Database) bool {
	return (to.Environment == "" || to.Environment == d.Environment) &&
		(to.Database == "" || to.Database == d.Name || to.Database == d.Labels["database"])
}
