package resolver

// message.go - DNS messages. Reading and writing them is dnsmessage's work; what
// is accepted, and what is said of the rest, is nginx's.

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	headerSize = 12
	maxUDP     = 4096 // of what is read
	maxTTL     = 1<<31 - 1
)

// Flags of the header.
const (
	flagTruncated = 0x0200
	flagsChecked  = 0xf870 // response, opcode, and what is to be zero
	flagResponse  = 0x8000
)

// question makes a query. It fails for names that DNS has no form for.
func question(id uint16, name string, kind dnsmessage.Type) ([]byte, error) {
	n, err := dnsmessage.NewName(name + ".")
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, errors.New("empty name")
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: n, Type: kind, Class: dnsmessage.ClassINET}},
	}
	return m.Pack()
}

// response is a message from a name server.
type response struct {
	id        uint16
	truncated bool
	code      Code
	asked     key // after readQuestion
	kind      dnsmessage.Type
	parser    dnsmessage.Parser
	msg       []byte
}

// parse reads the header.
func parse(msg []byte, tcp bool) (*response, error) {
	if len(msg) < headerSize {
		return nil, errShort
	}
	m := &response{id: binary.BigEndian.Uint16(msg), msg: msg}
	flags := binary.BigEndian.Uint16(msg[2:])
	m.truncated = flags&flagTruncated != 0
	m.code = Code(flags & 0xf)
	if flags&flagsChecked != flagResponse || m.truncated && tcp {
		network := "UDP"
		if tcp {
			network = "TCP"
		}
		return nil, fmt.Errorf("invalid %s DNS response %d fl:%04X", network, m.id, flags)
	}
	_, err := m.parser.Start(msg)
	return m, told(err)
}

// readQuestion reads what the response answers.
func (m *response) readQuestion() error {
	if binary.BigEndian.Uint16(m.msg[4:]) != 1 {
		return errors.New("invalid number of questions in DNS response")
	}
	if err := plainName(m.msg[headerSize:]); err != nil {
		return err
	}
	q, err := m.parser.Question()
	if err != nil {
		return told(err)
	}
	if q.Class != dnsmessage.ClassINET {
		return fmt.Errorf("unknown query class %d in DNS response", q.Class)
	}
	switch q.Type {
	case dnsmessage.TypeA, dnsmessage.TypeAAAA, dnsmessage.TypeSRV:
	default:
		return fmt.Errorf("unknown query type %d in DNS response", q.Type)
	}
	m.asked, m.kind = key{nameOf(q.Name), q.Type == dnsmessage.TypeSRV}, q.Type
	return told(m.parser.SkipAllQuestions())
}

// plainName checks that a name is there in full: in a question there is nothing
// to point back to.
func plainName(b []byte) error {
	if len(b) > 0 && b[0] == 0 {
		return errors.New("zero-length domain name in DNS response")
	}
	for len(b) > 0 && b[0] != 0 {
		if b[0]&0xc0 != 0 {
			return errors.New("unexpected compression pointer in DNS response")
		}
		b = b[min(1+int(b[0]), len(b)):]
	}
	return nil
}

// nameOf is a name as keys have it.
func nameOf(n dnsmessage.Name) string {
	return strings.ToLower(strings.TrimSuffix(string(n.Data[:n.Length]), "."))
}

// readAnswers reads the records. others are lines about those that do not
// belong there.
func (m *response) readAnswers() (rs records, others []string, err error) {
	rs.ttl = maxTTL
	for {
		h, err := m.parser.AnswerHeader()
		if err == dnsmessage.ErrSectionDone {
			return rs, others, nil
		}
		if err != nil {
			return rs, others, told(err)
		}
		if h.Name.Length < 2 {
			return rs, others, errors.New("invalid name in DNS response")
		}
		if h.Class != dnsmessage.ClassINET {
			return rs, others, fmt.Errorf("unexpected RR class %d in DNS response", h.Class)
		}
		rs.count++
		if h.TTL > maxTTL {
			h.TTL = 0
		}
		rs.ttl = min(rs.ttl, h.TTL)
		other, err := m.readRecord(&rs, &h)
		if err != nil {
			return rs, others, err
		}
		if other != "" {
			others = append(others, other)
		}
	}
}

// readRecord reads one record.
func (m *response) readRecord(rs *records, h *dnsmessage.ResourceHeader) (other string, err error) {
	p := &m.parser
	if err := m.expect(h); err != nil {
		return "", err
	}
	switch h.Type {
	case dnsmessage.TypeA:
		a, err := p.AResource()
		rs.addrs = append(rs.addrs, addrOf(a.A[:]))
		return "", told(err)
	case dnsmessage.TypeAAAA:
		a, err := p.AAAAResource()
		rs.addrs = append(rs.addrs, addrOf(a.AAAA[:]))
		return "", told(err)
	case dnsmessage.TypeSRV:
		if m.kind != dnsmessage.TypeSRV {
			break
		}
		s, err := p.SRVResource()
		rs.hosts = append(rs.hosts, host{nameOf(s.Target), s.Port, s.Priority, max(s.Weight, 1)})
		return "", told(err)
	case dnsmessage.TypeCNAME:
		c, err := p.CNAMEResource()
		rs.alias = nameOf(c.CNAME)
		return "", told(err)
	case typeDNAME:
		return "", told(p.SkipAnswer())
	}
	return fmt.Sprintf("unexpected RR type %d in DNS response", h.Type), told(p.SkipAnswer())
}

const typeDNAME dnsmessage.Type = 39

// expect checks that an address record was asked for and has its size.
func (m *response) expect(h *dnsmessage.ResourceHeader) error {
	size, name := uint16(4), "A"
	switch h.Type {
	case dnsmessage.TypeA:
	case dnsmessage.TypeAAAA:
		size, name = 16, "AAAA"
	default:
		return nil
	}
	switch {
	case h.Type != m.kind:
		return fmt.Errorf("unexpected %s record in DNS response", name)
	case h.Length != size:
		return fmt.Errorf("invalid %s record in DNS response", name)
	}
	return nil
}

var errShort = errors.New("short DNS response")

// told words an error of dnsmessage as nginx does. Its errors have no names, but
// texts.
func told(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "too many pointers"):
		return errors.New("compression pointers loop in DNS response")
	case strings.Contains(text, "segment prefix is reserved"):
		return errors.New("invalid label type in DNS response")
	case strings.Contains(text, "invalid pointer"):
		return errors.New("name is out of DNS response")
	}
	return errShort
}

// addrOf makes an address of 4 or 16 bytes.
func addrOf(b []byte) netip.Addr {
	ip, _ := netip.AddrFromSlice(b)
	return ip
}
