package tlsconf

import (
	"errors"
	"math/big"
	"strings"
)

// The types of parameters for DHE.
var (
	itemDHParams = &asn1Item{name: "DHparams", kind: asn1Sequence, fields: []asn1Field{
		{name: "params.p", item: itemNumber}, {name: "params.g", item: itemNumber}, {name: "length", item: itemInteger, optional: true},
	}}
	itemDHXParams = &asn1Item{name: "int_dhx942_dh", kind: asn1Sequence, fields: []asn1Field{
		{name: "p", item: itemNumber}, {name: "g", item: itemNumber}, {name: "q", item: itemNumber},
		{name: "j", item: itemNumber, optional: true}, {name: "vparams", item: itemAny, optional: true},
	}}
)

// CheckDHParams looks whether a file has parameters for DHE that are strong
// enough for a security level. crypto/tls has no use for them. Its error is a
// complete message.
func CheckDHParams(name string, level int) error {
	text, queue := readFile(name, "r")
	if queue != nil {
		return errors.New(withQueue("BIO_new_file(\""+name+"\") failed", queue...))
	}
	r := pemReader{rest: text}
	b, err := r.next("DH PARAMETERS", "DH PARAMETERS", "X9.42 DH PARAMETERS")
	reached := 0
	if err == nil {
		reached, err = dhLevel(b)
	}
	if err != nil {
		return failed("PEM_read_bio_DHparams(\""+name+"\") failed", err)
	}
	if reached < max(level, 1) { // level 0 asks for as much as level 1
		return failed("SSL_CTX_set_tmp_dh(\""+name+"\") failed", opensslQueue(sslError(0x18A, "dh key too small")))
	}
	return nil
}

// dhLevel is the security level that parameters reach.
func dhLevel(b *pemBlock) (int, error) {
	it, prime, order := itemDHParams, "params.p", "length"
	if strings.HasPrefix(b.kind, "X9.42") {
		it, prime, order = itemDHXParams, "p", "q"
	}
	d, _, ok := decodeASN1(b.der, it)
	if !ok {
		return 0, d.failure()
	}
	level := levelOf(integer(d.parts[it.name+"."+prime]).BitLen(), dsaSizes)
	size := integer(d.parts[it.name+"."+order])
	switch {
	case size.Sign() == 0:
	case it == itemDHXParams:
		level = min(level, levelOf(size.BitLen(), dsaOrderSizes))
	case size.Cmp(big.NewInt(1<<16)) < 0:
		level = min(level, levelOf(int(size.Int64()), dsaOrderSizes))
	}
	return level, nil
}
