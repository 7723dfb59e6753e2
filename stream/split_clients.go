package stream

// split_clients.go - ngx_stream_split_clients_module: split_clients.

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"

	"github.com/gostream/gostream/internal/conf"
)

// SplitClientsConfig is one split_clients block: a variable that has each of
// several values for a share of all texts.
type SplitClientsConfig struct {
	Source   string // a complex value: what is hashed
	Variable string // the name defined, without "$"

	// Parts are taken in order. A text that falls into none gives the empty
	// text.
	Parts []SplitPart

	order int // among the blocks of a file that define variables
}

// SplitPart is a line of a split_clients block.
type SplitPart struct {
	// Share is in hundredths of a percent, 1 to 10000; 0 is "*", all that is
	// left. The sum must not be above 10000.
	Share uint32
	Value string // plain text
}

// allShares is 100% in the unit of SplitPart.Share.
const allShares = 10000

var splitClientsTable = &conf.Table[Config]{
	Name: "stream_split_clients",
	Commands: []conf.Command[Config]{
		{Name: "split_clients", Syntax: "string $variable { ... }", In: conf.Stream, Args: conf.Take(2, 2), Block: true,
			Set: conf.Func(addSplitClients)},
	},
}

func addSplitClients(c *Config, d *conf.Directive) error {
	if err := d.CheckValue(d.Args[0]); err != nil {
		return err
	}
	name, err := c.newVariable(d, d.Args[1])
	if err != nil {
		return err
	}
	split := &SplitClientsConfig{Source: d.Args[0], Variable: name, order: c.nextOrder()}
	for e, err := range d.Entries() {
		if err != nil {
			return err
		}
		part, err := parseSplitPart(e)
		if err != nil {
			return err
		}
		split.Parts = append(split.Parts, part)
	}
	if _, err := compileSplit(split.Parts); err != nil {
		return d.End().Errorf("%s", err)
	}
	c.SplitClients = append(c.SplitClients, split)
	return nil
}

// parseSplitPart reads "share value"; further words mean nothing.
func parseSplitPart(e *conf.Directive) (part SplitPart, err error) {
	if len(e.Args) > 0 {
		part.Value = e.Args[0]
	}
	if e.Name == "*" {
		return part, nil
	}
	number, ok := strings.CutSuffix(e.Name, "%")
	share, valid := conf.ParseFixed(number, 2)
	if !ok || !valid || share == 0 {
		return part, e.Errorf("invalid percent value \"%s\"", e.Name)
	}
	// The number is one of 32 bits in nginx, which thus lets "42949673.06%"
	// pass for 0.10%.
	part.Share = uint32(share)
	return part, nil
}

// splitPart is a compiled [SplitPart].
type splitPart struct {
	below uint32 // hashes under this one; 0: all
	value string
}

var errSplitTotal = errors.New("percent total is greater than 100%")

// compileSplit computes the bounds of the parts. The one that completes 100%
// takes all hashes that are left, whatever rounding has lost.
func compileSplit(parts []SplitPart) ([]splitPart, error) {
	out := make([]splitPart, len(parts))
	var sum, last uint32
	for i, p := range parts {
		out[i].value = p.Value
		if sum += p.Share; p.Share == 0 {
			sum = allShares
		}
		switch {
		case sum > allShares:
			return nil, errSplitTotal
		case sum < allShares:
			last += uint32(uint64(p.Share) * math.MaxUint32 / allShares)
			out[i].below = last
		}
	}
	return out, nil
}

func (c *SplitClientsConfig) place() int { return c.order }

// declare defines the variable; what it hashes is bound later.
func (c *SplitClientsConfig) declare(g *generation) (bind func() error, err error) {
	parts, err := compileSplit(c.Parts)
	if err != nil {
		return nil, err
	}
	split := &splitLookup{parts: parts}
	if err := g.vars.Add(variable{Name: c.Variable, Get: g.cached(c.Variable, split.get, false), Changeable: true}); err != nil {
		return nil, err
	}
	return func() (err error) {
		split.source, err = g.compile(c.Source)
		return err
	}, nil
}

// splitLookup is the variable of a split_clients block at work.
type splitLookup struct {
	source *template
	parts  []splitPart
}

func (l *splitLookup) get(s *Session, b []byte) ([]byte, bool) {
	from := len(b)
	b = l.source.Append(b, s)
	hash := murmurHash2(b[from:])
	b = b[:from]
	for i := range l.parts {
		if p := &l.parts[i]; hash < p.below || p.below == 0 {
			return append(b, p.value...), true
		}
	}
	return b, true
}

// murmurHash2 is Austin Appleby's hash of this name, with seed 0.
func murmurHash2(data []byte) uint32 {
	const m, r = 0x5bd1e995, 24
	h := uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		k := binary.LittleEndian.Uint32(data) * m
		k ^= k >> r
		h = h*m ^ k*m
	}
	for i := len(data) - 1; i >= 0; i-- {
		h ^= uint32(data[i]) << (8 * i)
	}
	if len(data) > 0 {
		h *= m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}
