package tlsconf

// asn1.go - reading encodings by the rules of OpenSSL, which takes BER where
// package asn1 wants DER, and with its words about what is wrong.

import (
	"fmt"
	"slices"
)

// asn1Kind is a kind of [asn1Item].
type asn1Kind uint8

const (
	asn1Value    asn1Kind = iota // with the tag of the item
	asn1Any                      // with any tag
	asn1Choice                   // with one of some tags
	asn1Sequence                 // of fields
	asn1Wrapper                  // a field of its own
)

// asn1Item is a type by the name that OpenSSL has for it.
type asn1Item struct {
	name   string
	kind   asn1Kind
	tags   []int
	fields []asn1Field
	check  func(d *asn1Decoder) bool // what is asked of it beside its form; nil: nothing
	lax    bool                      // the contents are not checked
}

// asn1Field is a part of a type.
type asn1Field struct {
	name     string
	item     *asn1Item
	optional bool
	context  int  // one more than the tag of the class "context" that it has; 0: it has its own
	explicit bool // that tag is around the field
	repeated int  // the tag around any number of them: tagSequence or tagSet; 0: there is one
}

// asn1Tag is a tag with its class. The tag -1 stands for any.
type asn1Tag struct{ class, tag int }

// Universal tags.
const (
	tagBoolean         = 1
	tagInteger         = 2
	tagBitString       = 3
	tagOctetString     = 4
	tagNull            = 5
	tagObject          = 6
	tagEnumerated      = 10
	tagUTF8String      = 12
	tagSequence        = 16
	tagSet             = 17
	tagUTCTime         = 23
	tagGeneralizedTime = 24
	tagUniversalString = 28
	tagBMPString       = 30
)

const classUniversal, classContext = 0, 2

// asn1Result is what came of an attempt to read something.
type asn1Result uint8

const (
	asn1Failed asn1Result = iota
	asn1Absent            // it is optional and not there
	asn1OK
)

// asn1Decoder reads one encoding.
type asn1Decoder struct {
	queue []string          // OpenSSL's errors
	parts map[string][]byte // encodings by the names of their fields: "X509.cert_info"
	text  string            // what is wrong with a string of the name that is read
}

// decodeASN1 reads an encoding. rest is what follows it.
func decodeASN1(der []byte, it *asn1Item) (d *asn1Decoder, rest []byte, ok bool) {
	d = &asn1Decoder{parts: map[string][]byte{}}
	rest, result := d.item(der, it, asn1Tag{tag: -1}, false)
	return d, rest, result == asn1OK
}

// fail notes an error of OpenSSL.
func (d *asn1Decoder) fail(reason int, words string) ([]byte, asn1Result) {
	d.queue = append(d.queue, fmt.Sprintf("error:06%06X:asn1 encoding routines::%s", 0x800000+reason, words))
	return nil, asn1Failed
}

// nested notes that there is an error inside of something.
func (d *asn1Decoder) nested() ([]byte, asn1Result) { return d.fail(0x8010A, "nested asn1 error") }

// at says where the last error is.
func (d *asn1Decoder) at(place string) ([]byte, asn1Result) {
	d.queue[len(d.queue)-1] += ":" + place
	return nil, asn1Failed
}

// item reads a value of a type. tag takes the place of the type's own.
func (d *asn1Decoder) item(in []byte, it *asn1Item, tag asn1Tag, optional bool) ([]byte, asn1Result) {
	if len(in) == 0 {
		return d.fail(0xE0, "too small")
	}
	var rest []byte
	var result asn1Result
	switch it.kind {
	case asn1Sequence:
		rest, result = d.sequence(in, it, tag, optional)
	case asn1Wrapper:
		if it.check != nil {
			d.text = ""
		}
		rest, result = d.field(in, &it.fields[0], optional)
	case asn1Choice:
		return d.choice(in, it, optional)
	default:
		return d.value(in, it, tag, optional)
	}
	if result == asn1OK && it.check != nil && !it.check(d) {
		return nil, asn1Failed
	}
	return rest, result
}

// sequence reads the fields of a type.
func (d *asn1Decoder) sequence(in []byte, it *asn1Item, tag asn1Tag, optional bool) ([]byte, asn1Result) {
	place := "Type=" + it.name
	if tag.tag < 0 {
		tag = asn1Tag{classUniversal, tagSequence}
	}
	h, result := d.header(in, tag, optional)
	switch {
	case result == asn1Failed:
		d.nested()
		return d.at(place)
	case result == asn1Absent:
		return nil, asn1Absent
	case !h.constructed:
		d.fail(0x95, "sequence not constructed")
		return d.at(place)
	}
	rest, missing, place := d.fields(h, it)
	if place != "" {
		return d.at(place)
	}
	for _, f := range missing {
		if !f.optional {
			d.fail(0x79, "field missing")
			return d.at("Field=" + f.name + ", Type=" + it.name)
		}
	}
	if h.indefinite {
		return rest, asn1OK
	}
	return h.rest, asn1OK
}

// fields reads the contents of a sequence up to its end. missing are the fields
// that it has no more bytes for; place is where the error is, if there is one.
func (d *asn1Decoder) fields(h *asn1Header, it *asn1Item) (rest []byte, missing []asn1Field, place string) {
	rest, open := h.content, h.indefinite
	i := 0
	for ; i < len(it.fields) && len(rest) > 0; i++ {
		if isEndOfContents(rest) {
			if !open {
				d.fail(0x9F, "unexpected eoc")
				return nil, nil, "Type=" + it.name
			}
			rest, open = rest[2:], false
			break
		}
		f := &it.fields[i]
		after, result := d.field(rest, f, f.optional && i < len(it.fields)-1)
		switch result {
		case asn1Failed:
			return nil, nil, "Field=" + f.name + ", Type=" + it.name
		case asn1OK:
			d.parts[it.name+"."+f.name] = rest[:len(rest)-len(after)]
			rest = after
		}
	}
	switch {
	case open && !isEndOfContents(rest):
		d.fail(0x89, "missing eoc")
		return nil, nil, "Type=" + it.name
	case open:
		rest = rest[2:]
	case !h.indefinite && len(rest) > 0:
		d.fail(0x94, "sequence length mismatch")
		return nil, nil, "Type=" + it.name
	}
	return rest, it.fields[i:], ""
}

// field reads a part of a type.
func (d *asn1Decoder) field(in []byte, f *asn1Field, optional bool) ([]byte, asn1Result) {
	tag := asn1Tag{tag: -1}
	if f.context > 0 {
		tag = asn1Tag{classContext, f.context - 1}
	}
	if !f.explicit {
		return d.inner(in, f, tag, optional)
	}
	h, result := d.header(in, tag, optional)
	switch {
	case result == asn1Failed:
		return d.nested()
	case result == asn1Absent:
		return nil, asn1Absent
	case !h.constructed:
		return d.fail(0x78, "explicit tag not constructed")
	}
	rest, result := d.inner(h.content, f, asn1Tag{tag: -1}, false)
	switch {
	case result == asn1Failed:
		return d.nested()
	case h.indefinite && !isEndOfContents(rest):
		return d.fail(0x89, "missing eoc")
	case h.indefinite:
		return rest[2:], asn1OK
	case len(rest) > 0:
		return d.fail(0x77, "explicit length mismatch")
	}
	return h.rest, asn1OK
}

// inner reads what an explicit tag may be around.
func (d *asn1Decoder) inner(in []byte, f *asn1Field, tag asn1Tag, optional bool) ([]byte, asn1Result) {
	if f.repeated == 0 {
		rest, result := d.item(in, f.item, tag, optional)
		if result == asn1Failed {
			return d.nested()
		}
		return rest, result
	}
	if tag.tag < 0 {
		tag = asn1Tag{classUniversal, f.repeated}
	}
	h, result := d.header(in, tag, optional)
	switch result {
	case asn1Failed:
		return d.nested()
	case asn1Absent:
		return nil, asn1Absent
	}
	rest := h.content
	for len(rest) > 0 {
		if isEndOfContents(rest) {
			if !h.indefinite {
				return d.fail(0x9F, "unexpected eoc")
			}
			return rest[2:], asn1OK
		}
		if rest, result = d.item(rest, f.item, asn1Tag{tag: -1}, false); result == asn1Failed {
			return d.nested()
		}
	}
	if h.indefinite {
		return d.fail(0x89, "missing eoc")
	}
	return h.rest, asn1OK
}

// choice reads a value with one of some tags.
func (d *asn1Decoder) choice(in []byte, it *asn1Item, optional bool) ([]byte, asn1Result) {
	h, result := d.header(in, asn1Tag{tag: -1}, true)
	switch {
	case result == asn1Failed:
		d.nested()
	case h.class == classUniversal && slices.Contains(it.tags, h.tag):
		return d.value(in, it, asn1Tag{classUniversal, h.tag}, false)
	case optional:
		return nil, asn1Absent
	case h.class != classUniversal:
		d.fail(0x8B, "mstring not universal")
	default:
		d.fail(0x8C, "mstring wrong tag")
	}
	return d.at("Type=" + it.name)
}
