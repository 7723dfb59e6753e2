package resolver

import (
	"fmt"
	"math"
	"slices"

	"golang.org/x/net/dns/dnsmessage"
)

// response.go - what becomes of the messages of name servers.

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
	case m.truncated && q == e.late:
		e.late = nil // it is not worth a connection
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
	if q == e.late {
		e.addLate()
		return nil
	}
	return r.settle(e)
}

// queryFor returns the query for a type of records that waits for a response.
func (e *entry) queryFor(kind dnsmessage.Type) *query {
	if e == nil {
		return nil
	}
	for _, q := range slices.Concat(e.asking, []*query{e.late}) {
		if q != nil && q.kind == kind && !q.done {
			return q
		}
	}
	return nil
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
	r.exchange(e, q)
}

// exchange asks by TCP.
func (r *Resolver) exchange(e *entry, q *query) {
	s := r.servers[e.server]
	r.background(func() { s.exchange(q) })
}

// settle makes an answer of the responses when all are there.
func (r *Resolver) settle(e *entry) error {
	all, code := records{ttl: math.MaxUint32}, Found
	for _, q := range e.asking {
		if !q.done {
			r.awaitOther(e)
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

// awaitOther gives the rest of the answer some time if there are addresses of
// one kind already: name servers that leave questions about AAAA records
// unanswered must not make a name unusable.
func (r *Resolver) awaitOther(e *entry) {
	if e.half == nil && e.answered() {
		e.half = r.startTimer(r.halfAfter, func() {
			r.mu.Lock()
			defer r.unlock()
			if !r.closed && r.entries[e.key] == e && e.half != nil {
				r.makeDo(e)
			}
		})
	}
}

// answered reports whether there are addresses or an alias, though perhaps not
// all.
func (e *entry) answered() bool {
	return slices.ContainsFunc(e.asking, func(q *query) bool { return q.done && !q.answer.empty() })
}

// makeDo takes the addresses that are there for the answer. Others may join them
// when they come.
func (r *Resolver) makeDo(e *entry) {
	e.asking = slices.DeleteFunc(e.asking, func(q *query) bool {
		if !q.done {
			e.late = q
		}
		return !q.done
	})
	_ = r.settle(e) // which has addresses
}

// addLate adds addresses that others did not wait for, IPv4 ones in front.
func (e *entry) addLate() {
	late := e.late
	e.late = nil
	if late.kind == dnsmessage.TypeA {
		e.addrs = slices.Concat(late.answer.addrs, e.addrs)
	} else {
		e.addrs = slices.Concat(e.addrs, late.answer.addrs)
	}
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
