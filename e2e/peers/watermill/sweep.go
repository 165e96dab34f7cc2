package watermill

import "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"

// offsets is how a forwarder notes how far it is.
func (k Knobs) offsets(schema sql.DefaultPostgreSQLSchema) sql.OffsetsAdapter {
	if k.Sweep {
		return sweeping{schema: schema}
	}
	return sql.DefaultPostgreSQLOffsetsAdapter{}
}

// sweeping is Watermill's adapter, which besides deletes what is acknowledged. Each poll
// passes over all rows that are there, so those that were sent would make it slower and
// slower.
type sweeping struct {
	sql.DefaultPostgreSQLOffsetsAdapter
	schema sql.DefaultPostgreSQLSchema
}

// AckMessageQuery implements sql.OffsetsAdapter. Rows are read in the order of their
// transactions, and only of those that have ended. So none that is at or before the last
// one acknowledged has still to be sent.
func (s sweeping) AckMessageQuery(params sql.AckMessageQueryParams) (sql.Query, error) {
	q, err := s.DefaultPostgreSQLOffsetsAdapter.AckMessageQuery(params)
	q.Query = `WITH sent AS (DELETE FROM ` + s.schema.MessagesTable(params.Topic) + ` WHERE (transaction_id, "offset") <= ($2, $1)) ` + q.Query
	return q, err
}
