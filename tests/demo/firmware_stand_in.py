"""Speaks as the meter's firmware does to broker and feed; for tests on machines that cannot compile the firmware.

It ends in the middle of a confirmation when its preferences hold a file "power_cut", which it then removes.
"""

import asyncio
import os
from pathlib import Path

import aiomqtt
from energy_swap_demo.keys import keep_key
from energy_swap_protocol.reading import Reading, frame_to_text, sign_reading

MILLIWATT_SECONDS_PER_WH = 3_600_000


async def main() -> None:
    folder = Path(os.environ["ESPHOME_PREFDIR"])
    key = keep_key(folder / "key")
    topic = f"energy_swap/{bytes(key.verify_key).hex()}"
    state_file = folder / "state"
    # sequence, counted to, net, generation, export, import, generated (in milliwatt seconds)
    state = [int(word) for word in state_file.read_text().split()] if state_file.exists() else [0] * 7
    mqtt_host, mqtt_port = os.environ["ENERGY_SWAP_MQTT"].split(":")
    feed_host, feed_port = os.environ["ENERGY_SWAP_FEED"].split(":")
    async with aiomqtt.Client(mqtt_host, int(mqtt_port)) as broker:
        await broker.publish(f"{topic}/status", "online", qos=1, retain=True)
        reader, writer = await asyncio.open_connection(feed_host, int(feed_port))
        while line := await reader.readline():
            at, net, generation = map(int, line.split())
            if at > state[1]:
                elapsed = at - state[1] if state[1] else 0
                state[4] += max(-state[2], 0) * elapsed
                state[5] += max(state[2], 0) * elapsed
                state[6] += state[3] * elapsed
                state[0] += 1
            state[1:4] = [at, net, generation]
            state_file.write_text(" ".join(map(str, state)))
            exported, imported, generated = (state[n] // MILLIWATT_SECONDS_PER_WH for n in (4, 5, 6))
            reading = Reading(bytes(key.verify_key), state[0], at, exported, imported, generated)
            await broker.publish(f"{topic}/reading", frame_to_text(sign_reading(reading, key)), qos=1)
            if (folder / "power_cut").exists():
                (folder / "power_cut").unlink()
                os._exit(1)
            writer.write(f"ok {at}\n".encode())


asyncio.run(main())
