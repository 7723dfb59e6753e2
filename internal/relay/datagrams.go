package relay

// datagrams.go - the rules for sessions of datagrams, which those on event
// loops (datagrams_linux.go) and on goroutines (datagram_copier.go) share.

// exchange counts the datagrams of a session.
type exchange struct {
	requests  int64 // of the client
	responses int64 // of the upstream, and errors in their place
	failed    bool  // the upstream has met with an error
}

// full reports whether the session takes no more datagrams of its client.
func (x *exchange) full(o *Options) bool { return o.Requests > 0 && x.requests >= o.Requests }

// answered reports whether there are as many answers as are waited for.
func (x *exchange) answered(o *Options) bool {
	return o.Responses >= 0 && x.responses >= o.Responses*x.requests
}

// complete reports whether the session has had all that it is to have.
func (x *exchange) complete(o *Options) bool {
	return (o.Requests == 0 || x.full(o)) && x.answered(o)
}

// silence is what it means that nothing has come for too long.
func (x *exchange) silence(o *Options) End {
	if o.Responses < 0 || x.answered(o) {
		return TimedOut
	}
	x.failed = true
	return Unanswered
}

// cut returns the part of a datagram of the client that there is room for in a
// buffer in which some bytes wait for the upstream, as nginx has it. ok is false
// if the datagram is lost.
func (o *Options) cut(p []byte, waiting int) (_ []byte, ok bool) {
	room := o.BufferSize - waiting
	return p[:min(len(p), max(room, 0))], room > 0
}
