package tlsconf

import (
	"crypto/tls"
	"errors"
	"io"
)

// open leaves everything that follows to crypto/tls.
func (f *Front) open() {
	f.state = wantAll
	f.ready, f.in = append(f.ready, f.in...), nil
}

// flight is how far the client has come with what it says after the hello.
type flight struct {
	last     byte   // type of the last message
	header   []byte // of one that has begun
	left     int    // bytes of it
	warnings int    // in succession
}

// readFlight reads a record after the hello. From the first one that announces
// encryption on they are not looked at any more.
func (f *Front) readFlight() error {
	if f.version == tls.VersionTLS13 {
		return f.readFlight13()
	}
	r, err := f.header()
	if err != nil {
		return err
	}
	if r.version != f.version {
		if r.version>>8 == 3 {
			if r.kind == recordAlert {
				return f.Refuse(refuseNotTLS)
			}
			f.version = r.version
		}
		return f.Refuse(refuseRecordVersion)
	}
	if err := f.body(&r); err != nil {
		return err
	}
	raw := f.take(&r)
	if r.kind != recordAlert && r.size > 0 {
		f.flight.warnings = 0
	}
	var refusal *Refusal
	switch {
	case r.kind == recordAlert:
		refusal = f.judgeAlert(r.data)
	case r.kind != recordHandshake && r.kind != recordChangeCipher:
		refusal = refuseRecord
	case r.size == 0:
		return nil
	case r.kind == recordHandshake:
		refusal = f.judgeMessages(r.data)
	default:
		refusal = f.judgeChangeCipher(r.data)
	}
	if refusal != nil {
		return f.Refuse(refusal)
	}
	f.ready = raw
	if r.kind == recordChangeCipher {
		f.open()
	}
	return nil
}

// readFlight13 reads a record after the hello with TLS 1.3, where all but alerts
// and what announces encryption must be encrypted. So are answers, which
// is why crypto/tls gets records that it refuses, and only the reason is known here.
func (f *Front) readFlight13() error {
	r, err := f.header()
	switch {
	case err != nil:
		return err
	case f.Retry && r.kind == recordHandshake:
		return f.readRetry(&r)
	case r.kind == recordData, f.Retry:
		f.open()
		return nil
	case r.kind != recordChangeCipher && r.kind != recordAlert && r.version>>8 == 3:
		return f.leave(refuseRecordType)
	case r.version != tls.VersionTLS12:
		return f.leave(refuseNotTLS)
	}
	if err := f.body(&r); err != nil {
		return err
	}
	if r.kind == recordAlert {
		return f.plainAlert(&r)
	}
	if r.size != 1 || r.data[0] != 1 {
		return f.leave(refuseChange13)
	}
	f.ready = f.take(&r)
	return nil
}

// readRetry reads the first record of another hello, which nothing else may be.
func (f *Front) readRetry(r *record) error {
	if err := f.body(r); err != nil {
		return err
	}
	switch m := r.data; {
	case len(m) == 0:
		return f.Refuse(refuseEmptyMessage)
	case len(m) < messageHeader:
	case m[0] != typeHello:
		return f.Refuse(refuseMessage)
	case messageSize(m) > maxHello:
		return f.Refuse(refuseMessageSize)
	}
	f.open()
	return nil
}

// leave leaves the refusal of the next record to crypto/tls.
func (f *Front) leave(r *Refusal) error {
	f.reason = r
	f.open()
	return nil
}

// plainAlert understands an alert that crypto/tls would try to decrypt: clients
// that do not like the server's answer send such.
func (f *Front) plainAlert(r *record) error {
	const warning, closeNotify, userCancelled = 1, 0, 90
	if r.size != 2 {
		return f.leave(refuseAlert)
	}
	level, alert := r.data[0], int(r.data[1])
	if level == warning {
		f.flight.warnings++
	}
	switch {
	case f.flight.warnings == maxWarnings:
		return f.leave(refuseWarnings)
	case alert == userCancelled:
		f.take(r)
		return nil
	case alert == closeNotify:
		return io.EOF
	}
	f.refused = true // so that nothing is sent any more
	return errors.New(alertError(alert))
}

// judgeAlert looks at the form of an alert, and at warnings.
func (f *Front) judgeAlert(data []byte) *Refusal {
	const warning, fatal, noRenegotiation = 1, 2, 100
	if len(data) != 2 {
		return refuseAlert
	}
	switch level, alert := data[0], data[1]; {
	case level == fatal:
		return nil
	case level != warning:
		return refuseAlertLevel
	case f.flight.warnings+1 == maxWarnings:
		return refuseWarnings
	case alert == noRenegotiation:
		return refuseNoRenegotiation
	}
	f.flight.warnings++
	return nil
}

// judgeChangeCipher looks at what announces encryption.
func (f *Front) judgeChangeCipher(data []byte) *Refusal {
	switch {
	case f.flight.left > 0:
		return refuseChangeEarly
	case len(f.flight.header) > 0, len(data) != 1, data[0] != 1:
		return refuseChangeCipher
	}
	return nil
}

// judgeMessages looks at the types and sizes of messages.
func (f *Front) judgeMessages(data []byte) *Refusal {
	for m := &f.flight; len(data) > 0; {
		if m.left > 0 {
			n := min(m.left, len(data))
			m.left, data = m.left-n, data[n:]
			continue
		}
		n := min(messageHeader-len(m.header), len(data))
		m.header, data = append(m.header, data[:n]...), data[n:]
		if len(m.header) < messageHeader {
			return nil
		}
		most := 0
		switch kind := m.header[0]; {
		case kind == typeCertificate && m.last == 0 && f.ClientCertificate:
			most = maxChain
		case kind == typeKeyExchange && (m.last == typeCertificate || m.last == 0 && !f.ClientCertificate):
			most = maxKey
		case kind == typeVerify && m.last == typeKeyExchange && f.ClientCertificate:
			most = maxPlain
		default:
			return refuseMessage
		}
		m.last, m.left, m.header = m.header[0], messageSize(m.header), m.header[:0]
		if m.left > most {
			return refuseMessageSize
		}
	}
	return nil
}
