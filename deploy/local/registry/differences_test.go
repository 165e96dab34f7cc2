package registry_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// which of the two registries.
type which int

const (
	embedded which = iota
	apicurio
)

func TestTheEmbeddedRegistryDiffersAsItIsWritten(t *testing.T) {
	differs(t, serve(t, t.TempDir()), embedded)
}

// A difference is a call that the two registries answer differently: what the embedded one answers, which follows Confluent's
// documentation, and what Apicurio does. It is written as the status and the error's code, or a word that the answer holds.
// docs/embedded-and-real.md says who may meet it.
type difference struct {
	what               string
	method, path, body string
	embedded, apicurio string
}

func differences() []difference {
	placed, next, _ := versions("Differs")
	spaced := strings.ReplaceAll(placed, ",", " ,\n")
	ordered := `{"name":"Differs","namespace":"quintet.test","fields":[{"type":"string","name":"orderId"}],"type":"record"}`
	schema := func(text string) string { b, _ := json.Marshal(map[string]string{"schema": text}); return string(b) }
	return []difference{
		{"a schema in another text", "POST", "/subjects/differs/versions", schema(spaced), `200 {"id":ID}`, `200`},
		{"a schema in another order of attributes", "POST", "/subjects/differs/versions", schema(ordered), `200 {"id":ID}`, `200`},
		{"the versions after that", "GET", "/subjects/differs/versions", "", "200 [1]", "200 [1,2,3]"},
		{"a lookup by another text", "POST", "/subjects/differs-half", schema(strings.ReplaceAll(next, ",", ", ")), "200", "404 40403"},
		{"the level of a subject that has none", "GET", "/config/differs", "", "404 40408", `200 "NONE"`},
		{"the level of a subject that is not there", "GET", "/config/nobody?defaultToGlobal=true", "", `200 "FULL_TRANSITIVE"`, "404 40401"},
		{"the level when nothing was set", "GET", "/config", "", `200 "FULL_TRANSITIVE"`, `200 "NONE"`},
		{"the global level is taken away", "DELETE", "/config", "", "200", "405 0"},
		{"a level by an unknown name", "PUT", "/config", `{"compatibility":"SOMEHOW"}`, "422 42203", "400 not JSON"},
		{"a level in lower case", "PUT", "/config/differs-low", `{"compatibility":"full"}`, "200", "400 not JSON"},
		{"a version by an impossible number", "GET", "/subjects/differs/versions/0", "", "422 42202", "404 40402"},
		{"a check against a subject that is not there", "POST", "/compatibility/subjects/nobody/versions", schema(placed), `200 "is_compatible":true`, "404 40401"},
		{"a check against its latest version", "POST", "/compatibility/subjects/nobody/versions/latest", schema(placed), `200 "is_compatible":true`, "404 40402"},
		{"the reasons of a check", "POST", "/compatibility/subjects/differs-full/versions?verbose=true", schema(`"string"`), `200 "messages":[`, `200 "reason":"`},
		{"an empty schema", "POST", "/subjects/differs-empty/versions", `{"schema":""}`, "422 42201", "200"},
		{"no schema", "POST", "/subjects/differs-empty/versions", `{}`, "422 42201", "500 0"},
		{"an unknown type of schema", "POST", "/subjects/differs-empty/versions", `{"schema":"{}","schemaType":"FOO"}`, "422 42201", "500 0"},
		{"another type of schema", "POST", "/subjects/differs-json/versions", schema(`{"type":"object","properties":{}}`), "422 42201", "200"},
		{"the text of an id", "GET", "/schemas/ids/ID/schema", "", "200", "404 0"},
		{"the subjects of an id", "GET", "/schemas/ids/ID/subjects", "", "200", "404 0"},
		{"an id that is no number", "GET", "/schemas/ids/nine", "", "404 40403", "404 0"},
		{"a call that is not there", "GET", "/nowhere", "", "404 404", "404 0"},
		{"the mode", "GET", "/mode", "", "200", "404 0"},
		{"the deleted among the subjects", "GET", "/subjects?deleted=true&subjectPrefix=differs-deleted", "", `200 ["differs-deleted"]`, "200"},
		{"subjects by prefix", "GET", "/subjects?subjectPrefix=zz", "", "200 []", `200 "differs"`},
		{"what is not hidden is forgotten", "DELETE", "/subjects/differs?permanent=true", "", "404 40405", "409 40405"},
		{"what is hidden is hidden again", "DELETE", "/subjects/differs-half/versions/1", "", "404 40406", "409 40406"},
		{"a version that is not hidden is forgotten", "DELETE", "/subjects/differs-half/versions/2?permanent=true", "", "404 40407", "409 40407"},
		{"NONE where it is NONE", "PUT", "/config", `{"compatibility":"NONE"}`, "200", "404 0"},
	}
}

func differs(t *testing.T, base string, is which) {
	c := called{t, base}
	placed, next, _ := versions("Differs")
	id := c.register("differs", placed)
	c.register("differs-deleted", placed)
	c.ask("DELETE", "/subjects/differs-deleted", "")
	c.register("differs-half", placed)
	c.register("differs-half", next)
	c.ask("DELETE", "/subjects/differs-half/versions/1", "")
	c.ask("PUT", "/config/differs-full", `{"compatibility":"FULL"}`)
	c.register("differs-full", placed)
	for _, d := range differences() {
		status, answer := c.send(d.method, strings.ReplaceAll(d.path, "ID", id), d.body, "application/json")
		want := []string{d.embedded, d.apicurio}[is]
		wantStatus, rest, _ := strings.Cut(strings.ReplaceAll(want, "ID", id), " ")
		got := answer
		if status >= 400 {
			got = code(answer)
		}
		if fmt.Sprint(status) != wantStatus || !strings.Contains(got, rest) || (status >= 400 && got != rest) {
			t.Errorf("%s: %s %s %s: %d %s, want %s", d.what, d.method, d.path, d.body, status, answer, want)
		}
	}
}

// code of a refusal.
func code(answer string) string {
	var refusal struct {
		Code *int `json:"error_code"`
	}
	if err := json.Unmarshal([]byte(answer), &refusal); err != nil || refusal.Code == nil {
		return "not JSON"
	}
	return fmt.Sprint(*refusal.Code)
}
