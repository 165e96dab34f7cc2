package registry

import (
	"net/http"
	"slices"
	"strings"

	"github.com/quintet-eda/quintet/schemas/compat"
)

func (a api) getID(r *http.Request) (any, error) {
	versions, err := a.withID(r)
	if err != nil {
		return nil, err
	}
	return map[string]string{"schema": versions[0].Schema}, nil
}

func (a api) getIDText(r *http.Request) (any, error) {
	versions, err := a.withID(r)
	if err != nil {
		return nil, err
	}
	return rawSchema(versions[0].Schema), nil
}

func (a api) listIDVersions(r *http.Request) (any, error) {
	versions, err := a.withID(r)
	type pair struct {
		Subject string `json:"subject"`
		Version int    `json:"version"`
	}
	pairs := []pair{}
	for _, v := range visible(versions, flag(r, "deleted")) {
		pairs = append(pairs, pair{v.Subject, v.Version})
	}
	return pairs, err
}

func (a api) listIDSubjects(r *http.Request) (any, error) {
	versions, err := a.withID(r)
	names := []string{}
	for _, v := range visible(versions, flag(r, "deleted")) {
		names = append(names, v.Subject)
	}
	return slices.Compact(names), err
}

// verdict is the answer to "may this schema be registered?".
type verdict struct {
	Compatible bool     `json:"is_compatible"`
	Messages   []string `json:"messages,omitempty"` // with verbose=true
}

func (a api) checkAll(r *http.Request) (any, error) { return a.check(r, 0) }

func (a api) checkOne(r *http.Request) (any, error) {
	subject, name := r.PathValue("subject"), r.PathValue("version")
	if name == "latest" && len(visible(a.store.Versions(subject), false)) == 0 {
		return a.check(r, 0) // a first version is always compatible
	}
	version, err := a.find(subject, name, false)
	if err != nil {
		return nil, err
	}
	return a.check(r, version.Version)
}

func (a api) check(r *http.Request, version int) (any, error) {
	schema, err := readSchema(r)
	if err != nil {
		return nil, err
	}
	messages, err := incompatible(a.store.Compatible(r.PathValue("subject"), version, schema))
	if err != nil {
		return nil, err
	}
	v := verdict{Compatible: len(messages) == 0}
	if flag(r, "verbose") {
		v.Messages = messages
	}
	return v, nil
}

func (a api) getConfig(r *http.Request) (any, error) {
	subject := r.PathValue("subject")
	level, own := a.store.Level(subject)
	if subject != "" && !own && !flag(r, "defaultToGlobal") {
		return nil, refuse(noSubjectLevel, "Subject '%s' does not have subject-level compatibility configured", subject)
	}
	return map[string]compat.Level{"compatibilityLevel": level}, nil
}

func (a api) putConfig(r *http.Request) (any, error) {
	var req struct {
		Level string `json:"compatibility"`
	}
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	level, err := compat.ParseLevel(strings.ToUpper(req.Level))
	if err != nil {
		return nil, err
	}
	return map[string]compat.Level{"compatibility": level}, a.store.SetLevel(r.PathValue("subject"), level)
}

// deleteConfig answers with the level that was in force. srclient reads it as
// compatibility, Confluent's clients as either.
func (a api) deleteConfig(r *http.Request) (any, error) {
	subject := r.PathValue("subject")
	before, own := a.store.Level(subject)
	if subject != "" && !own {
		return nil, refuse(noSubjectLevel, "Subject '%s' does not have subject-level compatibility configured", subject)
	}
	return map[string]compat.Level{"compatibility": before, "compatibilityLevel": before}, a.store.SetLevel(subject, "")
}

func (a api) getMode(r *http.Request) (any, error) {
	if subject := r.PathValue("subject"); subject != "" && !flag(r, "defaultToGlobal") {
		return nil, refuse(noSubjectMode, "Subject '%s' does not have subject-level mode configured", subject)
	}
	return map[string]string{"mode": "READWRITE"}, nil
}
