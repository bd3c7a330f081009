package providers

import "time"

// MissedDelivery is a webhook that the forge could not hand over.
type MissedDelivery struct {
	ID     int64     // the forge's number of the newest attempt
	GUID   string    // the same at every attempt: Event.Delivery
	Event  string    // the forge's word for what it is about
	Action string    // and for what happened; "" where it has none
	At     time.Time // of the first attempt
	Status int       // the newest attempt's answer; 0: none came in time
}

// UnderWay is how long after its newest attempt a webhook may still be under way,
// so that Missed leaves it out: the next time has to begin before that.
const UnderWay = time.Minute

// Access is what a forge lets our app do.
type Access struct {
	App           string // its name on the forge
	Page          string // where people change what it may do
	Webhook       Webhook
	Needs         []Need // all that ShipSQL needs
	Installations []Installation
}

// Need is one thing ShipSQL needs of a forge.
type Need struct {
	What     string // as the forge's settings page names it, such as "Checks: Read and write"
	Why      string
	Optional bool // ShipSQL works without; Why says when it is needed
	Granted  bool
}

// Webhook is where and how the forge sends the app's events.
type Webhook struct {
	URL         string // "": none is set
	ContentType string // "json", or "form", which we don't read
	InsecureTLS bool   // the forge doesn't check the receiver's certificate
}

// Installation is one account's installation of our app.
type Installation struct {
	ID        int64
	Account   string
	Page      string // where its owner accepts permissions and chooses repositories
	Suspended bool
	All       bool   // holds all the account's repositories
	Missing   []Need // that this account has not granted
}
