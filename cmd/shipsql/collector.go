package main

import (
	"runtime"
	"runtime/debug"
)

// putOffCollector lets the heap reach 16 MiB instead of 4 before the next garbage
// collection: short commands end before that, and the collections would be a fifth
// of their time. After it memory is kept as short as ever.
func putOffCollector() {
	usual := debug.SetGCPercent(400)
	runtime.AddCleanup(new([64]byte), func(percent int) { debug.SetGCPercent(percent) }, usual)
}
