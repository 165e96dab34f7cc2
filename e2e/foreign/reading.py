"""Reads the topics with Confluent's deserializer, and judges each record."""

import hashlib
import json
import re
import struct
import time

import fastavro.schema
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient, topic_record_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError

from system import SCHEMAS, Failed

TYPES = sorted(f"quintet.{event.parent.name}.{event.name}" for event in SCHEMAS.glob("*/[A-Z]*") if (event / "v1.avsc").exists())
TOPICS = sorted({name.split(".")[1] + ".events" for name in TYPES})
REQUIRED = {"ce_id", "ce_source", "ce_type", "ce_specversion", "ce_time", "ce_subject", "ce_dataschema", "ce_correlationid", "ce_sequence", "ce_tenant"}


def murmur2(key):
    """The hash by which the JVM's clients choose a partition."""
    m, h = 0x5BD1E995, 0x9747B28C ^ len(key)
    cut = len(key) & ~3
    for (k,) in struct.iter_unpack("<I", key[:cut]):
        k = k * m & 0xFFFFFFFF
        h = (h * m & 0xFFFFFFFF) ^ ((k ^ k >> 24) * m & 0xFFFFFFFF)
    if key[cut:]:
        h = (h ^ int.from_bytes(key[cut:], "little")) * m & 0xFFFFFFFF
    h = (h ^ h >> 13) * m & 0xFFFFFFFF
    return (h ^ h >> 15) & 0x7FFFFFFF


class Topics:
    """The five topics, from the moment this was made."""

    def __init__(self, system):
        self.registry = SchemaRegistryClient({"url": system.registry})
        self.decode = AvroDeserializer(self.registry, conf={"subject.name.strategy": topic_record_subject_name_strategy})
        self.consumer = Consumer({"bootstrap.servers": system.brokers, "group.id": f"foreign-{system.run}", "enable.auto.commit": False, "log_level": 2})
        try:
            found = self.consumer.list_topics(timeout=10).topics
        except KafkaException as trouble:
            raise Failed(f"no broker at {system.brokers}: {trouble}; is the system up?") from None
        if missing := [t for t in TOPICS if t not in found or found[t].error]:
            raise Failed(f"the broker at {system.brokers} has no topic {', '.join(missing)}")
        self.partitions = {t: len(found[t].partitions) for t in TOPICS}
        self.start = []
        for topic in TOPICS:
            for p in range(self.partitions[topic]):
                _, end = self.consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10)
                self.start.append(TopicPartition(topic, p, end))
        self.consumer.assign(self.start)

    def records(self, orders, enough, within=60):
        """The records of these orders, oldest first per partition, until enough(records) or time is up."""
        found, until = [], time.monotonic() + within
        while not enough(found) and time.monotonic() < until:
            for m in self.consumer.consume(100, timeout=0.5):
                if m.error():
                    raise Failed(f"read {m.topic()}: {m.error()}")
                if (m.key() or b"").decode(errors="replace") in orders:
                    found.append(m)
        return found

    def judge(self, m):
        """Hold a record against the contract. Returns its type and its content."""
        at = f"{m.topic()}/{m.partition()}/{m.offset()}"
        key, value, headers = m.key(), m.value(), {k: v.decode() for k, v in m.headers() or []}
        wrong = []

        def expect(true, says):
            if not true:
                wrong.append(says)

        expect(len(value) > 5 and value[0] == 0, f"no magic byte and schema id: {value[:8].hex()}")
        schema_id = int.from_bytes(value[1:5], "big")
        try:
            content = self.decode(value, SerializationContext(m.topic(), MessageField.VALUE))
        except SerializationError as trouble:
            raise Failed(f"{at}: Confluent's deserializer: {trouble}") from None
        schema = json.loads(self.registry.get_schema(schema_id).schema_str)
        name = f"{schema['namespace']}.{schema['name']}"
        subject = f"{m.topic()}-{name}"
        used = [v.subject for v in self.registry.get_schema_versions(schema_id)]
        expect(subject in used, f"schema {schema_id} is under {used}, not under {subject}")
        expect(name in TYPES and m.topic() == name.split(".")[1] + ".events", f"{name} is not an event of {m.topic()}")
        expect(content["orderId"] == key.decode(), f"key {key!r} is not the order {content['orderId']}")
        expect(m.partition() == murmur2(key) % self.partitions[m.topic()], f"key {key!r} does not belong in partition {m.partition()}")
        if headers:  # a foreign producer's record has none
            expect(REQUIRED <= headers.keys(), f"no header {REQUIRED - headers.keys()}")
            expect(headers.get("ce_type") == name, f"ce_type {headers.get('ce_type')} is not {name}")
            expect(headers.get("ce_source") == "/quintet/" + name.split(".")[1], f"ce_source {headers.get('ce_source')}")
            expect(headers.get("ce_specversion") == "1.0", f"ce_specversion {headers.get('ce_specversion')}")
            expect(headers.get("ce_subject") == key.decode(), f"ce_subject {headers.get('ce_subject')}")
            expect(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", headers.get("ce_time", "")), f"ce_time {headers.get('ce_time')}")
            expect(re.fullmatch(r"[1-9]\d*", headers.get("ce_sequence", "")), f"ce_sequence {headers.get('ce_sequence')}")
            # A second opinion on the fingerprint, by another Avro library.
            canonical = fastavro.schema.to_parsing_canonical_form(schema)
            fingerprint = "urn:avro:sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
            expect(headers.get("ce_dataschema") == fingerprint, f"ce_dataschema {headers.get('ce_dataschema')} is not {fingerprint}")
        if wrong:
            raise Failed(f"{at} ({name}): " + "; ".join(wrong))
        return name, content
