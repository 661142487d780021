"""Quix Streams on the benchmark's workloads, under the worker contract of ../README.md. Defaults but for what W5 asks for."""

import os
import sys
import time

from quixstreams import Application
from quixstreams.dataframe.windows import Count, Mean

UNSUPPORTED = 3
workload = os.environ["WORKLOAD"]
expected = int(os.environ["EXPECTED_RECORDS"])
records = 0


def say(mark):
    print(f"{mark} {int(time.time() * 1000)}", flush=True)


def on_record(_value):
    global records
    records += 1
    if records == 1:
        say("FIRST_RECORD")
    if records == expected:
        say("LAST_RECORD")


def bucketed(click):
    fields = {name: click[name] for name in ("user", "page", "ms", "ts")}
    return {**fields, "bucket": click["ms"] // 10}


def counted(_click, state):
    count = state.get("count", 0) + 1
    state.set("count", count)
    return count


def latest(click, state):
    last = state.get("latest")
    value = {"user": click["user"], "page": click["page"], "n": 1 if last is None else last["n"] + 1}
    state.set("latest", value)
    return value


def enriched(click, user):
    fields = {name: click[name] for name in ("user", "page", "ms", "ts")}
    return {**fields, "country": user["country"], "tier": user["tier"]}


def with_window(value, key, _timestamp, _headers):
    return {"key": f"{key}@{value['start']}", "avg": value["avg"], "count": value["count"]}


if workload not in ("W1", "W2", "W3", "W4", "W5", "W6"):
    sys.exit(UNSUPPORTED)
guarantee = {"processing_guarantee": "exactly-once", "commit_interval": 0.1} if workload == "W5" else {}
app = Application(
    broker_address=os.environ["BROKERS"],
    consumer_group=os.environ["APP_ID"],
    state_dir=os.environ["STATE_DIR"],
    auto_offset_reset="earliest",
    loglevel="WARNING",
    **guarantee,
)
output = app.topic(os.environ["OUTPUT"], key_serializer="str", value_serializer="json")
clicks = app.dataframe(app.topic(os.environ["INPUT"], key_deserializer="str", value_deserializer="json"))

if workload == "W1":
    clicks.update(on_record).filter(lambda click: click["ms"] % 2 == 0).apply(bucketed).to_topic(output)
elif workload in ("W2", "W5"):
    clicks.update(on_record).apply(counted, stateful=True).to_topic(output)
elif workload == "W3":
    by_page = clicks.group_by("page", key_serializer="str", key_deserializer="str").update(on_record)
    averages = by_page.apply(lambda click: click["ms"]).tumbling_window(300_000, grace_ms=10_000)
    averages = averages.agg(avg=Mean(), count=Count()).current()
    averages.apply(with_window, metadata=True).to_topic(output, key=lambda value: value["key"])
elif workload == "W4":
    # It has no join with a table; this is the nearest, and waits for no table.
    users = app.dataframe(app.topic(os.environ["TABLE"], key_deserializer="str", value_deserializer="json"))
    clicks.update(on_record).join_asof(users, how="inner", on_merge=enriched).to_topic(output)
elif workload == "W6":
    clicks.update(on_record).apply(latest, stateful=True).to_topic(output)
app.run()
