// Package early does what must come before the rest of the program is set up:
// Go initialises packages in the order of their paths, each as soon as what it
// imports is ready, and half of ShipSQL's are behind this one. It imports little.
package early

import (
	"runtime"
	"runtime/debug"

	"github.com/shipsql/shipsql/executor/postgres/syntax"
)

func init() { //nolint:gochecknoinits // the moment is the point
	putOffCollector()
	syntax.MaybeWorker()
}

// putOffCollector lets the heap reach 16 MiB instead of 4 before the next garbage
// collection: short commands end before that, and the collections would be a fifth
// of their time. After it memory is kept as short as ever.
func putOffCollector() {
	usual := debug.SetGCPercent(400)
	runtime.AddCleanup(new([64]byte), func(percent int) { debug.SetGCPercent(percent) }, usual)
}
