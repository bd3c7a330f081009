// Package deploy is the domain of ShipSQL: releases and their way through the
// environments to every database.
package deploy
