package deploy

import (
	"maps"
	"slices"
)

// topology is the configuration as every task asks it, worked out once: with ten
// thousand databases looking through a list for each of them would take longer
// than what is done there.
type topology struct {
	databases map[string]Database        // by name
	ways      map[string]map[string]stop // project ID → environment → where it stops
	roads     map[string][]Environment   // project ID → its road
}

// stop is a project's databases in one environment. It is shared and never
// changed.
type stop struct {
	names  []string            // sorted
	pools  map[string][]string // pool → the names of its databases, sorted
	roster string              // hash of names and pools: another one, other databases
}

func newTopology(c Config) topology {
	t := topology{databases: map[string]Database{}, ways: map[string]map[string]stop{}, roads: map[string][]Environment{}}
	for _, d := range c.Databases {
		t.databases[d.Name] = d
	}
	for _, p := range c.Projects {
		t.roads[p.ID()] = c.Road(p)
		t.ways[p.ID()] = map[string]stop{}
		for _, env := range t.roads[p.ID()] {
			t.ways[p.ID()][env.Name] = newStop(c.Targets(p, env.Name))
		}
	}
	return t
}

func newStop(databases []Database) stop {
	s := stop{pools: map[string][]string{}}
	var text []byte
	for _, d := range databases {
		s.names = append(s.names, d.Name)
		s.pools[d.Worker] = append(s.pools[d.Worker], d.Name)
		text = append(text, d.Name+"\x00"+d.Worker+"\x00"...)
	}
	s.roster = hashOf(text)
	return s
}

// stop is where a project stops in an environment; none of its databases when
// that is not on its road.
func (t topology) stop(project, environment string) stop { return t.ways[project][environment] }

// pool is the pool of a database, and whether it is configured.
func (t topology) pool(database string) (string, bool) {
	d, ok := t.databases[database]
	return d.Worker, ok
}

// count is how many databases there are in each pool.
func (s stop) count() map[string]int {
	n := map[string]int{}
	for pool := range maps.Keys(s.pools) {
		n[pool] = len(s.pools[pool])
	}
	return n
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
