package streamtest

// dns.go - a name server with records that tests may change.

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
)

// DNS is a name server on 127.0.0.1, for UDP and TCP.
type DNS struct {
	Addr netip.AddrPort

	mu      sync.Mutex
	records map[string][]string
	raw     func(query []byte, tcp bool) [][]byte
	asked   []string
}

// NewDNS starts a name server. It is stopped at the end of the test.
func NewDNS(t testing.TB) *DNS {
	t.Helper()
	d := &DNS{records: map[string][]string{}}
	for range 100 { // until both protocols have the port
		udp, err := net.ListenPacket("udp", "127.0.0.1:0")
		require.NoError(t, err)
		tcp, err := net.Listen("tcp", udp.LocalAddr().String())
		if err != nil {
			udp.Close()
			continue
		}
		d.Addr = netip.MustParseAddrPort(udp.LocalAddr().String())
		t.Cleanup(func() { udp.Close(); tcp.Close() })
		go d.serveUDP(udp)
		go d.serveTCP(tcp)
		return d
	}
	t.Fatal("no port for a name server")
	return nil
}

// Set gives a name its records: "A 127.0.0.1", "AAAA ::1", "CNAME other.test",
// "SRV 1 5 80 host.test" (priority, weight, port), each with an optional "ttl=N"
// before it (5). Or one word that says what becomes of questions about it:
// "SILENT" (or "SILENT AAAA", for those of a type), or "CODE N", or "LONG A
// 127.0.0.1", which is truncated in UDP. A name that is not set is not found.
func (d *DNS) Set(name string, records ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.records[name] = records
}

// Raw makes the server answer with these messages, whatever they are.
func (d *DNS) Raw(answer func(query []byte, tcp bool) [][]byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.raw = answer
}

// Answer is what the server would answer to a query by UDP; nil: nothing.
func (d *DNS) Answer(query []byte) []byte {
	for _, msg := range d.answer(query, false) {
		return msg
	}
	return nil
}

// Asked lists the questions so far: "udp name.test A".
func (d *DNS) Asked() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.asked...)
}

func (d *DNS) serveUDP(conn net.PacketConn) {
	buf := make([]byte, 65536)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		for _, msg := range d.answer(buf[:n], false) {
			_, _ = conn.WriteTo(msg, from)
		}
	}
}

func (d *DNS) serveTCP(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go d.serveConn(conn)
	}
}

func (d *DNS) serveConn(conn net.Conn) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		msg := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, msg); err != nil {
			return
		}
		for _, answer := range d.answer(msg, true) {
			_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
		}
	}
}

func (d *DNS) answer(query []byte, tcp bool) [][]byte {
	var m message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	name := strings.TrimSuffix(q.Name.String(), ".")
	network := "udp "
	if tcp {
		network = "tcp "
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, network+name+" "+strings.TrimPrefix(q.Type.String(), "Type"))
	if d.raw != nil {
		return d.raw(query, tcp)
	}
	m.Header = dnsmessage.Header{ID: m.ID, Response: true, RecursionDesired: true, RecursionAvailable: true}
	records, known := d.records[name]
	if !known {
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, text := range records {
		if text == "SILENT" || text == "SILENT "+strings.TrimPrefix(q.Type.String(), "Type") {
			return nil
		}
		if strings.HasPrefix(text, "SILENT") {
			continue
		}
		m.add(q, text, tcp)
	}
	packed, err := m.Pack()
	if err != nil {
		return nil
	}
	return [][]byte{packed}
}

// message is a message that records can be added to.
type message struct{ dnsmessage.Message }

// add adds a record, if it is of the type that is asked for or an alias.
func (m *message) add(q dnsmessage.Question, text string, tcp bool) {
	words := strings.Fields(text)
	ttl := uint64(5)
	if value, ok := strings.CutPrefix(words[0], "ttl="); ok {
		ttl, _ = strconv.ParseUint(value, 10, 32)
		words = words[1:]
	}
	switch words[0] {
	case "CODE":
		code, _ := strconv.Atoi(words[1])
		m.RCode = dnsmessage.RCode(code)
		return
	case "LONG":
		if words = words[1:]; !tcp {
			m.Truncated = true
			return
		}
	}
	kind, body := resource(words)
	if kind != q.Type && kind != dnsmessage.TypeCNAME {
		return
	}
	m.Answers = append(m.Answers, dnsmessage.Resource{
		Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: uint32(ttl)},
		Body:   body,
	})
}

// resource reads the words of a record.
func resource(words []string) (dnsmessage.Type, dnsmessage.ResourceBody) {
	switch words[0] {
	case "A":
		return dnsmessage.TypeA, &dnsmessage.AResource{A: netip.MustParseAddr(words[1]).As4()}
	case "AAAA":
		return dnsmessage.TypeAAAA, &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(words[1]).As16()}
	case "CNAME":
		return dnsmessage.TypeCNAME, &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(words[1] + ".")}
	case "SRV":
		var n [3]uint16
		for i := range n {
			number, _ := strconv.ParseUint(words[1+i], 10, 16)
			n[i] = uint16(number)
		}
		return dnsmessage.TypeSRV, &dnsmessage.SRVResource{
			Priority: n[0], Weight: n[1], Port: n[2], Target: dnsmessage.MustNewName(words[4] + "."),
		}
	}
	panic("unknown record " + words[0])
}
