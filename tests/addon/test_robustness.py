"""What goes wrong around an edge leaves it in a clear state, and loses no reading."""

import asyncio
import random
import ssl
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from energy_swap_edge import forward
from energy_swap_edge.config import MqttConfig
from energy_swap_edge.edge import Edge
from energy_swap_edge.store import Store
from energy_swap_protocol.reading import decode_frame

from .broker import Broker
from .conftest import MakeEdge, introduced
from .hostile import HostileHub, OldDoor
from .meter import Meter, now
from .small_hub import SmallHub, until


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_both_versions_of_mqtt_keep_what_came_while_the_edge_was_away(
    make_edge: MakeEdge, broker: Broker, hub: SmallHub, meter: Meter, version: str
) -> None:
    mqtt = MqttConfig(host="127.0.0.1", port=broker.port, version=version)  # type: ignore[arg-type]
    async with make_edge(mqtt=mqtt) as edge:
        await introduced(edge, broker, hub, meter)
    await broker.publish(meter.topic("reading"), *[meter.next_text() for _ in range(5)])
    broker.stop()
    await broker.start()
    async with make_edge(mqtt=mqtt):
        await until(lambda: hub.accepted == [1, 2, 3, 4, 5, 6])


async def test_a_broker_that_knows_only_mqtt_3_is_spoken_to_in_it(
    make_edge: MakeEdge, broker: Broker, hub: SmallHub, meter: Meter
) -> None:
    door = OldDoor(broker.port)
    await door.start()
    async with make_edge(mqtt=MqttConfig(host="127.0.0.1", port=door.port)) as edge:
        await introduced(edge, broker, hub, meter)
        assert door.turned_away == 1
    await door.stop()


async def test_tls_is_spoken_and_a_broker_of_another_authority_is_not_trusted(
    tmp_path: Path, make_edge: MakeEdge, hub: SmallHub, meter: Meter
) -> None:
    files = {name: tmp_path / name for name in ("ca.pem", "broker.pem", "broker.key", "other.pem")}
    for path, content in zip(files.values(), (*signed_for_localhost(), signed_for_localhost()[0]), strict=True):
        path.write_bytes(content)
    folder = tmp_path / "tls-broker"
    folder.mkdir()
    broker = Broker(folder, f"certfile {files['broker.pem']}", f"keyfile {files['broker.key']}")
    broker.tls = ssl.create_default_context(cafile=str(files["ca.pem"]))
    await broker.start()
    try:
        mqtt = MqttConfig(host="127.0.0.1", port=broker.port, tls=True, ca_file=files["other.pem"])
        async with make_edge(mqtt=mqtt, data_dir=tmp_path / "strict") as edge:
            await asyncio.sleep(0.5)
            assert not edge.is_listening
        mqtt = MqttConfig(host="127.0.0.1", port=broker.port, tls=True, ca_file=files["ca.pem"])
        async with make_edge(mqtt=mqtt) as edge:
            await introduced(edge, broker, hub, meter)
    finally:
        broker.stop()


async def test_garbage_on_every_topic_changes_nothing(
    admitted_edge: Edge, broker: Broker, hub: SmallHub, meter: Meter
) -> None:
    drawn = random.Random(7)
    await until(lambda: admitted_edge.state["hub"]["queue"] == 0)
    before = admitted_edge.state.snapshot()
    garbage: list[bytes] = [
        b"", b"\x00" * 192, b"[" * 100_000, b'{"net_w":' + b"9" * 400 + b',"at":1}', b'{"net_w":1e999,"at":1}',
        b'{"net_w":5,"at":-1}', b'{"net_w":null,"at":1}', b"\xf0\x28\x8c\x28", b"x" * 250_000,
        *(drawn.randbytes(drawn.randrange(300)) for _ in range(30)),
    ]  # fmt: skip
    for topic in ("reading", "power", "status", "relay/state", "nonsense"):
        await broker.publish(meter.topic(topic), *garbage)
    await until(lambda: sum(admitted_edge.rejected.values()) >= 3 * len(garbage))
    after = admitted_edge.state.snapshot()
    assert {name for name in before if before[name] != after[name]} <= {"earnings", "trader", "advice", "forecast"}
    await broker.publish(meter.topic("reading"), meter.next_text())
    await until(lambda: hub.accepted == [1, 2])


async def test_a_full_disk_is_said_and_every_reading_waits_at_the_broker(
    admitted_edge: Edge, broker: Broker, hub: SmallHub, meter: Meter
) -> None:
    await until(lambda: admitted_edge.state["hub"]["queue"] == 0)
    store = admitted_edge.store
    pages = await store.read(lambda db: int(db.execute("PRAGMA page_count").fetchone()[0]))
    await store.read(lambda db: db.execute(f"PRAGMA max_page_count = {pages}").fetchall())  # a real SQLITE_FULL
    await broker.publish(meter.topic("reading"), *[meter.next_text() for _ in range(1000)])
    await until(lambda: any(alert["key"] == "storage" for alert in admitted_edge.state["alerts"]))
    assert "full" in admitted_edge.state["alerts"][-1]["sentence"]
    await store.read(lambda db: db.execute("PRAGMA max_page_count = 100000000").fetchall())
    await until(lambda: len(hub.accepted) == 1001, 60)
    assert hub.accepted == list(range(1, 1002))
    await until(lambda: not any(alert["key"] == "storage" for alert in admitted_edge.state["alerts"]))


async def test_a_clock_that_jumps_stops_nothing(
    make_edge: MakeEdge, broker: Broker, hub: SmallHub, meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    offset = timedelta()

    def clock() -> datetime:
        return now() + offset

    edge = make_edge()
    edge._clock = clock
    monkeypatch.setattr(forward, "_REFUSED_SECONDS", 0.2)
    monkeypatch.setattr("energy_swap_edge.membership._REFUSED_SECONDS", (0.05, 0.1))
    async with edge:
        await introduced(edge, broker, hub, meter)
        for jump in (timedelta(days=3650), timedelta(days=-3650), timedelta(hours=-2), timedelta()):
            offset = jump
            await broker.publish(meter.topic("reading"), meter.next_text())
            await broker.publish(meter.topic("power"), '{"net_w":1,"at":5}', qos=0)
            await asyncio.sleep(0.2)
        await until(lambda: hub.accepted == [1, 2, 3, 4, 5])
        await until(lambda: edge.state["hub"]["status"] == "connected")
        assert edge.state["meter"]["status"] == "live"


@pytest.mark.parametrize("seed", range(4))
async def test_a_hub_that_answers_nonsense_breaks_nothing(
    make_edge: MakeEdge,
    broker: Broker,
    hub: SmallHub,
    meter: Meter,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(forward, "_REFUSED_SECONDS", 0.2)
    monkeypatch.setattr("energy_swap_edge.membership._REFUSED_SECONDS", (0.05, 0.1))
    monkeypatch.setattr("energy_swap_edge.backoff._LAST_SECONDS", 0.2)
    monkeypatch.setattr("energy_swap_edge.housekeeping._CADENCE_SECONDS", 0.02)
    monkeypatch.setattr("energy_swap_edge.counsel._AT_MOST_EVERY_SECONDS", 0.02)
    monkeypatch.setattr("energy_swap_edge.trader.trader._CADENCE_SECONDS", 0.02)
    async with make_edge(latitude=-1.3) as edge:
        await introduced(edge, broker, hub, meter)
        await until(lambda: edge.state["advice"] is not None)
        await hub.stop()
        hostile = HostileHub(hub.port, seed, hub.state)
        await hostile.start()
        for _ in range(20):
            await broker.publish(meter.topic("reading"), meter.next_text())
            await asyncio.sleep(0.05)
        await until(lambda: hostile.requests > 40)
        assert edge.is_listening
        await hostile.stop()
        await hub.start()
        await until(lambda: edge.state["hub"]["status"] == "connected", 40)
        # Nonsense that looks like "I have it" is believed; registers are cumulative.
        await broker.publish(meter.topic("reading"), meter.next_text())
        await until(lambda: meter.sequence in hub.accepted, 40)
        assert len(hub.accepted) == len(set(hub.accepted))
    assert not [record for record in caplog.records if record.exc_info], "a part failed"


async def test_three_days_without_the_hub_are_replayed_in_order_and_once(
    make_edge: MakeEdge, broker: Broker, hub: SmallHub, meter: Meter, tmp_path: Path
) -> None:
    async with make_edge() as edge:
        await introduced(edge, broker, hub, meter)
        await until(lambda: edge.state["hub"]["queue"] == 0)
    await hub.stop()
    frames = [meter.next_frame() for _ in range(72 * 60)]
    store = await Store.open(tmp_path / "edge")
    await store.add_frames([(decode_frame(frame), frame) for frame in frames])
    await store.close()
    async with make_edge() as edge:
        await until(lambda: edge.state["hub"]["queue"] >= 72 * 60)
        hub.answers_to_lose = 3
        await hub.start()
        await until(lambda: len(hub.accepted) > 2000)
        await hub.stop()  # and away again, in the middle
        await asyncio.sleep(0.1)
        await hub.start()
        await until(lambda: edge.state["hub"]["queue"] == 0 and len(hub.accepted) == 72 * 60 + 1, 60)
    assert hub.accepted == list(range(1, 72 * 60 + 2))


def private_pem(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return pem


def signed_for_localhost() -> tuple[bytes, bytes, bytes]:
    """Return an authority's certificate, one that it gave to 127.0.0.1, and the latter's key; all PEM."""
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])

    def build(subject: str, issuer: str, public: Any, *, is_ca: bool) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(named(subject))
            .issuer_name(named(issuer))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now() - timedelta(days=1))
            .not_valid_after(now() + timedelta(days=9))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        )

    def key_usage(*, is_ca: bool) -> x509.KeyUsage:
        return x509.KeyUsage(
            digital_signature=True, key_cert_sign=is_ca, crl_sign=is_ca, content_commitment=False,
            key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
            decipher_only=False,
        )  # fmt: skip

    ca_key, host_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ski = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    ca = (
        build("a village's authority", "a village's authority", ca_key.public_key(), is_ca=True)
        .add_extension(ski, critical=False)
        .add_extension(key_usage(is_ca=True), critical=True)
        .sign(ca_key, SHA256())
    )
    host = (
        build("broker", "a village's authority", host_key.public_key(), is_ca=False)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski), critical=False)
        .sign(ca_key, SHA256())
    )
    return ca.public_bytes(Encoding.PEM), host.public_bytes(Encoding.PEM), private_pem(host_key)
