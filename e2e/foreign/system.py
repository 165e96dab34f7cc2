"""Where the system is, and its HTTP side as a customer, a supplier and a witness call it."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

BASE = int(os.environ.get("PORT_BASE") or 8000)
SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"


class Failed(Exception):
    """Something is not as it should be. The text says what."""


def call(method, url, body=None, key=None):
    request = urllib.request.Request(url, method=method, data=None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    if key:
        request.add_header("Idempotency-Key", key)
    try:
        with urllib.request.urlopen(request, timeout=40) as answer:
            text = answer.read()
    except urllib.error.HTTPError as refusal:
        raise Failed(f"{method} {url}: {refusal.code} {refusal.read().decode(errors='replace')[:500]}") from None
    except OSError as trouble:
        raise Failed(f"{method} {url}: {trouble}; is the system up? PORT_BASE={BASE}") from None
    return json.loads(text) if text else None


def url(variable, port):
    return (os.environ.get(variable) or f"http://127.0.0.1:{BASE + port}").rstrip("/")


class System:
    """A system that runs, by the same variables as the stories of e2e."""

    def __init__(self):
        self.order, self.inventory = url("ORDER_URL", 1), url("INVENTORY_URL", 2)
        self.sandbox = url("SANDBOX_URL", 10)
        self.brokers = os.environ.get("KAFKA_BROKERS") or f"127.0.0.1:{BASE + 1092}"
        self.registry = url("SCHEMA_REGISTRY_URL", 81)
        if not os.environ.get("SCHEMA_REGISTRY_URL"):
            try:  # Apicurio has Confluent's API there, the embedded registry at its root
                call("GET", self.registry + "/apis/ccompat/v7/subjects")
                self.registry += "/apis/ccompat/v7"
            except Failed:
                pass
        self.run = uuid.uuid4().hex[:8]

    def shelf(self, name, quantity):
        """Put a quantity of a new SKU into stock."""
        sku = f"foreign-{self.run}-{name}"
        call("POST", f"{self.inventory}/stock/{sku}/receive", {"quantity": quantity}, key=f"{sku}-delivery")
        return sku

    def place(self, name, quantity=2, token="tok_ok", country="GB", email="ada"):
        """Place an order of two pieces of a SKU of which there are two."""
        sku = self.shelf(name, 2)
        answer = call("POST", self.order + "/orders", key=f"foreign-{self.run}-{name}", body={
            "customerId": f"c-{self.run}", "email": f"{email}@example.com", "currency": "EUR", "paymentToken": token,
            "shippingAddress": {"name": "Ada Lovelace", "line1": "12 St James's Square", "city": "London", "postcode": "SW1Y 4JH", "country": country},
            "lines": [{"sku": sku, "quantity": quantity, "unitPrice": 1250}],
        })
        return answer["orderId"]

    def cancel(self, order):
        call("POST", f"{self.order}/orders/{order}/cancel")

    def end(self, order):
        """Wait until an order has ended; return it as its service shows it."""
        shown = call("GET", f"{self.order}/orders/{urllib.parse.quote(order)}?wait=30s")
        if shown["status"] not in ("completed", "cancelled"):
            raise Failed(f"order {order} has not ended after 30 s: {shown}")
        return shown

    def ledger(self, of, order):
        """What the outside world wrote down of an order."""
        return call("GET", f"{self.sandbox}/ledger/{of}?orderId={urllib.parse.quote(order)}")
