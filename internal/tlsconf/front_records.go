package tlsconf

import (
	"errors"
	"io"
	"strings"
)

// Types of records and messages.
const (
	recordChangeCipher = 20
	recordAlert        = 21
	recordHandshake    = 22
	recordData         = 23

	typeHello       = 1
	typeCertificate = 11
	typeVerify      = 15
	typeKeyExchange = 16
)

// Sizes of headers, and OpenSSL's bounds.
const (
	recordHeader  = 5
	messageHeader = 4

	maxEmpty     = 32        // empty records in succession
	maxPacket    = 16707     // bytes in a record
	maxEncrypted = 16704     // in an encrypted one
	maxPlain     = 16 * 1024 // in one in clear text
	maxHello     = 131396
	maxChain     = 100 * 1024
	maxKey       = 2048
	minOldHello  = 9
	maxWarnings  = 5
)

// record is one in clear text.
type record struct {
	kind    byte
	version uint16
	size    int
	data    []byte
}

// fill makes sure that there are n bytes.
func (f *Front) fill(n int) error {
	for len(f.in) < n {
		if len(f.in) == cap(f.in) {
			f.in = append(make([]byte, 0, max(2*cap(f.in), 2048)), f.in...)
		}
		more, err := f.Conn.Read(f.in[len(f.in):cap(f.in)])
		f.in = f.in[:len(f.in)+more]
		if err == nil && more == 0 {
			err = io.ErrNoProgress
		}
		if err != nil && len(f.in) < n {
			return err
		}
	}
	return nil
}

// header reads the header of a record.
func (f *Front) header() (r record, err error) {
	if err := f.fill(recordHeader); err != nil {
		return r, err
	}
	h := f.in[:recordHeader]
	return record{kind: h[0], version: uint16(h[1])<<8 | uint16(h[2]), size: int(h[3])<<8 | int(h[4])}, nil
}

// body reads the data of a record.
func (f *Front) body(r *record) error {
	switch {
	case r.size > maxPacket:
		return f.Refuse(refusePacketLength)
	case r.size > maxEncrypted:
		return f.Refuse(refuseEncryptedLength)
	}
	if err := f.fill(recordHeader + r.size); err != nil {
		return err
	}
	f.begun = true
	r.data = f.in[recordHeader : recordHeader+r.size]
	if r.size > 0 {
		f.empty = 0
	} else {
		f.empty++
	}
	switch {
	case r.size > maxPlain:
		return f.Refuse(refuseDataLength)
	case f.empty > maxEmpty:
		return f.Refuse(refuseEmptyRecords)
	}
	return nil
}

// take removes a record from the bytes that have not been judged.
func (f *Front) take(r *record) (raw []byte) {
	raw, f.in = f.in[:recordHeader+r.size], f.in[recordHeader+r.size:]
	return raw
}

// readHello reads a record of the hello.
func (f *Front) readHello() error {
	r, err := f.header()
	switch {
	case err != nil:
		return err
	case !f.begun && r.kind&0x80 != 0 && byte(r.version) == typeHello:
		return f.readOldHello(int(r.kind&0x7f)<<8 | int(r.version>>8))
	case r.version>>8 != 3:
		return f.Refuse(f.noTLS())
	}
	if err := f.body(&r); err != nil {
		return err
	}
	raw := f.take(&r)
	switch {
	case r.kind == recordChangeCipher && len(f.message) < messageHeader:
		if r.size == 0 {
			return nil
		}
		if len(f.message) > 0 || r.size > 1 || r.data[0] != 1 {
			return f.Refuse(refuseChangeCipher)
		}
		return f.Refuse(refuseMessage)
	case r.kind != recordHandshake:
		f.version = r.version
		return f.Refuse(refuseMessage)
	case r.size == 0:
		return nil
	}
	f.kept, f.message = append(f.kept, raw...), append(f.message, r.data...)
	return f.judgeHello()
}

// noTLS is about a record whose version is none of TLS.
func (f *Front) noTLS() *Refusal {
	switch start := string(f.in[:recordHeader]); {
	case f.begun:
		return refuseRecordVersion
	case strings.HasPrefix(start, "GET "), start == "POST ", start == "HEAD ", strings.HasPrefix(start, "PUT "):
		return refuseHTTP
	case start == "CONNE":
		return refuseProxy
	}
	return refuseNotTLS
}

// judgeHello judges what there is of the hello. When it is complete, and good, its records
// are ready.
func (f *Front) judgeHello() error {
	m := f.message
	if len(m) < messageHeader {
		return nil
	}
	size := messageSize(m)
	switch {
	case m[0] != typeHello:
		return f.Refuse(refuseMessage)
	case size > maxHello:
		return f.Refuse(refuseMessageSize)
	case len(m) < messageHeader+size:
		return nil
	}
	h, r := ParseHello(m[:messageHeader+size])
	if r != nil {
		return f.Refuse(r)
	}
	h.InPieces = len(m) > messageHeader+size
	if err := f.ask(h); err != nil {
		return err
	}
	f.state = wantFlight
	f.ready, f.kept, f.message = f.kept, nil, nil
	return nil
}

func messageSize(m []byte) int { return int(m[1])<<16 | int(m[2])<<8 | int(m[3]) }

// ask finds out what is to become of a hello.
func (f *Front) ask(h *Hello) error {
	f.hello = h
	err := f.decide(f, h)
	r, refused := errors.AsType[*Refusal](err)
	switch {
	case h.Version != 0:
		f.version, f.agreed = h.Version, true
	case refused && r.Alert == alertProtocolVersion && r != refuseUnknownProtocol:
		f.version = h.Legacy // since OpenSSL answers in the client's
	}
	if refused {
		return f.Refuse(r)
	}
	return err
}

// readOldHello reads a hello in the form of SSL 2. If OpenSSL could answer it, which it does at level 0
// only, it is refused nevertheless.
func (f *Front) readOldHello(size int) error {
	switch {
	case size > maxPacket+recordHeader-2:
		return f.Refuse(refusePacketLength)
	case size < minOldHello:
		return f.Refuse(refuseShort)
	}
	if err := f.fill(2 + size); err != nil {
		return err
	}
	h, r := parseOldHello(f.in[2 : 2+size])
	if r != nil {
		return f.Refuse(r)
	}
	if err := f.ask(h); err != nil {
		return err
	}
	return f.Refuse(refuseVersion)
}
