"""Clients that share no code with the system: Confluent's for Python, and kcat. Exits with 1 at the first thing that is wrong."""

import subprocess
import sys

from confluent_kafka import KafkaException, Producer
from confluent_kafka.schema_registry import Schema, SchemaRegistryError, topic_record_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from reading import TOPICS, TYPES, Topics
from system import SCHEMAS, Failed, System

PLACED = "quintet.order.OrderPlaced"
IN_ORDERS = SerializationContext("order.events", MessageField.VALUE)


def text(version):
    return (SCHEMAS / "order" / "OrderPlaced" / f"v{version}.avsc").read_text()


def place(system):
    """Orders that between them make every event type occur, by the sandbox's magic values. How each must end."""
    orders = {
        system.place("happy"): ("completed", None),
        system.place("short", quantity=3): ("cancelled", "out_of_stock"),
        system.place("declined", token="tok_declined"): ("cancelled", "declined"),
        system.place("refused", country="XX"): ("cancelled", "carrier_refused"),
        system.place("bounced", email=f"bounce+{system.run}"): ("completed", None),
    }
    regretted = system.place("regretted", token="tok_slow")
    system.cancel(regretted)
    orders[regretted] = ("cancelled", "customer")
    return orders


def produce(system, topics):
    """Write an OrderPlaced of version 1 with Confluent's serializer, as a team that has only the .avsc would."""
    subject, order, schema = f"order.events-{PLACED}", f"foreign-{system.run}", Schema(text(1), "AVRO")
    before = topics.registry.get_versions(subject)
    # normalize: to Apicurio a schema in other white space is another schema.
    serialize = AvroSerializer(topics.registry, schema, conf={
        "auto.register.schemas": False, "normalize.schemas": True, "subject.name.strategy": topic_record_subject_name_strategy})
    value = serialize({
        "orderId": order, "customerId": "c-foreign", "email": "grace@example.com", "paymentToken": "tok_ok", "total": 500,
        "lines": [{"sku": system.shelf("depot", 2), "quantity": 1, "unitPrice": 500}],
    }, IN_ORDERS)
    # One that registers what it brings, which is the default, gets the same id and adds no version.
    registered = topics.registry.register_schema(subject, schema, normalize_schemas=True)
    if registered != int.from_bytes(value[1:5], "big") or topics.registry.get_versions(subject) != before:
        raise Failed(f"version 1 of {PLACED}, registered once more, is schema {registered}, versions {before} are now {topics.registry.get_versions(subject)}")
    level = topics.registry.get_compatibility(subject)
    if level != "FULL_TRANSITIVE":
        raise Failed(f"{subject} is {level}, not FULL_TRANSITIVE")
    refused = []
    producer = Producer({"bootstrap.servers": system.brokers, "partitioner": "murmur2_random", "log_level": 2})
    producer.produce("order.events", key=order, value=value, on_delivery=lambda error, _: error and refused.append(error))
    if producer.flush(30) or refused:
        raise Failed(f"the broker did not take the foreign order: {refused or 'no answer within 30 s'}")
    return order


def handled(system, order):
    """The foreign order is external to the order service, paid, and kept at the depot: version 1 has no address."""
    shown = system.end(order)
    if shown["status"] != "completed" or not shown.get("external"):
        raise Failed(f"the foreign order should be external and completed: {shown}")
    payments, shipments = system.ledger("payments", order), system.ledger("shipments", order)
    if [(p["outcome"], p["amount"], p["currency"]) for p in payments] != [("captured", 500, "USD")]:
        raise Failed(f"the foreign order should be captured once, 500 USD: {payments}")
    if [(s["outcome"], s["delivery"], s.get("address")) for s in shipments] != [("booked", "depot", None)]:
        raise Failed(f"the foreign order should be booked once, to be collected at the depot: {shipments}")


def resolved(topics, records):
    """A reader of version 1 reads what was written as version 2, and the other way round."""
    for reader, writer in ((1, 2), (2, 1)):
        decode = AvroDeserializer(topics.registry, text(reader), conf={"subject.name.strategy": topic_record_subject_name_strategy})
        contents = [decode(m.value(), IN_ORDERS) for m, name in records if name == PLACED and bool(m.headers()) == (writer == 2)]
        if not contents or any(c.get("currency") != (None if reader == 1 else "USD") for c in contents):
            raise Failed(f"OrderPlaced version {writer}, read as version {reader}: {contents}")


def kcat(system, records):
    """kcat sees the same records: partition, offset, key and headers. Debian's is built without Avro."""
    since = min(m.timestamp()[1] for m, _ in records)
    for topic in TOPICS:
        ours = {f"{m.partition()}|{m.offset()}|{m.key().decode()}|" + ",".join(f"{k}={v.decode()}" for k, v in m.headers() or [])
                for m, _ in records if m.topic() == topic}
        command = ["kcat", "-b", system.brokers, "-C", "-q", "-e", "-t", topic, "-o", f"s@{since}", "-f", "%p|%o|%k|%h\n"]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if ran.returncode:
            raise Failed(f"{' '.join(command)}: {ran.stderr.strip()}")
        if missing := ours - set(ran.stdout.splitlines()):
            raise Failed(f"kcat does not see of {topic}:\n" + "\n".join(sorted(missing)) + "\nbut\n" + ran.stdout)


def main():
    system = System()
    topics = Topics(system)
    orders = place(system)
    foreign = produce(system, topics)
    for order, (status, reason) in orders.items():
        shown = system.end(order)
        if (shown["status"], shown.get("reason") or None) != (status, reason):
            raise Failed(f"order {order} should be {status} ({reason}): {shown}")

    def kind(m):
        return dict(m.headers() or []).get("ce_type", b"").decode()

    def enough(found):
        ended = any(kind(m) == "quintet.order.OrderCompleted" and m.key().decode() == foreign for m in found)
        return ended and {kind(m) for m in found} >= set(TYPES)

    records = [(m, *topics.judge(m)) for m in topics.records({*orders, foreign}, enough)]
    if missing := set(TYPES) - {name for _, name, _ in records}:
        raise Failed(f"never seen within a minute: {', '.join(sorted(missing))}")
    # Nobody knows the foreign order before its record was read: first its end is on the topic.
    handled(system, foreign)
    print(f"{len(orders) + 1} orders have ended, one of them placed by a Python producer as version 1 without headers")
    records = [(m, name) for m, name, _ in records]
    print(f"Confluent's deserializer reads {len(records)} records of all {len(TYPES)} types")
    resolved(topics, records)
    print("version 1 reads version 2 of OrderPlaced, and version 2 reads version 1")
    kcat(system, records)
    print("kcat sees their keys and CloudEvents headers")


if __name__ == "__main__":
    try:
        main()
    except (Failed, KafkaException, SchemaRegistryError) as failure:
        sys.exit(f"foreign: {failure}")
