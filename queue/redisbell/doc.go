// Package redisbell is the queue's bell over Redis Streams, for several processes
// on one store. It holds nothing that can't be lost: a message is a job's id, and
// the store says what is runnable.
//
// All processes are one consumer group on one stream, so each ring goes to one of
// them. (Two installations use two databases of a Redis, the number at the end of
// its URL; else they hear each other's rings.) Reads are with NOACK: a ring that is read is done, there is nothing to
// claim again after a crash. The stream is trimmed to the newest few thousand.
//
// Ring only puts ids into memory; a sender writes them in batches. A Redis that is
// slow, down, restarted or flushed never holds up an enqueue: the bell logs once
// that it is lost and once that it is back, makes the group again where it is
// gone, and the queue's reconciler finds the jobs meanwhile.
package redisbell
