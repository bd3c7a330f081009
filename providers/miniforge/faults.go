package miniforge

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Match chooses the API requests a fault hits; the zero value chooses all.
type Match struct {
	Method string // "" for any
	// Path is a path.Match pattern for the path below the API root, without
	// the leading slash: "repos/*/*/check-runs". "" for any.
	Path string
	// If narrows it further; nil for no further condition.
	If func(*http.Request) bool
}

// Fault is what happens to a request instead of, or on top of, the right answer.
type Fault struct {
	// Status is answered with Body and Headers; 0 cuts the connection, unless the
	// right answer follows (Slow, Stall, Halfway, Revoke).
	Status  int
	Headers map[string]string
	Body    string // default: GitHub's {"message": …} for the status
	// Times is how many requests are hit; 0 for every one until removed.
	Times int
	// AfterWrite lets the request take effect before its answer is replaced.
	AfterWrite bool
	// Delay is waited for before anything else, or until the caller gives up.
	Delay time.Duration
	// Slow only delays: the right answer follows.
	Slow bool
	// Stall is waited for in the middle of the right answer's body.
	Stall time.Duration
	// Halfway cuts the connection in the middle of the right answer's body.
	Halfway bool
	// Revoke makes the request's installation token expire before it arrives,
	// unless this is the token's first use: no token expires that fast.
	Revoke bool
}

// faults are the active faults, oldest first.
type faults struct {
	mu     sync.Mutex
	active []*activeFault
}

type activeFault struct {
	match Match
	fault Fault
	hits  int
}

// Fail makes matching API requests go wrong until the returned function is called.
func (f *Forge) Fail(m Match, fault Fault) (remove func()) {
	a := &activeFault{match: m, fault: fault}
	f.faults.mu.Lock()
	defer f.faults.mu.Unlock()
	f.faults.active = append(f.faults.active, a)
	return func() { f.faults.remove(a) }
}

func (fs *faults) remove(a *activeFault) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.active = slices.DeleteFunc(fs.active, func(o *activeFault) bool { return o == a })
}

// hit counts and returns the first fault that matches a request.
func (fs *faults) hit(r *http.Request) (Fault, bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, a := range fs.active {
		if (a.fault.Times == 0 || a.hits < a.fault.Times) && a.match.matches(r) {
			a.hits++
			return a.fault, true
		}
	}
	return Fault{}, false
}

func (m Match) matches(r *http.Request) bool {
	at := strings.Trim(strings.TrimPrefix(r.URL.Path, enterprisePrefix), "/")
	if m.Method != "" && m.Method != r.Method {
		return false
	}
	if fits, err := path.Match(m.Path, at); m.Path != "" && (err != nil || !fits) {
		return false
	}
	return m.If == nil || m.If(r)
}

// withFaults answers in the place of next where a fault is active.
func (f *Forge) withFaults(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault, hit := f.faults.hit(r)
		if !hit {
			fault, hit = f.storm.hit()
		}
		if !hit {
			next.ServeHTTP(w, r)
			return
		}
		f.pause(r, fault.Delay)
		if fault.Revoke {
			f.revoke(r)
		}
		switch {
		case fault.Stall > 0 || fault.Halfway:
			f.answerHalf(w, r, next, fault)
		case fault.Slow || fault.Revoke:
			next.ServeHTTP(w, r)
		default:
			if fault.AfterWrite {
				next.ServeHTTP(httptest.NewRecorder(), r)
			}
			fault.answer(w)
		}
	})
}

// pause waits, or until the caller gives up or the forge is closed.
func (f *Forge) pause(r *http.Request, d time.Duration) {
	if d == 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	case <-f.done.Done():
	}
}

// revoke ends the life of the token a request comes with.
func (f *Forge) revoke(r *http.Request) {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	_ = f.change(func(s *State) error {
		if t := s.tokens[token]; t != nil && t.used {
			delete(s.tokens, token)
		}
		return nil
	})
}

// answerHalf sends the right answer's headers and half of its body; then it
// stalls, or ends.
func (f *Forge) answerHalf(w http.ResponseWriter, r *http.Request, next http.Handler, fault Fault) {
	whole := httptest.NewRecorder()
	next.ServeHTTP(whole, r)
	body := whole.Body.Bytes()
	maps.Copy(w.Header(), whole.Header())
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(whole.Code)
	_, _ = w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush()
	if fault.Halfway {
		panic(http.ErrAbortHandler) // the documented way to cut a connection
	}
	f.pause(r, fault.Stall)
	_, _ = w.Write(body[len(body)/2:])
}

func (f Fault) answer(w http.ResponseWriter) {
	if f.Status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	for key, value := range f.Headers {
		w.Header().Set(key, value)
	}
	w.WriteHeader(f.Status)
	body := f.Body
	if body == "" {
		body = fmt.Sprintf(`{"message":%q,"documentation_url":%q}`, http.StatusText(f.Status), docs)
	}
	_, _ = w.Write([]byte(body))
}
