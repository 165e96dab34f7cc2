#!/bin/sh
# One database and one login per service. A service's login owns its own database
# and can connect to no other. PostgreSQL's image runs this once, on an empty
# data directory, from /docker-entrypoint-initdb.d.
#
# Passwords come from ORDER_DB_PASSWORD and so on; the defaults are the services'
# names, for development. Text is ordered by bytes (LOCALE 'C'): the services take
# their locks in the order that their keys have in memory.
set -eu

as_superuser() {
	psql --quiet --no-psqlrc -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres "$@"
}

for service in order inventory payment shipping email; do
	variable=$(echo "${service}" | tr '[:lower:]' '[:upper:]')_DB_PASSWORD
	SERVICE_PASSWORD=$(printenv "${variable}" || echo "${service}")
	export SERVICE_PASSWORD # not an argument, which others on the machine could read
	as_superuser -v service="${service}" <<'SQL'
\getenv password SERVICE_PASSWORD
CREATE ROLE :"service" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'password';
CREATE DATABASE :"service" OWNER :"service" TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';
REVOKE ALL ON DATABASE :"service" FROM PUBLIC;
SQL
done

as_superuser <<'SQL'
REVOKE ALL ON DATABASE postgres FROM PUBLIC;
REVOKE ALL ON DATABASE template1 FROM PUBLIC;
SQL
