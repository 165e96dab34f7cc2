#!/usr/bin/env bash
# Starts the broker. The image's own start writes its configuration into the
# image and formats the storage every time; this one works on a read-only root
# and formats once.
set -eu
cd "$(dirname "$0")"
data=/var/lib/kafka/data

# The file is written last, so a format that was cut short is made again.
[ -e $data/meta.properties ] ||
  /opt/kafka/bin/kafka-storage.sh format --cluster-id "$CLUSTER_ID" --config server.properties

# shellcheck disable=SC2086 # the heap options are several
exec java $KAFKA_HEAP_OPTS -Dlog4j2.configurationFile=log4j2.properties \
  -cp '/opt/kafka/libs/*' kafka.Kafka server.properties --override "advertised.listeners=$ADVERTISED_LISTENERS"
