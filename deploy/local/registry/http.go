package registry

import (
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/quintet-eda/quintet/schemas/compat"
)

const (
	contentType = "application/vnd.schemaregistry.v1+json"
	maxBody     = 1 << 20
)

// api is the HTTP side of a store.
type api struct {
	store *Store
	log   *slog.Logger
}

// Handler serves the Confluent API of the store, and /healthz and /readyz.
func Handler(store *Store, log *slog.Logger) http.Handler {
	a := api{store, log}
	mux := http.NewServeMux()
	routes := map[string]func(*http.Request) (any, error){
		"GET /{$}":           func(*http.Request) (any, error) { return struct{}{}, nil },
		"GET /healthz":       func(*http.Request) (any, error) { return map[string]string{"status": "ok"}, nil },
		"GET /readyz":        func(*http.Request) (any, error) { return map[string]string{"status": "ready"}, nil },
		"GET /schemas/types": func(*http.Request) (any, error) { return []string{"AVRO"}, nil },

		"GET /subjects":                                           a.listSubjects,
		"POST /subjects/{subject}":                                a.lookup,
		"DELETE /subjects/{subject}":                              a.deleteSubject,
		"GET /subjects/{subject}/versions":                        a.listVersions,
		"POST /subjects/{subject}/versions":                       a.register,
		"GET /subjects/{subject}/versions/{version}":              a.getVersion,
		"GET /subjects/{subject}/versions/{version}/schema":       a.getVersionText,
		"GET /subjects/{subject}/versions/{version}/referencedby": a.referencedBy,
		"DELETE /subjects/{subject}/versions/{version}":           a.deleteVersion,

		"GET /schemas/ids/{id}":          a.getID,
		"GET /schemas/ids/{id}/schema":   a.getIDText,
		"GET /schemas/ids/{id}/versions": a.listIDVersions,
		"GET /schemas/ids/{id}/subjects": a.listIDSubjects,

		"POST /compatibility/subjects/{subject}/versions":           a.checkAll,
		"POST /compatibility/subjects/{subject}/versions/{version}": a.checkOne,

		"GET /config":              a.getConfig,
		"PUT /config":              a.putConfig,
		"DELETE /config":           a.deleteConfig,
		"GET /config/{subject}":    a.getConfig,
		"PUT /config/{subject}":    a.putConfig,
		"DELETE /config/{subject}": a.deleteConfig,
		"GET /mode":                a.getMode,
		"GET /mode/{subject}":      a.getMode,
	}
	for pattern, handle := range routes {
		mux.HandleFunc(pattern, a.answer(handle))
	}
	return a.known(mux)
}

// known answers requests without a route. The mux would answer them in plain text, and
// clients would report only that it is not JSON.
func (a api) known(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		a.answer(func(*http.Request) (any, error) { return nil, refuse(noSuchCall, "HTTP 404 Not Found") })(w, r)
	})
}

// rawSchema is answered as it is, not as a JSON string.
type rawSchema string

func (a api) answer(handle func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		w.Header().Set("Content-Type", contentType)
		body, err := handle(r)
		if err != nil {
			p := problemOf(err)
			if p.Code >= 50000 {
				a.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err.Error())
			}
			w.WriteHeader(p.status())
			body = p
		}
		if text, ok := body.(rawSchema); ok {
			_, _ = w.Write([]byte(text))
			return
		}
		_ = json.NewEncoder(w).Encode(body) // fails when the client has gone
	}
}

// schemaRequest is the request of a client to register, look up or check a schema.
type schemaRequest struct {
	Schema     string            `json:"schema"`
	SchemaType string            `json:"schemaType"`
	References []json.RawMessage `json:"references"`
	Metadata   json.RawMessage   `json:"metadata"`
	RuleSet    json.RawMessage   `json:"ruleSet"`
}

// readSchema refuses a request for a feature that the registry lacks. It never
// registers a schema without that feature.
func readSchema(r *http.Request) (string, error) {
	var req schemaRequest
	if err := readJSON(r, &req); err != nil {
		return "", err
	}
	given := func(part json.RawMessage) bool { return len(part) > 0 && string(part) != "null" }
	switch {
	case req.SchemaType != "" && req.SchemaType != "AVRO":
		return "", refuse(invalidSchema, "Invalid schema type %s: this registry holds AVRO only", req.SchemaType)
	case len(req.References) > 0:
		return "", refuse(invalidSchema, "Schema references are not supported")
	case given(req.Metadata), given(req.RuleSet):
		return "", refuse(invalidSchema, "Metadata and rule sets are not supported")
	case strings.TrimSpace(req.Schema) == "":
		return "", refuse(invalidSchema, "Empty schema")
	}
	return req.Schema, nil
}

// accepted are the content types of requests, as of Confluent's registry.
var accepted = []string{contentType, "application/vnd.schemaregistry+json", "application/json", "application/octet-stream"}

func readJSON(r *http.Request, into any) error {
	// curl's default content type is refused here too. Otherwise it would work until
	// the day it meets the real registry.
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || !slices.Contains(accepted, kind) {
		return refuse(wrongContentType, "HTTP 415 Unsupported Media Type")
	}
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		return refuse(malformed, "Malformed request: %v", err)
	}
	return nil
}

// find returns the version that a path names: a number, "latest" or -1. With
// deleted=true it finds softly deleted versions too.
func (a api) find(subject, name string, deleted bool) (Version, error) {
	number, err := strconv.ParseInt(name, 10, 32)
	latest := name == "latest" || (err == nil && number == -1)
	if !latest && (err != nil || number < 1) {
		return Version{}, refuse(invalidVersion, "The specified version '%s' is not a valid version id. "+
			"Allowed values are between [1, 2^31-1] and the string \"latest\"", name)
	}
	versions := visible(a.store.Versions(subject), deleted)
	if len(versions) == 0 {
		return Version{}, refuse(subjectNotFound, "Subject '%s' not found.", subject)
	}
	if latest {
		return versions[len(versions)-1], nil
	}
	at := slices.IndexFunc(versions, func(v Version) bool { return v.Version == int(number) })
	if at < 0 {
		return Version{}, refuse(versionNotFound, "Version %s not found.", name)
	}
	return versions[at], nil
}

// withID returns the versions that have the id in a path, in any subject. A schema
// whose versions are all softly deleted stays readable by id, since records written
// with it are still there.
func (a api) withID(r *http.Request) ([]Version, error) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		return nil, refuse(schemaNotFound, "Schema %s not found", r.PathValue("id"))
	}
	versions := slices.DeleteFunc(a.store.All(), func(v Version) bool { return v.ID != id })
	if len(versions) == 0 {
		return nil, refuse(schemaNotFound, "Schema %d not found", id)
	}
	return versions, nil
}

func visible(versions []Version, deleted bool) []Version {
	return slices.DeleteFunc(versions, func(v Version) bool { return v.deleted && !deleted })
}

// flag reads a switch of the query. Python's client writes it True.
func flag(r *http.Request, name string) bool {
	return strings.EqualFold(r.URL.Query().Get(name), "true")
}

// incompatible returns the reasons why a check refused a schema. It returns any other
// error as it is.
func incompatible(err error) ([]string, error) {
	var broken *compat.Error
	if errors.As(err, &broken) {
		return broken.Messages(), nil
	}
	return nil, err
}
