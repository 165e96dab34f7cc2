// Package events holds the Go types of the contract. There is one struct for each event
// in its latest version. The records inside the events and the enums have types too.
//
// schemas/gen writes all of events.gen.go. The structs are encoded with the event's
// latest schema. A record of any other version is decoded by resolving its schema, the
// writer's, to the latest one, the reader's. Fields that the record lacks get their
// defaults.
//
// A list is encoded alike whether nil or empty. An enum has no empty value: the encoder
// refuses an event without its reason, kind or cause.
//
// Amounts are in minor units of their currency.
package events
