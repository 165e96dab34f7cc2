package registry_test

import (
	"encoding/json"
	"errors"
	"sync"
	"testing"

	"github.com/linkedin/goavro/v2"
	"github.com/riferrei/srclient"
)

func viaSrclient(c called) {
	client := srclient.NewSchemaRegistryClient(c.base)
	client.CachingEnabled(false)
	first, second, third := versions("ViaSrclient")
	subject := "srclient.events-quintet.test.ViaSrclient"
	must(client.ChangeSubjectCompatibilityLevel(subject, srclient.FullTransitive))(c.T)
	one := must(client.CreateSchema(subject, first, srclient.Avro))(c.T)
	two := must(client.CreateSchema(subject, second, srclient.Avro))(c.T)
	equal(c.T, *must(client.GetCompatibilityLevel(subject, false))(c.T), srclient.FullTransitive)
	equal(c.T, must(client.GetSchemaVersions(subject))(c.T), []int{1, 2})
	latest := must(client.GetLatestSchema(subject))(c.T)
	equal(c.T, []int{latest.ID(), latest.Version()}, []int{two.ID(), 2})
	equal(c.T, must(client.GetSchemaByVersion(subject, 1))(c.T).ID(), one.ID())
	equal(c.T, must(client.LookupSchema(subject, first, srclient.Avro))(c.T).Version(), 1)
	used := must(client.GetSubjectVersionsById(one.ID()))(c.T)
	if len(used) != 1 || used[0].Subject != subject || used[0].Version != 1 {
		c.Errorf("id %d is used by %v", one.ID(), used)
	}
	equal(c.T, must(client.IsSchemaCompatible(subject, third, "1", srclient.Avro))(c.T), false)
	equal(c.T, must(client.IsSchemaCompatible(subject, second, "latest", srclient.Avro))(c.T), true)
	for code, err := range map[int]error{
		409: failure(client.CreateSchema(subject, third, srclient.Avro)), 42201: failure(client.CreateSchema(subject, `{"type":"rekord"}`, srclient.Avro)),
		40403: failure(client.GetSchema(999999)), 40401: failure(client.GetLatestSchema("nobody")), 40402: failure(client.GetSchemaByVersion(subject, 9)),
	} {
		if refusal := (srclient.Error{}); !errors.As(err, &refusal) || refusal.Code != code || refusal.Message == "" {
			c.Errorf("want code %d, got %v", code, err)
		}
	}
	// What is read back is a schema to goavro, too.
	codec := must(goavro.NewCodec(must(client.GetSchema(two.ID()))(c.T).Schema()))(c.T)
	must(codec.BinaryFromNative(nil, map[string]any{"orderId": "o-1", "currency": "EUR"}))(c.T)
}

func failure[V any](_ V, err error) error { return err }

func atOnce(c called) {
	// As two instances of a service do that start together. One may be refused, since the other is at it; asked again it is not.
	first, second, _ := versions("AtOnce")
	var all sync.WaitGroup
	var mu sync.Mutex
	ids := map[int]int{}
	for range 20 {
		all.Go(func() {
			client := srclient.NewSchemaRegistryClient(c.base)
			for _, schema := range []string{first, second} {
				s, err := client.CreateSchema("at-once", schema, srclient.Avro)
				for again := 0; err != nil && again < 20; again++ {
					s, err = client.CreateSchema("at-once", schema, srclient.Avro)
				}
				if err != nil {
					c.Error(err)
					return
				}
				mu.Lock()
				ids[s.ID()]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(ids) != 2 {
		c.Errorf("two schemas have the ids %v", ids)
	}
}

func decoded(t *testing.T, schema string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(schema), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
