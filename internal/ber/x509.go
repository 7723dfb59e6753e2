package ber

// Types without fields, by the names that OpenSSL has for them.
var (
	AnyType         = &Type{Name: "ASN1_ANY", Tag: AnyTag}
	booleanType     = &Type{Name: "ASN1_BOOLEAN", Tag: Boolean}
	IntegerType     = &Type{Name: "ASN1_INTEGER", Tag: Integer}
	NumberType      = &Type{Name: "BIGNUM", Tag: Integer, Unchecked: true}
	EnumeratedType  = &Type{Name: "ASN1_ENUMERATED", Tag: Enumerated}
	BitStringType   = &Type{Name: "ASN1_BIT_STRING", Tag: BitString}
	OctetStringType = &Type{Name: "ASN1_OCTET_STRING", Tag: OctetString}
	UTF8Type        = &Type{Name: "ASN1_UTF8STRING", Tag: UTF8String}
	NullType        = &Type{Name: "ASN1_NULL", Tag: Null}
	ObjectType      = &Type{Name: "ASN1_OBJECT", Tag: Object}
	TimeType        = &Type{Name: "ASN1_GENERALIZEDTIME", Tag: GeneralizedTime}
	certTime        = &Type{Name: "ASN1_TIME", Kind: AnyTime}
	nameText        = &Type{Name: "ASN1_PRINTABLE", Kind: AnyString}
)

// SequenceOf is a sequence of fields by the name that OpenSSL has for it.
func SequenceOf(name string, fields ...Field) *Type {
	return &Type{Name: name, Kind: Sequence, Fields: fields}
}

// Types of certificates and revocation lists (RFC 5280).
var (
	AlgorithmType = SequenceOf("X509_ALGOR",
		Field{Name: "algorithm", Of: ObjectType},
		Field{Name: "parameter", Of: AnyType, Optional: true})
	ExtensionType = SequenceOf("X509_EXTENSION",
		Field{Name: "object", Of: ObjectType},
		Field{Name: "critical", Of: booleanType, Optional: true},
		Field{Name: "value", Of: OctetStringType})
	attributeType = SequenceOf("X509_NAME_ENTRY",
		Field{Name: "object", Of: ObjectType},
		Field{Name: "value", Of: nameText})
	RelativeNameType = &Type{Name: "X509_NAME_ENTRIES", Kind: Wrapper, Fields: []Field{{Name: "RDNS", Of: attributeType, List: SetTag}}}
	NameType         = &Type{Name: "X509_NAME", Kind: DistinguishedName, Fields: []Field{{Name: "Name", Of: RelativeNameType, List: SequenceTag}}}
	validityType     = SequenceOf("X509_VAL",
		Field{Name: "notBefore", Of: certTime},
		Field{Name: "notAfter", Of: certTime})
	keyType = SequenceOf("X509_PUBKEY",
		Field{Name: "algor", Of: AlgorithmType},
		Field{Name: "public_key", Of: BitStringType})
	CertificateInfoType = verbatim(SequenceOf("X509_CINF",
		Field{Name: "version", Of: IntegerType, Tagging: Explicit, Tag: 0, Optional: true},
		Field{Name: "serialNumber", Of: IntegerType},
		Field{Name: "signature", Of: AlgorithmType},
		Field{Name: "issuer", Of: NameType},
		Field{Name: "validity", Of: validityType},
		Field{Name: "subject", Of: NameType},
		Field{Name: "key", Of: keyType},
		Field{Name: "issuerUID", Of: BitStringType, Tagging: Implicit, Tag: 1, Optional: true},
		Field{Name: "subjectUID", Of: BitStringType, Tagging: Implicit, Tag: 2, Optional: true},
		Field{Name: "extensions", Of: ExtensionType, List: SequenceTag, Tagging: Explicit, Tag: 3, Optional: true}))
	CertificateType = SequenceOf("X509",
		Field{Name: "cert_info", Of: CertificateInfoType},
		Field{Name: "sig_alg", Of: AlgorithmType},
		Field{Name: "signature", Of: BitStringType})
	revokedType = SequenceOf("X509_REVOKED",
		Field{Name: "serialNumber", Of: IntegerType},
		Field{Name: "revocationDate", Of: certTime},
		Field{Name: "extensions", Of: ExtensionType, List: SequenceTag, Optional: true})
	crlInfoType = SequenceOf("X509_CRL_INFO",
		Field{Name: "version", Of: IntegerType, Optional: true},
		Field{Name: "sig_alg", Of: AlgorithmType},
		Field{Name: "issuer", Of: NameType},
		Field{Name: "lastUpdate", Of: certTime},
		Field{Name: "nextUpdate", Of: certTime, Optional: true},
		Field{Name: "revoked", Of: revokedType, List: SequenceTag, Optional: true},
		Field{Name: "extensions", Of: ExtensionType, List: SequenceTag, Tagging: Explicit, Tag: 0, Optional: true})
	CRLType = SequenceOf("X509_CRL",
		Field{Name: "crl", Of: crlInfoType},
		Field{Name: "sig_alg", Of: AlgorithmType},
		Field{Name: "signature", Of: BitStringType})
)

func verbatim(t *Type) *Type {
	t.Verbatim = true
	return t
}
