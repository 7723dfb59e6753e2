package resolver

// entry.go - what is known of a name, or is being asked.

import (
	"container/list"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
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

	// When that is over.
	records
	valid    int64 // Unix second, see Answer.Valid
	lastUsed int64 // Unix second
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
			q.timer = time.AfterFunc(q.timeout, q.expire)
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
	e.resend = time.AfterFunc(r.resendAfter, func() { r.overdue(e) })
}

func (r *Resolver) after(server int) int { return (server + 1) % len(r.servers) }

// send sends the queries that have no answer.
func (r *Resolver) send(e *entry) bool {
	s := r.servers[e.server]
	for _, q := range e.asking {
		switch {
		case q.done:
		case q.tcp:
			go s.exchange(q)
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
	if e.resend != nil {
		e.resend.Stop()
	}
	e.asking = nil
}

// received takes a message from a name server.
func (r *Resolver) received(msg []byte, tcp bool) {
	m, err := parse(msg, tcp)
	r.mu.Lock()
	defer r.unlock()
	if r.closed {
		return
	}
	if err == nil {
		err = r.accept(m)
	}
	if err != nil {
		r.problem(err.Error())
	}
}

// accept finds the query that a response belongs to. An error costs nothing but
// the response: there may be a better one.
func (r *Resolver) accept(m *response) error {
	if m.code == FormatError || m.code > Refused {
		return r.serverError(m)
	}
	if err := m.readQuestion(); err != nil {
		return err
	}
	e := r.entries[m.asked]
	q := e.queryFor(m.kind)
	switch {
	case q == nil:
		return fmt.Errorf("unexpected DNS response for %s", m.asked.name)
	case m.truncated && q.tcp:
		return nil
	case m.id != q.id:
		return fmt.Errorf("wrong ident %d in DNS response for %s, expect %d", m.id, m.asked.name, q.id)
	case m.truncated:
		r.useTCP(e, q)
		return nil
	case m.code == Found:
		records, others, err := m.readAnswers()
		for _, text := range others {
			r.problem(text)
		}
		if err != nil {
			return err
		}
		q.answer = records
	}
	q.code, q.done = m.code, true
	return r.settle(e)
}

// queryFor returns the query for a type of records that waits for a response.
func (e *entry) queryFor(kind dnsmessage.Type) *query {
	if e == nil {
		return nil
	}
	i := slices.IndexFunc(e.asking, func(q *query) bool { return q.kind == kind && !q.done })
	if i < 0 {
		return nil
	}
	return e.asking[i]
}

// serverError is about responses that do not tell what the question was, or
// not for sure.
func (r *Resolver) serverError(m *response) error {
	text := fmt.Sprintf("DNS error (%d: %s), query id:%d", int(m.code), m.code, m.id)
	if m.code == FormatError {
		for _, e := range r.entries {
			if slices.ContainsFunc(e.asking, func(q *query) bool { return q.id == m.id }) {
				return fmt.Errorf("%s, name:\"%s\"", text, e.name)
			}
		}
	}
	return fmt.Errorf("%s", text)
}

// useTCP asks again for an answer that was too long.
func (r *Resolver) useTCP(e *entry, q *query) {
	q.tcp = true
	if len(e.waiting) == 0 {
		e.stop()
		delete(r.entries, e.key)
		return
	}
	e.resend.Reset(r.resendAfter)
	go r.servers[e.server].exchange(q)
}

// settle makes an answer of the responses when all are there.
func (r *Resolver) settle(e *entry) error {
	all, code := records{ttl: math.MaxUint32}, Found
	for _, q := range e.asking {
		if !q.done {
			return nil
		}
		if q.code != Found {
			code = q.code
		}
		all.add(&q.answer)
	}
	if code == Found && all.count == 0 {
		code = NotFound
	}
	if code == Found && all.empty() {
		// Nobody can tell what this means. nginx lets those who ask wait on.
		if e.service {
			return fmt.Errorf("no SRV type in DNS response")
		}
		return fmt.Errorf("no A or CNAME types in DNS response")
	}
	reqs := e.waiting
	e.waiting = nil
	e.stop()
	if code != Found {
		delete(r.entries, e.key)
		r.fail(reqs, code)
		return nil
	}
	e.records, e.valid, e.lastUsed = all, r.goodFor(all.ttl), r.now()
	e.element = r.used.PushFront(e)
	r.deliver(e, reqs, false)
	return nil
}

// add merges the records of another response.
func (a *records) add(b *records) {
	a.addrs = append(a.addrs, b.addrs...)
	a.hosts = append(a.hosts, b.hosts...)
	if b.alias != "" {
		a.alias = b.alias
	}
	if b.count > 0 {
		a.ttl = min(a.ttl, b.ttl)
	}
	a.count += b.count
}

func (a *records) empty() bool { return len(a.addrs) == 0 && len(a.hosts) == 0 && a.alias == "" }

// deliver answers requests by what the entry knows. What was known before is
// given out in another order each time.
func (r *Resolver) deliver(e *entry, reqs []*Request, known bool) {
	switch {
	case len(e.addrs) > 0:
		addrs := e.addresses(known)
		for _, q := range reqs {
			r.finish(q, &Answer{Addrs: addrs, Valid: e.valid})
		}
	case len(e.hosts) > 0:
		for _, q := range reqs {
			r.askHosts(q, e)
		}
	default:
		r.follow(e, reqs)
	}
}

// follow goes on with the name that an alias stands for.
func (r *Resolver) follow(e *entry, reqs []*Request) {
	var on []*Request
	for _, q := range reqs {
		q.at = nil
		if q.aliases++; q.aliases > maxAliases {
			r.fail([]*Request{q}, NotFound)
			continue
		}
		on = append(on, q)
	}
	if len(on) > 0 {
		r.look(key{e.alias, e.service}, on)
	}
}

// addresses lists the addresses, IPv4 before IPv6. Rotated, each kind begins
// anywhere, and so does the whole.
func (e *entry) addresses(rotated bool) []Addr {
	list := e.addrs
	if rotated {
		six := slices.IndexFunc(list, func(ip netip.Addr) bool { return !ip.Is4() })
		if six < 0 {
			six = len(list)
		}
		list = rotate(slices.Concat(rotate(list[:six]), rotate(list[six:])))
	}
	addrs := make([]Addr, len(list))
	for i, ip := range list {
		addrs[i].IP = ip
	}
	return addrs
}

// rotate returns the list, beginning anywhere.
func rotate[T any](list []T) []T {
	if len(list) < 2 {
		return list
	}
	n := rand.IntN(len(list))
	return slices.Concat(list[n:], list[:n])
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
