package privateserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"
)

// Certificates are the paths of PEM files with which a client reaches a server
// that speaks TLS.
type Certificates struct {
	CA, Cert, Key string
}

// Certificates are the client's files of a server with [RedisOptions.TLS]. They
// are gone when the server is stopped.
func (r *Redis) Certificates() Certificates {
	s := r.private
	return Certificates{CA: s.path("ca.pem"), Cert: s.path("client.pem"), Key: s.path("client.key")}
}

func (r *Redis) tlsSettings() []string {
	s := r.private
	return []string{
		"port 0", fmt.Sprintf("tls-port %d", s.port), "tls-replication yes", "tls-cluster yes",
		"tls-ca-cert-file " + s.path("ca.pem"), "tls-cert-file " + s.path("server.pem"), "tls-key-file " + s.path("server.key"),
	}
}

// makeCertificates makes a CA, which nobody can use again, and what it signs.
func (r *Redis) makeCertificates() error {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	ca := template("ShipSQL private CA")
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return fmt.Errorf("make a CA: %w", err)
	}
	issuer := issuer{ca, caKey}
	return errors.Join(
		r.private.write("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		issuer.issue(r.private, "server"), issuer.issue(r.private, "client"))
}

type issuer struct {
	ca  *x509.Certificate
	key *ecdsa.PrivateKey
}

// issue writes name.pem and name.key, good for loopback on both sides.
func (i issuer) issue(s *server, name string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	c := template(name)
	c.IPAddresses, c.DNSNames = []net.IP{net.IPv4(127, 0, 0, 1)}, []string{"localhost", "redis.internal"}
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	der, err := x509.CreateCertificate(rand.Reader, c, i.ca, &key.PublicKey, i.key)
	if err != nil {
		return fmt.Errorf("issue a certificate: %w", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		s.write(name+".pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		s.write(name+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
}

func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
}

func certPool(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool, nil
}
