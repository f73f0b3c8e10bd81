package training

// CertificateQueries read certificates.
type CertificateQueries interface{}
