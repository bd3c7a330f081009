package intake_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// delivery is one webhook as it is sent.
type delivery struct {
	guid, event, signature string
	body                   []byte
	want                   int // the answer's status
}

func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// named is a repository as the forge's deliveries name it.
type named struct {
	ID       int64  `json:"id"`
	FullName string `json:"full_name"`
}

// stranger is one that no project is bound to: most of what an organisation's App
// hears is about such.
var stranger = named{ID: 4711, FullName: "acme/other-1"}

// ours is the repository of the project, by the forge's own deliveries.
func (w *world) ours(t *testing.T) named {
	t.Helper()
	var body struct{ Repository named }
	if err := json.Unmarshal(w.forge.Deliveries()[0].Payload, &body); err != nil || body.Repository.ID == 0 {
		t.Fatalf("%v: %+v", err, body)
	}
	return body.Repository
}

// pushesTo are pushes to branches that no project follows.
func pushesTo(r named, secret, prefix string, n int) []delivery {
	filler := bytes.Repeat([]byte(" "), 8<<10) // GitHub's pushes are about this large
	owner, name, _ := strings.Cut(r.FullName, "/")
	list := make([]delivery, n)
	for i := range list {
		body := slices.Clone(filler)
		copy(body, fmt.Sprintf(`{"ref":"refs/heads/topic-%[1]d","after":"%040[1]d","repository":{"id":%[2]d,"full_name":"%[3]s","name":"%[4]s","owner":{"login":"%[5]s"}},"sender":{"login":"ann","id":1}}`,
			i, r.ID, r.FullName, name, owner))
		list[i] = delivery{guid: prefix + strconv.Itoa(i), event: "push", signature: sign(secret, body), body: body, want: http.StatusAccepted}
	}
	return list
}

// comments makes people ask for help on the pull request, and returns the forge's
// own deliveries about that: each must be answered once.
func (w *world) comments(t *testing.T, n int) []delivery {
	t.Helper()
	for range n {
		if _, err := w.forge.CommentAs(repository, w.pull, writer, "/shipsql help"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := w.forge.Settled(ctx); err != nil {
		t.Fatal(err)
	}
	var list []delivery
	for _, d := range w.forge.Deliveries() {
		if d.Event == "issue_comment" && d.Action == "created" {
			list = append(list, delivery{guid: d.GUID, event: d.Event, signature: sign(w.forge.WebhookSecret(), d.Payload), body: d.Payload, want: http.StatusAccepted})
		}
	}
	if len(list) != n {
		t.Fatalf("the forge made %d deliveries of %d comments", len(list), n)
	}
	return list
}

// forged are copies with new ids whose signature is missing, another's, or for
// other words.
func forged(genuine []delivery, n int) []delivery {
	list := make([]delivery, n)
	for i := range list {
		d := genuine[i%len(genuine)]
		d.guid, d.want = fmt.Sprint("forged-", i), http.StatusUnauthorized
		switch i % 4 {
		case 0:
			d.signature = ""
		case 1:
			d.signature = sign("a guess", d.body)
		case 2:
			d.body = append(slices.Clone(d.body), ' ')
		case 3:
			d.signature = "sha256="
		}
		list[i] = d
	}
	return list
}

// shuffled puts the list out of order, each within the reach of its neighbours.
func shuffled(list []delivery) []delivery {
	const reach = 100
	list = slices.Clone(list)
	for from := 0; from < len(list); from += reach {
		part := list[from:min(from+reach, len(list))]
		rand.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
	}
	return list
}

// sender sends deliveries and takes the time of each answer.
type sender struct {
	client *http.Client
}

func newSender(t *testing.T) sender {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return sender{&http.Client{Transport: transport, Timeout: 10 * time.Second}} // a forge waits so long
}

// send returns the status of the answer.
func (s sender) send(target string, d delivery) (int, error) {
	request, err := http.NewRequest(http.MethodPost, target, bytes.NewReader(d.body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-GitHub-Event", d.event)
	request.Header.Set("X-GitHub-Delivery", d.guid)
	if d.signature != "" {
		request.Header.Set("X-Hub-Signature-256", d.signature)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}
