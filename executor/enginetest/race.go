//go:build race

package enginetest

// Raced says that the race detector looks on.
const Raced = true

// memoryFactor is how many times the memory the race detector needs, which keeps
// notes of each word.
const memoryFactor = 4
