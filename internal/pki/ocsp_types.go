package pki

import "github.com/gostream/gostream/internal/ber"

// Types of OCSP responses (RFC 6960), with OpenSSL's names.
var (
	certIDType = ber.SequenceOf("OCSP_CERTID",
		ber.Field{Name: "hashAlgorithm", Of: ber.AlgorithmType},
		ber.Field{Name: "issuerNameHash", Of: ber.OctetStringType},
		ber.Field{Name: "issuerKeyHash", Of: ber.OctetStringType},
		ber.Field{Name: "serialNumber", Of: ber.IntegerType})
	revokedType = ber.SequenceOf("OCSP_REVOKEDINFO",
		ber.Field{Name: "revocationTime", Of: ber.TimeType},
		ber.Field{Name: "revocationReason", Of: ber.EnumeratedType, Tagging: ber.Explicit, Tag: 0, Optional: true})
	certStatusType = &ber.Type{Name: "OCSP_CERTSTATUS", Kind: ber.Choice, Fields: []ber.Field{
		{Name: "value.good", Of: ber.NullType, Tagging: ber.Implicit, Tag: 0},
		{Name: "value.revoked", Of: revokedType, Tagging: ber.Implicit, Tag: 1},
		{Name: "value.unknown", Of: ber.NullType, Tagging: ber.Implicit, Tag: 2},
	}}
	singleType = ber.SequenceOf("OCSP_SINGLERESP",
		ber.Field{Name: "certId", Of: certIDType},
		ber.Field{Name: "certStatus", Of: certStatusType},
		ber.Field{Name: "thisUpdate", Of: ber.TimeType},
		ber.Field{Name: "nextUpdate", Of: ber.TimeType, Tagging: ber.Explicit, Tag: 0, Optional: true},
		ber.Field{Name: "singleExtensions", Of: ber.ExtensionType, List: ber.SequenceTag, Tagging: ber.Explicit, Tag: 1, Optional: true})
	responderIDType = &ber.Type{Name: "OCSP_RESPID", Kind: ber.Choice, Fields: []ber.Field{
		{Name: "value.byName", Of: ber.NameType, Tagging: ber.Explicit, Tag: 1},
		{Name: "value.byKey", Of: ber.OctetStringType, Tagging: ber.Explicit, Tag: 2},
	}}
	responseDataType = ber.SequenceOf("OCSP_RESPDATA",
		ber.Field{Name: "version", Of: ber.IntegerType, Tagging: ber.Explicit, Tag: 0, Optional: true},
		ber.Field{Name: "responderId", Of: responderIDType},
		ber.Field{Name: "producedAt", Of: ber.TimeType},
		ber.Field{Name: "responses", Of: singleType, List: ber.SequenceTag},
		ber.Field{Name: "responseExtensions", Of: ber.ExtensionType, List: ber.SequenceTag, Tagging: ber.Explicit, Tag: 1, Optional: true})
	basicResponseType = ber.SequenceOf("OCSP_BASICRESP",
		ber.Field{Name: "tbsResponseData", Of: responseDataType},
		ber.Field{Name: "signatureAlgorithm", Of: ber.AlgorithmType},
		ber.Field{Name: "signature", Of: ber.BitStringType},
		ber.Field{Name: "certs", Of: ber.CertificateType, List: ber.SequenceTag, Tagging: ber.Explicit, Tag: 0, Optional: true})
	responseBytesType = ber.SequenceOf("OCSP_RESPBYTES",
		ber.Field{Name: "responseType", Of: ber.ObjectType},
		ber.Field{Name: "response", Of: ber.OctetStringType})
	responseType = ber.SequenceOf("OCSP_RESPONSE",
		ber.Field{Name: "responseStatus", Of: ber.EnumeratedType},
		ber.Field{Name: "responseBytes", Of: responseBytesType, Tagging: ber.Explicit, Tag: 0, Optional: true})
)
