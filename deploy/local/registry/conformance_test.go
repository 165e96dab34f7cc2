package registry_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestTheEmbeddedRegistryConforms(t *testing.T) { conforms(t, serve(t, t.TempDir())) }

// conforms holds a registry against what the system, srclient, Confluent's clients and goavro's users need of it. It is the
// same text for the embedded one and the real one; how they differ beyond it is in differences. A real one is not empty,
// so every part has subjects and records of its own.
func conforms(t *testing.T, base string) {
	for name, part := range map[string]func(called){
		"a schema has one id wherever it is registered":      oneID,
		"what is registered is read back":                    readBack,
		"a schema is looked up":                              lookedUp,
		"what is unknown is told apart":                      unknown,
		"a subject is guarded before it has a schema":        guarded,
		"the global level holds where there is no other":     globalLevel,
		"what is not Avro is refused":                        notAvro,
		"requests are told by their content type":            contentTypes,
		"any name is a subject":                              names,
		"docs, defaults and attributes make another schema":  attributes,
		"a deleted subject is hidden first, forgotten later": deleted,
		"srclient finds its way":                             viaSrclient,
		"many registering at once get one id":                atOnce,
	} {
		t.Run(name, func(t *testing.T) { part(called{t, base}) })
	}
}

// called is a registry that a test calls.
type called struct {
	*testing.T
	base string
}

// ask returns the answer as JSON, with a number as its text.
func (c called) ask(method, path, body string) (status int, answer any) {
	c.Helper()
	status, text := c.send(method, path, body, "application/vnd.schemaregistry.v1+json")
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&answer); err != nil {
		c.Errorf("%s %s: %d, not JSON: %s", method, path, status, text)
	}
	return status, answer
}

func (c called) send(method, path, body, contentType string) (status int, answer string) {
	c.Helper()
	header := http.Header{"Accept": {"application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json, application/json"}}
	if body != "" && contentType != "" {
		header.Set("Content-Type", contentType)
	}
	status, answer, _ = send(c.T, method, c.base+path, body, header)
	return status, answer
}

// says wants a status and an answer, or the code of a refusal that says why.
func (c called) says(method, path, body string, status int, want any) {
	c.Helper()
	got, answer := c.ask(method, path, body)
	if refusal, ok := answer.(map[string]any); ok && status >= 400 {
		if refusal["message"] == "" || refusal["message"] == nil {
			c.Errorf("%s %s: no message in %v", method, path, answer)
		}
		answer = refusal["error_code"]
	}
	if text(c.T, answer) != text(c.T, want) || got != status {
		c.Errorf("%s %s %s: %d %s, want %d %s", method, path, body, got, text(c.T, answer), status, text(c.T, want))
	}
}

// register returns the id.
func (c called) register(subject, schema string) string {
	c.Helper()
	status, answer := c.ask("POST", "/subjects/"+subject+"/versions", schemaBody(c.T, schema))
	got, _ := answer.(map[string]any)
	id, ok := got["id"].(json.Number)
	if !ok || status != 200 {
		c.Fatalf("register %s under %s: %d %v", schema, subject, status, answer)
	}
	return id.String()
}

// text is the JSON of a value, the attributes sorted.
func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// versions of a record: the second may follow the first, the third the second but not the first.
func versions(name string) (first, second, third string) {
	form := `{"type":"record","name":"` + name + `","namespace":"quintet.test","fields":[{"name":"orderId","type":"string"}%s]}`
	return fmt.Sprintf(form, ""), fmt.Sprintf(form, `,{"name":"currency","type":"string","default":"USD"}`),
		fmt.Sprintf(form, `,{"name":"currency","type":"string"}`)
}

func oneID(c called) {
	first, second, _ := versions("OneID")
	id := c.register("one-id", first)
	for _, subject := range []string{"one-id", "one-id-elsewhere"} {
		if again := c.register(subject, first); again != id {
			c.Errorf("id %s, and again %s", id, again)
		}
	}
	c.says("GET", "/subjects/one-id/versions", "", 200, []int{1})
	next := c.register("one-id", second)
	if next == id {
		c.Errorf("two schemas have the id %s", id)
	}
	// As every start of a service does: older versions first.
	if again := c.register("one-id", first); again != id {
		c.Errorf("id %s, and after a second version %s", id, again)
	}
	c.says("GET", "/subjects/one-id/versions", "", 200, []int{1, 2})
	c.says("GET", "/subjects/one-id-elsewhere/versions", "", 200, []int{1})
}

func readBack(c called) {
	first, second, _ := versions("ReadBack")
	one, two := c.register("read-back", first), c.register("read-back", second)
	for version, want := range map[string][]string{"1": {one, "1", first}, "2": {two, "2", second}, "latest": {two, "2", second}, "-1": {two, "2", second}} {
		status, answer := c.ask("GET", "/subjects/read-back/versions/"+version, "")
		got, _ := answer.(map[string]any)
		if status != 200 || fmt.Sprint(got["id"]) != want[0] || fmt.Sprint(got["version"]) != want[1] || got["schema"] != want[2] || got["subject"] != "read-back" {
			c.Errorf("version %s: %d %v, want %v", version, status, answer, want)
		}
	}
	status, answer := c.ask("GET", "/schemas/ids/"+two, "")
	if got, _ := answer.(map[string]any); status != 200 || got["schema"] != second || got["schemaType"] != nil {
		c.Errorf("id %s: %d %v", two, status, answer)
	}
	c.says("GET", "/subjects/read-back/versions/2/schema", "", 200, decoded(c.T, second))
	c.says("GET", "/subjects/read-back/versions/2/referencedby", "", 200, []int{})
	c.says("GET", "/schemas/ids/"+one+"/versions", "", 200, []map[string]any{{"subject": "read-back", "version": 1}})
	_, answer = c.ask("GET", "/subjects", "")
	if list, _ := answer.([]any); !slices.Contains(list, any("read-back")) {
		c.Errorf("not among the subjects %v", answer)
	}
}

func lookedUp(c called) {
	first, second, third := versions("LookedUp")
	one, two := c.register("looked-up", first), c.register("looked-up", second)
	for schema, want := range map[string][]string{first: {one, "1"}, second: {two, "2"}} {
		// Python's client spells the switches so; with normalize the text does not matter, only what it says.
		for query, text := range map[string]string{"": schema, "?normalize=False&deleted=False": schema, "?normalize=true": strings.ReplaceAll(schema, ",", " ,\n\t")} {
			status, answer := c.ask("POST", "/subjects/looked-up"+query, schemaBody(c.T, text))
			got, _ := answer.(map[string]any)
			if status != 200 || fmt.Sprint(got["id"]) != want[0] || fmt.Sprint(got["version"]) != want[1] || got["subject"] != "looked-up" {
				c.Errorf("%s: %d %v, want %v", query, status, answer, want)
			}
		}
	}
	c.says("POST", "/subjects/looked-up", schemaBody(c.T, third), 404, 40403)
	c.says("POST", "/subjects/nobody", schemaBody(c.T, first), 404, 40401)
}

func unknown(c called) {
	first, _, _ := versions("Unknown")
	c.register("unknown", first)
	c.says("GET", "/subjects/nobody/versions", "", 404, 40401)
	c.says("GET", "/subjects/nobody/versions/1", "", 404, 40401)
	c.says("GET", "/subjects/nobody/versions/latest", "", 404, 40401)
	c.says("DELETE", "/subjects/nobody", "", 404, 40401)
	c.says("GET", "/subjects/unknown/versions/9", "", 404, 40402)
	c.says("DELETE", "/subjects/unknown/versions/9", "", 404, 40402)
	c.says("POST", "/compatibility/subjects/unknown/versions/9", schemaBody(c.T, first), 404, 40402)
	c.says("GET", "/schemas/ids/999999", "", 404, 40403)
	if status, _ := c.ask("GET", "/schemas/guids/b1946ac9", ""); status != 404 { // Confluent's newer calls: their clients go on without
		c.Errorf("an unknown call: %d", status)
	}
}

func guarded(c called) {
	first, second, third := versions("Guarded")
	c.says("PUT", "/config/guarded", `{"compatibility":"FULL_TRANSITIVE"}`, 200, map[string]string{"compatibility": "FULL_TRANSITIVE"})
	c.says("GET", "/config/guarded", "", 200, map[string]string{"compatibilityLevel": "FULL_TRANSITIVE"})
	c.register("guarded", first)
	c.says("GET", "/config/guarded?defaultToGlobal=true", "", 200, map[string]string{"compatibilityLevel": "FULL_TRANSITIVE"})
	c.register("guarded", second)

	less := strings.Replace(first, `{"name":"orderId","type":"string"}`, "", 1)
	renamed := strings.Replace(second, "Guarded", "Renamed", 1)
	retyped := strings.Replace(second, `"name":"orderId","type":"string"`, `"name":"orderId","type":"long"`, 1)
	for schema, named := range map[string]string{third: "currency", less: "orderId", renamed: "Renamed", retyped: ""} {
		status, answer := c.ask("POST", "/subjects/guarded/versions", schemaBody(c.T, schema))
		got, _ := answer.(map[string]any)
		if status != 409 || fmt.Sprint(got["error_code"]) != "409" || !strings.Contains(fmt.Sprint(got["message"]), named) {
			c.Errorf("%s: %d %v, want 409 with a message that names %s", schema, status, answer, named)
		}
		for _, query := range []string{"", "?verbose=true", "?normalize=False&verbose=True"} {
			status, answer := c.ask("POST", "/compatibility/subjects/guarded/versions"+query, schemaBody(c.T, schema))
			got, _ := answer.(map[string]any)
			if status != 200 || got["is_compatible"] != false || (query != "" && !strings.Contains(fmt.Sprint(answer), named)) {
				c.Errorf("check %s of %s: %d %v", query, schema, status, answer)
			}
		}
	}
	c.says("GET", "/subjects/guarded/versions", "", 200, []int{1, 2})
	for version, want := range map[string]bool{"1": false, "2": true, "latest": true} {
		status, answer := c.ask("POST", "/compatibility/subjects/guarded/versions/"+version, schemaBody(c.T, third))
		if got, _ := answer.(map[string]any); status != 200 || got["is_compatible"] != want {
			c.Errorf("check the third against %s: %d %v, want %t", version, status, answer, want)
		}
	}
	c.says("PUT", "/config/guarded", `{"compatibility":"FULL"}`, 200, map[string]string{"compatibility": "FULL"})
	c.register("guarded", third) // only the latest counts now
}

func globalLevel(c called) {
	first, _, third := versions("GlobalLevel")
	_, answer := c.ask("GET", "/config", "")
	before, _ := answer.(map[string]any)
	set := func(level any) {
		c.says("PUT", "/config", text(c.T, map[string]any{"compatibility": level}), 200, map[string]any{"compatibility": level})
		c.says("GET", "/config", "", 200, map[string]any{"compatibilityLevel": level})
	}
	c.register("global-level", first)
	set("BACKWARD")
	c.says("POST", "/subjects/global-level/versions", schemaBody(c.T, third), 409, 409)
	set("NONE")
	c.register("global-level", third)
	set("FULL")
	set(before["compatibilityLevel"])
}

func notAvro(c called) {
	first, _, _ := versions("NotAvro")
	c.register("not-avro", first)
	for _, schema := range []string{
		`{"type":`, `{"type":"rekord"}`, `bare`, `[]x`,
		`{"type":"record","name":"NotAvro","namespace":"quintet.test"}`,
		strings.Replace(first, `"type":"string"`, `"type":"Missing"`, 1),
		strings.Replace(first, `"type":"string"`, `"type":"int","default":"x"`, 1),
		strings.Replace(first, `"fields":[`, `"fields":[{"name":"orderId","type":"string"},`, 1),
	} {
		c.says("POST", "/subjects/not-avro/versions", schemaBody(c.T, schema), 422, 42201)
		c.says("POST", "/subjects/not-avro-yet/versions", schemaBody(c.T, schema), 422, 42201)
	}
	c.says("GET", "/subjects/not-avro/versions", "", 200, []int{1})
	c.says("GET", "/subjects/not-avro-yet/versions", "", 404, 40401)
	if status, _ := c.send("POST", "/subjects/not-avro/versions", "not JSON", "application/json"); status != 400 {
		c.Errorf("a request that is not JSON: %d", status)
	}
}

func contentTypes(c called) {
	first, _, _ := versions("ContentTypes")
	for contentType, want := range map[string]int{
		"application/vnd.schemaregistry.v1+json": 200, "application/vnd.schemaregistry+json": 200, "application/json": 200, "application/json; charset=utf-8": 200,
		"text/plain": 415, "application/x-www-form-urlencoded": 415, "": 415,
	} {
		status, answer := c.send("POST", "/subjects/content-types/versions", schemaBody(c.T, first), contentType)
		if status != want || !strings.HasPrefix(answer, "{") {
			c.Errorf("%q: %d %s", contentType, status, answer)
		}
	}
}

func names(c called) {
	first, _, _ := versions("Names")
	for _, name := range []string{"order.events-quintet.order.OrderPlaced", "a/b", "a b", "a%b", "a+b", "a:b", "ü", "a?b", "a#b"} {
		subject := url.PathEscape(name)
		c.register(subject, first)
		status, answer := c.ask("GET", "/subjects/"+subject+"/versions/1", "")
		if got, _ := answer.(map[string]any); status != 200 || got["subject"] != name {
			c.Errorf("%q: %d %v", name, status, answer)
		}
		c.says("PUT", "/config/"+subject, `{"compatibility":"NONE"}`, 200, map[string]string{"compatibility": "NONE"})
		_, answer = c.ask("GET", "/subjects", "")
		if list, _ := answer.([]any); !slices.Contains(list, any(name)) {
			c.Errorf("%q is not among the subjects %v", name, answer)
		}
	}
}

func attributes(c called) {
	first, _, _ := versions("Attributes")
	ids := map[string]string{}
	for _, schema := range []string{
		first,
		strings.Replace(first, `"type":"record"`, `"type":"record","doc":"An order."`, 1),
		strings.Replace(first, `"type":"string"`, `"type":"string","default":"x"`, 1),
		strings.Replace(first, `"type":"string"`, `"type":"string","personal":true`, 1),
		strings.Replace(first, `"type":"string"`, `"type":"string","aliases":["id"]`, 1),
	} {
		id := c.register("attributes", schema)
		if ids[id] != "" {
			c.Errorf("one id for %s and %s", ids[id], schema)
		}
		ids[id] = schema
	}
	c.says("GET", "/subjects/attributes/versions", "", 200, []int{1, 2, 3, 4, 5})
}

func deleted(c called) {
	first, second, _ := versions("Deleted")
	id := c.register("deleted", first)
	c.says("DELETE", "/subjects/deleted", "", 200, []int{1})
	c.says("GET", "/subjects/deleted/versions", "", 404, 40401)
	c.says("DELETE", "/subjects/deleted", "", 404, 40404)
	if status, _ := c.ask("GET", "/schemas/ids/"+id, ""); status != 200 { // records written with it are still there
		c.Errorf("id %s: %d", id, status)
	}
	if again := c.register("deleted", first); again != id {
		c.Errorf("id %s, and after its deletion %s", id, again)
	}
	c.register("deleted", second)
	c.says("GET", "/subjects/deleted/versions", "", 200, []int{2, 3})
	c.says("DELETE", "/subjects/deleted/versions/2", "", 200, 2)
	c.says("GET", "/subjects/deleted/versions", "", 200, []int{3})
	c.says("DELETE", "/subjects/deleted", "", 200, []int{3})
	if status, _ := c.ask("DELETE", "/subjects/deleted?permanent=true", ""); status != 200 {
		c.Errorf("forget it: %d", status)
	}
	c.says("GET", "/schemas/ids/"+id, "", 404, 40403)
}
