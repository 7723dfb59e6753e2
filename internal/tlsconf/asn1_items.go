package tlsconf

// The types that a certificate consists of.
var (
	itemObject    = &asn1Item{name: "ASN1_OBJECT", tags: []int{tagObject}}
	itemInteger   = &asn1Item{name: "ASN1_INTEGER", tags: []int{tagInteger}}
	itemNumber    = &asn1Item{name: "BIGNUM", tags: []int{tagInteger}, lax: true}
	itemBoolean   = &asn1Item{name: "ASN1_BOOLEAN", tags: []int{tagBoolean}}
	itemBits      = &asn1Item{name: "ASN1_BIT_STRING", tags: []int{tagBitString}}
	itemOctets    = &asn1Item{name: "ASN1_OCTET_STRING", tags: []int{tagOctetString}}
	itemText      = &asn1Item{name: "ASN1_UTF8STRING", tags: []int{tagUTF8String}}
	itemAny       = &asn1Item{name: "ASN1_ANY", kind: asn1Any}
	itemTime      = &asn1Item{name: "ASN1_TIME", kind: asn1Choice, tags: []int{tagUTCTime, tagGeneralizedTime}}
	itemPrintable = &asn1Item{name: "ASN1_PRINTABLE", kind: asn1Choice, tags: []int{
		tagBitString, 7, 8, 9, 11, tagUTF8String, 13, 14, 15, tagSequence, 18, 19, 20, 22, tagUniversalString, 29, tagBMPString,
	}}

	itemAlgorithm = &asn1Item{name: "X509_ALGOR", kind: asn1Sequence, fields: []asn1Field{
		{name: "algorithm", item: itemObject}, {name: "parameter", item: itemAny, optional: true},
	}}
	itemNameEntry = &asn1Item{name: "X509_NAME_ENTRY", kind: asn1Sequence, fields: []asn1Field{
		{name: "object", item: itemObject}, {name: "value", item: itemPrintable},
	}}
	itemNameEntries = &asn1Item{name: "X509_NAME_ENTRIES", kind: asn1Wrapper, fields: []asn1Field{
		{name: "RDNS", item: itemNameEntry, repeated: tagSet},
	}}
	itemName = &asn1Item{name: "X509_NAME", kind: asn1Wrapper, check: checkName, fields: []asn1Field{
		{name: "Name", item: itemNameEntries, repeated: tagSequence},
	}}
	itemValidity = &asn1Item{name: "X509_VAL", kind: asn1Sequence, fields: []asn1Field{
		{name: "notBefore", item: itemTime}, {name: "notAfter", item: itemTime},
	}}
	itemPublicKey = &asn1Item{name: "X509_PUBKEY", kind: asn1Sequence, fields: []asn1Field{
		{name: "algor", item: itemAlgorithm}, {name: "public_key", item: itemBits},
	}}
	itemExtension = &asn1Item{name: "X509_EXTENSION", kind: asn1Sequence, fields: []asn1Field{
		{name: "object", item: itemObject}, {name: "critical", item: itemBoolean, optional: true}, {name: "value", item: itemOctets},
	}}
	itemCertificateInfo = &asn1Item{name: "X509_CINF", kind: asn1Sequence, fields: []asn1Field{
		{name: "version", item: itemInteger, optional: true, context: 1, explicit: true},
		{name: "serialNumber", item: itemInteger},
		{name: "signature", item: itemAlgorithm},
		{name: "issuer", item: itemName},
		{name: "validity", item: itemValidity},
		{name: "subject", item: itemName},
		{name: "key", item: itemPublicKey},
		{name: "issuerUID", item: itemBits, optional: true, context: 2},
		{name: "subjectUID", item: itemBits, optional: true, context: 3},
		{name: "extensions", item: itemExtension, optional: true, context: 4, explicit: true, repeated: tagSequence},
	}}
	itemCertificate = &asn1Item{name: "X509", kind: asn1Sequence, fields: []asn1Field{
		{name: "cert_info", item: itemCertificateInfo}, {name: "sig_alg", item: itemAlgorithm}, {name: "signature", item: itemBits},
	}}
	itemTrust = &asn1Item{name: "X509_CERT_AUX", kind: asn1Sequence, fields: []asn1Field{
		{name: "trust", item: itemObject, optional: true, repeated: tagSequence},
		{name: "reject", item: itemObject, optional: true, context: 1, repeated: tagSequence},
		{name: "alias", item: itemText, optional: true},
		{name: "keyid", item: itemOctets, optional: true},
		{name: "other", item: itemAlgorithm, optional: true, context: 2, repeated: tagSequence},
	}}
)

// checkName notes what OpenSSL says about a name that has a string which cannot
// be compared with others.
func checkName(d *asn1Decoder) bool {
	if d.text == "" {
		return true
	}
	d.queue = append(d.queue, d.text)
	d.nested()
	return false
}

// The types of private keys.
var (
	itemPKCS8 = &asn1Item{name: "PKCS8_PRIV_KEY_INFO", kind: asn1Sequence, fields: []asn1Field{
		{name: "version", item: itemInteger}, {name: "pkeyalg", item: itemAlgorithm}, {name: "pkey", item: itemOctets},
		{name: "attributes", item: itemAny, optional: true, context: 1, repeated: tagSet},
	}}
	itemEncryptedKey = &asn1Item{name: "X509_SIG", kind: asn1Sequence, fields: []asn1Field{
		{name: "algor", item: itemAlgorithm}, {name: "digest", item: itemOctets},
	}}
	itemRSAKey = &asn1Item{name: "RSAPrivateKey", kind: asn1Sequence, fields: []asn1Field{
		{name: "version", item: itemInteger}, {name: "n", item: itemNumber}, {name: "e", item: itemNumber}, {name: "d", item: itemNumber},
		{name: "p", item: itemNumber}, {name: "q", item: itemNumber}, {name: "dmp1", item: itemNumber}, {name: "dmq1", item: itemNumber},
		{name: "iqmp", item: itemNumber}, {name: "prime_infos", item: itemAny, optional: true, repeated: tagSequence},
	}}
	itemECKey = &asn1Item{name: "EC_PRIVATEKEY", kind: asn1Sequence, fields: []asn1Field{
		{name: "version", item: itemInteger}, {name: "privateKey", item: itemOctets},
		{name: "parameters", item: itemAny, optional: true, context: 1, explicit: true},
		{name: "publicKey", item: itemBits, optional: true, context: 2, explicit: true},
	}}
	itemDSAKey = &asn1Item{name: "DSA", kind: asn1Sequence, fields: []asn1Field{
		{name: "version", item: itemInteger}, {name: "params.p", item: itemNumber}, {name: "params.q", item: itemNumber},
		{name: "params.g", item: itemNumber}, {name: "pub_key", item: itemNumber}, {name: "priv_key", item: itemNumber},
	}}
)
