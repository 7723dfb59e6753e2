// Package loop runs many connections on few threads: an event loop owns its
// sockets, and everything that happens to them happens on the loop's goroutine,
// so that their state needs no locks.
//
// There are two ways to use a connection. A [Task] is plain sequential code
// that runs as a coroutine: a call that has to wait gives the loop to others
// and goes on when the event has come. A [Handler] is called with each event
// and keeps its own state; an idle connection then costs a few hundred bytes
// and no stack. Sessions begin as a task and, when nothing but moving bytes is
// left, go on as a handler.
//
// The package exists on Linux (epoll). Elsewhere sessions run on goroutines.
package loop
