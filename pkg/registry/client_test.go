package registry

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestARefusedSchemaQuotesTheRegistry(t *testing.T) {
	for _, code := range []int{409, 40901, 422, 42201} {
		s := newStub(t)
		s.answer(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/config/") {
				_, _ = w.Write([]byte(`{"compatibilityLevel":"FULL_TRANSITIVE"}`))
				return
			}
			refuse(w, http.StatusConflict, code, "READER_FIELD_MISSING_DEFAULT_VALUE currency")
		})
		err := NewCodec(depot(t), s.client(), "depot").Register(t.Context())
		mustBe(t, err, ErrIncompatible)
		if !strings.Contains(err.Error(), "READER_FIELD_MISSING_DEFAULT_VALUE currency") {
			t.Error(err)
		}
	}
}

func TestSubjectIsFullTransitiveBeforeItsSchema(t *testing.T) {
	s := newStub(t)
	codec := registered(t, s, depot(t), "depot")
	want := map[string]string{"depot.events-test.depot.Dropped": "FULL_TRANSITIVE", "depot.events-test.depot.Parcel": "FULL_TRANSITIVE"}
	check := func(changes int) {
		t.Helper()
		if diff := cmp.Diff(want, s.levels); diff != "" || s.changes != changes {
			t.Errorf("%d changes, not %d; %s", s.changes, changes, diff)
		}
	}
	check(2)
	again := func() {
		t.Helper()
		if err := codec.Register(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	again()
	check(2) // a level that stands is not written again
	s.levels["depot.events-test.depot.Parcel"] = "NONE"
	again()
	check(3)
	s.forget(1)
	again()
	check(5)

	s.forget(1)
	s.answer(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut {
			refuse(w, http.StatusNotFound, 40401, "no such subject")
			return
		}
		refuse(w, http.StatusForbidden, 40301, "not for you to set")
	})
	err := codec.Register(t.Context())
	mustBe(t, err, ErrUnavailable)
	if !strings.Contains(err.Error(), "not for you to set") {
		t.Error(err)
	}
}

func TestASchemaIsRegisteredWithoutWhiteSpace(t *testing.T) {
	s := newStub(t)
	registered(t, s, load(t, "depot/Dropped/v1.avsc", strings.ReplaceAll(dropped, ",", " ,\r\n\t")), "depot")
	if s.byID[1] != dropped {
		t.Errorf("registered as %q", s.byID[1])
	}
}

func TestConcurrentRegistrationConflictIsRetried(t *testing.T) {
	s := newStub(t)
	collisions := 0
	s.answer(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && collisions == 0 {
			collisions++
			refuse(w, http.StatusConflict, 409, "An artifact with ID 'depot.events-test.depot.Dropped' in group 'null' already exists.")
			return
		}
		s.registry(w, r)
	})
	if err := NewCodec(depot(t), s.client(), "depot").Register(t.Context()); err != nil || collisions != 1 {
		t.Error(collisions, err)
	}
}

func TestARegistryThatGivesOutATakenIdIsNotTrusted(t *testing.T) {
	s := newStub(t)
	s.answer(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, _ = w.Write([]byte(`{"id":1}`))
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"schema": returned})
	})
	mustBe(t, NewCodec(depot(t), s.client(), "depot").Register(t.Context()), ErrMismatch)
}

func TestAnswersOfARegistry(t *testing.T) {
	say := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		want   error
	}{
		"unknown id":               {say(404, `{"error_code":40403,"message":"Schema 5 not found"}`), ErrUnknownSchema},
		"not a registry":           {say(404, "404 page not found"), ErrUnavailable},
		"server error":             {say(500, `{"error_code":50001,"message":"store"}`), ErrUnavailable},
		"forbidden":                {say(403, `{"error_code":40301,"message":"no"}`), ErrUnavailable},
		"a proxy's page":           {say(200, "<html>"), ErrUnavailable},
		"an empty object":          {say(200, "{}"), ErrUnavailable},
		"too large":                {say(200, `{"schema":"`+strings.Repeat("x", maxAnswer)+`"}`), ErrIncompatible},
		"too large an error":       {say(500, `{"message":"`+strings.Repeat("x", maxAnswer)+`"}`), ErrUnavailable},
		"not Avro":                 {say(200, `{"schema":"{\"type\":\"record\",\"name\":\"R\",\"fields\":[]}","schemaType":"JSON"}`), ErrIncompatible},
		"a broken schema":          {say(200, `{"schema":"{"}`), ErrIncompatible},
		"not a record":             {say(200, `{"schema":"\"string\""}`), ErrIncompatible},
		"refers to others":         {say(200, `{"schema":"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"f\",\"type\":\"other.T\"}]}","references":[{"name":"other.T","subject":"t","version":1}]}`), ErrIncompatible},
		"hangs up":                 {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, ErrUnavailable},
		"a schema of brackets":     {say(200, `{"schema":"`+strings.Repeat("[", 200_000)+`"}`), ErrIncompatible},
		"a field changed its type": {say(200, `{"schema":"{\"type\":\"record\",\"name\":\"test.depot.Dropped\",\"fields\":[{\"name\":\"parcelId\",\"type\":\"boolean\"}]}"}`), nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStub(t)
			s.answer(tt.answer)
			codec := NewCodec(depot(t), s.client(), "yard")
			w, err := codec.Writer(t.Context(), []byte{0, 0, 0, 0, 5, 0}, "")
			if tt.want != nil {
				mustBe(t, err, tt.want)
				if len(err.Error()) > 2*maxQuoted+200 {
					t.Errorf("the error has %d bytes", len(err.Error()))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			mustBe(t, w.Decode(&onlyID{}), ErrIncompatible)
		})
	}
}

func TestAnUnknownIdIsNotAskedForAtOnceAgain(t *testing.T) {
	s := newStub(t)
	codec := NewCodec(depot(t), s.client(), "yard")
	now := time.Now()
	codec.client.now = func() time.Time { return now }
	value := wire(t, 5, parcelV3, newParcel{ParcelID: "p"})
	for range 3 {
		_, err := codec.Writer(t.Context(), value, "")
		mustBe(t, err, ErrUnknownSchema)
	}
	if s.asked() != 1 {
		t.Errorf("asked %d times", s.asked())
	}
	s.know(5, parcelV3)
	now = now.Add(staleAfter)
	if _, err := codec.Writer(t.Context(), value, ""); err != nil {
		t.Error(err)
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	client := NewClient("http://127.0.0.1:1", time.Second)
	for id := range uint32(3 * maxCached) {
		client.remember(id, answer{})
	}
	if n := len(client.known); n != maxCached {
		t.Errorf("%d answers remembered", n)
	}
}

func TestACallerDoesNotWaitLongerThanItWants(t *testing.T) {
	s := newStub(t)
	arrived, release := make(chan struct{}, 1), make(chan struct{})
	s.answer(func(http.ResponseWriter, *http.Request) { arrived <- struct{}{}; <-release })
	t.Cleanup(func() { close(release) })
	codec := NewCodec(depot(t), s.client(), "depot")
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	go func() { <-arrived; stop() }()
	_, err := codec.Writer(ctx, []byte{0, 0, 0, 0, 5, 0}, "")
	mustBe(t, err, ErrUnavailable)
	mustBe(t, codec.Register(ctx), ErrUnavailable)
}

func TestASilentRegistryIsGivenUp(t *testing.T) {
	s := newStub(t)
	release := make(chan struct{})
	s.answer(func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	codec := NewCodec(depot(t), NewClient(s.URL, 50*time.Millisecond), "depot")
	mustBe(t, codec.Register(t.Context()), ErrUnavailable)
}
