#!/bin/sh
# The server logs what Debezium needs, once it has started for good.
psql --quiet -v ON_ERROR_STOP=1 --username postgres -c "ALTER SYSTEM SET wal_level = 'logical'"
