// Package events holds the Go types of the contract: one struct for each event
// in its latest version, the records inside them, and the enums.
//
// All of events.gen.go is written by schemas/gen. The structs are encoded with
// the event's latest schema. A record of any other version is decoded by
// resolving its schema, the writer's, to the latest one, the reader's: fields
// that the record lacks get their defaults.
//
// A list is encoded alike whether nil or empty. An enum has no empty value: an
// event whose reason, kind or cause was forgotten is refused by the encoder.
//
// Amounts are in minor units of their currency.
package events
