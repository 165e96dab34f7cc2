package events_test

import (
	"os"
	"testing"

	"github.com/linkedin/goavro/v2"
	"github.com/twmb/avro"

	"github.com/quintet-eda/quintet/schemas/events"
)

// BenchmarkOrderPlaced compares the codec on the services' path with goavro, on
// the order of testdata/OrderPlaced.v2. Both have their schema compiled; goavro
// has its map already built, so what it would cost to fill it from a struct, or
// a struct from it, comes on top.
func BenchmarkOrderPlaced(b *testing.B) {
	order := today()["OrderPlaced.v2"].(events.OrderPlaced)
	schema := avro.MustParse(schemaOf(b, "quintet.order.OrderPlaced"))
	codec, err := goavro.NewCodec(schema.String())
	if err != nil {
		b.Fatal(err)
	}
	payload, err := schema.Encode(&order)
	if err != nil {
		b.Fatal(err)
	}
	native, _, err := codec.NativeFromBinary(payload)
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, 2*len(payload))
	var decoded events.OrderPlaced
	older := orderPlacedDecoders(b)[0]
	olderPayload, err := os.ReadFile("testdata/OrderPlaced.v1.avro")
	if err != nil {
		b.Fatal(err)
	}

	for _, bm := range []struct {
		name string
		call func() error
	}{
		{"encode/twmb", func() error { _, err := schema.AppendEncode(buf, &order); return err }},
		{"encode/goavro", func() error { _, err := codec.BinaryFromNative(buf, native); return err }},
		{"decode/twmb", func() error { decoded = events.OrderPlaced{}; _, err := schema.Decode(payload, &decoded); return err }},
		{"decode/goavro", func() error { _, _, err := codec.NativeFromBinary(payload); return err }},
		{"decode/twmb from v1", func() error {
			decoded = events.OrderPlaced{}
			_, err := older.Decode(olderPayload, &decoded)
			return err
		}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(payload)))
			for b.Loop() {
				if err := bm.call(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
