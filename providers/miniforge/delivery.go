package miniforge

import (
	"net/http"
	"time"
)

// Delivery is the record of one webhook.
type Delivery struct {
	GUID       string
	Event      string // X-GitHub-Event
	Action     string // the payload's action, "" if it has none
	Repository string // "owner/name", "" for events of an installation
	Header     http.Header
	Payload    []byte
	State      DeliveryState
	Status     int    // of the newest attempt's answer; 0 without an answer
	Err        string // why the newest attempt got no answer
	Attempts   int
	At         time.Time // of the newest attempt, or when it was made
}

// DeliveryState is how far a delivery has come.
type DeliveryState string

// A delivery is pending until it was sent, held or dropped. Sent only means
// that it was tried: Status and Err say how that went.
const (
	Pending DeliveryState = "pending"
	Held    DeliveryState = "held"
	Dropped DeliveryState = "dropped"
	Sent    DeliveryState = "sent"
)

// Disposition is what OnDelivery decides for a new webhook.
type Disposition int

// The dispositions.
const (
	Deliver Disposition = iota
	Hold                // keep it for Release
	Drop                // lose it, as if GitHub had never sent it; Redeliver can still send it
	Lose                // fail to hand it over: the App's delivery list tells of it
)

// Request is the record of one API request.
type Request struct {
	Method string
	Path   string // below the API root, without the leading slash
	Query  string
	Status int
	At     time.Time
}
