// Package pkitest makes certificates, revocation lists and OCSP responses for
// tests, good and bad ones, from short texts. A text is a case: who has issued
// what, what is trusted and what a peer shows; and the verdicts that nginx gave.
//
//	case a common name outside of what the authority may name
//	cert root bc!=ca
//	cert int by=root bc!=ca nc!=+dns:good.test
//	cert leaf by=int dn=/CN=bad.test
//	trust root
//	send leaf int
//	client 47
//
// Lines are
//
//	cert NAME WORD...  a certificate; by default it signs itself (cert.go)
//	crl NAME WORD...   a revocation list (crl.go)
//	ocsp NAME WORD...  an OCSP response (ocsp.go)
//	trust NAME...      the authorities
//	lists NAME...      the revocation lists
//	send NAME...       what the peer shows, its own certificate first
//	answer NAME...     the OCSP responses to one question after the other
//	depth N            ssl_verify_depth; 5 if there is no such line
//	level N            the security level; 2 if there is no such line
//	host NAME          whom the server's certificate must be for; "" is the empty name
//	client N           OpenSSL's number for it as the certificate of a client
//	server N           and as that of a server; "name" if it is good but for another host
//	texts TEXT         what is said of a good one: its subject, issuer, serial number and times, with "|" between them
//	asked TEXT         what came of asking about a client's certificate: "good", or what the log says
//	stapled TEXT       the same about a certificate of its own, the signer of the response being verified
//	loose TEXT         and without that
//
// Words have the form KEY=VALUE; %XX stands for a byte.
package pkitest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Case is a case as it is written.
type Case struct {
	Notes   []string // comment lines before it, with their "#"
	Name    string
	Certs   []Item
	CRLs    []Item
	OCSPs   []Item
	Trust   []string // names of Certs
	Lists   []string // names of CRLs
	Send    []string // names of Certs
	Answer  []string // names of OCSPs
	Depth   int
	Level   int
	Host    string
	Client  string // a number; empty: not recorded
	Server  string // a number or "name"; empty: not recorded
	Texts   string // empty: not to be recorded
	Asked   string // empty: not recorded
	Stapled string
	Loose   string

	built      *Material // of builtFrom
	builtFrom  string
	everything map[string]*Certificate
}

// Item is a certificate or list: its name and its words in order.
type Item struct {
	Name  string
	Words []string
}

// Parse reads cases. Empty lines part them, and "#" begins a comment.
func Parse(text string) ([]*Case, error) {
	var all []*Case
	var c *Case
	var notes []string
	for n, line := range strings.Split(text, "\n") {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
			continue
		case strings.HasPrefix(line, "#"):
			notes = append(notes, line)
			continue
		}
		if fields[0] == "case" {
			c = &Case{Notes: notes, Name: strings.Join(fields[1:], " "), Depth: 5, Level: 2}
			all, notes = append(all, c), nil
			continue
		}
		if c == nil {
			return nil, fmt.Errorf("line %d is before the first case", n+1)
		}
		if text, ok := strings.CutPrefix(line, "texts "); ok {
			c.Texts = lineBreak.Replace(text)
			continue
		}
		if err := c.line(fields); err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
	}
	return all, nil
}

// lineBreak and noLineBreak keep texts on one line.
var (
	lineBreak   = strings.NewReplacer("%0A", "\n", "%25", "%")
	noLineBreak = strings.NewReplacer("\n", "%0A", "%", "%25")
)

func (c *Case) line(fields []string) (err error) {
	rest := fields[1:]
	if len(rest) == 0 {
		rest = []string{""}
	}
	switch fields[0] {
	case "cert":
		c.Certs = append(c.Certs, Item{rest[0], rest[1:]})
	case "crl":
		c.CRLs = append(c.CRLs, Item{rest[0], rest[1:]})
	case "ocsp":
		c.OCSPs = append(c.OCSPs, Item{rest[0], rest[1:]})
	case "answer":
		c.Answer = rest
	case "asked":
		c.Asked = strings.Join(rest, " ")
	case "stapled":
		c.Stapled = strings.Join(rest, " ")
	case "loose":
		c.Loose = strings.Join(rest, " ")
	case "trust":
		c.Trust = rest
	case "lists":
		c.Lists = rest
	case "send":
		c.Send = rest
	case "depth":
		c.Depth, err = strconv.Atoi(rest[0])
	case "level":
		c.Level, err = strconv.Atoi(rest[0])
	case "host":
		c.Host = rest[0]
	case "client":
		c.Client = rest[0]
	case "server":
		c.Server = rest[0]
	default:
		err = fmt.Errorf("unknown line %q", fields[0])
	}
	return err
}

// String writes the case as [Parse] reads it.
func (c *Case) String() string {
	var b strings.Builder
	line := func(key string, words ...string) {
		if len(words) > 0 && words[0] != "" {
			b.WriteString(key + " " + strings.Join(words, " ") + "\n")
		}
	}
	for _, note := range c.Notes {
		b.WriteString(note + "\n")
	}
	line("case", c.Name)
	for _, i := range c.Certs {
		line("cert", append([]string{i.Name}, i.Words...)...)
	}
	for _, i := range c.CRLs {
		line("crl", append([]string{i.Name}, i.Words...)...)
	}
	for _, i := range c.OCSPs {
		line("ocsp", append([]string{i.Name}, i.Words...)...)
	}
	line("trust", c.Trust...)
	line("lists", c.Lists...)
	line("send", c.Send...)
	line("answer", c.Answer...)
	if c.Depth != 5 {
		line("depth", strconv.Itoa(c.Depth))
	}
	if c.Level != 2 {
		line("level", strconv.Itoa(c.Level))
	}
	line("host", c.Host)
	line("client", c.Client)
	line("server", c.Server)
	line("texts", noLineBreak.Replace(c.Texts))
	line("asked", c.Asked)
	line("stapled", c.Stapled)
	line("loose", c.Loose)
	return b.String()
}

// Material is what a case is made of, ready for use.
type Material struct {
	Trust []*Certificate
	Lists [][]byte // DER
	Send  []*Certificate
	OCSP  [][]byte // DER, unless that is the fault
	Now   time.Time
}

// Build makes the certificates and lists of a case. Whoever asks again before it
// changes, for another server, gets the same ones.
func (c *Case) Build() (m *Material, err error) {
	text := c.String()
	if c.built != nil && c.builtFrom == text {
		return c.built, nil
	}
	m = &Material{Now: time.Now()}
	b := &builder{now: m.Now.Truncate(time.Second), certs: map[string]*Certificate{}}
	for i, item := range c.Certs {
		if err := b.cert(item, i+1); err != nil {
			return nil, fmt.Errorf("cert %s: %w", item.Name, err)
		}
	}
	if m.Trust, err = b.named(c.Trust); err != nil {
		return nil, err
	}
	if m.Send, err = b.named(c.Send); err != nil {
		return nil, err
	}
	if m.Lists, err = made(c.CRLs, c.Lists, b.crl); err != nil {
		return nil, err
	}
	if m.OCSP, err = made(c.OCSPs, c.Answer, b.ocsp); err != nil {
		return nil, err
	}
	c.built, c.builtFrom, c.everything = m, text, b.certs
	return m, nil
}

// made makes the items of some names.
func made(items []Item, names []string, make func(Item) ([]byte, error)) (all [][]byte, err error) {
	for _, name := range names {
		i := slices.IndexFunc(items, func(i Item) bool { return i.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no item %q", name)
		}
		der, err := make(items[i])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, der)
	}
	return all, nil
}

// Certificate returns a certificate of a case that was built; nil: there is
// none of that name.
func (c *Case) Certificate(name string) *Certificate { return c.everything[name] }
