// Package release is what `shipsql release` shows: releases, one release's way,
// and the answers to approve and retry, as text for people and as JSON.
//
// The reports are made of deploy's views by pure functions, so that goldens show
// every shape. Text that others wrote (titles, SQL errors, names) loses what a
// terminal would obey before it is printed; see console.Plain.
//
// A release is named by its id, its pull request or its merge commit. What may
// mean several is refused with the commands to choose from.
package release
