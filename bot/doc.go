// Package bot is the conversation with the forges: it takes in what they tell,
// reads again what it has to know, lets the other rooms judge and act, and
// shows the result. It is the only room that writes to forges.
//
// # Intake
//
// A webhook becomes a row of the inbox and a job in one transaction. The row
// holds identifiers only. A delivery is done when its job is: the forge may send
// it again at any time, late or out of order, and nothing is lost or done twice.
//
//	state     event                       next
//	--------  --------------------------  --------
//	(none)    Receive, nothing for us     done
//	(none)    Receive                     received, with a job
//	received  Receive again               received, with another job
//	received  its job acted               done
//	received  its job was given up        failed (the reconciler makes up for it)
//	done      Receive again               done
//
// # Jobs
//
//	kind         key                 does
//	delivery     delivery:…          turns an event into the jobs below
//	delivery     comments:REPO#N     carries out a comment's commands, in order
//	review       pr:REPO#N           reviews a pull request's SQL; the newest head wins
//	review       group:…             concludes the check of a merge group
//	review       release:…           reviews a release at its merge commit
//	sync-branch  project:…           walks the branch and makes releases
//	view         pr:REPO#N           writes what the pull request shows
//	reconcile    reconcile           asks the forges what no webhook told
//
// Everything that decides is read again from the forge: the payload of a webhook
// only says where to look. The policy comes from the base branch, the migrations
// from the head. Reads are cached only where the forge's answer can't change
// (trees and blobs by their ids) and for a minute where people's rights are
// concerned.
//
// # Writes
//
// What was written is remembered with a hash (bot_writes), so an unchanged view
// costs nothing. A view that can't be written (rate limit, outage) is written
// later; no deployment waits for it.
package bot
