package syntax

// Misbehave makes the workers of this test binary run f before every
// statement; call it before MaybeWorker.
func Misbehave(f func(sql string)) { beforeParse = f }

// DropStart is what a worker does first.
func DropStart() { dropStart() }
