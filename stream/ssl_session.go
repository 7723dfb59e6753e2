package stream

// ssl_session.go - resuming TLS sessions: ssl_session_cache, ssl_session_tickets,
// ssl_session_ticket_key, ssl_session_timeout.
//
// crypto/tls resumes by tickets only. Where a configuration wants sessions to be
// kept here instead, the "ticket" is the number of one in a cache.

import (
	"container/list"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"math"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/gostream/gostream/internal/logfile"
	"github.com/gostream/gostream/internal/tlsconf"
	"github.com/gostream/gostream/parser"
)

// sessionSize is about what a session takes in shared memory, in bytes. nginx's
// documentation has a megabyte hold about 4000 of them.
const sessionSize = 256

// tlsSessions lets clients resume sessions.
type tlsSessions struct {
	keys *tls.Config // has the keys of tickets

	// store keeps sessions for clients that have no tickets; nil: none is kept.
	store *sessionStore
}

// sessionStore keeps the sessions used last, by number.
type sessionStore struct {
	max   int64
	mu    sync.Mutex
	items map[string]*list.Element
	order *list.List // of *storedSession, the newest in front
}

type storedSession struct {
	id    string
	state []byte
}

func newSessionStore(most int64) *sessionStore {
	return &sessionStore{max: most, items: map[string]*list.Element{}, order: list.New()}
}

func (st *sessionStore) put(id string, state []byte) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.items[id] = st.order.PushFront(&storedSession{id, state})
	for int64(st.order.Len()) > st.max {
		oldest := st.order.Back()
		delete(st.items, oldest.Value.(*storedSession).id)
		st.order.Remove(oldest)
	}
}

func (st *sessionStore) get(id string) []byte {
	st.mu.Lock()
	defer st.mu.Unlock()
	if e := st.items[id]; e != nil {
		return e.Value.(*storedSession).state
	}
	return nil
}

func (st *sessionStore) remove(id string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if e := st.items[id]; e != nil {
		delete(st.items, id)
		st.order.Remove(e)
	}
}

// makeSessions finds or makes what a server resumes sessions with.
func (g *generation) makeSessions(t *serverTLS) error {
	t.context = sessionContext(t)
	cache := &t.conf.SessionCache
	switch {
	case cache.Shared != "" && !cache.Off:
		if g.tls.zones == nil {
			g.tls.zones = map[string]*tlsSessions{}
		}
		if g.tls.zones[cache.Shared] == nil {
			g.tls.zones[cache.Shared] = &tlsSessions{keys: &tls.Config{}, store: newSessionStore(max(cache.Size/sessionSize, 1))}
		}
		t.sessions = g.tls.zones[cache.Shared]
	case cache.Builtin > 0:
		t.sessions = &tlsSessions{keys: &tls.Config{}, store: newSessionStore(cache.Builtin)}
	default:
		t.sessions = &tlsSessions{keys: &tls.Config{}}
	}
	if len(t.conf.SessionTicketKey) == 0 {
		return nil
	}
	keys, err := g.ticketKeys(t.conf.SessionTicketKey)
	if err != nil {
		return err
	}
	t.sessions = &tlsSessions{keys: &tls.Config{}, store: t.sessions.store}
	t.sessions.keys.SetSessionTicketKeys(keys)
	return nil
}

// ticketKeys reads files of keys. nginx's keys have another form, but what
// matters is that servers with the same files understand each other's tickets.
func (g *generation) ticketKeys(names []string) (keys [][32]byte, err error) {
	for _, name := range names {
		path := g.conf.confPath(name)
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, g.conf.atEnd(logfile.NewOpenError(path, err).Error())
		}
		if len(text) != 48 && len(text) != 80 {
			return nil, g.conf.atEnd("\"" + path + "\" must be 48 or 80 bytes")
		}
		keys = append(keys, sha256.Sum256(text))
	}
	return keys, nil
}

// atEnd is a mistake that nginx finds when it has read the whole block, and for
// which it names the place where the block ends.
func (c *Config) atEnd(text string) error {
	return &parser.Error{File: c.file, Line: c.endLine, Msg: text}
}

// sessionContext tells servers apart that must not resume each other's
// sessions: by their certificates, or the names of these if there are variables
// in them, and the authorities that clients are told of.
func sessionContext(t *serverTLS) (sum [sha1.Size]byte) {
	h := sha1.New()
	if t.certs == nil {
		for _, c := range t.settings.Identity.Certificates() {
			h.Write(c.Certificate[0])
		}
	} else {
		for _, name := range t.conf.Certificate {
			h.Write([]byte(name))
		}
	}
	if t.base.ClientCAs != nil {
		for _, root := range t.verifier.Roots {
			h.Write(root.RawSubject)
		}
	}
	h.Sum(sum[:0])
	return sum
}

// sessionNote is what is kept beside a session: the context and the number, and
// when it began.
type sessionNote struct {
	context [sha1.Size]byte
	began   int64 // Unix seconds
	id      [32]byte
}

const noteMark = "gostream.1"

func (n *sessionNote) bytes() []byte {
	b := append([]byte(noteMark), n.context[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(n.began))
	return append(b, n.id[:]...)
}

// noteOf finds the note of a session.
func noteOf(state *tls.SessionState) (n sessionNote, ok bool) {
	for _, b := range state.Extra {
		if len(b) != len(noteMark)+len(n.context)+8+len(n.id) || string(b[:len(noteMark)]) != noteMark {
			continue
		}
		b = b[len(noteMark):]
		b = b[copy(n.context[:], b):]
		n.began = int64(min(binary.BigEndian.Uint64(b), math.MaxInt64))
		copy(n.id[:], b[8:])
		return n, true
	}
	return n, false
}

// resumption is the resuming of sessions on one connection.
type resumption struct {
	sessions *tlsSessions // of the default server
	server   *serverTLS   // the one in effect
	client   *clientTLS
	tickets  bool
	lifetime time.Duration // of sessions, in whole seconds
}

// newResumption has sessions, and how long they last, from the default server of the
// address, and from the server that the client has named whether there are tickets.
func newResumption(def, own *serverTLS, client *clientTLS) *resumption {
	return &resumption{
		sessions: def.sessions, server: own, client: client,
		tickets:  own.settings.Tickets && own.settings.Level < tlsconf.LevelWithoutTickets,
		lifetime: max(def.conf.SessionTimeout, 0).Truncate(time.Second),
	}
}

// good reports whether a session may be resumed: it must be one of servers like the
// one in effect, and not too old.
func (r *resumption) good(n *sessionNote, now time.Time) bool {
	return n.context == r.server.context && now.Unix()-n.began <= int64(r.lifetime/time.Second)
}

// attach makes a connection resume sessions, if it can.
func (r *resumption) attach(config *tls.Config) {
	if !r.tickets && r.sessions.store == nil {
		config.SessionTicketsDisabled = true
		return
	}
	config.WrapSession, config.UnwrapSession = r.wrap, r.unwrap
}

// wrap gives a session out.
func (r *resumption) wrap(cs tls.ConnectionState, state *tls.SessionState) ([]byte, error) {
	n := sessionNote{context: r.server.context, began: time.Now().Unix()}
	_, _ = rand.Read(n.id[:])
	r.client.sessionID = hex.EncodeToString(n.id[:])
	if cs.Version < tls.VersionTLS13 && r.tickets {
		r.client.sessionID = "" // OpenSSL gives these none
	}
	state.Extra = append(state.Extra, n.bytes())
	if r.tickets {
		return r.sessions.keys.EncryptTicket(cs, state)
	}
	b, err := state.Bytes()
	if err != nil {
		return nil, err
	}
	r.client.stored = string(n.id[:])
	r.sessions.store.put(r.client.stored, b)
	return n.id[:], nil
}

func newSessionID() string {
	var id [32]byte
	_, _ = rand.Read(id[:])
	return hex.EncodeToString(id[:])
}

// unwrap finds a session again. A nil one means that there has to be a new
// one.
func (r *resumption) unwrap(ticket []byte, cs tls.ConnectionState) (*tls.SessionState, error) {
	state := r.find(ticket, cs)
	if state == nil {
		return nil, nil
	}
	n, ok := noteOf(state)
	if !ok || !r.good(&n, time.Now()) {
		return nil, nil
	}
	state.Extra = slices.DeleteFunc(state.Extra, func(b []byte) bool { return len(b) >= len(noteMark) && string(b[:len(noteMark)]) == noteMark })
	r.client.sessionID = hex.EncodeToString(n.id[:])
	return state, nil
}

func (r *resumption) find(ticket []byte, cs tls.ConnectionState) *tls.SessionState {
	var state *tls.SessionState
	if r.tickets {
		state, _ = r.sessions.keys.DecryptTicket(ticket, cs)
	} else if b := r.sessions.store.get(string(ticket)); b != nil {
		state, _ = tls.ParseSessionState(b)
	}
	return state
}

// forget makes sure that a session that was not good enough is not resumed.
func (r *resumption) forget() {
	if r != nil && r.client.stored != "" {
		r.sessions.store.remove(r.client.stored)
	}
}

// peerOf is the certificate of the other side.
func peerOf(cs *tls.ConnectionState) *x509.Certificate {
	if len(cs.PeerCertificates) == 0 {
		return nil
	}
	return cs.PeerCertificates[0]
}
