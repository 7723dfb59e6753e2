package stream

// udp_linux.go - sessions of datagrams on an event loop, in the order a datagram
// meets them: the socket, the table of its clients, the transport.

import (
	"io"
	"net"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/gostream/gostream/internal/loop"
	"github.com/gostream/gostream/internal/relay"
	"github.com/gostream/gostream/upstream"
)

// packetSocket is a datagram socket of a listener on an event loop.
type packetSocket struct {
	ln       *listener
	worker   *worker
	local    endpoint // that the socket is bound to
	wildcard bool
	from     *loop.Packets
	clients  map[datagramKey]datagramClient

	mu     sync.RWMutex // for goroutines: closed changes on the loop
	closed bool
}

// datagramClient is a session that takes the datagrams of its client.
type datagramClient interface{ received(p []byte) }

// packetSockets are those of one listener: one, or one for each loop with
// reuseport.
type packetSockets []*packetSocket

// startDatagrams begins to receive on the loops. A socket without reuseport
// stays with one loop, so that all datagrams of a client come there.
func (ln *listener) startDatagrams() {
	ws := &ln.server.workers
	for _, sk := range ln.sockets {
		w := ws.all[ws.turn%len(ws.all)]
		ws.turn++
		at := endpointOfNet(sk.addr())
		if ln.addr.IsUnix() {
			at = endpointAt(ln.addr)
		}
		p := &packetSocket{ln: ln, worker: w, local: at, clients: map[datagramKey]datagramClient{}}
		p.wildcard = at.isIP() && at.ip.Addr().IsUnspecified()
		ln.datagrams = append(ln.datagrams, p)
		w.loop.Post(func() {
			var err error
			if p.from, err = w.loop.Receive(int(sk), p.wildcard, p); err != nil {
				ln.receiveFailed(err)
			}
		})
	}
}

// close returns when no loop receives any more. Sessions go on until they are
// next heard of.
func (ps packetSockets) close() {
	var stopped sync.WaitGroup
	for _, p := range ps {
		stopped.Add(1)
		p.worker.loop.Post(func() {
			p.mu.Lock()
			p.closed = true
			p.mu.Unlock()
			if p.from != nil {
				p.from.Close()
			}
			stopped.Done()
		})
	}
	stopped.Wait()
}

// ReceiveFailed is [loop.Receiver]'s.
func (p *packetSocket) ReceiveFailed(err error) { p.ln.receiveFailed(err) }

// Received gives a datagram to the session of its client, or begins one.
func (p *packetSocket) Received(d *loop.Datagram) {
	key := datagramKey{remote: endpointOf(d.Peer), local: d.Local}
	if c := p.clients[key]; c != nil {
		c.received(d.Data)
		return
	}
	at := p.ln.admit(&p.worker.slots)
	if at == nil {
		return
	}
	local := p.local
	if d.Local.IsValid() {
		local.ip = netip.AddrPortFrom(d.Local, local.ip.Port())
	}
	if at.onGoroutines {
		p.handOver(at, d, local)
		return
	}
	p.begin(at, d, key, local)
}

func (p *packetSocket) begin(at *places, d *loop.Datagram, key datagramKey, local endpoint) {
	w := p.worker
	s, t := w.take(), w.takeDatagrams()
	t.loopTransport, t.socket, t.key, t.peer, t.first = &s.loopTransport, p, key, *d.Peer, d.Data
	t.session, t.worker = s, w
	t.client.Share(w.loop, -1)
	s.transport, s.udp, s.bytesReceived = t, true, int64(len(d.Data))
	s.gen, s.ln, s.remote, s.local = at.gen, p.ln, key.remote, local
	s.place = at.lookup(local)
	s.srv = s.place.def
	t.relayer.Start(w.relays, &s.srv.proxy.relay, (*datagramHandler)(t), len(d.Data))
	if key.known() {
		p.clients[key] = t
	}
	w.sessions.add(s)
	w.loop.Go((*sessionTask)(s))
}

// forget makes the next datagram of a client begin another session.
func (p *packetSocket) forget(key datagramKey, c datagramClient) {
	if p.clients[key] == c {
		delete(p.clients, key)
	}
}

// handOver begins a session on a goroutine.
func (p *packetSocket) handOver(at *places, d *loop.Datagram, local endpoint) {
	key, peer := datagramKey{remote: endpointOf(d.Peer), local: d.Local}, *d.Peer
	c := newDatagramConn(key, local)
	c.answer = func(b []byte) error {
		p.mu.RLock()
		defer p.mu.RUnlock()
		if p.closed {
			return net.ErrClosed
		}
		return p.from.Send(b, &peer, key.local)
	}
	c.forget = func() {
		p.worker.loop.Post(func() {
			p.forget(key, c)
			for data := range c.left() {
				p.Received(&loop.Datagram{Data: data, Peer: &peer, Local: key.local})
			}
		})
	}
	if key.known() {
		p.clients[key] = c
	}
	p.ln.serveDatagrams(at, c, slices.Clone(d.Data), &p.worker.slots)
}

// datagramTransport is the transport of a client that shares its socket with
// others. Towards the upstream it is that of TCP.
type datagramTransport struct {
	*loopTransport // of the session; its client is only there to wait
	socket         *packetSocket
	key            datagramKey
	peer           loop.Sockaddr
	first          []byte // the datagram that has begun the session
	relayer        relay.Datagrams
	running        bool // relayer has been Run
}

// takeDatagrams returns a transport that is as good as new.
func (w *worker) takeDatagrams() *datagramTransport {
	if n := len(w.spareDatagrams); n > 0 {
		t := w.spareDatagrams[n-1]
		w.spareDatagrams = w.spareDatagrams[:n-1]
		return t
	}
	return &datagramTransport{}
}

// received takes a later datagram of the client.
func (t *datagramTransport) received(p []byte) {
	defer func() {
		if v := recover(); v != nil {
			t.relayer.Panicked(v, debug.Stack())
		}
	}()
	t.relayer.FromClient(p)
}

func (t *datagramTransport) peek([]byte, int, time.Time) (int, error) { return 0, io.EOF }

func (t *datagramTransport) discard(int) error { return nil }

func (t *datagramTransport) write(p []byte, _ time.Duration) (int, error) {
	if err := t.send(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (t *datagramTransport) send(p []byte) error {
	if t.socket.closed {
		return net.ErrClosed
	}
	return t.socket.from.Send(p, &t.peer, t.key.local)
}

// await keeps the first datagram, which is in a buffer that others use too.
func (t *datagramTransport) await(start func(done func()) (cancel func())) error {
	t.first = slices.Clone(t.first)
	return t.loopTransport.await(start)
}

func (t *datagramTransport) refuse() {}

func (t *datagramTransport) setNoDelay(bool) {}

func (t *datagramTransport) localAddr() endpoint { return t.session.local }

func (t *datagramTransport) connect(peer *upstream.Peer, o *dialOptions) error {
	if !t.worker.slots.take(t.session.gen) {
		return errNoConnections
	}
	t.counted = true
	to := t.worker.sockaddr(peer)
	if err := t.server.CreateDatagram(t.worker.loop, to.Family()); err != nil {
		return noSocket(err)
	}
	if o.tuned() || t.session.up.local != nil {
		if err := t.session.prepareUpstream(t.server.FD(), o, peer.Addr().IsUnix()); err != nil {
			t.server.Close()
			return err
		}
	}
	t.session.gen.nextConnection()
	return t.server.Connect(&loop.Dial{To: to})
}

func (t *datagramTransport) relay(header []byte) Status {
	t.running = true
	if rates := t.session.rates(); rates != (relay.Rates{}) {
		t.relayer.Limit(rates)
	}
	first := t.first
	t.first = nil
	t.relayer.Run(&t.server, header, first)
	return relaying
}

func (t *datagramTransport) counters() relay.Counters { return t.relayer.Counters() }

func (t *datagramTransport) abort() {
	if t.running {
		t.relayer.Stop()
		return
	}
	t.client.Abort()
}

func (t *datagramTransport) close() {
	t.socket.forget(t.key, t)
	t.loopTransport.close()
}

func (t *datagramTransport) released() {
	w := t.worker
	t.loopTransport.released()
	*t = datagramTransport{}
	if len(w.spareDatagrams) < maxSpare {
		w.spareDatagrams = append(w.spareDatagrams, t)
	}
}

// datagramHandler is what the relay tells of, and the client that it sends to.
type datagramHandler datagramTransport

func (h *datagramHandler) RelayError(e *relay.Error) { h.session.relayError(e) }

func (h *datagramHandler) RelayPanicked(p any, stack []byte) { h.session.logPanic(p, stack) }

func (h *datagramHandler) RelayFirstByte(at time.Time) { h.session.firstByte(at) }

func (h *datagramHandler) RelayDone(end relay.End) { h.session.finish(h.session.relayEnd(end)) }

func (h *datagramHandler) RelayAnswer(p []byte) error { return (*datagramTransport)(h).send(p) }

func (h *datagramHandler) RelayOrphaned() bool { return h.socket.closed }

func (h *datagramHandler) RelayFull() { h.socket.forget(h.key, (*datagramTransport)(h)) }
