package registry

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
)

const (
	parcelV1 = `{"type":"record","name":"Parcel","namespace":"test.depot","fields":[
		{"name":"parcelId","type":"string"},
		{"name":"items","type":{"type":"array","items":{"type":"record","name":"Item","fields":[
			{"name":"code","type":"string"},{"name":"count","type":"int"},{"name":"price","type":"long"}]}}}]}`
	parcelV2 = `{"type":"record","name":"Parcel","namespace":"test.depot","fields":[
		{"name":"parcelId","type":"string"},
		{"name":"items","type":{"type":"array","items":{"type":"record","name":"Item","fields":[
			{"name":"code","type":"string"},{"name":"count","type":"int"},{"name":"price","type":"long"}]}}},
		{"name":"currency","type":"string","default":"USD"},
		{"name":"note","type":["null","string"],"default":null}]}`
	parcelV3 = `{"type":"record","name":"Parcel","namespace":"test.depot","fields":[
		{"name":"parcelId","type":"string"},
		{"name":"items","type":{"type":"array","items":{"type":"record","name":"Item","fields":[
			{"name":"code","type":"string"},{"name":"count","type":"int"},{"name":"price","type":"long"}]}}},
		{"name":"currency","type":"string","default":"USD"},
		{"name":"note","type":["null","string"],"default":null},
		{"name":"weight","type":"int","default":0}]}`
	// dropped and returned are alike in every byte of their data.
	dropped  = `{"type":"record","name":"Dropped","namespace":"test.depot","fields":[{"name":"parcelId","type":"string"}]}`
	returned = `{"type":"record","name":"Returned","namespace":"test.yard","fields":[{"name":"parcelId","type":"string"}]}`
)

type item struct {
	Code  string `avro:"code"`
	Count int32  `avro:"count"`
	Price int64  `avro:"price"`
}

type parcel struct {
	ParcelID string  `avro:"parcelId"`
	Items    []item  `avro:"items"`
	Currency string  `avro:"currency"`
	Note     *string `avro:"note"`
}

type oldParcel struct {
	ParcelID string `avro:"parcelId"`
	Items    []item `avro:"items"`
}

type newParcel struct {
	ParcelID string  `avro:"parcelId"`
	Items    []item  `avro:"items"`
	Currency string  `avro:"currency"`
	Note     *string `avro:"note"`
	Weight   int32   `avro:"weight"`
}

type onlyID struct {
	ParcelID string `avro:"parcelId"`
}

// load makes a contract of files given as path, text, path, text.
func load(tb testing.TB, files ...string) *Contract {
	tb.Helper()
	fsys := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		fsys[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	c, err := Load(fsys)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func depot(tb testing.TB) *Contract {
	return load(tb, "depot/Parcel/v1.avsc", parcelV1, "depot/Parcel/v2.avsc", parcelV2,
		"depot/Dropped/v1.avsc", dropped, "yard/Returned/v1.avsc", returned)
}

// stub is a registry of three endpoints whose answers a test can replace.
type stub struct {
	*httptest.Server
	mu       sync.Mutex
	byID     map[int]string
	next     int
	posts    []string          // subjects, in order
	levels   map[string]string // by subject; one without a level is an error, as to Confluent's
	gets     int               // of schemas
	changes  int               // of levels
	override http.HandlerFunc  // answers everything while set
}

func newStub(tb testing.TB) *stub {
	s := &stub{byID: map[int]string{}, levels: map[string]string{}, next: 1}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	tb.Cleanup(s.Close)
	return s
}

func (s *stub) client() *Client { return NewClient(s.URL, 2*time.Second) }

func (s *stub) answer(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.override = h
}

// know puts a schema under an id.
func (s *stub) know(id int, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID[id] = text
}

// forget loses all memory; the next schema gets the id first.
func (s *stub) forget(first int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID, s.levels, s.next = map[int]string{}, map[string]string{}, first
}

func (s *stub) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gets
}

func (s *stub) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/schemas/") {
		s.gets++
	}
	override := s.override
	s.mu.Unlock()
	if override != nil {
		override(w, r)
		return
	}
	s.registry(w, r)
}

func (s *stub) registry(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if subject, ok := strings.CutPrefix(r.URL.Path, "/config/"); ok {
		s.config(w, r, subject)
		return
	}
	if r.Method == http.MethodPost {
		var in struct{ Schema string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.posts = append(s.posts, strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/subjects/"), "/versions"))
		for id, text := range s.byID {
			if text == in.Schema {
				fmt.Fprintf(w, `{"id":%d}`, id)
				return
			}
		}
		s.byID[s.next] = in.Schema
		fmt.Fprintf(w, `{"id":%d}`, s.next)
		s.next++
		return
	}
	id, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/schemas/ids/"))
	text, ok := s.byID[id]
	if !ok {
		refuse(w, http.StatusNotFound, 40403, "Schema not found")
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"schema": text})
}

func (s *stub) config(w http.ResponseWriter, r *http.Request, subject string) {
	if r.Method == http.MethodPut {
		var in struct{ Compatibility string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.levels[subject] = in.Compatibility
		s.changes++
	}
	if s.levels[subject] == "" {
		refuse(w, http.StatusNotFound, 40408, "no level of its own")
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"compatibility": s.levels[subject], "compatibilityLevel": s.levels[subject]})
}

func refuse(w http.ResponseWriter, status, code int, message string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error_code": code, "message": message})
}
