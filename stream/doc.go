// Package stream is nginx's stream module: it passes TCP and UDP connections to
// groups of servers, chosen by address, by name, by what the client says first.
//
// A [Config] is one stream block. [Parse] reads it from a configuration file
// with nginx's directives; a program may as well fill it by hand, as the example
// shows. The zero value of every field means nginx's default, and texts are what
// would stand in the file: addresses, names of groups and zones, and
// "complex values" with variables in them.
//
//	srv, err := stream.New(cfg) // compiles cfg and opens its log files
//	err = srv.Listen()          // opens the sockets
//	err = srv.Start()           // serves, on event loops of its own
//	err = srv.Reload(other)     // goes over to another Config, or changes nothing
//	err = srv.Shutdown(ctx)     // lets sessions end, as long as ctx allows
//
// That is the order. Listen and Start may be repeated, Reload may come at any time,
// and Shutdown or Close ends it: what comes later fails with [ErrServerClosed]. All
// may be called from several goroutines.
//
// # The life of a connection
//
// Each connection is a [Session]. It goes through nginx's phases in order: PROXY
// protocol header, real address, set, limit_conn, allow and deny, TLS handshake,
// preread (which may select another server of the address by name), content, and
// the log. The content is a server's Return or Proxy. What went wrong ends it
// with a status, which the log shows: 400 the client said what cannot be, 403
// access rules, 500 our own trouble, 502 no server could be reached, 503 too many
// connections; everything else is 200.
//
// # Where sessions run
//
// On Linux, connections of the system run on event loops (Config.Workers of
// them); everywhere else, and for TLS, a Listener or a Dialer of the program, a
// session has a goroutine. Its behaviour is the same.
//
// # Errors
//
// Texts of errors and log lines are those of nginx, with file and line for a
// configuration that was read from a file. An error that is a *[ResourceError]
// comes from a configuration whose text is fine.
package stream
