package registry

import (
	"net/http"
	"slices"
	"strings"
)

func (a api) listSubjects(r *http.Request) (any, error) {
	names := []string{}
	for _, v := range a.store.All() {
		shown := flag(r, "deleted") || !v.deleted
		if shown && strings.HasPrefix(v.Subject, r.URL.Query().Get("subjectPrefix")) {
			names = append(names, v.Subject)
		}
	}
	return slices.Compact(names), nil
}

func (a api) register(r *http.Request) (any, error) {
	schema, err := readSchema(r)
	if err != nil {
		return nil, err
	}
	id, err := a.store.Register(r.PathValue("subject"), schema)
	return map[string]int{"id": id}, err
}

func (a api) lookup(r *http.Request) (any, error) {
	schema, err := readSchema(r)
	if err != nil {
		return nil, err
	}
	subject, deleted := r.PathValue("subject"), flag(r, "deleted")
	if len(visible(a.store.Versions(subject), deleted)) == 0 {
		return nil, refuse(subjectNotFound, "Subject '%s' not found.", subject)
	}
	version, found, err := a.store.Lookup(subject, schema, deleted)
	if err == nil && !found {
		err = refuse(schemaNotFound, "Schema not found")
	}
	return version, err
}

func (a api) listVersions(r *http.Request) (any, error) {
	subject := r.PathValue("subject")
	versions := visible(a.store.Versions(subject), flag(r, "deleted"))
	if len(versions) == 0 {
		return nil, refuse(subjectNotFound, "Subject '%s' not found.", subject)
	}
	return numbers(versions), nil
}

func (a api) getVersion(r *http.Request) (any, error) {
	return a.find(r.PathValue("subject"), r.PathValue("version"), flag(r, "deleted"))
}

func (a api) getVersionText(r *http.Request) (any, error) {
	version, err := a.find(r.PathValue("subject"), r.PathValue("version"), flag(r, "deleted"))
	return rawSchema(version.Schema), err
}

// referencedBy is always empty: no schema can refer to another one here.
func (a api) referencedBy(r *http.Request) (any, error) {
	_, err := a.find(r.PathValue("subject"), r.PathValue("version"), false)
	return []int{}, err
}

// deleteSubject hides all versions. With permanent=true it removes versions that are
// already hidden.
func (a api) deleteSubject(r *http.Request) (any, error) {
	subject, permanent := r.PathValue("subject"), flag(r, "permanent")
	all := a.store.Versions(subject)
	live := visible(slices.Clone(all), false)
	switch {
	case len(all) == 0:
		return nil, refuse(subjectNotFound, "Subject '%s' not found.", subject)
	case permanent && len(live) > 0:
		return nil, refuse(subjectNotDeleted, "Subject '%s' was not deleted first before being permanently deleted", subject)
	case !permanent && len(live) == 0:
		return nil, refuse(subjectDeleted, "Subject '%s' was soft deleted. Set permanent=true to delete permanently", subject)
	}
	gone := numbers(live)
	if permanent {
		gone = numbers(all)
	}
	return gone, a.store.Delete(subject, gone, permanent)
}

func (a api) deleteVersion(r *http.Request) (any, error) {
	subject, permanent := r.PathValue("subject"), flag(r, "permanent")
	version, err := a.find(subject, r.PathValue("version"), r.PathValue("version") != "latest")
	switch {
	case err != nil:
		return nil, err
	case permanent && !version.deleted:
		return nil, refuse(versionNotDeleted, "Subject '%s' Version %d was not deleted first before being permanently deleted",
			subject, version.Version)
	case !permanent && version.deleted:
		return nil, refuse(versionDeleted, "Subject '%s' Version %d was soft deleted. Set permanent=true to delete permanently",
			subject, version.Version)
	}
	return version.Version, a.store.Delete(subject, []int{version.Version}, permanent)
}

func numbers(versions []Version) []int {
	list := make([]int, len(versions))
	for i, v := range versions {
		list[i] = v.Version
	}
	return list
}
