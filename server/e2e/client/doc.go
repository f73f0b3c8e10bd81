// Package client is a client generated from openapi.yaml, by which an end-to-end test proves that the
// document is enough to work with. It knows nothing that the document does not say.
package client
