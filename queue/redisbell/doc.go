// Package redisbell is the queue's bell over Redis Streams, for several processes
// on one store. It holds nothing that can't be lost: a message is a job's id, and
// the store says what is runnable.
//
// All processes are one consumer group on one stream, so each ring goes to one of
// them. (Two installations use two databases of a Redis, the number at the end of
// its URL; else they hear each other's rings.) Reads are with NOACK: a ring that is
// read is done, there is nothing to claim again after a crash. The stream is trimmed
// to the newest few thousand.
//
// # Addresses
//
//	redis://[[user]:password@]host[:6379][/DB]
//	unix://[[user]:password@]/path/to/redis.sock[?db=DB]
//	redis+sentinel://[[user]:password@]host[:26379],…/MASTER[/DB]
//	redis+cluster://[[user]:password@]host[:6379],…
//
// rediss, rediss+sentinel and rediss+cluster speak TLS, also with the Sentinels;
// ?ca=PATH names who signed the server's certificate (else the system's trust
// decides), cert=PATH and key=PATH are ours, server_name=NAME is what the server's
// certificate is for when that isn't the host. Nothing turns verification off. User
// and password are those of the data servers; Sentinels that want a login get
// ?sentinel_user= and sentinel_password=.
//
// # Loss
//
// Ring only puts ids into memory; a sender writes them in batches. A Redis that is
// slow, down, frozen, full, restarted or flushed never holds up an enqueue: the bell
// logs once that it is lost and once that it is back, makes the group again where it
// is gone, and the queue's reconciler finds the jobs meanwhile. After each failure
// the client is made anew from the URL as it reads then: so a rotated password, a
// fail-over and a slot that moved to another node need nothing else.
package redisbell
