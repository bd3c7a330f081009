package serve

// Safe and Keys are what tests look at beside a running app.
var (
	Safe = safe
	Keys = keys
)
