package pkitest

import (
	"slices"
	"strings"
)

// usualHost is whom a server's certificate must be for if the case says nothing.
const usualHost = "a.test"

// HostName is Host, or else a.test.
func (c *Case) HostName() string {
	switch c.Host {
	case "":
		return usualHost
	case `""`:
		return ""
	}
	return c.Host
}

// HasSettings reports whether a certificate comes with settings of its trust.
func (c *Case) HasSettings() bool {
	return slices.ContainsFunc(c.Certs, func(i Item) bool {
		return slices.ContainsFunc(i.Words, func(word string) bool {
			return strings.HasPrefix(word, "accept=") || strings.HasPrefix(word, "reject=")
		})
	})
}

// Format writes cases as [Parse] reads them.
func Format(cases []*Case) string {
	texts := make([]string, len(cases))
	for i, c := range cases {
		texts[i] = c.String()
	}
	return strings.Join(texts, "\n")
}

// Smaller returns cases that lack one thing of this one each. Not all can be
// built.
func (c *Case) Smaller() (all []*Case) {
	try := func(change func(*Case)) {
		d := c.clone()
		change(d)
		if _, err := d.Build(); err == nil && len(d.Trust) > 0 && len(d.Send) > 0 {
			all = append(all, d)
		}
	}
	for i := range c.Send[1:] {
		try(func(d *Case) { d.Send = slices.Delete(d.Send, i+1, i+2) })
	}
	for i := range c.Trust {
		try(func(d *Case) { d.Trust = slices.Delete(d.Trust, i, i+1) })
	}
	for i := range c.Lists {
		try(func(d *Case) { d.Lists = slices.Delete(d.Lists, i, i+1) })
	}
	for i := range c.Certs {
		try(func(d *Case) { d.Certs = slices.Delete(d.Certs, i, i+1) })
		for j := range c.Certs[i].Words {
			try(func(d *Case) { d.Certs[i].Words = slices.Delete(d.Certs[i].Words, j, j+1) })
		}
	}
	for i := range c.CRLs {
		try(func(d *Case) { d.CRLs = slices.Delete(d.CRLs, i, i+1) })
		for j := range c.CRLs[i].Words {
			try(func(d *Case) { d.CRLs[i].Words = slices.Delete(d.CRLs[i].Words, j, j+1) })
		}
	}
	for i := range c.OCSPs {
		for j := range c.OCSPs[i].Words {
			try(func(d *Case) { d.OCSPs[i].Words = slices.Delete(d.OCSPs[i].Words, j, j+1) })
		}
	}
	return all
}

func (c *Case) clone() *Case {
	d := *c
	d.built, d.everything = nil, nil
	items := func(from []Item) (to []Item) {
		for _, i := range from {
			to = append(to, Item{i.Name, slices.Clone(i.Words)})
		}
		return to
	}
	d.Certs, d.CRLs, d.OCSPs = items(c.Certs), items(c.CRLs), items(c.OCSPs)
	d.Trust, d.Lists, d.Send, d.Answer = slices.Clone(c.Trust), slices.Clone(c.Lists), slices.Clone(c.Send), slices.Clone(c.Answer)
	return &d
}
