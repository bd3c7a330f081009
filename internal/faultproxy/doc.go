// Package faultproxy is a TCP proxy on loopback that breaks connections at
// chosen moments, so that tests can prove what survives a broken wire.
//
// It counts the chunks that clients send, over all connections. A Cut is armed
// for one chunk; when it comes, the proxy breaks that connection on both sides:
//
//	Before  the server never sees the chunk
//	During  the server gets the chunk and, with it, the end of the connection
//	After   the server's answer has come back, and the client never sees it
//	Hole    for a while nothing passes, either way, then the connection breaks
package faultproxy
