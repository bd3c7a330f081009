// Package privateserver starts PostgreSQL, MariaDB, MySQL and Redis servers of our
// own, for the demo and for tests: in a temporary folder (in memory where there is
// much and the server flushes nothing), on a free loopback port and a unix socket,
// protected by a random password, and gone when this process is gone. Nothing
// outside the folder is touched, so a test may kill, restart, fill and break its
// server.
//
// A server's life:
//
//	state    event            next      what happens
//	-------  ---------------  --------  -------------------------------------------
//	(none)   Start…           running   folder made, process started, answers
//	(none)   port is taken    running   as above, on another port (a few times)
//	running  Stop             removed   shut down in order, folder removed
//	running  Kill             killed    SIGKILL to the server and its children
//	running  Restart          running   killed, then started on the same port
//	killed   Restart          running   crash recovery on the same folder and port
//	killed   Stop             removed   folder removed
//	any      our process ends removed   the janitor kills the server, removes the folder
//
// The janitor is a shell that holds the read end of a pipe whose write end only
// this process has: however we die, SIGKILL included, the pipe closes and the
// janitor cleans up. (Pdeathsig would do for the process, on Linux only, but not
// for the folder.)
//
// Redis comes in other forms too: with TLS ([OwnRedisWith]), as a master with its
// replica and Sentinels ([OwnRedisSentinel]), as a cluster ([OwnRedisCluster]).
//
// Servers refuse to run as root, so root starts them as the user "postgres",
// "mysql", "redis" or "nobody".
//
// SHIPSQL_TEST_POSTGRES_URL, SHIPSQL_TEST_MARIADB_URL and SHIPSQL_TEST_REDIS_URL
// make [SharedPostgres], [Database], [SharedMariaDB], [MariaDBDatabase] and
// [SharedRedis] use given servers. Such a server is never stopped, killed or
// restarted; tests that do that start their own with [OwnPostgres], [OwnMariaDB]
// and [OwnRedis].
package privateserver
