package registry_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quintet-eda/quintet/deploy/local/registry"
	"github.com/quintet-eda/quintet/schemas/compat"
)

func TestEachProblemHasConfluentsCode(t *testing.T) {
	url := serve(t, t.TempDir())
	request(t, "POST", url+"/subjects/a/versions", schemaBody(t, placed1))
	request(t, "POST", url+"/subjects/gone/versions", schemaBody(t, placed1))
	request(t, "DELETE", url+"/subjects/gone", "")

	for _, c := range []struct {
		method, path, body string
		status, code       int
	}{
		{"GET", "/subjects/none/versions", "", 404, 40401},
		{"GET", "/subjects/none/versions/1", "", 404, 40401},
		{"GET", "/subjects/gone/versions/latest", "", 404, 40401},
		{"POST", "/subjects/none", schemaBody(t, placed1), 404, 40401},
		{"DELETE", "/subjects/none", "", 404, 40401},
		{"GET", "/subjects/a/versions/2", "", 404, 40402},
		{"POST", "/subjects/a", schemaBody(t, other), 404, 40403},
		{"GET", "/schemas/ids/9", "", 404, 40403},
		{"GET", "/schemas/ids/nine/versions", "", 404, 40403},
		{"DELETE", "/subjects/gone", "", 404, 40404},
		{"DELETE", "/subjects/a?permanent=true", "", 404, 40405},
		{"DELETE", "/subjects/gone/versions/1", "", 404, 40406},
		{"DELETE", "/subjects/a/versions/1?permanent=true", "", 404, 40407},
		{"GET", "/config/a", "", 404, 40408},
		{"DELETE", "/config/a", "", 404, 40408},
		{"GET", "/mode/a", "", 404, 40409},
		{"POST", "/subjects/a/versions", schemaBody(t, other), 409, 409},
		{"POST", "/subjects/a/versions", schemaBody(t, `{"type":"rekord"}`), 422, 42201},
		{"POST", "/subjects/a/versions", schemaBody(t, ``), 422, 42201},
		{"POST", "/subjects/a/versions", `{"schema":"{}","schemaType":"PROTOBUF"}`, 422, 42201},
		{"POST", "/subjects/a/versions", `{"schema":"\"string\"","references":[{"name":"b"}]}`, 422, 42201},
		{"POST", "/subjects/a/versions", `{"schema":"\"string\"","ruleSet":{"domainRules":[]}}`, 422, 42201},
		{"POST", "/compatibility/subjects/a/versions/latest", schemaBody(t, `{"type":`), 422, 42201},
		{"GET", "/subjects/a/versions/first", "", 422, 42202},
		{"GET", "/subjects/a/versions/0", "", 422, 42202},
		{"PUT", "/config", `{"compatibility":"SOMEHOW"}`, 422, 42203},
		{"POST", "/subjects/a/versions", `not JSON`, 400, 400},
	} {
		status, answer := request(t, c.method, url+c.path, c.body)
		if status != c.status || !strings.Contains(answer, fmt.Sprintf(`"error_code":%d,`, c.code)) {
			t.Errorf("%s %s: %d %s, want %d and code %d", c.method, c.path, status, answer, c.status, c.code)
		}
	}
}

func TestVerboseCompatibilityCheckGivesReasons(t *testing.T) {
	url := serve(t, t.TempDir())
	request(t, "POST", url+"/subjects/a/versions", schemaBody(t, placed1))

	for _, path := range []string{"/compatibility/subjects/a/versions", "/compatibility/subjects/a/versions/1"} {
		status, answer := request(t, "POST", url+path+"?verbose=true", schemaBody(t, breaking))
		if status != 200 || !strings.HasPrefix(answer, `{"is_compatible":false,"messages":["`) || !strings.Contains(answer, "currency") {
			t.Errorf("%s: %d %s", path, status, answer)
		}
		_, answer = request(t, "POST", url+path, schemaBody(t, breaking))
		equal(t, answer, `{"is_compatible":false}`)
		_, answer = request(t, "POST", url+path+"?verbose=true", schemaBody(t, placed2))
		equal(t, answer, `{"is_compatible":true}`)
	}
	_, answer := request(t, "POST", url+"/compatibility/subjects/new/versions/latest", schemaBody(t, breaking))
	equal(t, answer, `{"is_compatible":true}`)
}

func TestSchemaFormattingDoesNotChangeItsID(t *testing.T) {
	url := serve(t, t.TempDir())
	for _, c := range []struct {
		schema string
		id     int
	}{
		{placed1, 1},
		{strings.ReplaceAll(placed1, ",", " ,\n\t"), 1},
		{`{"name":"quintet.order.OrderPlaced","fields":[{"type":{"type":"string"},"name":"orderId"}],"type":"record"}`, 1},
		{strings.Replace(placed1, `"type":"record"`, `"type":"record","doc":"An order."`, 1), 2},
		{strings.Replace(placed1, `"type":"string"`, `"type":"string","personal":true`, 1), 3},
	} {
		_, answer := request(t, "POST", url+"/subjects/a/versions", schemaBody(t, c.schema))
		if want := fmt.Sprintf(`{"id":%d}`, c.id); answer != want {
			t.Errorf("%s: got %s, want %s", c.schema, answer, want)
		}
	}
}

func TestTheRegistryRemembersWhatItAnswered(t *testing.T) {
	dir := t.TempDir()
	url := serve(t, dir)
	request(t, "POST", url+"/subjects/a/versions", schemaBody(t, other))
	request(t, "POST", url+"/subjects/b/versions", schemaBody(t, placed1))
	request(t, "POST", url+"/subjects/b/versions", schemaBody(t, placed2))
	request(t, "DELETE", url+"/subjects/a", "")
	request(t, "DELETE", url+"/subjects/a?permanent=true", "")
	request(t, "DELETE", url+"/subjects/b/versions/1", "")
	request(t, "PUT", url+"/config", `{"compatibility":"backward"}`)
	request(t, "PUT", url+"/config/b", `{"compatibility":"NONE"}`)

	url = serve(t, dir) // a second one over the same file: the first was not closed, as after a kill
	for path, want := range map[string]string{
		"/subjects":                            `["b"]`,
		"/subjects?deleted=true":               `["b"]`,
		"/subjects/b/versions":                 `[2]`,
		"/schemas/ids/3/versions":              `[{"subject":"b","version":2}]`,
		"/schemas/ids/3/subjects":              `["b"]`,
		"/schemas/ids/2/schema":                placed1,
		"/subjects/b/versions/-1/referencedby": `[]`,
		"/config":                              `{"compatibilityLevel":"BACKWARD"}`,
		"/config/b":                            `{"compatibilityLevel":"NONE"}`,
		"/mode":                                `{"mode":"READWRITE"}`,
		"/schemas/types":                       `["AVRO"]`,
		"/readyz":                              `{"status":"ready"}`,
	} {
		_, answer := request(t, "GET", url+path, "")
		if answer != want {
			t.Errorf("%s: got %s, want %s", path, answer, want)
		}
	}
	_, answer := request(t, "POST", url+"/subjects/a/versions", schemaBody(t, strings.Replace(other, "Other", "Another", 1)))
	equal(t, answer, `{"id":4}`) // the id of the forgotten schema is not given away
}

// Every service asks for its subjects' levels again and again.
func TestALevelThatStandsIsNotWrittenAgain(t *testing.T) {
	dir := t.TempDir()
	url := serve(t, dir)
	var lines []int
	for _, level := range []string{"FULL", "FULL", "NONE", "NONE"} {
		request(t, "PUT", url+"/config/a", `{"compatibility":"`+level+`"}`)
		lines = append(lines, strings.Count(string(must(os.ReadFile(filepath.Join(dir, "schemas.jsonl")))(t)), "\n"))
	}
	equal(t, fmt.Sprint(lines), "[1 1 2 2]")
}

func TestACallThatIsNotThereIsRefusedInJSON(t *testing.T) {
	url := serve(t, t.TempDir())
	for _, call := range []string{"GET /nowhere", "GET /associations/resources/-/order.events", "PATCH /subjects"} {
		method, path, _ := strings.Cut(call, " ")
		status, answer := request(t, method, url+path, "")
		if status != 404 || answer != `{"error_code":404,"message":"HTTP 404 Not Found"}` {
			t.Errorf("%s: %d %s", call, status, answer)
		}
	}
}

func TestTornTailIsCutAndDamagedLineIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "schemas.jsonl")
	store := must(registry.Open(path, compat.FullTransitive))(t)
	must(store.Register("a", placed1))(t)
	must(store.Register("a", placed2))(t)
	store.Close()
	text := must(os.ReadFile(path))(t)

	if err := os.WriteFile(path, text[:len(text)-7], 0o600); err != nil {
		t.Fatal(err)
	}
	store = must(registry.Open(path, compat.FullTransitive))(t)
	equal(t, len(store.Versions("a")), 1)
	equal(t, must(store.Register("a", placed2))(t), 2)
	store.Close()
	equal(t, string(must(os.ReadFile(path))(t)), string(text))

	if err := os.WriteFile(path, append([]byte("{torn\n"), text...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := registry.Open(path, compat.FullTransitive); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("got %v, want an error that names line 1", err)
	}
}

func TestHEADIsAnsweredAsGETWithoutTheBody(t *testing.T) {
	url := serve(t, t.TempDir())
	for _, path := range []string{"/", "/healthz", "/readyz", "/subjects", "/subjects/none/versions", "/nothing"} {
		want, _ := request(t, "GET", url+path, "")
		if got, body := request(t, "HEAD", url+path, ""); got != want || body != "" {
			t.Errorf("%s: HEAD is answered %d %q, GET %d", path, got, body, want)
		}
	}
}
