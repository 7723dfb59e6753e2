// Package resolver asks DNS servers for the addresses of names and services, and
// remembers the answers, in the way of nginx's resolver.
//
// A question about a name that others wait for waits for the same answer. A and
// AAAA records are asked for at once; if the answers about one kind bring
// addresses and those about the other do not come, the former have to do after a
// second. An answer is good for as long as its
// records say, or for [Config.Valid]; that a name was not found is not remembered. Name
// servers are asked by turns: the next question goes to the next one, and so
// does a question that has got no answer for 5 seconds. UDP is used, and TCP for
// what does not fit.
//
// There is a goroutine for each name server that was asked, and none for those
// who wait.
package resolver

import (
	"container/list"
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/guard"
)

// Config says whom to ask, and how.
type Config struct {
	Servers []addr.Addr   // at least one
	Valid   time.Duration // how long answers are good, in whole seconds; 0: as their records say
	NoIPv4  bool          // do not ask for A records
	NoIPv6  bool          // do not ask for AAAA records

	// Report is told of what is wrong with name servers and their answers. It
	// may be called from several goroutines. Nil: nobody is told.
	Report func(Problem)

	// Panicked is told of panics, also in what is told of answers. They end
	// nothing but what has panicked: an answer is lost then, and asked for again.
	Panicked guard.Report
}

// Problem is a line for the error log.
type Problem struct {
	Text   string // nginx's
	Err    error  // of the system; nil: none
	Server string // address of the name server; empty if the line does not tell
	Grave  bool   // of level crit, not error
}

// Question is what is asked for.
type Question struct {
	Name string // of a host or domain; one dot at the end is ignored

	// Service makes it a question about a service of a domain, to be found by
	// its SRV records: "http" stands for "_http._tcp", and what has a dot for
	// itself. Empty: the addresses of Name.
	Service string

	Timeout time.Duration // for the answer; 0: none
}

// Code is the outcome of a question. The numbers are those of DNS.
type Code int

// The codes.
const (
	Found         Code = 0
	FormatError   Code = 1
	ServerFailure Code = 2
	NotFound      Code = 3 // also: there are no such records
	Unimplemented Code = 4
	Refused       Code = 5
	TimedOut      Code = 110
)

// String is nginx's text for the code.
func (c Code) String() string {
	switch c {
	case FormatError:
		return "Format error"
	case ServerFailure:
		return "Server failure"
	case NotFound:
		return "Host not found"
	case Unimplemented:
		return "Unimplemented"
	case Refused:
		return "Operation refused"
	case TimedOut:
		return "Operation timed out"
	}
	return "Unknown error"
}

// Outcome is how a name fared.
type Outcome struct {
	Name string // as it was asked for, except that nginx writes hosts in lower case
	Code Code
}

// String is `NAME could not be resolved (3: Host not found)`.
func (o Outcome) String() string { return o.Name + " could not be resolved " + o.Code.parentheses() }

func (c Code) parentheses() string { return "(" + strconv.Itoa(int(c)) + ": " + c.String() + ")" }

// Answer is what became of a question. It may be shared, and is not to be
// changed.
type Answer struct {
	Outcome
	Addrs []Addr // at least one if the code is Found

	// Valid is the Unix second up to and including which the answer is good. If
	// nothing was found: when to ask again.
	Valid int64

	// Failed are the hosts of a service whose addresses could not be found.
	Failed []Outcome
}

// Addr is an address that was found. Except for IP, its fields are those of
// services.
type Addr struct {
	IP       netip.Addr
	Port     uint16
	Priority uint16 // the lowest is the best
	Weight   uint16 // at least 1
	Host     string
}

// maxAliases is how many CNAME records are followed for a question.
const maxAliases = 50

// unused is how long an entry that nobody asks for is kept, in seconds.
const unused = 30

// Resolver answers questions. Its methods may be called from any goroutine.
type Resolver struct {
	cfg         Config
	servers     []*server
	life        context.Context
	end         context.CancelFunc
	clock       func() time.Time // in place of time.Now, by tests
	resendAfter time.Duration    // when an answer is overdue, and for a whole TCP exchange
	halfAfter   time.Duration    // how long addresses of one kind wait for those of the other

	mu      sync.Mutex
	closed  bool
	entries map[key]*entry
	used    list.List // of entries with answers, the last used first
	next    int       // the server that the next question goes to

	// What unlock is to tell.
	told     []*Request
	problems []Problem
}

// New makes a resolver. It opens no sockets before the first question.
func New(cfg Config) *Resolver {
	r := &Resolver{cfg: cfg, clock: time.Now, resendAfter: 5 * time.Second, halfAfter: time.Second, entries: map[key]*entry{}}
	r.life, r.end = context.WithCancel(context.Background())
	for _, a := range cfg.Servers {
		r.servers = append(r.servers, &server{resolver: r, addr: a})
	}
	return r
}

// Close closes all sockets. Questions that wait get no answer any more, nor do
// later ones.
func (r *Resolver) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.end()
	for _, e := range r.entries {
		e.stop()
		for _, q := range e.waiting {
			q.stopTimer()
		}
	}
	for _, s := range r.servers {
		s.close()
	}
	clear(r.entries)
}

// Request is a question that has been asked.
type Request struct {
	resolver *Resolver
	name     string
	timeout  time.Duration
	timer    *time.Timer
	done     func(*Answer)
	answer   *Answer

	at      *entry // that it waits for; nil: none
	aliases int    // followed so far
	service *lookup
	parent  *Request // whose service has this host; nil: none
	host    int      // the index there
}

// Ask asks. done is called once: by a goroutine of the resolver or, if the
// answer is known, before Ask returns. It should not take long.
func (r *Resolver) Ask(q Question, done func(*Answer)) *Request {
	name := strings.TrimSuffix(q.Name, ".")
	lower := strings.ToLower(name)
	k := key{name: lower}
	if q.Service != "" {
		k = key{serviceName(q.Service) + "." + lower, true}
	} else {
		name = lower
	}
	req := &Request{resolver: r, name: name, timeout: q.Timeout, done: done}
	r.mu.Lock()
	defer r.unlock()
	if !r.closed {
		r.look(k, []*Request{req})
		r.forget()
	}
	return req
}

// Cancel ends the wait for an answer. One that has just come may be told
// nevertheless.
func (q *Request) Cancel() {
	q.resolver.mu.Lock()
	defer q.resolver.mu.Unlock()
	q.leave()
}

// leave makes the request wait no longer.
func (q *Request) leave() {
	q.stopTimer()
	if q.at != nil {
		q.at.waiting = slices.DeleteFunc(q.at.waiting, func(other *Request) bool { return other == q })
		q.at = nil
	}
	if q.service != nil {
		for _, host := range q.service.asked {
			host.leave()
		}
	}
}

// expire ends the wait because it has taken too long.
func (q *Request) expire() {
	r := q.resolver
	r.mu.Lock()
	defer r.unlock()
	switch {
	case r.closed || q.at == nil:
	case q.at.answered():
		r.makeDo(q.at)
	default:
		q.leave()
		r.finish(q, &Answer{Outcome: Outcome{Code: TimedOut}, Valid: r.later()})
	}
}

func (q *Request) stopTimer() {
	if q.timer != nil {
		q.timer.Stop()
		q.timer = nil
	}
}

// finish answers a request, as soon as the lock is released.
func (r *Resolver) finish(q *Request, a *Answer) {
	q.at = nil
	q.stopTimer()
	if q.answer = a; a.Name == "" {
		own := *a
		own.Name = q.name
		q.answer = &own
	}
	if q.parent != nil {
		r.hostDone(q)
		return
	}
	r.told = append(r.told, q)
}

// fail answers requests with a code.
func (r *Resolver) fail(reqs []*Request, code Code) {
	for _, q := range reqs {
		r.finish(q, &Answer{Outcome: Outcome{Code: code}, Valid: r.later()})
	}
}

// unlock releases the lock and tells what there is to tell.
func (r *Resolver) unlock() {
	told, problems := r.told, r.problems
	r.told, r.problems = nil, nil
	r.mu.Unlock()
	if r.cfg.Report != nil {
		for _, p := range problems {
			r.cfg.Report(p)
		}
	}
	for _, q := range told {
		r.guarded(func() { q.done(q.answer) })
	}
}

// problem notes a line about an answer.
func (r *Resolver) problem(text string) { r.problems = append(r.problems, Problem{Text: text}) }

func (r *Resolver) now() int64 { return r.clock().Unix() }

// later is when to ask again after a failure.
func (r *Resolver) later() int64 {
	const pause = 10
	if r.cfg.Valid > 0 {
		return r.goodFor(0)
	}
	return r.now() + pause
}

// goodFor is until when an answer is good whose records say ttl.
func (r *Resolver) goodFor(ttl uint32) int64 {
	if r.cfg.Valid > 0 {
		return r.now() + int64(r.cfg.Valid/time.Second)
	}
	return r.now() + int64(ttl)
}

// types are the records that a question asks for.
func (r *Resolver) types(k key) (types []dnsmessage.Type) {
	if k.service {
		return []dnsmessage.Type{dnsmessage.TypeSRV}
	}
	if !r.cfg.NoIPv4 {
		types = append(types, dnsmessage.TypeA)
	}
	if !r.cfg.NoIPv6 {
		types = append(types, dnsmessage.TypeAAAA)
	}
	return types
}
