package resolver

// entry.go - what is known of a name, or is being asked.

import (
	"container/list"
	"math/rand/v2"
	"net/netip"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// key is what an entry is about. Names are in lower case, without a dot at the
// end.
type key struct {
	name    string
	service bool // its SRV records, not its addresses
}

// entry is a question and its answer.
type entry struct {
	key

	// While it is being asked.
	asking  []*query // one for each type of record; nil: not being asked
	waiting []*Request
	server  int // that was asked last
	resend  *time.Timer
	half    *time.Timer // runs while addresses of one kind are there and others are not; nil: it does not

	// When that is over.
	records
	late     *query // that others did not wait for; nil: there is none
	valid    int64  // Unix second, see Answer.Valid
	lastUsed int64  // Unix second
	element  *list.Element
}

// query is a question to a name server.
type query struct {
	kind   dnsmessage.Type
	id     uint16
	msg    []byte
	tcp    bool // the answer did not fit into UDP
	done   bool // it was answered
	code   Code
	answer records
}

// records are the records of an answer that matter.
type records struct {
	addrs []netip.Addr
	hosts []host // of a service
	alias string // of CNAME; empty: none
	count int    // of all records
	ttl   uint32 // the least, in seconds
}

// host is one SRV record.
type host struct {
	name                   string
	port, priority, weight uint16
}

// look answers requests from an entry, now or later.
func (r *Resolver) look(k key, reqs []*Request) {
	e := r.entries[k]
	switch {
	case e == nil:
		r.ask(&entry{key: k}, reqs)
	case e.asking != nil && len(e.waiting) == 0:
		e.stop() // its answer may be lost: another server is asked at once
		r.ask(&entry{key: k}, reqs)
	case e.asking != nil:
		e.wait(reqs)
	case e.valid >= r.now():
		e.lastUsed = r.now()
		r.used.MoveToFront(e.element)
		r.deliver(e, reqs, true)
	default:
		r.used.Remove(e.element)
		r.ask(&entry{key: k}, reqs)
	}
}

// wait lets requests wait for the answer.
func (e *entry) wait(reqs []*Request) {
	for _, q := range reqs {
		q.at = e
		if q.timer == nil && q.timeout > 0 {
			q.timer = q.resolver.startTimer(q.timeout, q.expire)
		}
	}
	e.waiting = append(e.waiting, reqs...)
}

// ask sends the queries of a fresh entry.
func (r *Resolver) ask(e *entry, reqs []*Request) {
	for _, kind := range r.types(e.key) {
		id := uint16(rand.Uint32())
		msg, err := question(id, e.name, kind)
		if err != nil {
			delete(r.entries, e.key)
			r.fail(reqs, NotFound)
			return
		}
		e.asking = append(e.asking, &query{kind: kind, id: id, msg: msg})
	}
	r.entries[e.key] = e
	e.server = r.next
	r.next = r.after(r.next)
	if !r.send(e) {
		e.server = r.after(e.server)
		r.send(e)
	}
	e.wait(reqs)
	e.resend = r.startTimer(r.resendAfter, func() { r.overdue(e) })
}

func (r *Resolver) after(server int) int { return (server + 1) % len(r.servers) }

// send sends the queries that have no answer.
func (r *Resolver) send(e *entry) bool {
	s := r.servers[e.server]
	for _, q := range e.asking {
		switch {
		case q.done:
		case q.tcp:
			r.exchange(e, q)
		case !s.send(q.msg):
			return false
		}
	}
	return true
}

// overdue asks the next name server, if anybody still wants to know.
func (r *Resolver) overdue(e *entry) {
	r.mu.Lock()
	defer r.unlock()
	if r.closed || r.entries[e.key] != e || e.asking == nil {
		return
	}
	if len(e.waiting) == 0 {
		delete(r.entries, e.key)
		return
	}
	e.server = r.after(e.server)
	r.send(e)
	e.resend.Reset(r.resendAfter)
}

// stop ends the asking.
func (e *entry) stop() {
	for _, timer := range []*time.Timer{e.resend, e.half} {
		if timer != nil {
			timer.Stop()
		}
	}
	e.asking, e.half = nil, nil
}

// forget drops up to two entries that nobody has asked for in a while.
func (r *Resolver) forget() {
	for range 2 {
		last := r.used.Back()
		if last == nil {
			return
		}
		e := last.Value.(*entry)
		if r.now() <= e.lastUsed+unused {
			return
		}
		r.used.Remove(last)
		delete(r.entries, e.key)
	}
}
