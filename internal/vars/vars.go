// Package vars implements nginx's variables and its "complex values": texts
// such as "$remote_addr:${server_port}" that are evaluated for each session.
//
// Everything is generic in S, the session a variable is read from. Variables
// are collected in a [Registry] while the configuration is read; texts are
// only looked at ([Check]) at that time, since nginx lets a text use a variable
// that is defined further down. Once all is read, [Compile] binds each name to
// its getter, and what remains for a session is a list of appends that
// allocates nothing.
//
// Log formats are the same texts with other rules for captures, errors and
// escaping: see [Format].
package vars

// Getter appends a variable's value for session s to dst and returns the
// extended slice. It returns false when the variable has no value ("not found"
// in nginx's terms): dst must then come back as it was. A found variable may
// well be empty.
type Getter[S any] func(s S, dst []byte) ([]byte, bool)

// Variable is a named value of a session.
type Variable[S any] struct {
	// Name is what follows "$", without braces. Case is irrelevant.
	Name string

	// Get reads the value. Nil means that the variable is never found.
	Get Getter[S]

	// Changeable variables may be defined again (map, geo, set, split_clients
	// and named captures define them, and ssl_* are of this kind). Defining a
	// name that is not changeable is an error.
	Changeable bool

	// Once is for values that may change during a session, but of which nginx
	// keeps the first that is asked for, as it does without
	// NGX_STREAM_VAR_NOCACHEABLE. The owner of the registry sees to it.
	Once bool
}

// notFound is the getter of variables that have none.
func notFound[S any](_ S, dst []byte) ([]byte, bool) { return dst, false }
