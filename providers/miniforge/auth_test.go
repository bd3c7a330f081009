package miniforge_test

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"

	"github.com/shipsql/shipsql/providers/miniforge"
)

// ask sends a GET with an Authorization header and returns the status.
func (b *bench) ask(path, authorization string) int {
	b.t.Helper()
	r := got[*http.Request](b.t)(http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.URL()+path, nil))
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	answer := got[*http.Response](b.t)(http.DefaultClient.Do(r))
	defer answer.Body.Close()
	return answer.StatusCode
}

func TestSignIn(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	own, err := jwt.ParseRSAPrivateKeyFromPEM(b.PrivateKeyPEM())
	must(t, err)
	foreign, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	now := time.Now()
	claims := jwt.RegisteredClaims{
		Issuer: strconv.FormatInt(b.AppID(), 10), IssuedAt: jwt.NewNumericDate(now.Add(-time.Minute)),
		ExpiresAt: jwt.NewNumericDate(now.Add(9 * time.Minute)),
	}
	sign := func(method jwt.SigningMethod, key any, change func(*jwt.RegisteredClaims)) string {
		c := claims
		change(&c)
		return "Bearer " + got[string](t)(jwt.NewWithClaims(method, c).SignedString(key))
	}
	same := func(*jwt.RegisteredClaims) {}
	for name, tc := range map[string]struct {
		authorization string
		want          int
	}{
		"right":          {sign(jwt.SigningMethodRS256, own, same), 200},
		"another's key":  {sign(jwt.SigningMethodRS256, foreign, same), 401},
		"no signature":   {sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, same), 401},
		"HMAC":           {sign(jwt.SigningMethodHS256, b.PrivateKeyPEM(), same), 401},
		"expired":        {sign(jwt.SigningMethodRS256, own, func(c *jwt.RegisteredClaims) { c.ExpiresAt = jwt.NewNumericDate(now.Add(-time.Second)) }), 401},
		"valid too long": {sign(jwt.SigningMethodRS256, own, func(c *jwt.RegisteredClaims) { c.ExpiresAt = jwt.NewNumericDate(now.Add(time.Hour)) }), 401},
		"another App":    {sign(jwt.SigningMethodRS256, own, func(c *jwt.RegisteredClaims) { c.Issuer = "1" }), 401},
		"nothing":        {"", 401},
		"basic":          {"Basic YTpi", 401},
	} {
		for _, root := range []string{"", "/api/v3"} {
			if got := b.ask(root+"/app", tc.authorization); got != tc.want {
				t.Errorf("%s at %q: %d, want %d", name, root, got, tc.want)
			}
		}
	}
	if got := b.ask("/repos/acme/orders", "token ghs_nonsense"); got != http.StatusUnauthorized {
		t.Errorf("an unknown token: %d", got)
	}
}

func TestTokensEnd(t *testing.T) {
	b := newBench(t, miniforge.Options{TokenLifetime: time.Hour})
	list, _, err := b.app.Apps.ListInstallations(t.Context(), nil)
	must(t, err)
	token, _, err := b.app.Apps.CreateInstallationToken(t.Context(), list[0].GetID(), nil)
	must(t, err)
	use := func() int { return b.ask("/repos/acme/orders", "token "+token.GetToken()) }
	if got := use(); got != http.StatusOK {
		t.Fatalf("a fresh token: %d", got)
	}
	b.ExpireTokens()
	if got := use(); got != http.StatusUnauthorized {
		t.Errorf("an expired token: %d", got)
	}
}

func TestUninstalledIsInvisible(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	must(t, b.AddRepo(miniforge.NewRepo{Name: "other/secret", Private: true}))
	must(t, b.AddRepo(miniforge.NewRepo{Name: "other/open", Uninstalled: true}))
	get := func(owner, name string) int {
		_, _, err := b.in.Repositories.Get(t.Context(), owner, name)
		return status(err)
	}
	if secret, open := get("other", "secret"), get("other", "open"); secret != 404 || open != 200 {
		t.Errorf("another account's private repository: %d, public: %d", secret, open)
	}
	mine, _, err := b.in.Apps.ListRepos(t.Context(), nil)
	must(t, err)
	if mine.GetTotalCount() != 1 {
		t.Errorf("%d repositories in the installation", mine.GetTotalCount())
	}
	must(t, b.Uninstall("acme"))
	if got := get("acme", "orders"); got != http.StatusUnauthorized {
		t.Errorf("after uninstalling the token gets %d", got)
	}
	_, _, err = b.app.Apps.FindRepositoryInstallation(t.Context(), "acme", "orders")
	if status(err) != http.StatusNotFound {
		t.Errorf("the installation is still found: %v", err)
	}
}
