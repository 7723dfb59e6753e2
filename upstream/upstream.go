// Package upstream chooses servers: groups of them with weights, limits and
// health, balanced the way nginx's stream module does it.
//
// A [Config] describes a group, filled by hand or by the directives of an
// upstream block ([Parse]). [New] turns it into a [Group], which any number of
// goroutines may use. For each session the group is asked for servers until one
// can be reached:
//
//	var sel upstream.Selection
//	group.Start(&sel, key)
//	for {
//		peer, err := group.Next(&sel, time.Now())
//		if err != nil {
//			return err // no live upstreams
//		}
//		conn, err := net.Dial(peer.Network(), peer.HostPort())
//		if err == nil {
//			group.Connected(&sel, peer, time.Now())
//			defer func() { group.Done(&sel, peer, time.Now()) }()
//			return serve(conn)
//		}
//		group.Failed(&sel, peer, time.Now())
//		if sel.Tries() == 0 {
//			return err
//		}
//	}
//
// The package opens no connections and starts no goroutines. Time comes from
// the caller, chance from [Config.Rand], so that its choices can be repeated.
//
// Each method of balancing is a file: round_robin.go, least_conn.go, and so on.
// All users of a group share its counters. nginx does so only where the group
// has a zone; else each of its workers counts for itself.
package upstream

import (
	"math"
	"net/netip"
	"time"

	"github.com/gostream/gostream/internal/addr"
)

// Method is a way of balancing.
type Method int

// The methods. The zero value is nginx's default.
const (
	RoundRobin     Method = iota // by turns, in proportion to the weights
	LeastConn                    // the server with the fewest sessions for its weight (least_conn)
	LeastTime                    // the server that is likely to be done first (least_time)
	Hash                         // by a checksum of [Config.HashKey] (hash)
	ConsistentHash               // the same, so that most keys stay where they are when servers change (hash ... consistent)
	Random                       // by chance, in proportion to the weights (random)
	RandomTwo                    // of two by chance, the one with fewer sessions for its weight (random two)
)

// Metric is the time that [LeastTime] compares. The zero value is
// [ConnectTime].
type Metric int

// The metrics of [LeastTime], all counted from the beginning of an attempt.
const (
	ConnectTime   Metric = iota + 1 // until connected
	FirstByteTime                   // until the first byte of the server
	LastByteTime                    // until the end of the session
)

// Config describes a group of servers: nginx's upstream block. It is only read,
// and may be used again.
type Config struct {
	Name    string // of the group
	Servers []Server
	Method  Method

	// HashKey is what [Hash] and [ConsistentHash] go by: a text with variables,
	// to be evaluated by the caller, who passes the outcome to [Group.Start].
	HashKey string

	// Metric and Inflight are for [LeastTime]; Inflight counts attempts that
	// are not finished, too.
	Metric   Metric
	Inflight bool

	// Zone is the shared memory of an nginx group. Here it matters to servers
	// with Resolve only, which need one.
	Zone string

	// Resolver and ResolverTimeout, the time for one of its answers, are for
	// servers with Resolve. Nil and 0 mean those of the stream block; there 0
	// means 30s, and negative that there is no limit.
	Resolver        *Resolver
	ResolverTimeout time.Duration

	// Lookup finds the addresses of a host name. Nil asks the system.
	Lookup func(host string) ([]netip.Addr, error)

	// Rand returns a random number of 0 to n-1, for [Random] and [RandomTwo].
	// It is called by one goroutine at a time. Nil takes math/rand/v2.
	Rand func(n int) int

	zones *Zones // those of the configuration that it was read from
	file  string // where the block began; empty if made by hand
	line  int
}

// Server is one server of a group. A name with several addresses stands for as
// many peers, each with the parameters of the server.
type Server struct {
	// Address is HOST:PORT, [IPv6]:PORT or unix:PATH. [ConsistentHash] places
	// the server by this text.
	Address string

	Weight   int // share of the sessions; 0 means 1, the greatest is 2147483647
	MaxConns int // sessions at a time; 0 means no limit

	// MaxFails failures put the server out for FailTimeout. 0 means 1, negative
	// that it is never put out.
	MaxFails int

	// FailTimeout is in whole seconds. 0 means 10s, negative none.
	FailTimeout time.Duration

	Backup bool // used only when no other server can be
	Down   bool // not used; keeps its place in hashes

	// Resolve follows the addresses of the name while running. They are given to
	// the group with [Group.Update]; package stream does it. With Service, Address
	// has no port, and ports, weights and priorities come from DNS SRV records.
	Resolve bool
	Service string

	addrs []addr.Addr // of Address, if it was resolved when read
}

// maxWeight keeps sums and products of weights in range.
const maxWeight = math.MaxInt32

// What the fields mean, with their defaults, and math.MaxInt for no limit.

func (s *Server) weight() int { return min(max(s.Weight, 1), maxWeight) }

func (s *Server) maxConns() int {
	if s.MaxConns <= 0 {
		return math.MaxInt
	}
	return s.MaxConns
}

func (s *Server) maxFails() int {
	switch {
	case s.MaxFails == 0:
		return 1
	case s.MaxFails < 0:
		return math.MaxInt
	}
	return s.MaxFails
}

func (s *Server) failTimeout() int64 {
	if s.FailTimeout == 0 {
		return 10
	}
	return max(int64(s.FailTimeout/time.Second), 0)
}
