package upstream

// resolver.go - the resolver directive, of groups and of servers.

import (
	"fmt"
	"strings"
	"time"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/conf"
)

// Resolver says which name servers are asked for addresses while running:
// nginx's resolver directive. Those who have the same Resolver share what it has
// found out.
type Resolver struct {
	// Servers are IP addresses and host names, with or without a port (53). The
	// addresses of names are looked up once, at the start. As in nginx, those of
	// the form "unix:PATH" are asked, too, but cannot answer.
	Servers []string

	// Valid is how long answers are good, in whole seconds. 0 means as long as
	// they say.
	Valid time.Duration

	NoIPv4 bool // do not ask for IPv4 addresses
	NoIPv6 bool // do not ask for IPv6 addresses

	addrs []addr.Addr // of Servers, if they were looked up when read
}

const dnsPort = 53

// ParseResolver reads a resolver directive.
func ParseResolver(d *conf.Directive) (*Resolver, error) {
	r := &Resolver{}
	for _, word := range d.Args {
		ok, known := r.parameter(word)
		switch {
		case known && !ok:
			return nil, d.Errorf("invalid parameter: %s", word)
		case known:
			continue
		}
		if err := r.add(word); err != nil {
			return nil, d.Errorf("%s", err)
		}
	}
	if r.NoIPv4 && r.NoIPv6 {
		return nil, d.Errorf(`"ipv4" and "ipv6" cannot both be "off"`)
	}
	if len(r.Servers) == 0 {
		return nil, d.Errorf("no name servers defined")
	}
	return r, nil
}

// parameter takes a word that is no name server.
func (r *Resolver) parameter(word string) (ok, known bool) {
	name, value, found := strings.Cut(word, "=")
	if !found {
		return false, false
	}
	switch name {
	case "valid":
		r.Valid, ok = conf.ParseSec(value)
		return ok, true
	case "ipv4":
		r.NoIPv4 = value == "off"
		return value == "on" || value == "off", true
	case "ipv6":
		r.NoIPv6 = value == "off"
		return value == "on" || value == "off", true
	}
	return false, false
}

// add looks a name server up.
func (r *Resolver) add(text string) error {
	u, err := addr.Parse(text, addr.Options{DefaultPort: dnsPort})
	if err != nil {
		return fmt.Errorf(`%w in resolver "%s"`, err, text)
	}
	r.addrs = append(r.addrs, u.Addrs...)
	r.Servers = append(r.Servers, text)
	return nil
}

// Addrs returns the addresses of the name servers, which are looked up now if
// the Resolver was made by hand. Errors have nginx's texts.
func (r *Resolver) Addrs() ([]addr.Addr, error) {
	if len(r.addrs) > 0 {
		return r.addrs, nil
	}
	var found Resolver
	for _, text := range r.Servers {
		if err := found.add(text); err != nil {
			return nil, err
		}
	}
	if len(found.addrs) == 0 {
		return nil, fmt.Errorf("no name servers defined")
	}
	return found.addrs, nil
}
