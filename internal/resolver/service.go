package resolver

// service.go - services: their hosts, by SRV records, and the addresses of these.

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
)

// serviceName is the part of the name before the domain.
func serviceName(service string) string {
	service = strings.ToLower(service)
	if strings.Contains(service, ".") {
		return service
	}
	return "_" + service + "._tcp"
}

// lookup is what a request knows of its service.
type lookup struct {
	hosts   []host
	asked   []*Request // for the addresses of each
	answers []*Answer
	missing int   // answers
	valid   int64 // see Answer.Valid
}

// askHosts asks for the addresses of the hosts of a service. Each has the whole
// time of the request.
func (r *Resolver) askHosts(q *Request, e *entry) {
	q.at = nil
	q.stopTimer()
	hosts := slices.Clone(e.hosts)
	slices.SortStableFunc(hosts, func(a, b host) int { return cmp.Compare(a.priority, b.priority) })
	s := &lookup{hosts: hosts, answers: make([]*Answer, len(hosts)), missing: len(hosts), valid: e.valid}
	q.service = s
	for i := range hosts {
		s.asked = append(s.asked, &Request{resolver: r, name: hosts[i].name, timeout: q.timeout, parent: q, host: i})
	}
	for i, ask := range s.asked {
		r.look(key{name: hosts[i].name}, []*Request{ask})
	}
}

// hostDone takes the answer about a host; the last one makes the answer about
// the service.
func (r *Resolver) hostDone(host *Request) {
	q := host.parent
	s := q.service
	s.answers[host.host] = host.answer
	if host.answer.Code == Found {
		s.valid = min(s.valid, host.answer.Valid)
	}
	if s.missing--; s.missing == 0 {
		q.service = nil
		r.finish(q, s.answer(r))
	}
}

// answer puts the answers together.
func (s *lookup) answer(r *Resolver) *Answer {
	a := &Answer{Valid: s.valid}
	for _, host := range s.answers {
		if host.Code != Found {
			a.Failed = append(a.Failed, host.Outcome)
		}
	}
	for first := 0; first < len(s.hosts); {
		end := first
		for end < len(s.hosts) && s.hosts[end].priority == s.hosts[first].priority {
			end++
		}
		a.Addrs = append(a.Addrs, s.ofPriority(first, end)...)
		first = end
	}
	if len(a.Addrs) > 0 {
		return a
	}
	a.Code, a.Valid = s.answers[0].Code, r.later()
	if slices.ContainsFunc(a.Failed, func(o Outcome) bool { return o.Code == NotFound }) {
		a.Code = NotFound
	}
	return a
}

// ofPriority lists the addresses of hosts of the same priority. Which host comes
// first is left to chance, by weight.
func (s *lookup) ofPriority(from, to int) (addrs []Addr) {
	total := 0
	for i := from; i < to; i++ {
		total += s.share(i)
	}
	if total == 0 {
		return nil
	}
	first, point := from, rand.IntN(total)
	for point >= s.share(first) {
		point -= s.share(first)
		first++
	}
	for i := range to - from {
		at := from + (first-from+i)%(to-from)
		h := &s.hosts[at]
		for _, addr := range s.answers[at].Addrs {
			addrs = append(addrs, Addr{IP: addr.IP, Port: h.port, Priority: h.priority, Weight: h.weight, Host: h.name})
		}
	}
	return addrs
}

// share is the weight of a host with all its addresses.
func (s *lookup) share(i int) int { return len(s.answers[i].Addrs) * int(s.hosts[i].weight) }
