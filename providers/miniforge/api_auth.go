package miniforge

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v4"
)

// access is who may call a route.
type access int

const (
	asApp          access = iota // a JWT signed with the App's key
	asInstallation               // an installation token
)

// token is an installation's access token.
type token struct {
	installation *installation
	expires      time.Time
	used         bool
}

// appKey is the App's key. One per process is enough, as they are slow to make.
var appKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// AppID is the App's id.
func (f *Forge) AppID() int64 { return appID }

// PrivateKeyPEM is the App's RSA key; nil when the machine can't make one.
func (f *Forge) PrivateKeyPEM() []byte {
	key, err := appKey()
	if err != nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
}

// authenticate finds out who calls; refused says that the answer is final.
func (c *call) authenticate(as access) (refusal answer, refused bool) {
	scheme, credentials, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	if credentials == "" || (!strings.EqualFold(scheme, "bearer") && !strings.EqualFold(scheme, "token")) {
		return problem(http.StatusUnauthorized, "Requires authentication"), true
	}
	if as == asApp {
		return c.checkJWT(credentials)
	}
	t, known := c.tokens[credentials]
	if !known || !time.Now().Before(t.expires) {
		return problem(http.StatusUnauthorized, "Bad credentials"), true
	}
	c.installation, t.used = t.installation, true
	if !c.installation.suspended.IsZero() {
		return suspended(), true
	}
	return answer{}, false
}

func suspended() answer {
	return problem(http.StatusForbidden, "This installation has been suspended")
}

// maxJWTLife is how far ahead GitHub lets a JWT expire, with a minute for skew.
const maxJWTLife = 11 * time.Minute

func (c *call) checkJWT(text string) (refusal answer, refused bool) {
	var claims jwt.RegisteredClaims
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"})).ParseWithClaims(text, &claims,
		func(*jwt.Token) (any, error) {
			key, err := appKey()
			if err != nil {
				return nil, err
			}
			return &key.PublicKey, nil
		})
	switch {
	case err != nil:
		return problem(http.StatusUnauthorized, "A JSON web token could not be decoded"), true
	case claims.ExpiresAt == nil || time.Until(claims.ExpiresAt.Time) > maxJWTLife:
		return problem(http.StatusUnauthorized, "'Expiration time' claim ('exp') is too far in the future"), true
	case claims.Issuer != strconv.Itoa(appID):
		return problem(http.StatusUnauthorized, "'Issuer' claim ('iss') must be the App's id"), true
	}
	return answer{}, false
}

func (s *State) newToken(in *installation) (string, *token) {
	raw := make([]byte, 18)
	_, _ = rand.Read(raw) // never fails, see crypto/rand
	text := "ghs_" + hex.EncodeToString(raw)
	t := &token{installation: in, expires: time.Now().Add(s.o.TokenLifetime).UTC().Truncate(time.Second)}
	s.tokens[text] = t
	return text, t
}

// spend counts a request against the installation's hourly limit and says
// whether that is used up.
func (c *call) spend() (exhausted bool) {
	in := c.installation
	if hour := time.Now().Truncate(time.Hour); !in.hour.Equal(hour) {
		in.hour, in.used = hour, 0
	}
	if in.used >= c.o.RateLimit {
		return true
	}
	in.used++
	return false
}

func (c *call) rateHeaders(h http.Header) {
	in := c.installation
	h.Set("X-RateLimit-Limit", strconv.Itoa(c.o.RateLimit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(c.o.RateLimit-in.used))
	h.Set("X-RateLimit-Used", strconv.Itoa(in.used))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(in.hour.Add(time.Hour).Unix(), 10))
	h.Set("X-RateLimit-Resource", "core")
}
