// Package job is what `shipsql job` shows: the jobs that were given up, and what
// became of those that were retried or discarded, as text for people and as JSON.
//
// Keys and errors are others' words and lose what a terminal would obey before
// they are printed; see console.Plain.
package job
